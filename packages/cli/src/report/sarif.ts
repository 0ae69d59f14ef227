// SPDX-License-Identifier: Apache-2.0
// SARIF 2.1.0 (OASIS, 27 March 2020): rules are checks, results are targets that did not pass, written as they come.
// A pass has no result; how many there were is in the run's properties.
import { pathToFileURL } from "node:url";
import {
  AUTHENTICATE_CHECKS,
  type CheckId,
  DECIDE_CHECKS,
  errorEntry,
  type ErrorCode,
  ERRORS,
  isErrorCode,
  RULE_CHECKS,
} from "@kiteseal/core";
import { type Finding, findingOf } from "./finding.ts";
import { GUIDE } from "./guide.ts";
import { escapeMessage, escapeText } from "./escape.ts";
import { endRecord, runRecord, toJson } from "./record.ts";
import type { Row, Run } from "./run.ts";
import type { Tally } from "./tally.ts";

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";
const LEVELS = {
  excepted: "warning",
  rejected: "error",
  unattested: "error",
  undetermined: "error",
  error: "error",
} as const;

export async function* renderSarif(rows: AsyncIterable<Row>, run: Run, tally: Tally): AsyncGenerator<string> {
  const rules = [...checkRules(), ...codeRules()];
  const indexes = new Map(rules.map(({ id }, index) => [id, index]));
  const driver = { name: "kiteseal", semanticVersion: run.version, version: run.version, rules };
  const head = toJson({ $schema: SCHEMA, version: "2.1.0" }).slice(0, -1);
  let separator = `${head},"runs":[{"tool":${toJson({ driver })},"columnKind":"utf16CodeUnits","results":[`;
  for await (const row of rows) {
    const finding = findingOf(row);
    if (finding === undefined) continue;
    yield `${separator}\n${toJson(result(finding, indexes.get(finding.ruleId)))}`;
    separator = ",";
  }
  if (separator !== ",") yield separator;
  const invocations = [
    { executionSuccessful: tally.exitCode === 0, exitCode: tally.exitCode, startTimeUtc: run.startedAt.toISOString() },
  ];
  const properties = { ...runRecord(run), ...endRecord(run, tally) };
  yield `\n],${toJson({ invocations, properties }).slice(1)}]}\n`;
}

interface ReportingDescriptor {
  readonly id: string;
  readonly shortDescription: { readonly text: string };
  readonly help: { readonly text: string };
}

function checkRules(): readonly ReportingDescriptor[] {
  const ids: readonly CheckId[] = [...AUTHENTICATE_CHECKS, ...DECIDE_CHECKS, ...RULE_CHECKS];
  return ids.map((id) => {
    const { proves, next } = GUIDE[id];
    return { id, shortDescription: { text: proves }, help: { text: `When it fails: ${next}.` } };
  });
}

/** For what ended before or beside the checks. */
function codeRules(): readonly ReportingDescriptor[] {
  const codes: readonly ErrorCode[] = Object.keys(ERRORS).filter(isErrorCode);
  return codes
    .filter((code) => errorEntry(code).kind !== "interrupted")
    .map((code) => {
      const { means } = errorEntry(code);
      return { id: code, shortDescription: { text: means }, help: { text: means } };
    });
}

function result(finding: Finding, ruleIndex: number | undefined): object {
  const { name, outcome, code, ruleId, means, location, sha256 } = finding;
  const uri = location === undefined ? undefined : locationUri(location);
  const text = [
    `${outcome}: ${name}: ${means}`,
    ...sentence("expected", finding.expected),
    ...sentence("found", finding.found),
    ...sentence("signed by", finding.signedBy),
    ...sentence("exception", finding.exception),
    ...sentence("what to do", finding.hint),
  ].join("; ");
  const physical = uri === undefined ? {} : { physicalLocation: { artifactLocation: { uri } } };
  const { expected, found, hint, rule, signedBy, exception, looked } = finding;
  return {
    ruleId,
    ...(ruleIndex === undefined ? {} : { ruleIndex }),
    kind: "fail",
    level: LEVELS[outcome],
    message: { text: escapeMessage(escapeText(text)) },
    locations: [{ ...physical, logicalLocations: [{ fullyQualifiedName: escapeText(name), kind: "resource" }] }],
    ...(sha256 === undefined ? {} : { partialFingerprints: { "artifactSha256/v1": sha256 } }),
    properties: { outcome, code, expected, found, hint, rule, signedBy, exception, looked },
  };
}

function sentence(label: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [`${label} ${value}`];
}

/** A path as a file address, an address as it is but for what a URI may not hold. */
function locationUri(location: string): string {
  return URL.canParse(location) ? new URL(location).href : pathToFileURL(location).href;
}
