// SPDX-License-Identifier: Apache-2.0
// Reading one pinned object: bounded before the first byte, exactly as long as the pin says, stoppable.
// The bytes are unverified: whoever reads them compares them with a signed digest. Design §6.
import { KitesealError, parseKey, quote } from "@kiteseal/core/store";
import type { ByteRange, Context, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { persistently } from "./attempts.ts";
import { isAdapterError, storeError } from "./errors.ts";
import { interruptible } from "./interrupt.ts";
import type { Transfer } from "./transfer.ts";

export interface DownloadRequest {
  readonly object: StoredObject;
  /** Within the object; a range outside it is a TypeError. */
  readonly range?: ByteRange;
  readonly maxBytes: number;
}

/** See Store.get. */
export async function* download(
  transfer: Transfer,
  request: DownloadRequest,
  ctx: Context,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { object } = request;
  parseKey(object.key);
  const range = checkedRange(request);
  const length = range.end - range.start;
  if (length > request.maxBytes) {
    throw new KitesealError(
      "ERR_LIMIT_EXCEEDED",
      `${quote(object.key)} is larger than may be read: expected at most ${request.maxBytes} bytes, found ${length}`,
      { details: { key: object.key, maxBytes: request.maxBytes, found: length } },
    );
  }
  let done = 0;
  try {
    const bytes = transfer.limits.paced(persistentBytes(transfer, { object, range }, ctx), ctx);
    for await (const chunk of bytes) {
      done += chunk.length;
      if (done > length) break;
      yield chunk;
    }
  } catch (error) {
    if (!isAdapterError(error, "NotFound")) throw storeError(error, ctx);
    throw new KitesealError("ERR_PIN_CHANGED", `${quote(object.key)} is gone: expected pin ${quote(object.pin)}`, {
      details: { key: object.key, pin: object.pin },
      cause: error,
    });
  }
  if (done !== length) throw storeError(wrongLength(object, { expected: length, found: done }), ctx);
}

/** The pin is held, so what broke off is gone on with where it ended. Attempts count anew after every byte that came. */
async function* persistentBytes(
  { adapter, pace }: Transfer,
  { object, range }: { object: StoredObject; range: ByteRange },
  ctx: Context,
): AsyncGenerator<Uint8Array, void, undefined> {
  let start = range.start;
  const reading = (): AsyncGenerator<Uint8Array, void, undefined> =>
    interruptible(adapter.get({ object, range: { start, end: range.end } }, ctx), ctx);
  let bytes = reading();
  try {
    for (;;) {
      let isFirst = true;
      const step = await persistently(
        async () => {
          if (!isFirst) bytes = reading();
          isFirst = false;
          const next = await bytes.next();
          if (next.done === true && start < range.end) {
            throw wrongLength(object, { expected: range.end - range.start, found: start - range.start });
          }
          return next;
        },
        ctx,
        pace,
      );
      if (step.done === true) return;
      start += step.value.length;
      yield step.value;
    }
  } finally {
    await bytes.return();
  }
}

function checkedRange({ object, range }: DownloadRequest): ByteRange {
  if (range === undefined) return { start: 0, end: object.size };
  const valid = Number.isSafeInteger(range.start) && Number.isSafeInteger(range.end);
  if (!valid || range.start < 0 || range.end < range.start || range.end > object.size) {
    throw new TypeError(`range ${range.start}-${range.end} is not within the object's ${object.size} bytes`);
  }
  return range;
}

function wrongLength(object: StoredObject, length: { expected: number; found: number }): AdapterError {
  const { expected, found } = length;
  if (found < expected) {
    return new AdapterError(
      "Transient",
      `${quote(object.key)} ended early: expected ${expected} bytes, found ${found}`,
    );
  }
  return new AdapterError("PinChanged", `${quote(object.key)} is longer than its pin says: expected ${expected} bytes`);
}
