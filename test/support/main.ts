// SPDX-License-Identifier: Apache-2.0
// The command line in this process: main() with an Io that a test can read.
import { join } from "node:path";
import type { Io, Sink } from "../../packages/cli/src/io.ts";
import { main } from "../../packages/cli/src/main.ts";
import { type Ended, type Invocation, runProgram } from "./program.ts";

interface Collected extends Sink {
  text(): string;
}

function collect(): Collected {
  const pieces: Buffer[] = [];
  return {
    isTty: false,
    write: (data) => {
      pieces.push(Buffer.from(data));
      return Promise.resolve();
    },
    text: () => Buffer.concat(pieces).toString("utf8"),
  };
}

/** main() with an Io of this process; what it would have exited with and written. */
export async function runInProcess({ args, cwd, env }: Invocation): Promise<Ended> {
  const stdout = collect();
  const stderr = collect();
  const io: Io = {
    stdout,
    stderr,
    env,
    cwd,
    now: () => new Date(),
    signal: new AbortController().signal,
    machineConfig: join(cwd, "no-machine-config.yaml"),
    spawn: async ({ command: [program = "", ...rest], env: given }) => {
      const known: Record<string, string> = {};
      for (const [name, value] of Object.entries(given)) if (value !== undefined) known[name] = value;
      return (await runProgram(program, { args: rest, cwd, env: known })).code;
    },
  };
  const code = await main(args, io);
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}
