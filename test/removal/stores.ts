// SPDX-License-Identifier: Apache-2.0
// Removes each guard of store-guards.ts in turn from a copy of the adapters and runs its test against that copy.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Edit } from "./guard.ts";
import { STORE_GUARDS, type StoreGuard } from "./store-guards.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
const COPIED = ["packages/storage-adapters/src", "packages/storage-adapters/package.json", "test/doubles"];

interface Result {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

function copyTo(folder: string): void {
  mkdirSync(folder);
  for (const path of COPIED) cpSync(join(REPOSITORY, path), join(folder, path), { recursive: true });
  symlinkSync(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "vitest.config.ts"), "export default { test: { testTimeout: 60_000 } };\n");
}

function run(folder: string, { suite, test }: StoreGuard): Result {
  const program = join(REPOSITORY, "node_modules/vitest/vitest.mjs");
  const output = join(folder, "result.json");
  const pattern = test.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const args = ["run", join("packages/storage-adapters/src", suite), "-t", pattern, "--maxWorkers=1"];
  spawnSync(process.execPath, [program, ...args, "--reporter=json", `--outputFile=${output}`], { cwd: folder });
  return JSON.parse(readFileSync(output, "utf8")) as Result;
}

export interface StoreRow {
  readonly guard: StoreGuard;
  readonly isNoticed: boolean;
  readonly problem: string | undefined;
}

/** `replaceOnce` throws for an edit that does not fit. Each test passes before its guard is removed and fails after. */
export function* removeStoreGuards(
  work: string,
  wanted: string,
  replaceOnce: (text: string, edit: Edit) => string,
): Generator<StoreRow> {
  const folder = join(work, "stores");
  copyTo(folder);
  for (const guard of STORE_GUARDS.filter(({ id }) => id.includes(wanted))) {
    const path = join(folder, "packages", guard.edit.file);
    const whole = readFileSync(path, "utf8");
    try {
      const before = run(folder, guard);
      if (before.numPassedTests === 0 || before.numFailedTests > 0) throw new Error("its test does not pass before");
      writeFileSync(path, replaceOnce(whole, guard.edit));
      yield { guard, isNoticed: run(folder, guard).numFailedTests > 0, problem: undefined };
    } catch (error) {
      yield { guard, isNoticed: false, problem: error instanceof Error ? error.message : String(error) };
    }
    writeFileSync(path, whole);
  }
}
