// SPDX-License-Identifier: Apache-2.0
// An Io over strings and a temporary directory, for command lines run inside the test.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Io, Sink, SpawnRequest } from "./io.ts";
import { main } from "./main.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly tty?: boolean;
  readonly signal?: AbortSignal;
  readonly machineConfig?: string;
  readonly now?: () => Date;
  /** Hears each piece of standard error as it is written. */
  readonly onStderr?: (text: string) => void;
  /** Nothing can be written to standard output. */
  readonly stdoutFails?: boolean;
  /** What a spawned command does; without it, `kiteseal …` is run by main. */
  readonly spawn?: (request: SpawnRequest) => Promise<number>;
}

export async function runCli(argv: readonly string[], options: RunOptions): Promise<Ran> {
  const text = { stdout: "", stderr: "" };
  const sink = (name: "stdout" | "stderr"): Sink => ({
    isTty: options.tty ?? false,
    write: (data) => {
      if (name === "stdout" && options.stdoutFails === true)
        return Promise.reject(Object.assign(new Error("no reader"), { code: "EPIPE" }));
      const piece = typeof data === "string" ? data : Buffer.from(data).toString("utf8");
      text[name] += piece;
      if (name === "stderr") options.onStderr?.(piece);
      return Promise.resolve();
    },
  });
  const io: Io = {
    stdout: sink("stdout"),
    stderr: sink("stderr"),
    env: options.env ?? {},
    cwd: options.cwd,
    now: options.now ?? (() => new Date()),
    signal: options.signal ?? new AbortController().signal,
    machineConfig: options.machineConfig ?? join(options.cwd, "no-machine-config.yaml"),
    spawn: options.spawn ?? (({ command, env }) => main(command.slice(1), { ...io, env })),
  };
  return { code: await main(argv, io), ...text };
}

export interface Directory extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryDirectory(): Promise<Directory> {
  const path = await mkdtemp(join(tmpdir(), "kiteseal-cli-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
