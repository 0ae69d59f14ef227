// SPDX-License-Identifier: Apache-2.0
// Adapter → Store: keys and prefixes are checked again here, whoever made them; failures get their codes.
// What differs between stores is in their folders; what is said in the contract is kept here. Design §6.
import { KitesealError, parseKey, quote } from "@kiteseal/core/store";
import type { Context, Key, Store, Stored, StoredObject } from "@kiteseal/core/store";
import type { Adapter } from "../adapter.ts";
import { download } from "./download.ts";
import { isAdapterError, storeError, throwIfInterrupted } from "./errors.ts";
import { interruptible } from "./interrupt.ts";
import { hashStored, settle, upload } from "./upload.ts";

/** The Store that operations see. */
export function createStore(adapter: Adapter): Store {
  return {
    url: (key) => adapter.url(parseKey(key)),
    digestPlan: (size) => adapter.digestPlan(size),
    put: (key, request, ctx) => guarded(ctx, () => upload(adapter, { ...request, key: parseKey(key) }, ctx)),
    head: (key, ctx) => guarded(ctx, () => head(adapter, parseKey(key), ctx)),
    get: (object, options, ctx) => download(adapter, { ...options, object }, ctx),
    list: (prefix, ctx) => list(adapter, prefix, ctx),
    copy: (from, to, ctx) =>
      guarded(ctx, () => copy(adapter, { from: { ...from, key: parseKey(from.key) }, to: parseKey(to) }, ctx)),
    diagnose: (ctx) => guarded(ctx, () => adapter.diagnose(ctx)),
  };
}

async function guarded<T>(ctx: Context, operation: () => Promise<T>): Promise<T> {
  throwIfInterrupted(ctx);
  try {
    return await operation();
  } catch (error) {
    throw storeError(error, ctx);
  }
}

async function head(adapter: Adapter, key: Key, ctx: Context): Promise<StoredObject | undefined> {
  try {
    return await adapter.head(key, ctx);
  } catch (error) {
    if (isAdapterError(error, "NotFound")) return undefined;
    throw error;
  }
}

async function* list(adapter: Adapter, prefix: string, ctx: Context): AsyncGenerator<StoredObject, void, undefined> {
  if (prefix !== "") parseKey(prefix.endsWith("/") ? prefix.slice(0, -1) : prefix);
  try {
    for await (const object of interruptible(adapter.list(prefix, ctx), ctx)) {
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
  adapter: Adapter,
  request: { from: StoredObject; to: Key },
  ctx: Context,
): Promise<Stored | undefined> {
  const { from, to } = request;
  try {
    const written = await adapter.copy(request, ctx);
    return written === undefined ? undefined : { outcome: "created", ...written };
  } catch (error) {
    if (isAdapterError(error, "NotFound")) {
      throw new KitesealError("ERR_PIN_CHANGED", `${quote(from.key)} is gone: expected pin ${quote(from.pin)}`, {
        cause: error,
      });
    }
    if (!isAdapterError(error, "AlreadyExists", "Transient", "Throttled")) throw error;
    const sha256 = await hashStored(adapter, from, ctx);
    const stored = await settle(adapter, { key: to, size: from.size, sha256 }, ctx);
    if (stored === undefined) throw error;
    return stored;
  }
}
