// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { decodeVerificationSummary } from "./vsa-v1.ts";

const required = {
  verifier: { id: "https://example.com/verifier" },
  timeVerified: "2026-11-21T11:42:00Z",
  resourceUri: "https://example.com/app.tgz",
  policy: { uri: "https://example.com/policy" },
  verificationResult: "PASSED",
  verifiedLevels: ["SLSA_BUILD_LEVEL_3"],
};

const full = {
  ...required,
  policy: { uri: "https://example.com/policy", digest: { sha256: "a".repeat(64) } },
  inputAttestations: [{ uri: "https://example.com/a", digest: { sha256: "b".repeat(64) } }],
  dependencyLevels: { SLSA_BUILD_LEVEL_3: 5, SLSA_BUILD_LEVEL_1: 0 },
  slsaVersion: "1.0",
};

test.each([
  ["the least", required],
  ["everything", full],
  ["a failure", { ...required, verificationResult: "FAILED", verifiedLevels: ["FAILED"] }],
  ["a failure without levels", { ...required, verificationResult: "FAILED", verifiedLevels: [] }],
])("reads %s", (_name, predicate) => {
  expect(decodeVerificationSummary(predicate)).toEqual({ predicate, ignoredFields: [] });
});

test.each(Object.keys(required))("requires %s", (key) => {
  for (const value of [undefined, null]) {
    const path = `$.predicate.${key}`;
    expect(() => decodeVerificationSummary({ ...full, [key]: value })).toThrow(expect.objectContaining({ path }));
  }
});

test.each<[string, Record<string, unknown>]>([
  ["$.predicate.verifier.id", { verifier: { id: "me" } }],
  ["$.predicate.timeVerified", { timeVerified: "2026-11-21" }],
  ["$.predicate.resourceUri", { resourceUri: "" }],
  ["$.predicate.policy.uri", { policy: { digest: { sha256: "a".repeat(64) } } }],
  ["$.predicate.inputAttestations[0].digest", { inputAttestations: [{ uri: "https://example.com/a" }] }],
  ["$.predicate.verificationResult", { verificationResult: "passed" }],
  ["$.predicate.verifiedLevels", { verifiedLevels: ["FAILED"] }],
  ["$.predicate.verifiedLevels[0]", { verifiedLevels: [3] }],
  ["$.predicate.dependencyLevels.SLSA_BUILD_LEVEL_3", { dependencyLevels: { SLSA_BUILD_LEVEL_3: -1 } }],
  ["$.predicate.slsaVersion", { slsaVersion: "v1" }],
])("refuses %s in %j", (path, change) => {
  expect(() => decodeVerificationSummary({ ...full, ...change })).toThrow(expect.objectContaining({ path }));
});

test("ignores and lists unknown fields", () => {
  const predicate = { ...full, verifier: { ...full.verifier, version: {} }, "https://example.com/ext": 1 };
  expect(decodeVerificationSummary(predicate).ignoredFields).toEqual([
    "$.predicate.verifier.version",
    '$.predicate["https://example.com/ext"]',
  ]);
});
