// SPDX-License-Identifier: Apache-2.0
// One object in parts: begun or taken up again, parts in parallel with back-pressure, each tried again by itself,
// completed create-only. Until then nothing is visible. Killed, it leaves parts that the journal finds again, or after a
// week the sweep; stopped by the signal or by a changed source, it removes them itself. Design §6.
import { createHash } from "node:crypto";
import { isKitesealError, KitesealError, quote } from "@kiteseal/core/store";
import type { Context, Key } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Adapter, Multipart, MultipartRequest, SentPart, UploadHandle, Written } from "../adapter.ts";
import { persistently } from "./attempts.ts";
import { isAdapterError, throwIfInterrupted } from "./errors.ts";
import { interruptible } from "./interrupt.ts";
import type { Journal, JournalSubject } from "./journal.ts";
import type { Limits } from "./limit.ts";
import { planParts } from "./plan.ts";
import type { Pace, PlannedPart } from "./plan.ts";

/** What an unfinished upload is given to be gone on with; its leftovers are removed after that. */
const STALE_MS = 7 * 86_400_000;
const CLEAN_UP_MS = 15_000;

/** What every upload of one store shares. */
export interface Transfer {
  readonly adapter: Adapter;
  readonly journal: Journal;
  readonly limits: Limits;
  readonly pace: Pace;
  readonly parallel: number | undefined;
  /** Before the first upload in parts of this store. */
  sweepOnce(multipart: Multipart, ctx: Context): Promise<void>;
}

export interface PartsRequest extends MultipartRequest {
  readonly multipart: Multipart;
  readonly open: (range: { start: number; end: number }) => AsyncIterable<Uint8Array>;
}

/** Throws AlreadyExists and what adapters throw; after Transient and Throttled the parts stay for a later run. */
export async function uploadInParts(transfer: Transfer, request: PartsRequest, ctx: Context): Promise<Written> {
  const subject = subjectOf(transfer.adapter, request, ctx);
  if (request.ifAbsent) await refuseTaken(transfer, { request, subject }, ctx);
  const { handle, parts } = await begin(transfer, { request, subject }, ctx);
  try {
    const sent = await sendParts(transfer, { request, handle, sent: parts }, ctx);
    const written = await persistently(
      () => request.multipart.complete({ request, handle, parts: sent }, ctx),
      ctx,
      transfer.pace,
    );
    await transfer.journal.forget(subject);
    return written;
  } catch (error) {
    const isResumable = transfer.journal.isKept && handle.isPublic && isAdapterError(error, "Transient", "Throttled");
    if (!isResumable || ctx.signal?.aborted === true) await cleanUp(transfer, { request, handle, subject }, ctx);
    throw error;
  }
}

function subjectOf(adapter: Adapter, request: PartsRequest, ctx: Context): JournalSubject {
  const { key, size, partSize, digests, multipart } = request;
  const settings = multipart.settings?.(request, ctx) ?? "";
  return { url: adapter.url(key), sha256: digests.sha256, size, partSize, settings };
}

/** Before gigabytes are sent for a name that is taken, by an earlier run that was killed too late for instance. */
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
  if (id !== undefined) await cleanUp(transfer, { request, handle: { key, id, isPublic: true }, subject }, ctx);
  throw new AdapterError("AlreadyExists", `something is at ${quote(key)}`);
}

async function begin(
  transfer: Transfer,
  { request, subject }: { request: PartsRequest; subject: JournalSubject },
  ctx: Context,
): Promise<{ handle: UploadHandle; parts: readonly SentPart[] }> {
  const { multipart } = request;
  const id = await transfer.journal.find(subject);
  const resumed = await resume(transfer, { request, id }, ctx);
  if (resumed !== undefined) return resumed;
  const handle = await persistently(() => multipart.begin(request, ctx), ctx, transfer.pace);
  if (handle.isPublic && handle.id !== "")
    await transfer.journal.keep(subject, { key: handle.key, id: handle.id, begun: ctx.now() });
  return { handle, parts: [] };
}

async function resume(
  transfer: Transfer,
  { request, id }: { request: PartsRequest; id: string | undefined },
  ctx: Context,
): Promise<{ handle: UploadHandle; parts: readonly SentPart[] } | undefined> {
  try {
    return await persistently(() => request.multipart.resume(request, id, ctx), ctx, transfer.pace);
  } catch (error) {
    // Gone, not ours to look at (s3:ListMultipartUploadParts), or its parts are not to be had: a new one is begun.
    if (isAdapterError(error, "UploadGone", "Denied", "NotFound", "Unavailable")) return undefined;
    throw error;
  }
}

interface Sending {
  readonly request: PartsRequest;
  readonly handle: UploadHandle;
  /** Those the store already holds. */
  readonly sent: readonly SentPart[];
}

