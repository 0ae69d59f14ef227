// SPDX-License-Identifier: Apache-2.0
import type { Subject } from "@kiteseal/in-toto-attestation";
import { describe, expect, it } from "vitest";
import { subjectSetDigest } from "../provenance/set.ts";
import { A, artifactOf, attestation, B, ruleOf, verdictOf, type AttestationWords } from "./attestation.testkit.ts";
import { Completeness } from "./completeness.ts";
import type { Verdict } from "./verdict.ts";

const C = "cc".repeat(32);
const subjectA: Subject = { name: "dist/a", digest: { sha256: A } };
const subjectB: Subject = { name: "dist/b", digest: { sha256: B } };
const SET = subjectSetDigest([
  { name: "dist/a", digests: { sha256: A } },
  { name: "dist/b", digests: { sha256: B } },
]);
const inSet = (set: unknown) => ({ buildDefinition: { internalParameters: { kiteseal: { set } } } });
const verified = (sha256: string, name: string, words: AttestationWords): Verdict => {
  const verdict = verdictOf({ artifact: artifactOf(sha256, name), attestations: [attestation(words)] });
  expect(verdict.outcome).toBe("verified");
  return verdict;
};
const missing = (...verdicts: readonly Verdict[]): readonly (string | undefined)[] => {
  const completeness = new Completeness();
  for (const verdict of verdicts) completeness.note(verdict);
  const found = completeness.missing();
  expect(found.every((v) => v.outcome === "rejected" && v.code === "ERR_SET_INCOMPLETE")).toBe(true);
  return found.map(({ artifact }) => artifact.name);
};
const half = (index: number, bundleDigest: string, set: object = {}): AttestationWords => ({
  subject: [index === 0 ? subjectA : subjectB],
  predicate: inSet({ index, count: 2, sha256: SET, ...set }),
  bundleDigest,
});
const first = (set: object = {}): Verdict => verified(A, "dist/a", half(0, "1".repeat(64), set));
const second = (set: object = {}): Verdict => verified(B, "dist/b", half(1, "2".repeat(64), set));

describe("a run that demands every subject", () => {
  it("misses nothing where every subject was verified", () => {
    const words = { subject: [subjectA, subjectB] };
    expect(missing(verified(A, "dist/a", words), verified(B, "dist/b", words))).toEqual([]);
  });

  it("misses a subject that was not among the artifacts, or was rejected", () => {
    const words = { subject: [subjectA, subjectB] };
    const rejected = verdictOf({ artifact: artifactOf(B, "tools/x"), attestations: [attestation(words)] });
    expect(missing(verified(A, "dist/a", words))).toEqual(["dist/b"]);
    expect(missing(verified(A, "dist/a", words), rejected)).toEqual(["dist/b"]);
  });

  it("misses a subject that is named by another algorithm than sha256", () => {
    const subject = [subjectA, { name: "dist/c", digest: { sha512: "1".repeat(128) } }];
    expect(missing(verified(A, "dist/a", { subject }))).toEqual(["dist/c"]);
  });

  it("counts an artifact that a signature over the bytes verified", () => {
    const blob = verdictOf({
      artifact: artifactOf(B, "dist/b"),
      rule: ruleOf({ content: "blob" }),
      attestations: [attestation({ blob: B })],
    });
    expect(missing(blob, verified(A, "dist/a", { subject: [subjectA, subjectB] }))).toEqual([]);
  });

  it("asks rejected artifacts for nothing", () => {
    expect(
      missing(verdictOf({ artifact: artifactOf(C), attestations: [attestation({ subject: [subjectA, subjectB] })] })),
    ).toEqual([]);
  });
});

describe("a set of statements", () => {
  it("is whole with each of them, in any order, and said twice by a retried job", () => {
    expect(missing(first(), second())).toEqual([]);
    expect(missing(second(), first())).toEqual([]);
    expect(missing(first(), verified(A, "dist/a", half(0, "3".repeat(64))), second())).toEqual([]);
  });

  it("is not whole with one of them", () => {
    expect(missing(first())).toEqual([`set ${SET}`]);
  });

  it("is not whole if its number of statements is understated", () => {
    expect(missing(first({ count: 1 }))).toEqual([`set ${SET}`]);
  });

  it("is not whole if its statements are of other subjects", () => {
    expect(missing(first({ sha256: C }), second({ sha256: C }))).toEqual([`set ${C}`]);
  });

  it.each([
    ["text", "all"],
    ["an index outside it", { index: 2, count: 2, sha256: SET }],
  ])("that cannot be read, being %s, is not whole and ends nothing", (_, set) => {
    expect(missing(verified(A, "dist/a", { predicate: inSet(set) }), second())).toEqual(["a set", `set ${SET}`]);
  });

  it("is looked for in provenance only", () => {
    const rule = ruleOf({ type: "https://acme.example/p" });
    const words = { type: "https://acme.example/p", predicate: { buildDefinition: "ours" } };
    expect(missing(verdictOf({ rule, attestations: [attestation(words)] }))).toEqual([]);
  });
});
