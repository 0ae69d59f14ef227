// SPDX-License-Identifier: Apache-2.0
// Executables in PATH, and what a whole process took, by GNU time, since what Node is told of its children's memory
// includes its own.
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { type Invocation, runProgram } from "../../support/program.ts";

/** Undefined: it is not there. */
export function programOf(name: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((candidate) => {
      try {
        accessSync(candidate, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export interface Taken {
  readonly seconds: number;
  /** User and system. */
  readonly cpuSeconds: number;
  /** Largest resident set of its largest process. */
  readonly peakBytes: number;
}

/** What the measurement before left to be written would be written during the next one, at the next one's cost. */
export function settleDisk(): void {
  execFileSync("sync");
}

/** Throws unless it ends with 0. */
export async function timed(program: string, invocation: Invocation): Promise<Taken> {
  const time = programOf("time");
  if (time === undefined) throw new Error("GNU time is needed to measure memory: it is not in PATH");
  const file = join(tmpdir(), `kiteseal-time-${randomUUID()}`);
  try {
    const began = performance.now();
    const args = ["-f", "%U %S %M", "-o", file, program, ...invocation.args];
    const { code, stderr, stdout } = await runProgram(time, { ...invocation, args });
    const seconds = (performance.now() - began) / 1000;
    if (code !== 0) throw new Error(`${program} ended with exit code ${code}\n${stdout}\n${stderr}`);
    const [user = 0, system = 0, kib = 0] = (await readFile(file, "utf8")).trim().split(" ").map(Number);
    return { seconds, cpuSeconds: user + system, peakBytes: kib * 1024 };
  } finally {
    await rm(file, { force: true });
  }
}
