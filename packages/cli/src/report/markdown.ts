// SPDX-License-Identifier: Apache-2.0
// Markdown for an annotation or a job summary: the outcome first, then everything that did not pass, each with its check,
// what was expected, what was found and what to do; passes are counted.
import { escapeMarkdown } from "./escape.ts";
import { type Finding, findingOf } from "./finding.ts";
import { VERDICT_MEANS } from "./guide.ts";
import { OUTCOMES, type Row, type Run } from "./run.ts";
import type { Tally } from "./tally.ts";

export async function* renderMarkdown(rows: AsyncIterable<Row>, run: Run, tally: Tally): AsyncGenerator<string> {
  const findings: string[] = [];
  for await (const row of rows) {
    const finding = findingOf(row);
    if (finding !== undefined) findings.push(section(finding));
  }
  const { exitCode, counts } = tally;
  const passed = counts.excepted > 0 ? "may be released, with exceptions" : "verified";
  yield `## kiteseal: ${exitCode === 0 ? passed : `do not release (exit ${exitCode})`}\n\n`;
  yield "| outcome | artifacts | |\n| --- | ---: | --- |\n";
  for (const outcome of OUTCOMES) {
    if (counts[outcome] > 0 || outcome === "verified")
      yield `| ${outcome} | ${counts[outcome]} | ${VERDICT_MEANS[outcome]} |\n`;
  }
  if (tally.endedEarly) yield "\nStopped at the first failure: what comes after it was not looked at.\n";
  for (const text of findings) yield `\n${text}`;
  yield `\n${trailer(run).join("\n")}\n`;
}

function section(finding: Finding): string {
  const { name, outcome, code, ruleId } = finding;
  const row = (label: string, value: string | undefined): readonly string[] =>
    value === undefined ? [] : [`| ${label} | ${escapeMarkdown(value)} |`];
  return `${[
    `### ${outcome === "excepted" ? "EXCEPTED, not verified" : outcome}: ${escapeMarkdown(name)}`,
    "",
    `| check | ${escapeMarkdown(ruleId)} (${escapeMarkdown(code)}) |`,
    "| --- | --- |",
    ...row("exception", finding.exception),
    ...row("expected", finding.expected),
    ...row("found", finding.found),
    ...row("signed by", finding.signedBy),
    ...row("what to do", finding.hint),
    ...row("rule", finding.rule),
    ...row("sha256", finding.sha256),
    ...finding.looked.flatMap((line) => row("", line)),
  ].join("\n")}\n`;
}

function trailer({ trust, policy, version }: Run): readonly string[] {
  const source = policy.source.kind === "file" ? `${policy.source.path} sha256:${policy.digest ?? ""}` : "flags";
  return [
    ...(trust.sandbox ? ["**SANDBOX: this root trusts a sandbox; a pass proves nothing in production.**", ""] : []),
    ...policy.warnings.flatMap((warning) => [`- warning: ${escapeMarkdown(warning)}`]),
    `- trusted root: ${escapeMarkdown(`${trust.source.path} sha256:${trust.digest}`)}`,
    `- policy: ${escapeMarkdown(source)}`,
    `- kiteseal ${escapeMarkdown(version)}`,
  ];
}
