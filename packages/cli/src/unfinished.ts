// SPDX-License-Identifier: Apache-2.0
// Commands that write: what stops one half-way says how it goes on.
import { type ErrorCode, isKitesealError, KitesealError } from "@kiteseal/core";

const PASSING: readonly ErrorCode[] = ["ERR_INTERRUPTED", "ERR_STORE_UNAVAILABLE", "ERR_SERVICE_UNAVAILABLE"];

/** What a store calls unavailable for good is met again by the next run. */
function isPassing({ code, details }: KitesealError): boolean {
  return PASSING.includes(code) && details["failure"] !== "Unavailable";
}

/** `work`. What passes and has no hint of its own gets `hint`. */
export async function withWayOn<T>(hint: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isKitesealError(error) || error.hint !== undefined || !isPassing(error)) throw error;
    const { code, message, details } = error;
    throw new KitesealError(code, message, { details, hint, cause: error });
  }
}
