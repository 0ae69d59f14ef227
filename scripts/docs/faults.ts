// SPDX-License-Identifier: Apache-2.0
// docs/reference/faults.md from the tables that the fault suites assert.
import { FAULTS } from "../../packages/storage-adapters/src/faults/outcomes.testkit.ts";
import type { Cell, FaultRow, WireStore } from "../../packages/storage-adapters/src/faults/outcomes.testkit.ts";
import { ELSEWHERE } from "../../packages/storage-adapters/src/faults/elsewhere.testkit.ts";

const STORES: readonly (readonly [WireStore, string])[] = [
  ["s3", "`s3:`"],
  ["gs", "`gs:`"],
  ["azure", "Azure"],
  ["rt", "`rt:`"],
  ["https", "`https:`"],
];

/** Reasons, numbered in the order in which the table needs them. */
class Notes {
  readonly #numbers = new Map<string, number>();

  mark(reason: string): string {
    const number = this.#numbers.get(reason) ?? this.#numbers.size + 1;
    this.#numbers.set(reason, number);
    return `(${number})`;
  }

  lines(): string[] {
    return [...this.#numbers].map(([reason, number]) => `${number}. ${reason}`);
  }
}

function shown(cell: Cell, notes: Notes): string {
  if (cell === "done") return "overcome";
  if (typeof cell === "string") return short(cell);
  if ("not" in cell) return `- ${notes.mark(cell.not)}`;
  return `${cell.is === "done" ? "overcome" : short(cell.is)} ${notes.mark(cell.because)}`;
}

function short(code: string): string {
  return `\`${code.replace(/^ERR_/, "")}\``;
}

function matrix(notes: Notes): string[] {
  const rows: readonly (readonly [string, FaultRow])[] = Object.entries(FAULTS);
  return [
    `| test | fault | ${STORES.map(([, title]) => title).join(" | ")} |`,
    `| --- | --- | ${STORES.map(() => "---").join(" | ")} |`,
    ...rows.map(
      ([id, { fault, outcomes }]) =>
        `| ${id} | ${fault} | ${STORES.map(([store]) => shown(outcomes[store], notes)).join(" | ")} |`,
    ),
  ];
}

export function faultsDocument(): string {
  const notes = new Notes();
  const table = matrix(notes);
  return [
    "# Faults",
    "",
    "What comes of a fault, in each store. Codes are without their `ERR_`; [what they mean](../errors.md). Each cell but `-` is a test",
    "of the suite in `packages/storage-adapters/src/faults`, called by the name in the first column, run by the store's",
    "`faults.test.ts` against a double behind a proxy that breaks what it is told to. Every test of a write also asserts that",
    "nothing half-written is visible, that another's object is untouched, and that the same run again completes.",
    "`STORE_UNAVAILABLE` and `STORE_DENIED` end a run with 30, `PIN_CHANGED`, `STORE_CONFLICT` and `STORE_TAMPERED` with 20,",
    "`STORE_URL` and `KEY_INVALID` with 2. This file is generated: `npm run docs`.",
    "",
    ...table,
    "",
    ...notes.lines(),
    "",
    "## Faults that no wire shows, and faults of one store",
    "",
    "| fault | outcome | test |",
    "| --- | --- | --- |",
    ...ELSEWHERE.map(({ fault, outcome, file, test }) => `| ${fault} | ${outcome} | \`${file}\`: ${test} |`),
    "",
  ].join("\n");
}
