// SPDX-License-Identifier: Apache-2.0
// docs/errors.md from the one table of codes.
import { errorEntry, ERRORS, isErrorCode, type ErrorKind } from "@kiteseal/core";

/** Exit codes of docs and CLI; the docs test holds them against packages/cli. */
const EXITS: Readonly<Record<ErrorKind, { exit: string; heading: string }>> = {
  usage: { exit: "2", heading: "Usage or configuration" },
  refused: { exit: "20", heading: "Refused: a retry will not help" },
  unattested: { exit: "21", heading: "No attestation" },
  undetermined: { exit: "30", heading: "Could not tell: a retry may help" },
  interrupted: { exit: "130, 143", heading: "Stopped" },
};
const KINDS = ["usage", "refused", "unattested", "undetermined", "interrupted"] as const;

export function errorsDocument(): string {
  const codes = Object.keys(ERRORS).filter(isErrorCode);
  const sections = KINDS.flatMap((kind) => {
    const rows = codes.flatMap((code) => {
      const entry = errorEntry(code);
      return entry.kind === kind ? [`| \`${code}\` | ${entry.check ?? ""} | ${entry.means} |`] : [];
    });
    const { exit, heading } = EXITS[kind];
    return [
      `## ${heading}`,
      "",
      `Exit code ${exit}, kind \`${kind}\`.`,
      "",
      "| code | check | meaning |",
      "| --- | --- | --- |",
      ...rows,
      "",
    ];
  });
  return [
    "# Errors",
    "",
    "Every failure has one of these codes; a script branches on the code or on the exit code, never on the message.",
    "`check` names the row of the verification report that fails with the code. This file is generated:",
    "`npm run docs`.",
    "",
    ...sections,
  ].join("\n");
}
