// SPDX-License-Identifier: Apache-2.0
// What a command may know of the process: streams, environment, clock, a way to be stopped. Built in bin.ts, or by a
// test. Everything written through `stdout` and `stderr` of a redacted Io has lost every known secret.
import type { Clients } from "@kiteseal/storage-adapters";
import { failureName, KitesealError, type Redactor } from "@kiteseal/core";
import { type AgentSecrets, createAgentSecrets } from "./agent-secrets.ts";

export interface Sink {
  readonly isTty: boolean;
  readonly columns?: number | undefined;
  /** Resolves when the bytes were handed over; rejects with the system's error when they cannot be. */
  write(data: string | Uint8Array): Promise<void>;
}

export interface SpawnRequest {
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  now(): Date;
  /** Aborted by SIGINT or SIGTERM, with that name as its reason. */
  readonly signal: AbortSignal;
  /** Where the machine's own configuration is, whether or not there is one. */
  readonly machineConfig: string;
  /** Runs a program on this process's streams; resolves with its exit code, 128 + n for signal n. */
  spawn(request: SpawnRequest): Promise<number>;
}

/** An Io whose text output passes through `redact`. `data` is for bytes that must arrive unchanged and were guarded. */
export interface RedactedIo extends Io {
  readonly redactor: Redactor;
  /** Of the stores that this run reads. */
  readonly clients: Clients;
  /** Credentials of stores that are secrets of the job's cluster. */
  readonly agentSecrets: AgentSecrets;
  /** Standard output as it is. */
  readonly data: Sink;
}

export function redacted(io: Io, redactor: Redactor): RedactedIo {
  const data = checkedSink(io.stdout);
  const plain = {
    ...io,
    redactor,
    clients: new Map(),
    data,
    stdout: redactedSink(data, redactor),
    stderr: redactedSink(lossySink(io.stderr), redactor),
  };
  return { ...plain, agentSecrets: createAgentSecrets(plain) };
}

/** What is asked for on standard output and does not arrive there was not done. Throws ERR_OUTPUT. */
function checkedSink(sink: Sink): Sink {
  const write = (data: string | Uint8Array): Promise<void> =>
    sink.write(data).catch((cause: unknown) => {
      throw new KitesealError("ERR_OUTPUT", `standard output cannot be written: ${failureName(cause)}`, { cause });
    });
  return { ...sink, write };
}

/** Words for people are lost with whoever read them; the exit code still stands. */
function lossySink(sink: Sink): Sink {
  return { ...sink, write: (data) => sink.write(data).catch(() => undefined) };
}

function redactedSink(sink: Sink, redactor: Redactor): Sink {
  return {
    isTty: sink.isTty,
    columns: sink.columns,
    write: (data) => sink.write(redactor(typeof data === "string" ? data : new TextDecoder().decode(data))),
  };
}

/** How far an interrupted run got is in no exit code: only which signal it was. */
export function signalExitCode(signal: AbortSignal): number {
  return signal.reason === "SIGTERM" ? 143 : 130;
}
