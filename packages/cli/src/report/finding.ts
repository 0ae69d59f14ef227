// SPDX-License-Identifier: Apache-2.0
// A row that is no plain pass, in the fields that every document for other programs has: what, why, expected, found, what
// to do. Nothing is escaped here; each renderer does that for its own format.
import {
  type Artifact,
  errorEntry,
  type ErrorCode,
  isVerified,
  signerText,
  type UnverifiedArtifact,
} from "@kiteseal/core";
import { present } from "../present.ts";
import { nextStep, VERDICT_MEANS } from "./guide.ts";
import { type Outcome, outcomeOf, type Row, rowName } from "./run.ts";
import { describeBuild, exceptionText, failingCheck, nearestReport, placeText } from "./text.ts";

export interface Finding {
  readonly name: string;
  readonly outcome: Exclude<Outcome, "verified">;
  readonly code: ErrorCode;
  /** The check that decided, or what stands for one: the code. */
  readonly ruleId: string;
  readonly means: string;
  readonly expected?: string;
  readonly found?: string;
  readonly hint: string;
  readonly signedBy?: string;
  readonly rule?: string;
  readonly exception?: string;
  readonly sha256?: string;
  /** Where the bytes lie: a path or an address. */
  readonly location?: string;
  /** What else there is to know, one line each. */
  readonly looked: readonly string[];
}

function withoutCheck(
  { code, hint }: UnverifiedArtifact,
  outcome: Finding["outcome"],
): { expected: string; found: string | undefined } {
  return code === "ERR_SET_INCOMPLETE"
    ? { expected: "all that verified statements name among the targets", found: hint }
    : { expected: "an attestation that passes", found: VERDICT_MEANS[outcome] };
}

/** undefined for a pass. */
export function findingOf(row: Row): Finding | undefined {
  const outcome = outcomeOf(row);
  if (row.kind === "failure") {
    const { code, message, hint, details } = row.error;
    const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
    return {
      name: rowName(row),
      outcome: outcome === "verified" ? "error" : outcome,
      code,
      ruleId: code,
      means: errorEntry(code).means,
      ...present({ expected: text(details["expected"]), found: text(details["found"]) ?? message }),
      hint: hint ?? nextStep(code, undefined),
      looked: [],
    };
  }
  const { verdict } = row;
  if (isVerified(verdict) || outcome === "verified") return undefined;
  const check = failingCheck(verdict);
  const signer = nearestReport(verdict)?.signer;
  const { artifact, code } = verdict;
  return {
    name: rowName(row),
    outcome,
    code,
    ruleId: check?.id ?? code,
    means: check === undefined ? errorEntry(code).means : `${check.id}: ${errorEntry(code).means}`,
    hint: verdict.hint ?? check?.hint ?? nextStep(code, check?.id),
    ...present({
      ...(check === undefined ? withoutCheck(verdict, outcome) : { expected: check.expected, found: check.found }),
      signedBy: describeBuild(nearestReport(verdict)?.build) ?? (signer && signerText(signer)),
      rule: verdict.rule,
      exception: exceptionText(verdict),
      sha256: artifact.digest["sha256"],
      location: locationOf(artifact.origin),
    }),
    looked: [
      ...verdict.attestations.map((report) => `attestation ${report.place}: ${report.code ?? report.outcome}`),
      ...verdict.places.map((place) => `looked at ${placeText(place, place.outcome)}`),
    ],
  };
}

function locationOf(origin: Artifact["origin"]): string | undefined {
  if (origin.kind === "file") return origin.path;
  return origin.kind === "stored" ? origin.url : undefined;
}
