// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { bundleKey, bundleOfReference, referenceKey, rootsAbove, subjectPrefix } from "./layout.ts";

const SUBJECT = "ab".repeat(32);
const BUNDLE = "cd".repeat(32);
const SAN = "https://buildkite.com/acme/app";

describe("layout", () => {
  it("names a bundle by its digest", () => {
    expect(bundleKey("r/.kiteseal/", BUNDLE)).toBe(`r/.kiteseal/bundles/sha256/cd/${BUNDLE}.sigstore.json`);
  });

  it("puts the build number first, ten digits, so that names sort by build", () => {
    const key = referenceKey("", { subjectDigest: SUBJECT, signer: SAN, buildNumber: 1514, bundleDigest: BUNDLE });
    expect(key.startsWith(subjectPrefix("", SUBJECT, SAN))).toBe(true);
    expect(key.slice(key.lastIndexOf("/") + 1)).toBe(`0000001514-${BUNDLE}`);
    expect(key).not.toContain("buildkite.com");
  });

  it("puts a key's references below the key's own digest", () => {
    const keyDigest = "ef".repeat(32);
    const key = referenceKey("", { subjectDigest: SUBJECT, signer: { keyDigest }, bundleDigest: BUNDLE });
    expect(key).toContain(`/${SUBJECT}/${keyDigest}/0000000000-`);
  });

  it("names no build with zeros", () => {
    const key = referenceKey("", { subjectDigest: SUBJECT, signer: SAN, bundleDigest: BUNDLE });
    expect(key.endsWith(`/0000000000-${BUNDLE}`)).toBe(true);
  });

  it.each([
    [`x/0000001514-${BUNDLE}`, BUNDLE],
    [`0000000000-${BUNDLE}`, BUNDLE],
    [`1514-${BUNDLE}`, undefined],
    [`0000001514-${BUNDLE.toUpperCase()}`, undefined],
    [`0000001514-${BUNDLE}x`, undefined],
    ["0000001514-../../x", undefined],
  ])("reads the bundle out of the reference %s", (key, bundle) => {
    expect(bundleOfReference(key)).toBe(bundle);
  });

  it("looks in every folder up to the bucket's, nearest first", () => {
    expect(rootsAbove("S/1/dist/app.tgz")).toEqual([
      "S/1/dist/.kiteseal/",
      "S/1/.kiteseal/",
      "S/.kiteseal/",
      ".kiteseal/",
    ]);
    expect(rootsAbove("app.tgz")).toEqual([".kiteseal/"]);
  });
});
