// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Artifact } from "../artifact/source.ts";
import { compileRule } from "./compile.ts";
import { missingDigests, namesAgree, subject } from "./subject.ts";

const A = "aa".repeat(32);
const B = "bb".repeat(32);
const LONG = "cc".repeat(64);
const rule = (change: object = {}) =>
  compileRule(
    { id: "r", artifacts: ["dist/*"], organization: ["o"], pipeline: ["p"], anyRef: true, ...change },
    { env: {} },
  );
const artifact = (digest: Record<string, string>, name?: string): Artifact => ({
  ...(name === undefined ? {} : { name }),
  digest,
  origin: { kind: "digest" },
});

describe("the subject row", () => {
  it.each([
    [
      "the digest and the name agree",
      artifact({ sha256: A }, "dist/x"),
      [{ name: "dist/x", digest: { sha256: A } }],
      undefined,
    ],
    [
      "the requested name is longer",
      artifact({ sha256: A }, "S/1/dist/x"),
      [{ name: "dist/x", digest: { sha256: A } }],
      undefined,
    ],
    [
      "the requested name is shorter",
      artifact({ sha256: A }, "x"),
      [{ name: "dist/x", digest: { sha256: A } }],
      undefined,
    ],
    [
      "other bytes",
      artifact({ sha256: B }, "dist/x"),
      [{ name: "dist/x", digest: { sha256: A } }],
      "ERR_SUBJECT_DIGEST",
    ],
    [
      "the name of another file",
      artifact({ sha256: A }, "dist/x"),
      [{ name: "dist/y", digest: { sha256: A } }],
      "ERR_SUBJECT_NAME",
    ],
    [
      "a name that ends alike",
      artifact({ sha256: A }, "dist/x"),
      [{ name: "my-dist/x", digest: { sha256: A } }],
      "ERR_SUBJECT_NAME",
    ],
    [
      "a subject the rule is not about",
      artifact({ sha256: A }, "x"),
      [{ name: "tools/x", digest: { sha256: A } }],
      "ERR_SUBJECT_NAME",
    ],
    [
      "no shared algorithm",
      artifact({ sha512: LONG }, "dist/x"),
      [{ name: "dist/x", digest: { sha256: A } }],
      "ERR_SUBJECT_DIGEST",
    ],
    [
      "one of two digests wrong",
      artifact({ sha256: A, sha512: LONG }, "dist/x"),
      [{ name: "dist/x", digest: { sha256: A, sha512: "d".repeat(128) } }],
      "ERR_SUBJECT_DIGEST",
    ],
    [
      "a stated digest not computed",
      artifact({ sha256: A }, "dist/x"),
      [{ name: "dist/x", digest: { sha256: A, sha512: LONG } }],
      "ERR_SUBJECT_DIGEST",
    ],
    [
      "only an unknown algorithm",
      artifact({ sha256: A, md5: "x" }, "dist/x"),
      [{ name: "dist/x", digest: { md5: "x" } }],
      "ERR_SUBJECT_DIGEST",
    ],
    [
      "two files of equal bytes",
      artifact({ sha256: A }, "dist/y"),
      [
        { name: "dist/x", digest: { sha256: A } },
        { name: "dist/y", digest: { sha256: A } },
      ],
      undefined,
    ],
  ])("%s", (_, asked, subjects, code) => {
    const row = subject(rule(), asked, subjects);
    expect(row.code).toBe(code);
    expect(row.status).toBe(code === undefined ? "passed" : "failed");
  });

  it("waives the name only if the rule says so", () => {
    const other = [{ name: "other/z", digest: { sha256: A } }];
    expect(subject(rule({ anyName: true }), artifact({ sha256: A }, "dist/x"), other).status).toBe("passed");
    expect(subject(rule({ anyName: true }), artifact({ sha256: B }, "dist/x"), other).code).toBe("ERR_SUBJECT_DIGEST");
  });

  it("names the digests that a matching subject states and nobody computed", () => {
    const subjects = [
      { name: "dist/x", digest: { sha256: A, sha512: LONG } },
      { name: "y", digest: { sha256: B, sha384: "e" } },
    ];
    expect(missingDigests(artifact({ sha256: A }, "dist/x"), subjects)).toEqual(["sha512"]);
  });
});

describe("namesAgree", () => {
  it.each([
    ["a/b", "b", true],
    ["b", "a/b", true],
    ["a/b", "a/b", true],
    ["ab", "b", false],
    ["a/b", "a", false],
    ["x/a/b", "y/a/b", false],
  ])("%s and %s: %s", (a, b, agree) => expect(namesAgree(a, b)).toBe(agree));
});
