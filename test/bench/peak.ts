// SPDX-License-Identifier: Apache-2.0
// The bundled command in a process that leaves its peak memory behind. Read by the process itself when it exits: a
// parent that polls misses the peak, and what the kernel reports of a child (ru_maxrss) includes the parent's own size.
import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Ended, type Invocation, runProgram, STUB } from "../support/program.ts";

/** JavaScript in a URL: a file of ours would load the type stripper and count its memory. */
const RECORDER = `data:text/javascript,${encodeURIComponent(`
import { readFileSync, writeFileSync } from "node:fs";
process.on("exit", () => {
  let kib = process.resourceUsage().maxRSS;
  try { kib = Number(/^VmHWM:\\s*(\\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))[1]); } catch {}
  writeFileSync(process.env.PEAK_FILE, String(kib * 1024));
});`)}`;

export interface Measured extends Ended {
  /** Largest resident set, bytes. */
  readonly peakBytes: number;
}

export async function runMeasured({ args, cwd, env }: Invocation): Promise<Measured> {
  const file = join(tmpdir(), `kiteseal-peak-${randomUUID()}`);
  try {
    const given = ["--import", RECORDER, STUB, ...args];
    const ended = await runProgram(process.execPath, { args: given, cwd, env: { ...env, PEAK_FILE: file } });
    return { ...ended, peakBytes: Number(await readFile(file, "utf8")) };
  } finally {
    await rm(file, { force: true });
  }
}
