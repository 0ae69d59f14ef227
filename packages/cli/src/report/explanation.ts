// SPDX-License-Identifier: Apache-2.0
// A decision for somebody on call: the verdict and what to do first, then who signed, then every row that was looked at,
// then what else was considered. Every value goes through escapeText.
import { type AttestationReport, type Check, isVerified, signerText, type Verdict } from "@kiteseal/core";
import type { Style } from "../terminal/style.ts";
import { escapeText } from "./escape.ts";
import { findingOf } from "./finding.ts";
import { VERDICT_MEANS } from "./guide.ts";
import { outcomeOf, type Renderer, type Row, rowName, type Run } from "./run.ts";
import { describeBuild, nearestReport, placeText, trailer } from "./text.ts";

const LABEL_WIDTH = 12;
const ID_WIDTH = 21;
const STATUS_WIDTH = 15;
const MAX_OTHERS = 10;
const MARKS = { passed: "✓", failed: "✗", undetermined: "?", "not-applicable": "-", "not-run": " " } as const;

export function explanationRenderer(style: Style): Renderer {
  return async function* render(rows, run, tally) {
    for await (const row of rows) yield `${explain(row, run, style).join("\n")}\n\n`;
    yield `${trailer(run, tally, style).join("\n")}\n`;
  };
}

function field(label: string, value: string | undefined): readonly string[] {
  return value === undefined || value === "" ? [] : [`  ${label.padEnd(LABEL_WIDTH)}${escapeText(value)}`];
}

function explain(row: Row, run: Run, style: Style): readonly string[] {
  const outcome = outcomeOf(row);
  const finding = findingOf(row);
  const kind = outcome === "verified" ? "good" : outcome === "excepted" ? "loud" : "bad";
  const head = [
    `${style(kind, outcome.toUpperCase())}  ${escapeText(rowName(row))}${finding === undefined ? "" : `  ${finding.code}`}`,
    ...field("so", VERDICT_MEANS[outcome]),
    ...field("exception", finding?.exception),
    ...field("because", finding?.means),
    ...field("expected", finding?.expected),
    ...field("found", finding?.found === VERDICT_MEANS[outcome] ? undefined : finding?.found),
    ...field("do next", finding?.hint),
  ];
  return row.kind === "failure"
    ? head
    : [...head, "", ...evidence(row.verdict, run), ...table(row.verdict, finding?.hint, style)];
}

function evidence(verdict: Verdict, run: Run): readonly string[] {
  const { artifact, rule, attestations } = verdict;
  const shown = nearestReport(verdict);
  const signer = isVerified(verdict) ? verdict.signer : shown?.signer;
  const build = isVerified(verdict) ? verdict.build : shown?.build;
  const times = isVerified(verdict) ? verdict.times : (shown?.times ?? []);
  const { source } = run.policy;
  const where = source.kind === "file" ? `of ${source.path}` : "of this command";
  return [
    ...field("sha256", artifact.digest["sha256"]),
    ...field("rule", rule === undefined ? `none ${where} is about this name` : `${rule} ${where}`),
    ...field("attestation", shown === undefined ? "none" : shown.place),
    ...field("signed by", signer && signerText(signer)),
    ...field("build", describeBuild(build)),
    ...field("commit", build?.commit),
    ...field("signed at", times.map(({ time, authority }) => `${time.toISOString()} (${authority})`).join(", ")),
    ...others(attestations.filter((report) => report !== shown)),
    ...placesLooked(verdict),
  ];
}

/** Where nothing was found matters to who looks for an attestation, not to who asks why one was refused. */
function placesLooked(verdict: Verdict): readonly string[] {
  if (isVerified(verdict)) return [];
  const places = verdict.places.filter((p) => p.outcome !== "nothing" || verdict.attestations.length === 0);
  return places.flatMap((p) => field("looked at", placeText(p, p.outcome)));
}

function others(reports: readonly AttestationReport[]): readonly string[] {
  const lines = reports.slice(0, MAX_OTHERS).flatMap((r) => field("beside it", `${r.place}: ${r.code ?? r.outcome}`));
  return reports.length > MAX_OTHERS ? [...lines, ...field("", `and ${reports.length - MAX_OTHERS} more`)] : lines;
}

function table({ checks }: Verdict, shownHint: string | undefined, style: Style): readonly string[] {
  if (checks.length === 0) return [];
  const title = `    ${"check".padEnd(ID_WIDTH)}${"status".padEnd(STATUS_WIDTH)}what was seen`;
  return ["", style("faint", title), ...checks.flatMap((check) => tableRow(check, shownHint, style))];
}

function tableRow(check: Check, shownHint: string | undefined, style: Style): readonly string[] {
  const { id, status, note, expected, found, hint, code } = check;
  const bad = status === "failed" || status === "undetermined";
  const mark = style(bad ? "bad" : status === "passed" ? "good" : "faint", MARKS[status]);
  const start = `  ${mark} ${id.padEnd(ID_WIDTH)}${status.padEnd(STATUS_WIDTH)}`;
  const indent = " ".repeat(4 + ID_WIDTH + STATUS_WIDTH);
  if (!bad) return [`${start}${escapeText(note ?? "")}`.trimEnd()];
  const below = (label: string, value: string | undefined): readonly string[] =>
    value === undefined ? [] : [`${indent}${label} ${escapeText(value)}`];
  return [
    `${start}${code ?? ""}`,
    ...below("expected", expected),
    ...below("found   ", found),
    ...below("hint    ", hint === shownHint ? undefined : hint),
  ];
}
