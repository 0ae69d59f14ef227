// SPDX-License-Identifier: Apache-2.0
// Programs as tests run them, and the bundled command behind its stub as users run it.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./sources.ts";

export interface Invocation {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Ended {
  /** 128 + the signal's number for a process that a signal ended. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const STUB: string = join(ROOT, "packages/cli/bin/kiteseal.mjs");

export function runBundle({ args, cwd, env }: Invocation): Promise<Ended> {
  return runProgram(process.execPath, { args: [STUB, ...args], cwd, env });
}

const SIGNALS: Readonly<Record<string, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

export function runProgram(program: string, { args, cwd, env }: Invocation): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({
        code: code ?? 128 + (SIGNALS[signal ?? ""] ?? 0),
        stdout: Buffer.concat(out).toString("utf8"),
        stderr: Buffer.concat(err).toString("utf8"),
      });
    });
  });
}
