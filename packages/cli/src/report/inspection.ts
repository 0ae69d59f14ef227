// SPDX-License-Identifier: Apache-2.0
// An inspected bundle for people and for machines. Everything here is unverified; both forms say so where it cannot be missed.
import type { Inspection } from "@kiteseal/core";
import type { Style } from "../terminal/style.ts";
import { escapeText } from "./escape.ts";
import { REPORT_VERSION, toJson } from "./record.ts";
import { describeBuild } from "./text.ts";

const MAX_SUBJECTS = 20;
const WARNING = "NOT VERIFIED: anybody can write what follows into a file; `kiteseal verify` says what is true";

export function inspectionText(inspections: readonly Inspection[], style: Style): string {
  const lines = [style("loud", WARNING), ...inspections.flatMap(describe), style("loud", "NOT VERIFIED")];
  return `${lines.join("\n")}\n`;
}

function describe(inspection: Inspection): readonly string[] {
  const { unverifiedSigner: signer, unverifiedValidity: validity, unverifiedStatement: statement } = inspection;
  const subjects = statement?.subject ?? [];
  const row = (label: string, value: string | undefined): readonly string[] =>
    value === undefined ? [] : [`  ${label.padEnd(12)} ${escapeText(value)}`];
  return [
    `bundle sha256:${inspection.bundleDigest}`,
    ...row("format", `v${inspection.version}, ${inspection.content}`),
    ...row("signer", signer?.subject),
    ...row("issuer", signer?.issuer),
    ...row("build", describeBuild(inspection.unverifiedBuild)),
    ...row("commit", inspection.unverifiedBuild?.commit),
    ...row("certificate", validity && `${validity.notBefore.toISOString()} to ${validity.notAfter.toISOString()}`),
    ...row("predicate", statement?.predicateType),
    ...subjects
      .slice(0, MAX_SUBJECTS)
      .flatMap((s) => row("subject", `${s.name}  sha256:${s.digest["sha256"] ?? "none"}`)),
    ...(subjects.length > MAX_SUBJECTS ? row("", `and ${subjects.length - MAX_SUBJECTS} more subjects`) : []),
    ...inspection.unverifiedLogEntries.flatMap((e) =>
      row(
        "log entry",
        `${e.kind}, index ${e.logIndex}${e.integratedTime ? `, ${e.integratedTime.toISOString()}` : ""}`,
      ),
    ),
    ...row("timestamps", String(inspection.timestamps)),
    ...inspection.problems.flatMap((problem) => row("problem", problem)),
  ];
}

export function inspectionJson(inspections: readonly Inspection[]): string {
  const record = { version: REPORT_VERSION, kind: "kiteseal.inspection", verified: false, bundles: inspections };
  return `${toJson(record, 2)}\n`;
}
