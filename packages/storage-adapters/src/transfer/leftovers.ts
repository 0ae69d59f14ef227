// SPDX-License-Identifier: Apache-2.0
// Parts that nobody will complete: removed by whoever sent them, left to a later run after what passes, swept after a week.
import { isKitesealError } from "@kiteseal/core/store";
import type { Context, ErrorCode } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Multipart } from "../adapter.ts";
import { persistently } from "./attempts.ts";
import { isAdapterError } from "./errors.ts";
import type { PartsRequest, Transfer, Upload } from "./transfer.ts";

/** What an unfinished upload is given to be gone on with; its leftovers are removed after that. */
const STALE_MS = 7 * 86_400_000;
const CLEAN_UP_MS = 15_000;

/** Of the store, or of a service that had to be asked before the object could come to be. */
const OUTAGES: readonly ErrorCode[] = ["ERR_STORE_UNAVAILABLE", "ERR_SERVICE_UNAVAILABLE", "ERR_TOKEN_UNAVAILABLE"];

/** After what passes, what a later run can find is left to it. */
export function isLeft(
  { journal }: Transfer,
  { upload, reason }: { upload: Upload; reason: unknown },
  ctx: Context,
): boolean {
  const isPassing =
    isAdapterError(reason, "Transient", "Throttled") || (isKitesealError(reason) && OUTAGES.includes(reason.code));
  return isPassing && ctx.signal?.aborted !== true && journal.isKept && upload.handle.isPublic;
}

/**
 * What stopped the upload matters more than what stops the tidying. Where nothing may be removed (credentials that
 * expired in mid-upload) the entry stays, so that the next run goes on with what is there; the sweep comes back for the rest.
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
    if (isAdapterError(error, "Denied")) return;
  }
  await journal.forget(upload.subject);
}

/**
 * Aborts what runs of this machine left in this store more than a week ago, by its journal and so by its own clock. What
 * others left is theirs, or the store's own rule's. Never fails a run: leftovers only cost money.
 */
export async function sweep({ adapter, journal }: Transfer, multipart: Multipart, ctx: Context): Promise<void> {
  const before = new Date(ctx.now().getTime() - STALE_MS);
  for (const { subject, key, id } of await journal.begunBefore(before)) {
    if (adapter.url(key) !== subject.url) continue;
    try {
      await multipart.abort({ key, id, isPublic: true }, ctx);
    } catch (error) {
      // Another identity's, perhaps; the next may be ours.
      if (isAdapterError(error, "Denied")) continue;
      if (error instanceof AdapterError || isKitesealError(error) || ctx.signal?.aborted === true) return;
      throw error;
    }
    await journal.forget(subject);
  }
}

function isTidying(error: unknown, ctx: Context): boolean {
  const kinds = ["Denied", "Transient", "Throttled", "Unsupported", "Unavailable", "NotFound", "UploadGone"] as const;
  return ctx.signal?.aborted === true || isAdapterError(error, ...kinds);
}
