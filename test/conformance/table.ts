// SPDX-License-Identifier: Apache-2.0
// The committed answers, cases.json, and the document made of them.
import { readFileSync } from "node:fs";
import { errorEntry, isErrorCode } from "@kiteseal/core";
import { REPAIRED } from "./repaired.ts";

export const MODES = ["path", "digest"] as const;
export type Mode = (typeof MODES)[number];

/** By mode: `accepted`, or `CHECK: CODE`, or `no check: CODE` for what cannot be used before any check runs. */
export type Answers = Readonly<Record<Mode, string>>;
/** By the case's name. */
export type Table = ReadonlyMap<string, Answers>;

export const ACCEPTED = "accepted";
const CASES = new URL("cases.json", import.meta.url);

export const CASES_PATH: string = CASES.pathname;

export function committedTable(): Table {
  const read: unknown = JSON.parse(readFileSync(CASES, "utf8"));
  if (typeof read !== "object" || read === null) throw new Error("cases.json holds no object");
  return new Map(Object.entries(read).map(([name, value]) => [name, answersOf(name, value)]));
}

function answersOf(name: string, value: unknown): Answers {
  const known = typeof value === "object" && value !== null && "path" in value && "digest" in value ? value : undefined;
  if (typeof known?.path === "string" && typeof known.digest === "string") {
    return { path: known.path, digest: known.digest };
  }
  throw new Error(`cases.json, ${name}: expected {path, digest}`);
}

export function tableJson(table: Table): string {
  return `${JSON.stringify(Object.fromEntries(table), undefined, 2)}\n`;
}

const INTRODUCTION = `# Conformance

What Kiteseal answers to each case of the [sigstore-conformance](https://github.com/sigstore/sigstore-conformance)
verification suite, asked with the artifact's path and with its digest alone, through the client of
[test/conformance](../../test/conformance/client.ts). A case whose name ends in \`_fail\` must be refused; here is by which
[check](checks.md) and with which [code](../errors.md). The same code by path and by digest, unless two are named.

This file is generated, and compared with what the suite really gets:

\`\`\`sh
KITESEAL_CONFORMANCE_DIR=CHECKOUT KITESEAL_CONFORMANCE_ROOT=PRODUCTION_TRUSTED_ROOT npm run test:conformance
\`\`\`

`;

const REPAIRED_INTRODUCTION = `
## Refused for their form

The bundle of \`invalid-inclusion-proof_fail\` has a proof without a checkpoint, which a v0.2 bundle must have: whether
its hashes lead anywhere could not be told. Others are refused for their form before what the case is about is reached;
the script also asks for these with the form put right, and they must be refused for what they are about:

`;

/** docs/reference/conformance.md. */
export function conformanceDocument(table: Table): string {
  const all = [...table].map(([name, { path, digest }]) => {
    const answers = [...new Set([path, digest])].map((answer) => answer.split(": "));
    const column = (i: number): string => answers.map((answer) => cell(answer[i])).join(", then ");
    const [, code] = answers[0] ?? [];
    return [`\`${name}\``, column(0), column(1), isErrorCode(code) ? errorEntry(code).means : ""];
  });
  const repaired = REPAIRED.map(({ name, form, answer }) => {
    const [check, code] = answer.split(": ");
    return [`\`${name}\``, form, cell(check), cell(code)];
  });
  const cases = markdownTable([["case", "check", "code", "meaning"], ...all]);
  return `${INTRODUCTION}${cases}${REPAIRED_INTRODUCTION}${markdownTable([["case", "form", "check", "code"], ...repaired])}`;
}

function markdownTable(lines: readonly (readonly string[])[]): string {
  const widths = [0, 1, 2, 3].map((i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((text, i) => text.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const [head = [], ...rest] = lines;
  const rule = widths.map((width) => "-".repeat(width));
  return `${[head, rule, ...rest].map(row).join("\n")}\n`;
}

function cell(text: string | undefined): string {
  return text === undefined ? "" : text === ACCEPTED ? text : `\`${text}\``;
}
