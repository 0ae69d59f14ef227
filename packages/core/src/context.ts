// SPDX-License-Identifier: Apache-2.0
// What an I/O function may know of the outside: a clock, a way to stop, somewhere to report to.

/** One step of something long; lossy, to be shown or ignored. `done` and `total` are bytes or items as `unit` says. */
export interface Progress {
  readonly stage: "hash" | "sign" | "upload" | "verify" | "fetch";
  readonly subject: string;
  readonly done: number;
  readonly total?: number | undefined;
  readonly unit: "bytes" | "items";
}

export interface Context {
  now(): Date;
  readonly signal?: AbortSignal | undefined;
  progress?(progress: Progress): void;
}
