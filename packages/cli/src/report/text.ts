// SPDX-License-Identifier: Apache-2.0
// The report for people: one line an artifact that passed; for one that did not, which check, what was expected, what was
// found, what to do next; at the end what all of it rests on. Every value goes through escapeText.
import {
  errorEntry,
  type AttestationReport,
  type BuildFacts,
  type Check,
  isVerified,
  type PlaceReport,
  signerText,
  type UnverifiedArtifact,
  type Verdict,
  type VerifiedArtifact,
} from "@kiteseal/core";
import type { Style } from "../terminal/style.ts";
import { escapeText } from "./escape.ts";
import { type Outcome, OUTCOMES, outcomeOf, type Renderer, type Row, rowName, type Run } from "./run.ts";
import type { Tally } from "./tally.ts";

/** Passing artifacts that are listed one by one on a terminal; the rest are counted. */
const LISTED_ON_TERMINAL = 20;
const MAX_LISTED = 10;
const DAY_MS = 86_400_000;

export interface TextOptions {
  readonly style: Style;
  readonly terminal: boolean;
  readonly quiet: boolean;
}

export function textRenderer(options: TextOptions): Renderer {
  return (rows, run, tally) => render(options, rows, { run, tally });
}

async function* render(
  options: TextOptions,
  rows: AsyncIterable<Row>,
  end: { run: Run; tally: Tally },
): AsyncGenerator<string> {
  let passed = 0;
  for await (const row of rows) {
    const outcome = outcomeOf(row);
    if (row.kind === "verdict" && isVerified(row.verdict)) {
      passed += 1;
      if (!options.quiet && (!options.terminal || passed <= LISTED_ON_TERMINAL))
        yield passLine(row.verdict, options.style);
    } else yield `${failure(row, outcome, options.style).join("\n")}\n`;
  }
  const { run, tally } = end;
  if (options.terminal && !options.quiet && passed > LISTED_ON_TERMINAL)
    yield `  … and ${passed - LISTED_ON_TERMINAL} more verified\n`;
  if (options.quiet && tally.exitCode === 0 && tally.counts.excepted === 0) {
    for (const line of qualifications(run, options.style)) yield `${line}\n`;
    return;
  }
  yield `${[...trailer(run, tally, options.style), ...lastLine(run, tally)].join("\n")}\n`;
}

/** Where things are now, or what to do next. */
function lastLine({ output }: Run, { exitCode, counts }: Tally): readonly string[] {
  if (exitCode !== 0) {
    const explain = "every row of the decision: the same with `kiteseal policy explain` for ";
    return output === undefined
      ? [`${explain}\`kiteseal verify\``]
      : [`${explain}\`kiteseal fetch --output …\``, "nothing was fetched"];
  }
  return output === undefined ? [] : [`fetched ${counts.verified + counts.excepted} to ${escapeText(output)}`];
}

const MARKS = { verified: "✓", excepted: "!", rejected: "✗", unattested: "✗", undetermined: "?", error: "✗" } as const;

function headline(outcome: Outcome, name: string, style: Style): string {
  const kind = outcome === "verified" ? "good" : outcome === "excepted" ? "loud" : "bad";
  const mark = style(kind, `${MARKS[outcome]} ${(outcome === "excepted" ? "EXCEPTED" : outcome).padEnd(12)}`);
  return `${mark} ${escapeText(name)}`;
}

function passLine(verdict: VerifiedArtifact, style: Style): string {
  const who = describeBuild(verdict.build) ?? escapeText(signerText(verdict.signer));
  return `${headline("verified", rowName({ kind: "verdict", verdict }), style)}  ${style("faint", `${who}, rule ${escapeText(verdict.rule)}`)}\n`;
}

/** `acme/app, branch main, build 7`; undefined for what no Buildkite certificate proves. */
export function describeBuild(build: BuildFacts | undefined): string | undefined {
  if (build === undefined) return undefined;
  const { organization, pipeline, ref, buildNumber, step } = build;
  if (organization === undefined || pipeline === undefined) return undefined;
  const parts = [
    `${organization}/${pipeline}`,
    ...(ref === undefined ? [] : [`${ref.kind} ${ref.name}`]),
    ...(buildNumber === undefined ? [] : [`build ${buildNumber}`]),
    ...(step === undefined ? [] : [`step ${step}`]),
  ];
  return escapeText(parts.join(", "));
}

function field(label: string, value: string | undefined): readonly string[] {
  return value === undefined || value === "" ? [] : [`    ${label.padEnd(9)} ${escapeText(value)}`];
}

