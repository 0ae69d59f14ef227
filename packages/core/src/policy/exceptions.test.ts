// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { A, artifactOf, attestation, B, FACTS, NOW, ruleOf, verdictOf } from "./attestation.testkit.ts";
import { applyException } from "./exceptions.ts";
import type { Policy, PolicyException } from "./rule.ts";
import { isVerified, type Verdict } from "./verdict.ts";

const exception = (change: Partial<PolicyException> = {}): PolicyException => ({
  sha256: A,
  rule: "r",
  reason: "incident",
  owner: "on-call",
  expires: new Date(NOW.getTime() + 1),
  ...change,
});
const policy = (...exceptions: readonly PolicyException[]): Policy => ({
  rules: [ruleOf()],
  exceptions,
  source: { kind: "flags" },
  warnings: [],
});
const rejected = (): Verdict => verdictOf({ attestations: [attestation({ facts: { ...FACTS, pipeline: "lax" } })] });

describe("an exception", () => {
  it("lets exactly its bytes pass its rule, and keeps the code of the refusal", () => {
    const live = exception();
    const verdict = applyException(rejected(), policy(live), NOW);
    expect(verdict).toMatchObject({ outcome: "excepted", code: "ERR_IDENTITY", exception: live });
    expect(isVerified(verdict)).toBe(false);
  });

  it.each([
    ["other bytes", { sha256: B }],
    ["another rule", { rule: "other" }],
    ["a day that is over", { expires: NOW }],
  ])("does nothing for %s", (_, change) => {
    expect(applyException(rejected(), policy(exception(change)), NOW)).toMatchObject({
      outcome: "rejected",
      code: "ERR_IDENTITY",
    });
  });

  it.each(["ERR_FILE_CHANGED", "ERR_PIN_CHANGED"] as const)("is not for bytes that changed on the way: %s", (code) => {
    const refused = rejected();
    if (isVerified(refused)) throw new RangeError("verified");
    const changed: Verdict = {
      ...refused,
      attestations: [{ place: "the lookup", outcome: "undetermined", code, checks: [] }],
    };
    expect(applyException(changed, policy(exception()), NOW).outcome).toBe("rejected");
  });

  it("that is over does not hide one that still counts", () => {
    const live = exception({ owner: "second" });
    const verdict = applyException(rejected(), policy(exception({ expires: NOW }), live), NOW);
    expect(verdict).toMatchObject({ outcome: "excepted", exception: live });
  });

  it("says in the hint that it is over", () => {
    const verdict = applyException(rejected(), policy(exception({ expires: NOW })), NOW);
    expect("hint" in verdict ? verdict.hint : undefined).toContain("on-call");
  });

  it("leaves a verified artifact verified", () => {
    const verified = verdictOf({ attestations: [attestation()] });
    expect(isVerified(applyException(verified, policy(exception()), NOW))).toBe(true);
  });

  it("has nothing to say where the artifact's sha256 is not known", () => {
    const artifact = { ...artifactOf(A), digest: { sha512: "1".repeat(128) } };
    const verdict = verdictOf({ artifact, attestations: [attestation()] });
    expect(applyException(verdict, policy(exception()), NOW).outcome).toBe("rejected");
  });
});
