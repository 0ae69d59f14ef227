// SPDX-License-Identifier: Apache-2.0
// Adapter → Store: keys and prefixes are checked again here, whoever made them; failures get their codes.
// What differs between stores is in their folders; what is said in the contract is kept here. Design §6.
import { KitesealError, parseKey, quote } from "@kiteseal/core/store";
import type { Context, Key, Store, Stored, StoredObject } from "@kiteseal/core/store";
import type { Adapter } from "../adapter.ts";
import { uploadAhead } from "./ahead.ts";
import { persistently, STORE_PACE } from "./attempts.ts";
import { download } from "./download.ts";
import { isAdapterError, storeError, throwIfInterrupted } from "./errors.ts";
import { interruptible } from "./interrupt.ts";
import { createJournal } from "./journal.ts";
import { createLimits } from "./limit.ts";
import { sweep } from "./leftovers.ts";
import type { Transfer } from "./transfer.ts";
import { multipartFor, planDigests } from "./plan.ts";
import type { TransferOptions } from "./plan.ts";
import { hashStored, settle, upload } from "./upload.ts";

/** The Store that operations see. */
export function createStore(adapter: Adapter, settings: TransferOptions): Store {
  const transfer = createTransfer(adapter, settings);
  return {
    ...(adapter.lists === false ? { lists: adapter.lists } : {}),
    url: (key) => adapter.url(parseKey(key)),
    digestPlan: (size) => planDigests(adapter, size),
    prepare: (largest, ctx) =>
      guarded(ctx, () =>
        persistently(
          async () => adapter.prepare?.(multipartFor(adapter, largest) !== undefined, ctx),
          ctx,
          transfer.pace,
        ),
      ),
    put: (key, request, ctx) => guarded(ctx, () => upload(transfer, { ...request, key: parseKey(key) }, ctx)),
    ahead: (key, file, ctx) => {
      const begun = uploadAhead(transfer, { key: parseKey(key), file }, ctx);
      return begun && { ...begun, put: (source, now) => guarded(now, () => begun.put(source, now)) };
    },
    head: (key, ctx) => guarded(ctx, () => head(transfer, parseKey(key), ctx)),
    get: (object, options, ctx) => download(transfer, { ...options, object }, ctx),
    list: (prefix, ctx) => list(transfer, prefix, ctx),
    copy: (from, to, ctx) =>
      guarded(ctx, () => copy(transfer, { from: { ...from, key: parseKey(from.key) }, to: parseKey(to) }, ctx)),
    diagnose: (ctx) => guarded(ctx, () => adapter.diagnose(ctx)),
  };
}

function createTransfer(adapter: Adapter, settings: TransferOptions): Transfer {
  let swept = false;
  const transfer: Transfer = {
    adapter,
    journal: createJournal(settings.stateDirectory, settings.runs),
    limits: createLimits(settings.parallel, settings.bytesPerSecond),
    pace: settings.pace ?? STORE_PACE,
    parallel: settings.parallel,
    sweepOnce: async (multipart, ctx) => {
      if (swept) return;
      swept = true;
      await sweep(transfer, multipart, ctx);
    },
  };
  return transfer;
}

async function guarded<T>(ctx: Context, operation: () => Promise<T>): Promise<T> {
  throwIfInterrupted(ctx);
  try {
    return await operation();
  } catch (error) {
    throw storeError(error, ctx);
  }
}

async function head({ adapter, pace }: Transfer, key: Key, ctx: Context): Promise<StoredObject | undefined> {
  try {
    return await persistently(() => adapter.head(key, ctx), ctx, pace);
  } catch (error) {
    if (isAdapterError(error, "NotFound")) return undefined;
    throw error;
  }
}

async function* list(
  { adapter, pace }: Transfer,
  prefix: string,
  ctx: Context,
): AsyncGenerator<StoredObject, void, undefined> {
  if (prefix !== "") parseKey(prefix.endsWith("/") ? prefix.slice(0, -1) : prefix);
  try {
    for await (const object of interruptible(adapter.list(prefix, ctx, pace), ctx)) {
      // A store that answers with what was not asked for would put other keys into the caller's hands.
      if (!object.key.startsWith(prefix)) {
        throw new KitesealError(
          "ERR_STORE_TAMPERED",
          `the listing of ${quote(prefix)} holds a key from elsewhere: found ${quote(object.key)}`,
        );
      }
      yield object;
    }
  } catch (error) {
    throw storeError(error, ctx);
  }
}

async function copy(
  transfer: Transfer,
  request: { from: StoredObject; to: Key },
  ctx: Context,
): Promise<Stored | undefined> {
  const { from, to } = request;
  try {
    const written = await persistently(() => transfer.adapter.copy(request, ctx), ctx, transfer.pace);
    return written === undefined ? undefined : { outcome: "created", ...written };
  } catch (error) {
    if (isAdapterError(error, "NotFound")) {
      throw new KitesealError("ERR_PIN_CHANGED", `${quote(from.key)} is gone: expected pin ${quote(from.pin)}`, {
        cause: error,
      });
    }
    if (!isAdapterError(error, "AlreadyExists", "Transient", "Throttled")) throw error;
    // Both are read whole to compare them: not where there is nothing to compare with.
    if ((await head(transfer, to, ctx)) === undefined) throw error;
    const sha256 = await hashStored(transfer, from, ctx);
    const stored = await settle(transfer, { key: to, size: from.size, sha256 }, ctx);
    if (stored === undefined) throw error;
    return stored;
  }
}
