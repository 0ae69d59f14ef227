// SPDX-License-Identifier: Apache-2.0
// A worker thread that authenticates bundles: plain data in and out; errors cross as {code, message, hint, details}.
import { parentPort, workerData } from "node:worker_threads";
import { createAuthority, type AskedKinds } from "./compute.ts";
import { type PlainError, plainError } from "./thread-errors.ts";
import { authenticate, type Authentication } from "./verification/authenticate.ts";

export interface WorkerStart {
  readonly rootBytes: Uint8Array;
  readonly asked: AskedKinds;
}

export interface WorkerRequest {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly digest: string;
}

export type WorkerReply = { readonly id: number } & (
  | { readonly result: Authentication }
  | { readonly error: PlainError }
);

function isStart(value: unknown): value is WorkerStart {
  return typeof value === "object" && value !== null && "rootBytes" in value && "asked" in value;
}

if (parentPort !== null && isStart(workerData)) {
  const port = parentPort;
  const authority = createAuthority(workerData.rootBytes, workerData.asked);
  port.on("message", (request: WorkerRequest) => {
    void answer(request).then((reply) => port.postMessage(reply));
  });

  const answer = async ({ id, bytes, digest }: WorkerRequest): Promise<WorkerReply> => {
    try {
      return { id, result: authenticate(bytes, digest, await authority) };
    } catch (error) {
      return { id, error: plainError(error) };
    }
  };
}
