// SPDX-License-Identifier: Apache-2.0
// What a verification reports: one row a target, and what the whole run rested on. Renderers turn the same rows into
// text or documents; tally.ts turns them into the exit code.
import { isVerified, type KitesealError, type Policy, type Trust, type Verdict } from "@kiteseal/core";
import type { Tally } from "./tally.ts";

/** A verdict, or why there could be none. */
export type Row =
  | {
      readonly kind: "verdict";
      readonly verdict: Verdict;
      /** What was kept of it, below the run's output. */
      readonly files?: readonly string[];
    }
  | { readonly kind: "failure"; readonly label: string; readonly error: KitesealError };

/** Best first. */
export const OUTCOMES = ["verified", "excepted", "rejected", "unattested", "undetermined", "error"] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** What a report calls a row; not escaped. */
export function rowName(row: Row): string {
  if (row.kind === "failure") return row.label;
  const { name, digest } = row.verdict.artifact;
  return name ?? `sha256:${digest["sha256"] ?? ""}`;
}

const OUTCOME_OF_KIND = {
  usage: "error",
  refused: "rejected",
  unattested: "unattested",
  undetermined: "undetermined",
  interrupted: "undetermined",
} as const;

/**
 * "verified" only for what core's own check calls genuine, "excepted" only with the exception that says so. Throws TypeError
 * for a look-alike: a bug, never a pass.
 */
export function outcomeOf(row: Row): Outcome {
  if (row.kind === "failure") return OUTCOME_OF_KIND[row.error.kind];
  if (isVerified(row.verdict)) return "verified";
  const outcome: string = row.verdict.outcome;
  if (outcome === "excepted" && row.verdict.exception !== undefined) return outcome;
  if (outcome === "rejected" || outcome === "unattested" || outcome === "undetermined") return outcome;
  throw new TypeError(`a verdict that decide did not make says ${JSON.stringify(outcome)}`);
}

export interface Run {
  readonly version: string;
  readonly trust: Trust;
  readonly policy: Policy;
  readonly startedAt: Date;
  /** Configuration files that were read. */
  readonly files: readonly string[];
  /** Variables of other tools, which say nothing here. */
  readonly ignored: readonly string[];
  readonly leftOut: { readonly count: number };
  /** The directory that there is if everything passed; otherwise nothing was kept. */
  readonly output?: string;
}

/** `tally` is complete when `rows` has ended; renderers read it then. */
export type Renderer = (rows: AsyncIterable<Row>, run: Run, tally: Tally) => AsyncIterable<string>;