function failure(row: Row, outcome: Outcome, style: Style): readonly string[] {
  if (row.kind === "failure") {
    const { code, message, hint } = row.error;
    return [
      `${headline(outcome, rowName(row), style)}  ${code}`,
      ...field("found", message),
      ...field("hint", hint ?? errorEntry(code).next),
    ];
  }
  const { verdict } = row;
  if (isVerified(verdict)) return [];
  const failing = failingCheck(verdict);
  const nearest = nearestReport(verdict);
  return [
    `${headline(outcome, rowName(row), style)}  ${verdict.code}`,
    ...exceptionFields(verdict, style),
    ...(failing === undefined ? [] : checkFields(failing)),
    ...field("signed by", describeBuild(nearest?.build) ?? (nearest?.signer && signerText(nearest.signer))),
    ...field("hint", verdict.hint ?? failing?.hint ?? errorEntry(verdict.code).next),
    ...considered(verdict.attestations),
    ...(outcome === "rejected" ? [] : placesLooked(verdict)),
  ];
}

/** The row that decided. */
export function failingCheck({ checks }: Verdict): Check | undefined {
  return checks.find((c) => c.status === "failed") ?? checks.find((c) => c.status === "undetermined");
}

/** The attestation whose rows the verdict shows. */
export function nearestReport({ attestations, checks }: Verdict): AttestationReport | undefined {
  return attestations.find((report) => report.checks === checks);
}

/** What an exception rests on: somebody's word, which is no evidence. */
export function exceptionText({ exception }: UnverifiedArtifact): string | undefined {
  if (exception === undefined) return undefined;
  const { owner, reason, expires } = exception;
  return `by the word of ${owner} until ${expires.toISOString()}: ${reason}`;
}

function exceptionFields(verdict: UnverifiedArtifact, style: Style): readonly string[] {
  const text = exceptionText(verdict);
  if (text === undefined) return [];
  return [
    style("loud", "    NOT VERIFIED: an exception of the policy lets these bytes pass"),
    ...field("exception", text),
  ];
}

function checkFields({ id, expected, found }: Check): readonly string[] {
  return [...field("check", id), ...field("expected", expected), ...field("found", found)];
}

function considered(reports: readonly AttestationReport[]): readonly string[] {
  if (reports.length === 0) return [];
  const lines = reports
    .slice(0, MAX_LISTED)
    .flatMap((report) => field("tried", `${report.place} (${report.code ?? report.outcome})`));
  return reports.length > MAX_LISTED ? [...lines, `    and ${reports.length - MAX_LISTED} more`] : lines;
}

function placesLooked({ places }: Verdict): readonly string[] {
  if (places.length === 0) return field("looked", "nowhere: no place to look in was named");
  return places.flatMap((report) => field("looked", placeText(report, report.outcome)));
}

/** Where it was looked, what came of that, and why not more. */
export function placeText({ place, message }: PlaceReport, what: string): string {
  return message === undefined ? `${place} (${what})` : `${place} (${what}): ${message}`;
}

/** What all of it rests on, and how it ended. */
export function trailer(run: Run, tally: Tally, style: Style): readonly string[] {
  const { counts, exitCode } = tally;
  const shown = OUTCOMES.filter((outcome) => outcome === "verified" || counts[outcome] > 0);
  const words = shown.map((outcome) => `${counts[outcome]} ${outcome}`).join(", ");
  const good = counts.excepted > 0 ? "loud" : "good";
  return [
    style(exitCode === 0 ? good : "bad", exitCode === 0 ? words : `${words}: do not release (exit ${exitCode})`),
    ...(tally.endedEarly ? [style("loud", "stopped at the first failure: what comes after it was not looked at")] : []),
    ...leftOutLine(run),
    ...trustLines(run, style),
    policyLine(run),
    ...run.policy.warnings.map((warning) => style("loud", `warning: ${escapeText(warning)}`)),
    ...(run.ignored.length === 0 ? [] : [`ignored: ${escapeText(run.ignored.join(", "))}`]),
  ];
}

/** What a pass must not be read without, however quiet. */
export function qualifications(run: Run, style: Style): readonly string[] {
  return [
    ...(run.trust.sandbox ? [sandboxLine(style)] : []),
    ...leftOutLine(run),
    ...run.policy.warnings.map((warning) => style("loud", `warning: ${escapeText(warning)}`)),
  ];
}

function leftOutLine({ leftOut: { count } }: Run): readonly string[] {
  return count === 0 ? [] : [`${count} attestation file${count === 1 ? "" : "s"} among them left out`];
}

function trustLines({ trust, startedAt }: Run, style: Style): readonly string[] {
  const days = Math.max(0, Math.floor((startedAt.getTime() - trust.asOf.getTime()) / DAY_MS));
  const age = `${trust.asOf.toISOString().slice(0, 10)}, ${days} day${days === 1 ? "" : "s"} old`;
  const line = `trusted root  sha256:${trust.digest} (${age}) ${escapeText(trust.source.path)}`;
  return trust.sandbox ? [line, sandboxLine(style)] : [line];
}

function sandboxLine(style: Style): string {
  return style(
    "loud",
    "SANDBOX: this root trusts a sandbox, whose keys lie on somebody's disk; a pass proves nothing in production",
  );
}

function policyLine({ policy }: Run): string {
  if (policy.source.kind !== "file") return "policy        the flags of this command";
  return `policy        sha256:${policy.digest ?? ""} ${escapeText(policy.source.path)}`;
}
