// SPDX-License-Identifier: Apache-2.0
// Writing one object: the bytes are compared with their digest in passing, and an answer that leaves open what
// happened (it exists; the reply was lost) is settled by reading back what is there. Design §6.
import { createHash } from "node:crypto";
import { KitesealError, quote } from "@kiteseal/core/store";
import type { Context, Key, PutRequest, Stored, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Adapter } from "../adapter.ts";
import { download } from "./download.ts";
import { isAdapterError } from "./errors.ts";
import { interruptible } from "./interrupt.ts";

/** What is at the key may vanish or change between two looks at it; after this many the store is not usable. */
const ROUNDS = 3;
/** An object of another size is a conflict without being read; up to this size it is read so that the message can name its digest. */
const CONFLICT_READ_BYTES = 1_073_741_824;

export interface UploadRequest extends PutRequest {
  readonly key: Key;
}

/** See Store.put. */
export async function upload(adapter: Adapter, request: UploadRequest, ctx: Context): Promise<Stored> {
  const { key, source } = request;
  const ifAbsent = request.overwrite !== true;
  for (let round = 0; round < ROUNDS; round += 1) {
    try {
      const written = await adapter.putWhole(
        {
          key,
          size: source.size,
          digests: source.digests,
          body: () => verifiedBytes(request, ctx),
          ifAbsent,
          contentType: request.contentType,
          metadata: request.metadata ?? {},
        },
        ctx,
      );
      return { outcome: "created", ...written };
    } catch (error) {
      if (isAdapterError(error, "AlreadyExists")) {
        const stored = await settle(adapter, { key, size: source.size, sha256: source.digests.sha256 }, ctx);
        if (stored !== undefined) return stored;
      } else if (isAdapterError(error, "Transient", "Throttled")) {
        return await settleLostReply(adapter, { request, error }, ctx);
      } else {
        throw error;
      }
    }
  }
  throw unsettled(key);
}

/** The reply was lost, the object perhaps was not: only the same bytes at the key turn the failure into success. */
async function settleLostReply(
  adapter: Adapter,
  failed: { request: UploadRequest; error: AdapterError },
  ctx: Context,
): Promise<Stored> {
  const { key, source } = failed.request;
  try {
    const stored = await settle(adapter, { key, size: source.size, sha256: source.digests.sha256 }, ctx);
    if (stored !== undefined) return stored;
  } catch (error) {
    // Under `overwrite` other bytes at the key are simply the old ones.
    const conflict = error instanceof KitesealError && failed.request.overwrite !== true;
    if (conflict) throw error;
  }
  throw failed.error;
}

export interface Expected {
  readonly key: Key;
  readonly size: number;
  readonly sha256: string;
}

/** exists-same if the key holds these bytes; undefined if it holds nothing (any more). Throws ERR_STORE_CONFLICT. */
export async function settle(adapter: Adapter, expected: Expected, ctx: Context): Promise<Stored | undefined> {
  for (let round = 0; round < ROUNDS; round += 1) {
    try {
      const object = await adapter.head(expected.key, ctx);
      if (object.size !== expected.size && object.size > CONFLICT_READ_BYTES)
        throw conflict(expected, object, undefined);
      const sha256 = await hashStored(adapter, object, ctx);
      if (object.size !== expected.size || sha256 !== expected.sha256) throw conflict(expected, object, sha256);
      return { outcome: "exists-same", object, verifiedBy: "read-back" };
    } catch (error) {
      if (isAdapterError(error, "NotFound")) return undefined;
      const changed = error instanceof KitesealError && error.code === "ERR_PIN_CHANGED";
      if (!changed) throw error;
    }
  }
  throw unsettled(expected.key);
}

/** sha256 of the pinned object, read back whole. */
export async function hashStored(adapter: Adapter, object: StoredObject, ctx: Context): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of download(adapter, { object, maxBytes: object.size }, ctx)) hash.update(chunk);
  return hash.digest("hex");
}

function conflict(expected: Expected, object: StoredObject, sha256: string | undefined): KitesealError {
  const there = sha256 === undefined ? `${object.size} bytes` : `sha256:${sha256}`;
  return new KitesealError(
    "ERR_STORE_CONFLICT",
    `${quote(expected.key)} already holds other bytes: expected sha256:${expected.sha256}, found ${there}`,
    {
      hint: "publish to a destination of its own for each build, with {build} or {job} in --to; what is there stays as it is",
      details: {
        key: expected.key,
        expected: { sha256: expected.sha256, size: expected.size },
        found: { ...(sha256 === undefined ? {} : { sha256 }), size: object.size, pin: object.pin },
      },
    },
  );
}

function unsettled(key: Key): AdapterError {
  return new AdapterError("Unavailable", `${quote(key)} is being created, changed or deleted by somebody else`, {
    hint: "let one job at a time publish to this destination",
  });
}

/** The source's bytes; throws ERR_FILE_CHANGED before the last of them if they are not those that were hashed. */
async function* verifiedBytes(request: UploadRequest, ctx: Context): AsyncGenerator<Uint8Array, void, undefined> {
  const { key, source } = request;
  const hash = createHash("sha256");
  let done = 0;
  const check = (): void => {
    const found = hash.digest("hex");
    if (found !== source.digests.sha256) {
      throw changed(key, { expected: `sha256:${source.digests.sha256}`, found: `sha256:${found}` });
    }
  };
  for await (const chunk of interruptible(source.open(), ctx)) {
    if (chunk.length === 0) continue;
    done += chunk.length;
    if (done > source.size) {
      throw changed(key, { expected: `${source.size} bytes`, found: `at least ${done} bytes` });
    }
    hash.update(chunk);
    if (done === source.size) check();
    yield chunk;
    ctx.progress?.({ stage: "upload", subject: key, done, total: source.size, unit: "bytes" });
  }
  if (done < source.size) throw changed(key, { expected: `${source.size} bytes`, found: `${done} bytes` });
  if (source.size === 0) check();
}

function changed(key: Key, difference: { expected: string; found: string }): KitesealError {
  return new KitesealError(
    "ERR_FILE_CHANGED",
    `the file for ${quote(key)} changed after it was hashed: expected ${difference.expected}, found ${difference.found}`,
    { hint: "wait until nothing writes to the file any more, then publish again", details: { key, ...difference } },
  );
}
