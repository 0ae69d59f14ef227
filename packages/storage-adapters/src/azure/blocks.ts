// SPDX-License-Identifier: Apache-2.0
// Large blobs: blocks staged under names made of their content, then committed in one conditional request. All writers
// of one name share one list of uncommitted blocks, so a block's name holds the digest that it was hashed to: two writers
// cannot mix bytes. The service compares each block with the MD5 that it was hashed to; it checks nothing of the whole.
// Uncommitted blocks are forgotten after a week.
import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import { quote } from "@kiteseal/core/store";
import type { Context, Key } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Held, Multipart, PartRequest, PutRequest, SentPart, UploadHandle, Written } from "../adapter.ts";
import { blobClient, blobOptions, call, inPieces, isCustom, scope } from "./container.ts";
import type { AzureContainer } from "./container.ts";
import { pinFromEtag } from "./pin.ts";

/** Up to this many bytes one request is faster than blocks, and they fit in memory, where the checksum is made first. */
export const ONE_REQUEST_BYTES = 8_388_608;
const MEBIBYTE = 1_048_576;
const MAX_BLOCKS = 50_000;
/** Blocks hold at most 4,000 MiB. */
export const MAX_BYTES: number = MAX_BLOCKS * 4000 * 1_048_576;
const PARALLEL = 4;

function blockSize(size: number): number {
  return Math.max(ONE_REQUEST_BYTES, Math.ceil(size / MAX_BLOCKS / MEBIBYTE) * MEBIBYTE);
}

/** All names within a blob have one length, as the service demands. */
export function blockId(part: { readonly index: number; readonly sha256: string }): string {
  const text = `${part.sha256.slice(0, 32)}-${String(part.index).padStart(5, "0")}`;
  return Buffer.from(text, "latin1").toString("base64");
}

export function createBlocks(container: AzureContainer): Multipart {
  // Parts are read into buffers that are used again: fresh ones of this size would wait for the collector by the dozen.
  const buffers: Buffer[] = [];
  const handle = (key: Key): UploadHandle => ({ key, id: "", isPublic: true });
  return {
    threshold: ONE_REQUEST_BYTES,
    parallel: PARALLEL,
    partSize: blockSize,
    compares: "md5",
    begin: async (request) => handle(request.key),
    whileHashing: true,
    resume: async ({ key }, _id, ctx) => {
      const staged = await stagedBlocks(container, key, ctx);
      const receiptOf: Held["receiptOf"] = (part) => {
        const name = blockId(part);
        return staged.get(name) === part.range.end - part.range.start ? name : undefined;
      };
      return { handle: handle(key), receiptOf };
    },
    putPart: (upload, part, ctx) => putPart(container, { key: upload.key, part, buffers }, ctx),
    complete: ({ request, parts }, ctx) => commit(container, { request, ids: parts.map((part) => part.receipt) }, ctx),
    abort: async () => undefined,
  };
}

/** An object of any size without known part digests: its blocks are cut, named and staged as the bytes come. */
export async function putInBlocks(container: AzureContainer, request: PutRequest, ctx: Context): Promise<Written> {
  const size = blockSize(request.size);
  const ids: string[] = [];
  for await (const bytes of pieces(request.body(), size)) {
    const sha256 = sha256Of(bytes);
    ids.push(await stage(container, { key: request.key, index: ids.length, sha256, md5: md5Of(bytes), bytes }, ctx));
  }
  return await commit(container, { request, ids }, ctx);
}

/** `body` in pieces of exactly `size` bytes, the last one shorter. Each piece is the reader's to keep. */
async function* pieces(body: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer, void, undefined> {
  let piece = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length;) {
      const taken = Math.min(size - filled, chunk.length - at);
      piece.set(chunk.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < size) continue;
      yield piece;
      piece = Buffer.allocUnsafe(size);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

async function putPart(
  container: AzureContainer,
  request: { key: Key; part: PartRequest; buffers: Buffer[] },
  ctx: Context,
): Promise<SentPart> {
  const { key, part, buffers } = request;
  const { index, sha256, md5 } = part;
  const size = part.range.end - part.range.start;
  const free = buffers.pop();
  const buffer = free !== undefined && free.length >= size ? free : Buffer.allocUnsafe(size);
  const bytes = await collect(part.body(0), buffer.subarray(0, size));
  if (await isCustom(container)) requireSha256(bytes, part, key);
  const receipt = await stage(container, { key, index, sha256, bytes, md5: md5 ?? md5Of(bytes) }, ctx);
  // After a failure the SDK may still be reading it: then it is not used again.
  if (buffers.length < PARALLEL) buffers.push(buffer);
  return { index, receipt };
}

/** An endpoint that is not Azure's may ignore checksums: it is not believed, and what it should compare is compared here. */
function requireSha256(bytes: Buffer, { index, sha256 }: PartRequest, key: Key): void {
  const found = sha256Of(bytes);
  if (found === sha256) return;
  throw new AdapterError(
    "ChecksumRejected",
    `part ${index} of ${quote(key)} has other bytes than were hashed: expected sha256:${sha256}, found ${found}`,
  );
}

function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function md5Of(bytes: Buffer): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** All of `body` in `bytes`, which it fills; another length is a caller's bug and makes nothing visible. */
export async function collect(body: AsyncIterable<Uint8Array>, bytes: Buffer): Promise<Buffer> {
  const size = bytes.length;
  let filled = 0;
  for await (const chunk of body) {
    if (filled + chunk.length > size) throw new RangeError(`a body is longer than its ${size} bytes`);
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled < size) throw new RangeError(`a body has ${filled} bytes instead of ${size}`);
  return bytes;
}

async function stage(
  container: AzureContainer,
  block: { key: Key; index: number; sha256: string; md5: string; bytes: Buffer },
  ctx: Context,
): Promise<string> {
  const { key, bytes } = block;
  const id = blockId(block);
  const blob = await blobClient(container, key);
  const options = { ...scope(container.write), transactionalContentMD5: Buffer.from(block.md5, "hex") };
  await call(container, { action: `staging part ${block.index} of`, subject: key, ctx }, (signal, moved) =>
    blob.stageBlock(id, inPieces(bytes), bytes.length, { ...options, ...signal, onProgress: moved }),
  );
  return id;
}

async function commit(
  container: AzureContainer,
  upload: { request: Omit<PutRequest, "body" | "digests">; ids: readonly string[] },
  ctx: Context,
): Promise<Written> {
  const { request, ids } = upload;
  const blob = await blobClient(container, request.key);
  const response = await call(
    container,
    { action: "committing", subject: request.key, condition: "AlreadyExists", ctx },
    (signal) => blob.commitBlockList([...ids], { ...blobOptions(request, container.write, ctx), ...signal }),
  );
  const pin = pinFromEtag(response.etag, request.key);
  return { object: { key: request.key, size: request.size, pin }, verifiedBy: "server-other" };
}

/** The sizes of what waits at the service to be committed, by name. */
async function stagedBlocks(container: AzureContainer, key: Key, ctx: Context): Promise<ReadonlyMap<string, number>> {
  const blob = await blobClient(container, key);
  try {
    const list = await call(container, { action: "listing the blocks of", subject: key, ctx }, (signal) =>
      blob.getBlockList("uncommitted", signal),
    );
    return new Map((list.uncommittedBlocks ?? []).map((block) => [block.name, block.size]));
  } catch (error) {
    if (error instanceof AdapterError && error.kind === "NotFound") return new Map();
    throw error;
  }
}
