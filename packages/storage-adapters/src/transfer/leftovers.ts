// SPDX-License-Identifier: Apache-2.0
// Parts that nobody will complete: removed by whoever sent them, left to a later run after what passes, swept after a week.
import { isKitesealError } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Multipart } from "../adapter.ts";
import { persistently } from "./attempts.ts";
import { isAdapterError } from "./errors.ts";
import type { PartsRequest, Transfer, Upload } from "./transfer.ts";

/** What an unfinished upload is given to be gone on with; its leftovers are removed after that. */
const STALE_MS = 7 * 86_400_000;
const CLEAN_UP_MS = 15_000;

/**
 * Ends an upload that came to nothing. After what passes (of the store, or of a service that had to be asked before the
 * object could come to be) its parts are left to a later run that can find them.
 */
export async function giveUp(
  transfer: Transfer,
  { request, upload, reason }: { request: PartsRequest; upload: Omit<Upload, "receiptOf">; reason: unknown },
  ctx: Context,
): Promise<void> {
  const { journal } = transfer;
  const { noted } = upload;
  if (noted !== undefined && isPassing(reason) && ctx.signal?.aborted !== true) {
    await journal.giveBack(noted);
    return;
  }
  await cleanUp(transfer, { request, upload }, ctx);
}

/** What may succeed if it is only tried again later. */
function isPassing(reason: unknown): boolean {
  if (isAdapterError(reason, "Transient", "Throttled")) return true;
  if (!isKitesealError(reason)) return false;
  const { code, details } = reason;
  return code === "ERR_SERVICE_UNAVAILABLE" || ["Transient", "Throttled"].includes(String(details["failure"]));
}

/**
 * What stopped the upload matters more than what stops the tidying. Where nothing can be removed (credentials that expired
 * in mid-upload, no answer) the entry stays, so that the next run goes on with what is there; the sweep comes back for the rest.
 */
export async function cleanUp(
  { journal, pace }: Transfer,
  { request, upload }: { request: PartsRequest; upload: Omit<Upload, "receiptOf"> },
  ctx: Context,
): Promise<void> {
  const own: Context = { now: () => ctx.now(), signal: AbortSignal.timeout(CLEAN_UP_MS) };
  try {
    await persistently(() => request.multipart.abort(upload.handle, own), own, { ...pace, attempts: 2 });
  } catch (error) {
    if (!isTidying(error, own)) throw error;
    if (!isAdapterError(error, "NotFound", "UploadGone")) {
      if (upload.noted !== undefined) await journal.giveBack(upload.noted);
      return;
    }
  }
  if (upload.noted !== undefined) await journal.forget(upload.noted);
}

/**
 * Aborts what runs of this machine left in this store more than a week ago, by its journal and so by its own clock. What
 * others left is theirs, or the store's own rule's. Never fails a run: leftovers only cost money.
 */
export async function sweep({ adapter, journal }: Transfer, multipart: Multipart, ctx: Context): Promise<void> {
  const before = new Date(ctx.now().getTime() - STALE_MS);
  for (const noted of await journal.begunBefore(before)) {
    const { subject, key, id } = noted;
    if (adapter.url(key) !== subject.url) continue;
    try {
      await multipart.abort({ key, id, isPublic: true }, ctx);
    } catch (error) {
      // Another identity's, perhaps; the next may be ours.
      if (isAdapterError(error, "Denied")) continue;
      if (error instanceof AdapterError || isKitesealError(error) || ctx.signal?.aborted === true) return;
      throw error;
    }
    await journal.forget(noted);
  }
}

function isTidying(error: unknown, ctx: Context): boolean {
  const kinds = ["Denied", "Transient", "Throttled", "Unsupported", "Unavailable", "NotFound", "UploadGone"] as const;
  return ctx.signal?.aborted === true || isAdapterError(error, ...kinds);
}
