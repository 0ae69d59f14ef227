// SPDX-License-Identifier: Apache-2.0
// How things are measured: contestants take turns, so that what the machine does meanwhile hits all of them alike, and
// the medians are compared. Only ratios mean anything on another machine.
import { runProgram } from "../support/program.ts";

export interface Contestant {
  readonly name: string;
  run(): Promise<void>;
}

/** Median milliseconds by name, after one round that is not counted. */
export async function race(contestants: readonly Contestant[], rounds: number): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const contestant of contestants) {
      const began = performance.now();
      await contestant.run();
      if (round > 0) times.get(contestant.name)?.push(performance.now() - began);
    }
  }
  return new Map([...times].map(([name, list]) => [name, median(list)]));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[Math.max(0, middle - 1)], sorted[middle]];
  if (low === undefined || high === undefined) throw new Error("a median of nothing");
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** A process that has to end with exit code 0. */
export function processOf(
  name: string,
  [program = "", ...args]: readonly string[],
  place: { cwd: string; env: Readonly<Record<string, string>> },
): Contestant {
  return {
    name,
    run: async () => {
      const ended = await runProgram(program, { args, ...place });
      if (ended.code !== 0) throw new Error(`${name} ended with exit code ${ended.code}\n${ended.stderr}`);
    },
  };
}

export interface Row {
  readonly section: string;
  readonly work: string;
  readonly value: number;
  readonly unit: "ms" | "MB" | "GB/s" | "MiB/s" | "bundles/s" | "files/s";
  /** What it is compared with, in the same unit. */
  readonly beside?: { readonly name: string; readonly value: number };
  /** `value` over `beside`. */
  readonly ratio?: number;
  readonly target?: { readonly of: "value" | "ratio"; readonly atLeast?: number; readonly atMost?: number };
}

export function compared(row: Omit<Row, "ratio">): Row {
  return row.beside === undefined ? row : { ...row, ratio: row.value / row.beside.value };
}

/** Undefined: there is no target. */
export function meetsTarget({ target, value, ratio }: Row): boolean | undefined {
  if (target === undefined) return undefined;
  const measured = target.of === "value" ? value : (ratio ?? Number.NaN);
  return measured >= (target.atLeast ?? -Infinity) && measured <= (target.atMost ?? Infinity);
}

export function at(times: ReadonlyMap<string, number>, name: string): number {
  const time = times.get(name);
  if (time === undefined) throw new Error(`${name} was not measured`);
  return time;
}
