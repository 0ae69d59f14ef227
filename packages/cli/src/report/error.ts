// SPDX-License-Identifier: Apache-2.0
// How a command that failed says so: `kiteseal: error: …`, the code, a hint; causes only with --debug.
import { isKitesealError, type KitesealError } from "@kiteseal/core";
import { escapeText } from "./escape.ts";
import { REPORT_VERSION, toJson } from "./record.ts";

const MAX_CAUSES = 8;

export function errorText(error: KitesealError, debug: boolean): string {
  const title = `kiteseal: error: ${escapeText(error.message)} [${error.code}]\n`;
  const more = debug ? [...detailLines(error), ...causeLines(error.cause)] : [];
  return [title, hintText(error), ...more.map((line) => `${line}\n`)].join("");
}

/** Empty if there is none. */
export function hintText({ hint }: KitesealError): string {
  return hint === undefined ? "" : `hint: ${escapeText(hint)}\n`;
}

function detailLines({ details }: KitesealError): readonly string[] {
  return Object.keys(details).length === 0 ? [] : [`debug: ${toJson(details)}`];
}

function causeLines(first: unknown): readonly string[] {
  const lines: string[] = [];
  for (let cause = first; cause instanceof Error && lines.length < MAX_CAUSES; cause = cause.cause) {
    const code = isKitesealError(cause) ? ` [${cause.code}]` : "";
    lines.push(`debug: caused by ${escapeText(`${cause.name}: ${cause.message}${code}`)}`);
  }
  return lines;
}

/** Not a KitesealError: ours to repair. */
export function bugText(error: unknown, debug: boolean): string {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : "something that is no error was thrown";
  const stack = debug && error instanceof Error ? (error.stack ?? "").split("\n").slice(1) : [];
  const lines = [
    `kiteseal: this is a bug in kiteseal, not a verdict: ${escapeText(what)}`,
    debug ? "hint: please report it with the lines below" : "hint: please report it, with what --debug adds",
    ...stack.map((line) => `debug: ${escapeText(line.trim())}`),
    ...(debug && error instanceof Error ? causeLines(error.cause) : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** For machines that asked for JSON and whose command ended before it had a report. */
export function errorJson({ code, message, hint, details }: KitesealError, exitCode: number): string {
  return `${toJson({ version: REPORT_VERSION, kind: "kiteseal.error", exitCode, error: { code, message, hint, details } })}\n`;
}
