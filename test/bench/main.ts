// SPDX-License-Identifier: Apache-2.0
// npm run bench -- [--json FILE] [--gib N] [--rounds N] [--files N] [--only SECTION]… [--store STORE]…: what Kiteseal
// costs, as ratios to something that runs in the same minutes on the same machine. Prints a table; exit 1 if a target is
// missed. The servers of `stores` are those that `npm run test:peers` installs; its clients are looked for in PATH.
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { largeFile } from "./large-file.ts";
import { meetsTarget, type Row } from "./measure.ts";
import { peers } from "./peers.ts";
import { rates } from "./rates.ts";
import { sparse } from "./sparse.ts";
import { startUp } from "./start-up.ts";
import { stores } from "./stores.ts";
import { thousand } from "./thousand.ts";
import { openWorld } from "./world.ts";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    gib: { type: "string" },
    files: { type: "string", default: "5000" },
    rounds: { type: "string", default: "5" },
    only: { type: "string", multiple: true },
    store: { type: "string", multiple: true, default: [] },
  },
});
const rounds = positive("--rounds", values.rounds);
const bytes = (gib: string): number => Math.round(positive("--gib", values.gib ?? gib) * 2 ** 30);

const world = await openWorld();
const rows: Row[] = [];
const SECTIONS: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  "start-up": () => startUp(world, rounds * 3),
  "large-file": () => largeFile(world, { bytes: bytes("4"), rounds: Math.min(rounds, 5) }),
  thousand: () => thousand(world, Math.min(rounds, 3)),
  rates: () => rates(world, Math.min(rounds, 3)),
  peers: () => peers(world, Math.min(rounds, 3)),
  sparse: () => sparse(world, bytes("20")),
  stores: () =>
    stores(world, {
      bytes: bytes("1"),
      files: positive("--files", values.files, 100_000),
      rounds: Math.min(rounds, 3),
      stores: values.store,
    }),
};
try {
  for (const name of values.only ?? Object.keys(SECTIONS)) {
    const section = SECTIONS[name];
    if (section === undefined) throw new Error(`--only ${name}: expected ${Object.keys(SECTIONS).join(", ")}`);
    console.error(`measuring ${name}`);
    rows.push(...(await section()));
  }
} finally {
  await world.close();
}

console.log(table(rows));
if (values.json !== undefined) {
  const machine = { node: process.version, platform: process.platform, arch: process.arch, cores: cpus().length };
  const measured = rows.map((row) => ({ ...row, met: meetsTarget(row) }));
  await writeFile(values.json, `${JSON.stringify({ version: 1, machine, rounds, rows: measured }, null, 2)}\n`);
}
if (rows.some((row) => meetsTarget(row) === false)) process.exitCode = 1;

function positive(flag: string, text: string, atMost = 64): number {
  const value = Number(text);
  if (!(value > 0 && value <= atMost)) throw new Error(`${flag} ${text}: expected a number up to ${atMost}`);
  return value;
}

function table(all: readonly Row[]): string {
  const lines = [["work", "median", "beside", "", "ratio", "target"], ...all.map(cells)];
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const aligned = lines.map((line) =>
    line.map((cell, i) => (i === 0 || i === 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))),
  );
  return aligned.map((line) => line.join("  ").trimEnd()).join("\n");
}

function cells(row: Row): readonly string[] {
  const { work, value, unit, beside, ratio, target } = row;
  const bound = target?.atLeast === undefined ? `≤ ${target?.atMost}` : `≥ ${target.atLeast}`;
  return [
    work,
    number(value, unit),
    beside?.name ?? "",
    beside === undefined ? "" : number(beside.value, unit),
    ratio === undefined ? "" : ratio.toFixed(2),
    target === undefined ? "" : `${target.of} ${bound}: ${meetsTarget(row) === true ? "met" : "MISSED"}`,
  ];
}

function number(value: number, unit: string): string {
  return `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)} ${unit}`;
}
