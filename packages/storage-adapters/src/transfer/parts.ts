// SPDX-License-Identifier: Apache-2.0
// One object in parts: begun or taken up again, parts in parallel as they become known, each tried again by itself,
// completed create-only. Until then nothing is visible. Killed, it leaves parts that the journal finds again, or after a
// week the sweep; stopped by the signal or by a changed source, it removes them itself. Design §6.
import type { Context, PartDigests, SourceDigests } from "@kiteseal/core/store";
import type { SentPart, Written } from "../adapter.ts";
import { stoppable } from "../stoppable.ts";
import { persistently } from "./attempts.ts";
import { begin } from "./beginning.ts";
import { isRepeatable, throwIfInterrupted } from "./errors.ts";
import { giveUp } from "./leftovers.ts";
import { countParts, partsOf, planPart } from "./plan.ts";
import type { PlannedPart } from "./plan.ts";
import { createQueue } from "./queue.ts";
import type { Queue } from "./queue.ts";
import { changed, createProgress, sendParts } from "./sending.ts";
import type { ProgressOfParts } from "./sending.ts";
import type { PartsRequest, Transfer, Upload } from "./transfer.ts";

/** An upload whose parts are told one after another. Ends by `complete` or by `abandon`. */
export interface PartsUpload {
  /** The digests of the next part. Throws nothing: failures wait for `begun` and `complete`. */
  add(part: PartDigests): void;
  /**
   * Resolves when the store has taken a part, or after a failure that another upload may not meet. Throws AlreadyExists and
   * what adapters throw.
   */
  begun(ctx: Context): Promise<void>;
  /** Throws as uploadInParts; ERR_FILE_CHANGED for digests of other parts than were added. */
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
  for (const part of partsOf(digests)) upload.add(part);
  return upload.complete(digests, ctx);
}

/** Nothing is asked of the store before the first part is known, whose digest the journal files the upload under. */
export function startParts(transfer: Transfer, request: PartsRequest, ctx: Context): PartsUpload {
  const started = start(transfer, request, ctx);
  const { added, queue, stop, sent } = started;
  let isEnded = false;
  const end = (): void => {
    if (isEnded) throw new TypeError("an upload in parts has ended already");
    isEnded = true;
  };
  return {
    add: (part) => {
      // One too many belongs to a file that grows, which whoever hashes it will notice.
      if (added.length < countParts(request)) queue.push(planPart(request, { index: added.length, ...part }));
      added.push(part.sha256);
      started.first.resolve(part.sha256);
    },
    begun: async (told) => {
      try {
        await stoppable(Promise.race([sent, started.taken.promise]), told);
        if (started.failure !== undefined) throw started.failure.error;
      } catch (error) {
        if (!isRepeatable(error)) throw error;
      }
    },
    complete: async (digests, told) => {
      end();
      queue.end();
      return await complete(transfer, { request, started, digests }, told);
    },
    abandon: async (reason) => {
      if (isEnded) return;
      end();
      stop.abort();
      if (added.length > 0) await Promise.allSettled([giveUpStarted(transfer, { request, started, reason }, ctx)]);
    },
  };
}

interface Started {
  readonly queue: Queue<PlannedPart>;
  readonly added: string[];
  readonly progress: ProgressOfParts;
  /** Stops what is being sent. */
  readonly stop: AbortController;
  /** The digest of the first part. */
  readonly first: PromiseWithResolvers<string>;
  /** The store has a part. */
  readonly taken: PromiseWithResolvers<void>;
  readonly upload: Promise<Upload>;
  readonly sent: Promise<readonly SentPart[]>;
  /** Why `sent` was rejected, once it was. */
  failure: { readonly error: unknown } | undefined;
}

function start(transfer: Transfer, request: PartsRequest, ctx: Context): Started {
  const stop = new AbortController();
  const signal = ctx.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, ctx.signal]);
  const inner: Context = { now: () => ctx.now(), signal };
  const queue = createQueue<PlannedPart>();
  signal.addEventListener("abort", () => queue.end(true), { once: true });
  const progress = createProgress(request);
  const first = Promise.withResolvers<string>();
  const taken = Promise.withResolvers<void>();
  // What is asked here is shared with other uploads of the store, so it is not stopped for this one's sake.
  const upload = first.promise.then((sha256) => begin(transfer, { request, sha256 }, ctx));
  const sent = upload.then((held) =>
    sendParts(transfer, { request, upload: held, queue, stop, inner, progress, taken: taken.resolve }, ctx),
  );
  const started: Started = { queue, added: [], progress, stop, first, taken, upload, sent, failure: undefined };
  sent.catch((error: unknown) => (started.failure = { error }));
  return started;
}

async function complete(
  transfer: Transfer,
  { request, started, digests }: { request: PartsRequest; started: Started; digests: SourceDigests },
  ctx: Context,
): Promise<Written> {
  const { added, progress, stop, upload, sent } = started;
  const stopSending = (): void => stop.abort();
  ctx.signal?.addEventListener("abort", stopSending);
  progress.tell(ctx);
  try {
    throwIfInterrupted(ctx);
    requireParts(request, { added, digests });
    return await finish(transfer, { request, digests, upload: await upload, parts: await sent }, ctx);
  } catch (error) {
    stop.abort();
    await giveUpStarted(transfer, { request, started, reason: error }, ctx);
    throwIfInterrupted(ctx);
    throw error;
  } finally {
    ctx.signal?.removeEventListener("abort", stopSending);
  }
}

/** Once nothing of it is under way any more. */
async function giveUpStarted(
  transfer: Transfer,
  { request, started, reason }: { request: PartsRequest; started: Started; reason: unknown },
  ctx: Context,
): Promise<void> {
  const [upload] = await Promise.allSettled([started.upload, started.sent]);
  if (upload.status === "fulfilled") await giveUp(transfer, { request, upload: upload.value, reason }, ctx);
}

/** What becomes visible must be what was hashed: the store only knows what was added. */
function requireParts(
  request: PartsRequest,
  { added, digests }: { added: readonly string[]; digests: SourceDigests },
): void {
  const parts = digests.parts?.sha256 ?? [];
  const count = countParts(request);
  if (parts.length !== count) throw new TypeError(`${request.size} bytes have ${count} parts, not ${parts.length}`);
  const other = parts.findIndex((sha256, index) => sha256 !== added[index]);
  if (other < 0 && added.length === count) return;
  const found = added[other] === undefined ? `${added.length} parts` : `sha256:${added[other]}`;
  throw changed(request.key, { expected: `a part of sha256:${parts[other] ?? ""}`, found });
}

async function finish(
  transfer: Transfer,
  o: { request: PartsRequest; digests: SourceDigests; upload: Upload; parts: readonly SentPart[] },
  ctx: Context,
): Promise<Written> {
  const { request, digests, upload, parts } = o;
  const { handle, noted } = upload;
  const complete = (): Promise<Written> => request.multipart.complete({ request, digests, handle, parts }, ctx);
  const written = await persistently(complete, ctx, transfer.pace);
  if (noted !== undefined) await transfer.journal.forget(noted);
  return written;
}