/** All parts in order. The first failure stops the others. */
async function sendParts(transfer: Transfer, { request, handle, sent }: Sending, ctx: Context): Promise<SentPart[]> {
  const done = new Map(sent.map((part) => [part.index, part]));
  const stop = new AbortController();
  const signal = ctx.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, ctx.signal]);
  const inner: Context = { ...ctx, now: () => ctx.now(), signal };
  const progress = createProgress(request, ctx);
  const missing = missingParts(request, done, progress);
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (const part of missing) {
      if (signal.aborted) return;
      const sentPart = await transfer.limits.inPlace(() =>
        sendPart(transfer, { request, handle, part, progress }, inner),
      );
      done.set(part.index, sentPart);
    }
  };
  const guarded = async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      failures.push(error);
      stop.abort();
    }
  };
  const workers = Math.max(1, Math.min(request.multipart.parallel, transfer.parallel ?? Infinity));
  await Promise.all(Array.from({ length: workers }, guarded));
  throwIfInterrupted(ctx);
  if (failures.length > 0) throw failures[0];
  return [...done.values()].sort((a, b) => a.index - b.index);
}

/** One iterator for all workers: each part is taken once. */
function* missingParts(
  request: PartsRequest,
  done: ReadonlyMap<number, SentPart>,
  progress: ProgressOfParts,
): Generator<PlannedPart, void, undefined> {
  for (const part of planParts(request)) {
    if (done.has(part.index)) progress.add(part.range.end - part.range.start);
    else yield part;
  }
}

interface SendingPart extends Omit<Sending, "sent"> {
  readonly part: PlannedPart;
  readonly progress: ProgressOfParts;
}

function sendPart(transfer: Transfer, sending: SendingPart, ctx: Context): Promise<SentPart> {
  const { request, handle, part, progress } = sending;
  // Hashing a third time would only tell again what the store tells; once it says no, the source is asked.
  let isHashed = request.multipart.checksSha256 !== true;
  return persistently(
    async () => {
      const attempt = { counted: 0 };
      const body = (skip: number): AsyncIterable<Uint8Array> =>
        transfer.limits.paced(
          partBytes({ request, part, skip, isHashed }, ctx, (bytes) => {
            attempt.counted += bytes;
            progress.add(bytes);
          }),
          ctx,
        );
      try {
        return await request.multipart.putPart(handle, { ...part, body }, ctx);
      } catch (error) {
        progress.add(-attempt.counted);
        isHashed = true;
        throw error;
      }
    },
    ctx,
    transfer.pace,
  );
}

/** Throws ERR_FILE_CHANGED before the last chunk if the part is not the one that was hashed (`isHashed`), or has another size. */
async function* partBytes(
  { request, part, skip, isHashed }: { request: PartsRequest; part: PlannedPart; skip: number; isHashed: boolean },
  ctx: Context,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { key } = request;
  const length = part.range.end - part.range.start;
  const hash = createHash("sha256");
  let done = 0;
  for await (const chunk of interruptible(request.open(part.range), ctx)) {
    if (chunk.length === 0) continue;
    const start = done;
    done += chunk.length;
    if (done > length) throw changed(key, { expected: `${length} bytes in a part`, found: `at least ${done}` });
    if (isHashed) hash.update(chunk);
    if (isHashed && done === length) {
      const found = hash.digest("hex");
      if (found !== part.sha256) throw changed(key, { expected: `a part of sha256:${part.sha256}`, found });
    }
    if (done <= skip) continue;
    const rest = start >= skip ? chunk : chunk.subarray(skip - start);
    yield rest;
    count(rest.length);
  }
  if (done < length) throw changed(key, { expected: `${length} bytes in a part`, found: `${done}` });
}

export function changed(key: Key, difference: { expected: string; found: string }): KitesealError {
  return new KitesealError(
    "ERR_FILE_CHANGED",
    `the file for ${quote(key)} changed after it was hashed: expected ${difference.expected}, found ${difference.found}`,
    { hint: "wait until nothing writes to the file any more, then publish again", details: { key, ...difference } },
  );
}

interface ProgressOfParts {
  add(bytes: number): void;
}

/** Never goes back: bytes that are sent again are not counted until they are new ones. */
function createProgress({ key, size }: PartsRequest, ctx: Context): ProgressOfParts {
  let done = 0;
  let shown = 0;
  return {
    add: (bytes) => {
      done += bytes;
      if (done <= shown) return;
      shown = done;
      ctx.progress?.({ stage: "upload", subject: key, done, total: size, unit: "bytes" });
    },
  };
}

/**
 * What stopped the upload matters more than what stops the tidying. Where nothing may be removed (credentials that
 * expired in mid-upload) the entry stays, so that the next run goes on with what is there; the sweep comes back for the rest.
 */
async function cleanUp(
  { journal, pace }: Transfer,
  upload: { request: PartsRequest; handle: UploadHandle; subject: JournalSubject },
  ctx: Context,
): Promise<void> {
  const own: Context = { now: () => ctx.now(), signal: AbortSignal.timeout(CLEAN_UP_MS) };
  try {
    await persistently(() => upload.request.multipart.abort(upload.handle, own), own, { ...pace, attempts: 2 });
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
