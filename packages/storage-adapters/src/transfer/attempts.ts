// SPDX-License-Identifier: Apache-2.0
// Calls to a store, tried again where the store said "later" or said nothing. The SDKs' own retries are off: they cannot
// reopen a body and do not know which answer settles a lost reply.
import { retry } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { isAdapterError } from "./errors.ts";
import type { Pace } from "./plan.ts";

/** About a minute of waiting at most. */
export const STORE_PACE: Pace = { attempts: 6, baseMs: 400, maxWaitMs: 20_000 };

/** Runs `operation` again after Transient and Throttled, and after ChecksumRejected: the bytes were right when they left. */
export function persistently<T>(operation: () => Promise<T>, ctx: Context, pace: Pace = STORE_PACE): Promise<T> {
  return retry(
    operation,
    {
      ...pace,
      again: (outcome) => {
        if (outcome.ok || ctx.signal?.aborted === true) return false;
        const { error } = outcome;
        if (!isAdapterError(error, "Transient", "Throttled", "ChecksumRejected")) return false;
        return error instanceof AdapterError && error.afterMs !== undefined ? { afterMs: error.afterMs } : true;
      },
    },
    ctx,
  );
}
