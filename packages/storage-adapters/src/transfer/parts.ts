// SPDX-License-Identifier: Apache-2.0
// One object in parts: begun or taken up again, parts in parallel as they become known, each tried again by itself,
// completed create-only. Until then nothing is visible. Killed, it leaves parts that the journal finds again, or after a
// week the sweep; stopped by the signal or by a changed source, it removes them itself. Design §6.
import { quote } from "@kiteseal/core/store";
import type { Context, SourceDigests } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Held, SentPart, Written } from "../adapter.ts";
import { persistently } from "./attempts.ts";
import { isAdapterError } from "./errors.ts";
import type { JournalSubject } from "./journal.ts";
import { cleanUp, isLeft } from "./leftovers.ts";
import { countParts, planPart } from "./plan.ts";
import type { PlannedPart } from "./plan.ts";
import { createQueue } from "./queue.ts";
import { createProgress, sendParts } from "./sending.ts";
import type { PartsRequest, Transfer, Upload } from "./transfer.ts";

/** An upload whose parts are told one after another. Ends by `complete` or by `abandon`. */
export interface PartsUpload {
  /** The sha256 of the next part. Throws nothing: failures wait for `begun` and `complete`. */
  add(sha256: string): void;
  /** After the first part: resolves when the store has let it begin. Throws AlreadyExists and what adapters throw. */
  begun(): Promise<void>;
  /** Throws as uploadInParts. */
  complete(digests: SourceDigests, ctx: Context): Promise<Written>;
  /** See Ahead.abandon. */
  abandon(reason: unknown): Promise<void>;
}

/** Throws AlreadyExists and what adapters throw; after Transient and Throttled the parts stay for a later run. */
export function uploadInParts(
  transfer: Transfer,
  { request, digests }: { request: PartsRequest; digests: SourceDigests },
  ctx: Context,
): Promise<Written> {
  const upload = startParts(transfer, request, ctx);
  for (const sha256 of digests.parts?.sha256 ?? []) upload.add(sha256);
  return upload.complete(digests, ctx);
}

/** Nothing is asked of the store before the first part is known, whose digest the journal files the upload under. */
export function startParts(transfer: Transfer, request: PartsRequest, ctx: Context): PartsUpload {
  const stop = new AbortController();
  const signal = ctx.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, ctx.signal]);
  const inner: Context = { now: () => ctx.now(), signal };
  const queue = createQueue<PlannedPart>();
  signal.addEventListener("abort", () => queue.end(true), { once: true });
  const progress = createProgress(request);
  const first = Promise.withResolvers<string>();
  let added = 0;
  let isEnded = false;
  const begun = first.promise.then((sha256) => begin(transfer, { request, sha256 }, inner));
  const sent = begun.then((upload) => sendParts(transfer, { request, upload, queue, stop, inner, progress }, ctx));
  sent.catch(() => undefined);
  return {
    add: (sha256) => {
      queue.push(planPart(request, { index: added, sha256 }));
      added += 1;
      first.resolve(sha256);
    },
    begun: async () => void (await begun),
    complete: async (digests, told) => {
      if (added !== countParts(request)) throw new TypeError(`${added} parts of ${countParts(request)} were added`);
      isEnded = true;
      queue.end();
      progress.tell(told);
      try {
        const parts = await sent;
        return await finish(transfer, { request, digests, upload: await begun, parts }, ctx);
      } catch (error) {
        const upload = await begun.catch(() => undefined);
        const isOver = upload === undefined || isLeft(transfer, { upload, reason: error }, ctx);
        if (!isOver) await cleanUp(transfer, { request, upload }, ctx);
        throw error;
      }
    },
    abandon: async (reason) => {
      if (isEnded) return;
      isEnded = true;
      stop.abort();
      if (added === 0) return;
      const [, upload] = await Promise.allSettled([sent, begun]);
      if (upload.status === "rejected" || isLeft(transfer, { upload: upload.value, reason }, ctx)) return;
      await Promise.allSettled([cleanUp(transfer, { request, upload: upload.value }, ctx)]);
    },
  };
}

/** Something may be there already: nobody is to send gigabytes for a name that is taken. */
async function begin(
  transfer: Transfer,
  { request, sha256 }: { request: PartsRequest; sha256: string },
  ctx: Context,
): Promise<Upload> {
  const { key, size, partSize, multipart } = request;
  await transfer.sweepOnce(multipart, ctx);
  const settings = multipart.settings?.(request, ctx) ?? "";
  const subject = { url: transfer.adapter.url(key), firstPart: sha256, size, partSize, settings };
  if (request.ifAbsent) await refuseTaken(transfer, { request, subject }, ctx);
  const id = await transfer.journal.find(subject);
  const resumed = await resume(transfer, { request, id }, ctx);
  if (resumed !== undefined) return { ...resumed, subject };
  const handle = await persistently(() => multipart.begin(request, ctx), ctx, transfer.pace);
  if (handle.isPublic && handle.id !== "")
    await transfer.journal.keep(subject, { key: handle.key, id: handle.id, begun: ctx.now() });
  return { handle, receiptOf: () => undefined, subject };
}

async function finish(
  transfer: Transfer,
  o: { request: PartsRequest; digests: SourceDigests; upload: Upload; parts: readonly SentPart[] },
  ctx: Context,
): Promise<Written> {
  const { request, digests, upload, parts } = o;
  const { handle, subject } = upload;
  const complete = (): Promise<Written> => request.multipart.complete({ request, digests, handle, parts }, ctx);
  const written = await persistently(complete, ctx, transfer.pace);
  await transfer.journal.forget(subject);
  return written;
}

/** By an earlier run that was killed too late, for instance. */
async function refuseTaken(
  transfer: Transfer,
  { request, subject }: { request: PartsRequest; subject: JournalSubject },
  ctx: Context,
): Promise<void> {
  try {
    await persistently(() => transfer.adapter.head(request.key, ctx), ctx, transfer.pace);
  } catch (error) {
    // Who may not look finds out when the upload is completed.
    if (isAdapterError(error, "NotFound", "Denied")) return;
    throw error;
  }
  const { key } = request;
  const id = await transfer.journal.find(subject);
  if (id !== undefined) {
    const handle = { key, id, isPublic: true };
    await cleanUp(transfer, { request, upload: { handle, subject } }, ctx);
  }
  throw new AdapterError("AlreadyExists", `something is at ${quote(key)}`);
}

async function resume(
  transfer: Transfer,
  { request, id }: { request: PartsRequest; id: string | undefined },
  ctx: Context,
): Promise<Held | undefined> {
  try {
    return await persistently(() => request.multipart.resume(request, id, ctx), ctx, transfer.pace);
  } catch (error) {
    // Gone, not ours to look at (s3:ListMultipartUploadParts), or its parts are not to be had: a new one is begun.
    if (isAdapterError(error, "UploadGone", "Denied", "NotFound", "Unavailable")) return undefined;
    throw error;
  }
}
