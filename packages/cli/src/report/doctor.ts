// SPDX-License-Identifier: Apache-2.0
// What `doctor` found, for people and for machines (docs/reference/doctor-report.schema.json), and the exit code of it.
import type { KitesealError } from "@kiteseal/core";
import type { Finding } from "@kiteseal/core/store";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Style } from "../terminal/style.ts";
import { VERSION } from "../version.ts";
import { escapeText } from "./escape.ts";
import { REPORT_VERSION, toJson } from "./record.ts";

export interface Examined {
  readonly role: "store" | "root";
  readonly url: string;
  readonly findings: readonly Finding[];
  /** Why it could not be told; what was found before then is lost. */
  readonly failure?: KitesealError;
}

type Severity = Finding["severity"];

const MARKS: Readonly<Record<Severity, readonly [mark: string, style: Parameters<Style>[0]]>> = {
  ok: ["✓", "good"],
  advice: ["-", "loud"],
  broken: ["✗", "bad"],
  dangerous: ["✗", "bad"],
};
const COLUMN = 26;

function count(places: readonly Examined[], severity: Severity): number {
  return places.flatMap(({ findings }) => findings).filter((found) => found.severity === severity).length;
}

/** What is known to be wrong outranks what is not known. */
export function doctorExitCode(places: readonly Examined[]): ExitCode {
  if (count(places, "dangerous") + count(places, "broken") > 0) return EXIT.usage;
  return places.some(({ failure }) => failure !== undefined) ? EXIT.undetermined : EXIT.ok;
}

export function doctorText(places: readonly Examined[], style: Style): string {
  const exitCode = doctorExitCode(places);
  const lines = [
    ...places.flatMap((place) => placeLines(place, style)),
    style(exitCode === EXIT.ok ? "good" : "bad", summary(places, exitCode)),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function placeLines({ role, url, findings, failure }: Examined, style: Style): readonly string[] {
  return [
    `${role === "store" ? "store" : "attestations"} ${escapeText(url)}`,
    ...findings.flatMap((found) => findingLines(found, url, style)),
    ...(failure === undefined
      ? []
      : [`  ${style("bad", "? could not tell")}  ${escapeText(failure.message)} [${failure.code}]`]),
  ];
}

function findingLines(found: Finding, url: string, style: Style): readonly string[] {
  const { id, severity, subject, message, remedy } = found;
  const [mark, kind] = MARKS[severity];
  const word = severity === "broken" || severity === "dangerous" ? `${severity.toUpperCase()}: ` : "";
  const about = id === "doctor.root" || id === "file.permissions" ? `${subject}: ` : "";
  const told = escapeText(`${word}${subject === url ? "" : about}${message}`);
  const line = `  ${style(kind, mark)} ${escapeText(id).padEnd(COLUMN)} ${told}`;
  return remedy === undefined || severity === "ok"
    ? [line]
    : [line, `${" ".repeat(COLUMN + 5)}do: ${escapeText(remedy)}`];
}

function summary(places: readonly Examined[], exitCode: ExitCode): string {
  const parts = (["dangerous", "broken", "advice", "ok"] as const).flatMap((severity) => {
    const found = count(places, severity);
    return found === 0 ? [] : [`${found} ${severity}`];
  });
  const unknown = places.filter(({ failure }) => failure !== undefined).length;
  return [...parts, ...(unknown === 0 ? [] : [`${unknown} could not be told`]), `exit ${exitCode}`].join(", ");
}

export function doctorJson(places: readonly Examined[]): string {
  const exitCode = doctorExitCode(places);
  const record = {
    version: REPORT_VERSION,
    kind: "kiteseal.doctor",
    kiteseal: VERSION,
    outcome: exitCode === EXIT.ok ? "sound" : exitCode === EXIT.usage ? "unsound" : "unknown",
    exitCode,
    places: places.map(({ role, url, findings, failure }) => ({
      role,
      url,
      findings,
      error: failure && { code: failure.code, message: failure.message, hint: failure.hint },
    })),
  };
  return `${toJson(record, 2)}\n`;
}
