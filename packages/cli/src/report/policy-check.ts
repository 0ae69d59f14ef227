// SPDX-License-Identifier: Apache-2.0
// What `policy check` found, for people and for machines.
import { isVerified, type Policy, type Verdict } from "@kiteseal/core";
import type { ExitCode } from "../exit-codes.ts";
import type { Difference } from "../policy-diff.ts";
import type { Style } from "../terminal/style.ts";
import { escapeText } from "./escape.ts";
import { REPORT_VERSION, rowRecord, toJson } from "./record.ts";
import { outcomeOf, rowName } from "./run.ts";
import { failingCheck } from "./text.ts";

export interface Checked {
  readonly path: string;
  readonly policy: Policy;
  readonly warnings: readonly string[];
  /** Artifacts whose verdict changes, or that could not be read; absent unless asked. */
  readonly differences?: readonly Difference[];
  /** How many artifacts were judged by both. */
  readonly looked?: number;
}

/** Under either policy it could not be told, so that nothing can be said about a change. */
export function isUnknown(one: Difference): boolean {
  if (one.kind === "unread") return true;
  return [one.before, one.after].some((verdict) => outcomeOf({ kind: "verdict", verdict }) === "undetermined");
}

/** Another outcome; another code or rule for the same outcome lets nothing more and nothing less pass. */
export function isChange({ before, after }: Extract<Difference, { kind: "judged" }>): boolean {
  return outcomeOf({ kind: "verdict", verdict: before }) !== outcomeOf({ kind: "verdict", verdict: after });
}

export function checkText(checked: Checked, exitCode: ExitCode, style: Style): string {
  const { path, policy, warnings, differences, looked = 0 } = checked;
  const rules = `${policy.rules.length} rule${policy.rules.length === 1 ? "" : "s"}`;
  const exceptions = policy.exceptions?.length ?? 0;
  const lines = [
    `${style("good", "✓")} ${escapeText(path)}  sha256:${policy.digest ?? ""}  ${rules}${exceptions === 0 ? "" : `, ${exceptions} exceptions`}`,
    ...warnings.map((warning) => style("loud", `warning: ${escapeText(warning)}`)),
    ...(differences ?? []).flatMap((one) => differenceLines(one, style)),
    ...(differences === undefined ? [] : [summary(differences, looked, style)]),
    ...(exitCode === 0 ? [] : [style("bad", `exit ${exitCode}`)]),
  ];
  return `${lines.join("\n")}\n`;
}

function differenceLines(one: Difference, style: Style): readonly string[] {
  if (one.kind === "unread")
    return [`${style("bad", "? could not be read")}  ${escapeText(one.label)}  ${escapeText(one.error.message)}`];
  const name = escapeText(rowName({ kind: "verdict", verdict: one.after }));
  const better = isVerified(one.after);
  const mark = isUnknown(one) ? "? could not tell" : better ? "+ newly passes" : "- changes";
  return [
    `${style(better ? "loud" : "bad", mark)}  ${name}`,
    `    before  ${judgement(one.before)}`,
    `    after   ${judgement(one.after)}`,
  ];
}

/** `rejected by rule app: ERR_IDENTITY, expected …, found …`. */
function judgement(verdict: Verdict): string {
  const outcome = outcomeOf({ kind: "verdict", verdict });
  const by = verdict.rule === undefined ? "no rule" : `rule ${verdict.rule}`;
  if (isVerified(verdict)) return escapeText(`${outcome} by ${by}`);
  const check = failingCheck(verdict);
  const why =
    check === undefined ? "" : `: ${check.id} expected ${check.expected ?? "a pass"}, found ${check.found ?? "none"}`;
  return escapeText(`${outcome} by ${by}, ${verdict.code}${why}`);
}

function summary(differences: readonly Difference[], looked: number, style: Style): string {
  const changed = differences.filter((one) => one.kind === "judged" && isChange(one)).length;
  const text = `${changed} of ${looked} verdicts change`;
  return changed === 0 ? style("good", text) : style("bad", text);
}

export function checkJson(checked: Checked, exitCode: ExitCode): string {
  const { path, policy, warnings, differences, looked } = checked;
  const record = {
    version: REPORT_VERSION,
    kind: "kiteseal.policy-check",
    exitCode,
    path,
    digest: policy.digest,
    rules: policy.rules.map((rule) => rule.id),
    warnings,
    looked,
    differences: differences?.map((one) =>
      one.kind === "unread"
        ? { name: one.label, code: one.error.code, message: one.error.message }
        : {
            before: rowRecord({ kind: "verdict", verdict: one.before }),
            after: rowRecord({ kind: "verdict", verdict: one.after }),
          },
    ),
  };
  return `${toJson(record, 2)}\n`;
}
