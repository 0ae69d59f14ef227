// SPDX-License-Identifier: Apache-2.0
// Reading one pinned object: bounded before the first byte, exactly as long as the pin says, stoppable.
// The bytes are unverified: whoever reads them compares them with a signed digest. Design §6.
import { KitesealError, parseKey, quote } from "@kiteseal/core/store";
import type { ByteRange, Context, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Adapter } from "../adapter.ts";
import { isAdapterError, storeError } from "./errors.ts";
import { interruptible } from "./interrupt.ts";

export interface DownloadRequest {
  readonly object: StoredObject;
  /** Within the object; a range outside it is a TypeError. */
  readonly range?: ByteRange;
  readonly maxBytes: number;
}

/** See Store.get. */
export async function* download(
  adapter: Adapter,
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
    for await (const chunk of interruptible(adapter.get({ object, range }, ctx), ctx)) {
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
