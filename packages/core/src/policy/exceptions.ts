// SPDX-License-Identifier: Apache-2.0
// Break-glass: a policy may let exactly these bytes pass a rule until a day, with a reason and an owner. The verdict is
// then "excepted", never "verified", and says what it would have been. Pure.
import type { PolicyException, Policy } from "./rule.ts";
import { isVerified, type UnverifiedArtifact, type Verdict } from "./verdict.ts";

const CHANGED: ReadonlySet<string | undefined> = new Set(["ERR_FILE_CHANGED", "ERR_PIN_CHANGED"]);

/** The verdict, or the same verdict excepted. An expired exception changes nothing but the hint. */
export function applyException(verdict: Verdict, policy: Policy, now: Date): Verdict {
  if (isVerified(verdict) || verdict.outcome === "excepted") return verdict;
  // The exception is for other bytes than those that were just seen.
  if ([verdict.code, ...verdict.attestations.map((a) => a.code)].some((code) => CHANGED.has(code))) return verdict;
  const matching = (policy.exceptions ?? []).filter((e) => matches(e, verdict));
  const [live] = matching.filter((e) => now < e.expires);
  if (live !== undefined) return { ...verdict, outcome: "excepted", exception: live };
  const [expired] = matching;
  if (expired === undefined) return verdict;
  return {
    ...verdict,
    hint: `an exception for these bytes, owned by ${expired.owner}, expired at ${expired.expires.toISOString()}`,
  };
}

function matches(exception: PolicyException, { artifact, rule }: UnverifiedArtifact): boolean {
  return exception.rule === rule && exception.sha256 === artifact.digest["sha256"];
}
