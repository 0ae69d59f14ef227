// SPDX-License-Identifier: Apache-2.0
// Errors between threads, which pass on plain data only.
import { isErrorCode, isKitesealError, KitesealError } from "./errors.ts";

export interface PlainError {
  readonly code?: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>>;
}

export function plainError(error: unknown): PlainError {
  if (isKitesealError(error)) {
    const { code, message, hint, details } = error;
    return { code, message, hint, details };
  }
  return { message: error instanceof Error ? (error.stack ?? error.message) : "a worker failed" };
}

/** What has no code of ours is a bug. */
export function revivedError({ code, message, hint, details }: PlainError): Error {
  return isErrorCode(code) ? new KitesealError(code, message, { hint, details }) : new Error(message);
}
