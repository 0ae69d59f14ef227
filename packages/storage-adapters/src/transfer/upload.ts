// SPDX-License-Identifier: Apache-2.0
// Writing one object: the bytes are compared with their digest in passing, and an answer that leaves open what
// happened (it exists; the reply was lost) is settled by reading back what is there. Design §6.
import { createHash } from "node:crypto";
import { digestStream, KitesealError, LIMITS, quote } from "@kiteseal/core/store";
import type { Context, DigestPlan, Key, PutRequest, SourceDigests, Stored, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Multipart, Written } from "../adapter.ts";
import { persistently } from "./attempts.ts";
import { download } from "./download.ts";
import { isAdapterError, isRepeatable } from "./errors.ts";
import { interruptible } from "./interrupt.ts";
import { uploadInParts } from "./parts.ts";
import type { PartsUpload } from "./parts.ts";
import { changed } from "./sending.ts";
import { partsRequest } from "./transfer.ts";
import type { Transfer } from "./transfer.ts";
import { hasParts, multipartFor, planParts, requireSize } from "./plan.ts";

/** What is at the key may vanish or change between two looks at it; after this many the store is not usable. */
const ROUNDS = 3;

export interface UploadRequest extends PutRequest {
  readonly key: Key;
  /** All its parts were added. */
  readonly started?: PartsUpload;
}

/**
 * See Store.put. Each attempt that fails without an answer is followed by a look at the key: the same bytes there are
 * success, others a conflict, nothing is another attempt.
 */
export async function upload(transfer: Transfer, request: UploadRequest, ctx: Context): Promise<Stored> {
  requireSize(transfer.adapter, request.source.size);
  const multipart = multipartFor(transfer.adapter, request.source.size);
  const write =
    multipart === undefined
      ? (): Promise<Written> => putWhole(transfer, request, ctx)
      : await partsWriter(transfer, { multipart, request }, ctx);
  // Each call of an upload in parts has had its attempts already.
  const pace = multipart === undefined ? transfer.pace : once(transfer).pace;
  for (let round = 0; round < ROUNDS; round += 1) {
    const stored = await persistently(() => attempt(transfer, { request, write }, ctx), ctx, pace);
    if (stored !== undefined) return stored;
  }
  throw unsettled(request.key);
}

/** So that attempts do not multiply. */
function once(transfer: Transfer): Transfer {
  return { ...transfer, pace: { ...transfer.pace, attempts: 1 } };
}

/** undefined: what refused the write is gone again. */
async function attempt(
  transfer: Transfer,
  { request, write }: { request: UploadRequest; write: () => Promise<Written> },
  ctx: Context,
): Promise<Stored | undefined> {
  const { key, source } = request;
  try {
    return { outcome: "created", ...(await write()) };
  } catch (error) {
    if (isAdapterError(error, "AlreadyExists")) {
      return settle(transfer, { key, size: source.size, sha256: source.digests.sha256 }, ctx);
    }
    if (!isRepeatable(error)) throw error;
    const stored = await settleLostReply(transfer, { request, error }, ctx);
    if (stored === undefined && error.kind !== "UploadGone") throw error;
    return stored;
  }
}

function putWhole(transfer: Transfer, request: UploadRequest, ctx: Context): Promise<Written> {
  const { key, source } = request;
  return transfer.limits.inPlace(source.size, () =>
    transfer.adapter.putWhole(
      {
        key,
        size: source.size,
        digests: source.digests,
        body: () => transfer.limits.paced(verifiedBytes(request, ctx), ctx),
        ifAbsent: request.overwrite !== true,
        contentType: request.contentType,
        metadata: request.metadata ?? {},
      },
      ctx,
    ),
  );
}

/** A source that was hashed without the parts (a stream of another store) is read once more for their digests. */
async function partsWriter(
  transfer: Transfer,
  { multipart, request }: { multipart: Multipart; request: UploadRequest },
  ctx: Context,
): Promise<() => Promise<Written>> {
  const { key, source } = request;
  const { size } = source;
  const digests = hasParts(source.digests, { multipart, size })
    ? source.digests
    : await hashParts(request, planParts(multipart, size), ctx);
  const planned = partsRequest(multipart, { key, bytes: source, digests, how: request });
  let { started } = request;
  return async () => {
    const ahead = started;
    started = undefined;
    try {
      if (ahead !== undefined) return await ahead.complete(digests, ctx);
    } catch (error) {
      // It began before anybody waited for it, and may have met what is over by now.
      if (!isRepeatable(error)) throw error;
    }
    return await uploadInParts(transfer, { request: planned, digests }, ctx);
  };
}

async function hashParts(
  { key, source }: UploadRequest,
  cut: Omit<DigestPlan, "algorithms">,
  ctx: Context,
): Promise<SourceDigests> {
  const bytes = interruptible(source.open(), ctx);
  const { digests } = await digestStream(bytes, { algorithms: ["sha256"], ...cut }, ctx);
  if (digests.sha256 !== source.digests.sha256) {
    throw changed(key, { expected: `sha256:${source.digests.sha256}`, found: `sha256:${digests.sha256}` });
  }
  return { ...source.digests, ...digests };
}

/** The reply was lost, the object perhaps was not: only the same bytes at the key turn the failure into success. */
async function settleLostReply(
  transfer: Transfer,
  failed: { request: UploadRequest; error: AdapterError },
  ctx: Context,
): Promise<Stored | undefined> {
  const { key, source } = failed.request;
  try {
    return await settle(once(transfer), { key, size: source.size, sha256: source.digests.sha256 }, ctx);
  } catch (error) {
    // Under `overwrite` other bytes at the key are simply the old ones.
    const isConflict = error instanceof KitesealError && error.code === "ERR_STORE_CONFLICT";
    if (isConflict && failed.request.overwrite !== true) throw error;
    if (!isConflict && !isAdapterError(error, "Denied", "Transient", "Throttled")) throw error;
    throw failed.error;
  }
}

export interface Expected {
  readonly key: Key;
  readonly size: number;
  readonly sha256: string;
}

/** exists-same if the key holds these bytes; undefined if it holds nothing (any more). Throws ERR_STORE_CONFLICT. */
export async function settle(transfer: Transfer, expected: Expected, ctx: Context): Promise<Stored | undefined> {
  for (let round = 0; round < ROUNDS; round += 1) {
    try {
      const object = await persistently(() => transfer.adapter.head(expected.key, ctx), ctx, transfer.pace);
      if (object.size !== expected.size && object.size > LIMITS.conflictReadBytes)
        throw conflict(expected, object, undefined);
      const sha256 = await hashStored(transfer, object, ctx);
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
export async function hashStored(transfer: Transfer, object: StoredObject, ctx: Context): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of download(transfer, { object, maxBytes: object.size }, ctx)) hash.update(chunk);
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
