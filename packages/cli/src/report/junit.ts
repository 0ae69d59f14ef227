// SPDX-License-Identifier: Apache-2.0
// JUnit XML: one test case a target. A "no" is a failure, a could-not-tell or a wrong command an error, so that readers that
// tell them apart can. An exception passes and says so. Counts stand at the front, so cases are kept as text until then.
import { escapeXml } from "./escape.ts";
import { type Finding, findingOf } from "./finding.ts";
import { type Row, rowName, type Run } from "./run.ts";
import type { Tally } from "./tally.ts";

export async function* renderJunit(rows: AsyncIterable<Row>, run: Run, tally: Tally): AsyncGenerator<string> {
  const cases: string[] = [];
  for await (const row of rows) cases.push(testCase(rowName(row), findingOf(row)));
  const { rejected, unattested, undetermined, error } = tally.counts;
  const counts = `tests="${cases.length}" failures="${rejected + unattested}" errors="${undetermined + error}"`;
  yield '<?xml version="1.0" encoding="UTF-8"?>\n';
  yield `<testsuites name="kiteseal verify" ${counts} time="0">\n`;
  yield `  <testsuite name="kiteseal verify" ${counts} skipped="0" time="0" timestamp="${run.startedAt.toISOString().slice(0, 19)}">\n`;
  yield `    <properties>\n${properties(run, tally).join("\n")}\n    </properties>\n`;
  for (const text of cases) yield text;
  yield "  </testsuite>\n</testsuites>\n";
}

function properties({ version, trust, policy }: Run, tally: Tally): readonly string[] {
  const values: readonly (readonly [string, string])[] = [
    ["kiteseal", version],
    ["exit-code", String(tally.exitCode)],
    ["trusted-root", `${trust.source.path} sha256:${trust.digest}`],
    ["sandbox", String(trust.sandbox)],
    ["policy", policy.source.kind === "file" ? `${policy.source.path} sha256:${policy.digest ?? ""}` : "flags"],
    ...policy.warnings.map((warning) => ["warning", warning] as const),
    ...(tally.endedEarly ? [["ended-early", "true"] as const] : []),
  ];
  return values.map(([name, value]) => `      <property name="${escapeXml(name)}" value="${escapeXml(value)}"/>`);
}

function testCase(name: string, finding: Finding | undefined): string {
  const open = `    <testcase name="${escapeXml(name)}" classname="kiteseal.verify" time="0"`;
  if (finding === undefined) return `${open}/>\n`;
  const { outcome, ruleId, code, means } = finding;
  const text = lines(finding).map(escapeXml).join("\n");
  if (outcome === "excepted") return `${open}>\n      <system-out>${text}</system-out>\n    </testcase>\n`;
  const element = outcome === "rejected" || outcome === "unattested" ? "failure" : "error";
  const attributes = `type="${escapeXml(code)}" message="${escapeXml(`${outcome}: ${means}`)}"`;
  return `${open}>\n      <${element} ${attributes}>check: ${escapeXml(ruleId)}\n${text}</${element}>\n    </testcase>\n`;
}

/** For people, one fact a line; not escaped. */
function lines(finding: Finding): readonly string[] {
  const line = (label: string, value: string | undefined): readonly string[] =>
    value === undefined ? [] : [`${label}: ${value}`];
  return [
    ...line("exception, NOT VERIFIED", finding.exception),
    ...line("expected", finding.expected),
    ...line("found", finding.found),
    ...line("signed by", finding.signedBy),
    ...line("hint", finding.hint),
    ...line("rule", finding.rule),
    ...line("sha256", finding.sha256),
    ...finding.looked,
  ];
}
