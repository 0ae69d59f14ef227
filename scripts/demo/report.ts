// SPDX-License-Identifier: Apache-2.0
// What the demo says: a paragraph for each thing that was tried, and a table of all of them.
import { type Ended, reasonOf } from "./cli.ts";

export interface Attempt {
  readonly what: string;
  /** As docs/errors.md has it; no code where everything passes. */
  readonly expected: { readonly exitCode: number; readonly code?: string };
  readonly run: () => Promise<Ended>;
}

export interface Result extends Omit<Attempt, "run"> {
  readonly exitCode: number;
  readonly code?: string;
  readonly asDocumented: boolean;
}

const REASON_WIDTH = 400;

export async function tryAll(attempts: readonly Attempt[]): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const { what, expected, run } of attempts) {
    const ended = await run();
    const { exitCode } = ended;
    const { code, text } = reasonOf(ended);
    const asDocumented = exitCode === expected.exitCode && code === expected.code;
    results.push({ what, expected, exitCode, asDocumented, ...(code === undefined ? {} : { code }) });
    const documented = asDocumented ? "as documented" : `NOT AS DOCUMENTED: ${outcome(expected)}`;
    const reason = text.length > REASON_WIDTH ? `${text.slice(0, REASON_WIDTH)}…` : text;
    console.log(`${asDocumented ? "✓" : "✗"} ${what}`);
    console.log(`    ${outcome({ exitCode, code })}, ${documented}: ${reason}`);
  }
  return results;
}

function outcome({ exitCode, code }: { exitCode: number; code?: string | undefined }): string {
  return `exit ${exitCode}${code === undefined ? "" : ` ${code}`}`;
}

export function title(text: string): void {
  console.log(`\n== ${text}\n`);
}

export function summary(results: readonly Result[]): void {
  const rows = results.map(({ what, expected, exitCode, code, asDocumented }) => [
    what,
    String(exitCode),
    String(expected.exitCode),
    code ?? "-",
    asDocumented ? "yes" : "NO",
  ]);
  const table = [["what was tried", "exit", "documented", "code", "as documented"], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of table)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

/** A command line for a POSIX shell. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(" ");
}
