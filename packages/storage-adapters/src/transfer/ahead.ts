// SPDX-License-Identifier: Apache-2.0
// A large file on its way before its digest is known: parts are sent as they are hashed, and wait at the store, invisible,
// until somebody decides that the object may come to be. Hashing costs no time of its own then.
import type { Ahead, Context, Key, Unhashed } from "@kiteseal/core/store";
import { isAdapterError, storeError } from "./errors.ts";
import { startParts } from "./parts.ts";
import { multipartFor } from "./plan.ts";
import { partsRequest } from "./transfer.ts";
import type { Transfer } from "./transfer.ts";
import { upload } from "./upload.ts";

/** See Store.ahead. */
export function uploadAhead(
  transfer: Transfer,
  { key, file }: { key: Key; file: Unhashed },
  ctx: Context,
): Ahead | undefined {
  const multipart = multipartFor(transfer.adapter, file.size);
  if (multipart?.whileHashing !== true) return undefined;
  const request = partsRequest(multipart, { key, bytes: file, digests: undefined, how: {} });
  const started = startParts(transfer, request, ctx);
  return {
    add: (part) => started.add(part),
    begun: async (ctx) => {
      try {
        await started.begun(ctx);
      } catch (error) {
        if (!isAdapterError(error, "AlreadyExists")) throw storeError(error, ctx);
      }
    },
    put: (source, ctx) => upload(transfer, { key, source, started }, ctx),
    abandon: (reason) => started.abandon(reason),
  };
}
