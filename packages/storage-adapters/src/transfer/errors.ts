// SPDX-License-Identifier: Apache-2.0
// The one place where an adapter's failure becomes a code. An outage never looks like a verdict: what is not
// proven stays undetermined. Design §6 "Two interfaces", §7 exits.
import { KitesealError, isKitesealError } from "@kiteseal/core/store";
import type { Context, ErrorCode } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { AdapterErrorKind } from "../adapter.ts";

const CODES: Readonly<Record<AdapterErrorKind, ErrorCode>> = {
  AlreadyExists: "ERR_STORE_CONFLICT",
  // Of a key that head has not seen; head says undefined and get says ERR_PIN_CHANGED before this row is asked.
  NotFound: "ERR_STORE_UNAVAILABLE",
  PinChanged: "ERR_PIN_CHANGED",
  // The bytes were compared with their digest on the way out, so they were damaged after that.
  ChecksumRejected: "ERR_STORE_UNAVAILABLE",
  Denied: "ERR_STORE_DENIED",
  Immutable: "ERR_STORE_CONFLICT",
  Throttled: "ERR_STORE_UNAVAILABLE",
  Transient: "ERR_STORE_UNAVAILABLE",
  UploadGone: "ERR_STORE_UNAVAILABLE",
  Unavailable: "ERR_STORE_UNAVAILABLE",
  KeyRejected: "ERR_KEY_INVALID",
  Irregular: "ERR_STORE_TAMPERED",
  Unsupported: "ERR_STORE_URL",
};

export function isAdapterError(error: unknown, ...kinds: readonly AdapterErrorKind[]): error is AdapterError {
  return error instanceof AdapterError && kinds.includes(error.kind);
}

/** What another try of the same upload may not meet. */
export function isRepeatable(error: unknown): error is AdapterError {
  return isAdapterError(error, "Transient", "Throttled", "UploadGone");
}

/** ERR_INTERRUPTED, carrying the signal's reason as cause. */
export function interrupted(ctx: Context): KitesealError {
  return new KitesealError("ERR_INTERRUPTED", "stopped while using the store", { cause: ctx.signal?.reason });
}

/** Throws ERR_INTERRUPTED if the signal has fired. */
export function throwIfInterrupted(ctx: Context): void {
  if (ctx.signal?.aborted === true) throw interrupted(ctx);
}

/** What a Store throws for `error`: its code, ERR_INTERRUPTED once the signal has fired, anything unknown as it is (a bug). */
export function storeError(error: unknown, ctx: Context): unknown {
  if (isKitesealError(error)) return error;
  if (ctx.signal?.aborted === true) return interrupted(ctx);
  if (!(error instanceof AdapterError)) return error;
  return new KitesealError(CODES[error.kind], error.message, {
    hint: error.hint,
    details: { failure: error.kind },
    cause: error,
  });
}
