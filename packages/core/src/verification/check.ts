// SPDX-License-Identifier: Apache-2.0
// The checks of a verification, as rows of evidence. Each has an id that never changes its meaning; reports,
// tests and policies name ids, never prose. Order and meaning: docs/reference/checks.md (design §5).
import { errorEntry, KitesealError, type ErrorCode } from "../errors.ts";

/** What `authenticate` answers: who signed which statement when. In the order in which they run. */
export const AUTHENTICATE_CHECKS = [
  "limits",
  "bundle",
  "time",
  "certificate",
  "sct",
  "log",
  "signature",
  "statement",
  "agreement",
] as const;

/** What `decide` answers for every rule; rows named `rule.*` follow, one for each further key of the rule. */
export const DECIDE_CHECKS = ["subject", "identity", "predicate"] as const;

/** Keys of a rule that add a row. */
export const RULE_CHECKS = [
  "rule.build",
  "rule.trigger",
  "rule.runner",
  "rule.commit",
  "rule.repository",
  "rule.organization-id",
  "rule.pipeline-id",
  "rule.max-age",
  "rule.logs",
  "rule.timestamps",
  "rule.dependencies",
  "rule.also-required",
] as const;

export type AuthenticateCheckId = (typeof AUTHENTICATE_CHECKS)[number];
export type DecideCheckId = (typeof DECIDE_CHECKS)[number];
export type RuleCheckId = (typeof RULE_CHECKS)[number];
export type CheckId = AuthenticateCheckId | DecideCheckId | RuleCheckId;

export type CheckStatus = "passed" | "failed" | "undetermined" | "not-applicable" | "not-run";

export interface Check {
  readonly id: CheckId;
  readonly status: CheckStatus;
  /** Present exactly when failed or undetermined. */
  readonly code?: ErrorCode;
  readonly expected?: string;
  readonly found?: string;
  /** One sentence for a passed row: what was seen. */
  readonly note?: string;
  readonly hint?: string;
}

type Evidence = Partial<Pick<Check, "expected" | "found" | "note" | "hint">>;

export function passed(id: CheckId, evidence: Evidence = {}): Check {
  return { id, status: "passed", ...evidence };
}

export function notApplicable(id: CheckId, note: string): Check {
  return { id, status: "not-applicable", note };
}

export function failed(id: CheckId, code: ErrorCode, evidence: Evidence): Check {
  return { id, status: "failed", code, ...evidence };
}

export function notRun(id: CheckId): Check {
  return { id, status: "not-run" };
}

/** A KitesealError thrown inside a check, as that check's row: undetermined if its kind says so, else failed. */
export function checkOf(id: CheckId, error: KitesealError): Check {
  const { kind } = errorEntry(error.code);
  const text = (name: string): string | undefined => {
    const value = error.details[name];
    return typeof value === "string" ? value : undefined;
  };
  const expected = text("expected");
  return {
    id,
    status: kind === "undetermined" ? "undetermined" : "failed",
    code: error.code,
    ...(expected === undefined ? {} : { expected }),
    found: text("found") ?? error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}
