// SPDX-License-Identifier: Apache-2.0
// The parts of one upload, in parallel as they become known, each tried again by itself.
import { createHash } from "node:crypto";
import { KitesealError, quote } from "@kiteseal/core/store";
import type { Context, Key } from "@kiteseal/core/store";
import type { SentPart } from "../adapter.ts";
import { persistently } from "./attempts.ts";
import { throwIfInterrupted } from "./errors.ts";
import { interruptible } from "./interrupt.ts";
import type { PlannedPart } from "./plan.ts";
import type { Queue } from "./queue.ts";
import type { PartsRequest, Transfer, Upload } from "./transfer.ts";

interface Sending {
  readonly request: PartsRequest;
  readonly upload: Upload;
  readonly progress: ProgressOfParts;
}

/** All parts in order. The first failure stops the others. */
export async function sendParts(
  transfer: Transfer,
  o: Sending & {
    queue: Queue<PlannedPart>;
    stop: AbortController;
    /** Of the requests: fires with `stop` too. */
    inner: Context;
    /** Called when the store has the first of them, or had it before. */
    taken: () => void;
  },
  ctx: Context,
): Promise<SentPart[]> {
  const { request, upload, progress, queue, stop, inner, taken } = o;
  const done: SentPart[] = [];
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (let part = await queue.take(); part !== undefined; part = await queue.take()) {
      const receipt = upload.receiptOf(part);
      const bytes = part.range.end - part.range.start;
      if (receipt !== undefined) {
        progress.add(bytes);
        done.push({ index: part.index, receipt });
        taken();
        continue;
      }
      const sending = { request, upload, progress, part };
      done.push(await transfer.limits.inPlace(bytes, () => sendPart(transfer, sending, inner)));
      taken();
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
  return done.sort((a, b) => a.index - b.index);
}

interface SendingPart extends Sending {
  readonly part: PlannedPart;
}

function sendPart(transfer: Transfer, sending: SendingPart, ctx: Context): Promise<SentPart> {
  const { request, upload, part, progress } = sending;
  // Hashing a third time would only tell again what the store tells; once it says no, the source is asked.
  const { compares } = request.multipart;
  let isHashed = compares === undefined || part[compares] === undefined;
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
        return await request.multipart.putPart(upload.handle, { ...part, body }, ctx);
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

export interface ProgressOfParts {
  add(bytes: number): void;
  /** From now on; what was done before is told at once. */
  tell(ctx: Context): void;
}

/** Never goes back: bytes that are sent again are not counted until they are new ones. */
export function createProgress({ key, size }: PartsRequest): ProgressOfParts {
  let done = 0;
  let shown = 0;
  let told: Context | undefined;
  const show = (): void => told?.progress?.({ stage: "upload", subject: key, done: shown, total: size, unit: "bytes" });
  return {
    add: (bytes) => {
      done += bytes;
      if (done <= shown) return;
      shown = done;
      show();
    },
    tell: (ctx) => {
      told = ctx;
      if (shown > 0) show();
    },
  };
}
