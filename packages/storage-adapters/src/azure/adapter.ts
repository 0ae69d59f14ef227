// SPDX-License-Identifier: Apache-2.0
// Azure Blob Storage as a store. A hostile one may withhold, replay and delete blobs, show other bytes under an ETag it
// has shown before, and accept a second writer; it can forge nothing, as all is believed under a signed digest only.
// WriteSettings: encryptionKey is an encryption scope; retention is a blob immutability policy (the container must have
// version-level immutability); bucketOwner is refused. Pins are ETags. README.md "Azure Blob Storage"; design §6.
import { createHash } from "node:crypto";
import type { BlobDownloadResponseParsed, BlobItem } from "@azure/storage-blob";
import { KitesealError, quote } from "@kiteseal/core/store";
import type { ByteRange, Context, Key, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Adapter, AdapterOptions, PutRequest, Written } from "../adapter.ts";
import { createAzureAccess } from "../credentials/azure.ts";
import type { AzureAccess } from "../credentials/azure.ts";
import { isScratch } from "../diagnosis.ts";
import { listedKey, requirePin } from "../objects.ts";
import { pages } from "../transfer/pages.ts";
import type { Page } from "../transfer/pages.ts";
import type { Pace } from "../transfer/plan.ts";
import { MAX_BYTES, ONE_REQUEST_BYTES, collect, createBlocks, putInBlocks } from "./blocks.ts";
import { blobClient, blobOptions, call, containerClient, inPieces } from "./container.ts";
import type { AzureContainer } from "./container.ts";
import { copyBlob } from "./copy.ts";
import { diagnose } from "./diagnose.ts";
import { azureStreamError } from "./errors.ts";
import { etagFromPin, pinFromEtag } from "./pin.ts";

const PAGE = 5000;
const TIMEOUT_MS = 120_000;

/** `origin`: scheme and host of the account; `bucket`: the container; `path`: where diagnose tries things. */
export interface AzureAddress {
  readonly origin: string;
  readonly bucket: string;
  readonly path: string;
}

export interface AzureOptions extends AdapterOptions {
  /** Longest silence of the service, within uploads and downloads too; 120,000 unless given. */
  readonly timeoutMs?: number;
}

/** Throws ERR_CONFIG_INVALID for settings that Azure cannot keep. */
export async function openAzureAdapter(address: AzureAddress, options: AzureOptions): Promise<Adapter> {
  if (options.write?.bucketOwner !== undefined) {
    throw new KitesealError("ERR_CONFIG_INVALID", "Azure Blob Storage has no expected bucket owner", {
      hint: "the account is part of the address already",
    });
  }
  let access: Promise<AzureAccess> | undefined;
  const container: AzureContainer = {
    access: () =>
      (access ??= createAzureAccess({
        env: options.env,
        tokens: options.tokens,
        onSecret: options.onSecret,
        origin: address.origin,
        now: () => options.now(),
      })),
    name: address.bucket,
    origin: address.origin,
    write: options.write,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
  };
  return {
    url: (key) => `${address.origin}/${address.bucket}/${key.split("/").map(encodeURIComponent).join("/")}`,
    digestPlan: () => ({ algorithms: ["sha256"] }),
    head: (key, ctx) => head(container, { key }, ctx),
    putWhole: (request, ctx) => putWhole(container, request, ctx),
    get: ({ object, range }, ctx) => read(container, { object, range }, ctx),
    list: (prefix, ctx, pace) => list(container, { prefix, pace }, ctx),
    copy: (request, ctx) => copyBlob(container, request, ctx),
    diagnose: (ctx) => diagnose(container, address.path === "" ? "" : `${address.path}/`, ctx),
    maxBytes: MAX_BYTES,
    multipart: createBlocks(container),
  };
}

async function head(
  container: AzureContainer,
  request: { key: Key; ifMatch?: string },
  ctx: Context,
): Promise<StoredObject> {
  const { key, ifMatch } = request;
  const blob = await blobClient(container, key);
  const properties = await call(
    container,
    { action: "looking at", subject: key, condition: "PinChanged", ctx },
    (signal) => blob.getProperties({ ...(ifMatch === undefined ? {} : { conditions: { ifMatch } }), ...signal }),
  );
  const { contentLength: size, metadata, etag } = properties;
  if (size === undefined) {
    throw new AdapterError("Unavailable", `the reply for ${quote(key)} does not say how long the blob is`);
  }
  if (isFolder({ size, metadata })) {
    throw new AdapterError("NotFound", `${quote(key)} is a folder: expected a blob`);
  }
  return { key, size, pin: pinFromEtag(etag, key) };
}

interface MaybeFolder {
  readonly size: number;
  readonly metadata: Readonly<Record<string, string>> | undefined;
}

/** Accounts with a hierarchical namespace keep folders as empty blobs with this mark; whoever writes blobs can set it too. */
function isFolder({ size, metadata }: MaybeFolder): boolean {
  const isMarked = Object.entries(metadata ?? {}).some(
    ([name, value]) => name.toLowerCase() === "hdi_isfolder" && value === "true",
  );
  return isMarked && size === 0;
}

async function putWhole(container: AzureContainer, request: PutRequest, ctx: Context): Promise<Written> {
  if (request.size > ONE_REQUEST_BYTES) return await putInBlocks(container, request, ctx);
  const { key } = request;
  const bytes = await collect(request.body(), Buffer.allocUnsafe(request.size));
  const blob = await blobClient(container, key);
  const options = blobOptions(request, container.write, ctx);
  const md5 = createHash("md5").update(bytes).digest();
  const response = await call(
    container,
    { action: "writing", subject: key, condition: "AlreadyExists", ctx },
    (signal, moved) =>
      blob.upload(inPieces(bytes), bytes.length, {
        ...options,
        blobHTTPHeaders: { ...options.blobHTTPHeaders, blobContentMD5: md5 },
        ...signal,
        onProgress: moved,
      }),
  );
  const stored = response.contentMD5;
  if (stored !== undefined && !md5.equals(stored)) {
    throw new AdapterError("ChecksumRejected", `the service stored other bytes than it was sent for ${quote(key)}`);
  }
  const pin = pinFromEtag(response.etag, key);
  return { object: { key, size: request.size, pin }, verifiedBy: "server-other" };
}

async function* read(
  container: AzureContainer,
  request: { object: StoredObject; range: ByteRange },
  ctx: Context,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { key, pin } = request.object;
  const { start, end } = request.range;
  const ifMatch = etagFromPin(pin, key);
  if (end === start) {
    await head(container, { key, ifMatch }, ctx);
    return;
  }
  const blob = await blobClient(container, key);
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(), container.timeoutMs);
  const abortSignal = ctx.signal === undefined ? idle.signal : AbortSignal.any([ctx.signal, idle.signal]);
  const told = { action: "reading", subject: key, condition: "PinChanged" } as const;
  try {
    const response = await call(container, { ...told, ctx }, () =>
      blob.download(start, end - start, { conditions: { ifMatch }, maxRetryRequests: 0, abortSignal }),
    );
    for await (const chunk of bodyOf(response, request)) {
      timer.refresh();
      yield chunk;
      timer.refresh();
    }
  } catch (error) {
    ctx.signal?.throwIfAborted();
    const known = azureStreamError(error, { ...told, now: ctx.now() });
    // Some servers answer a failed condition where there is no blob at all: absence is told apart by another look.
    if (known instanceof AdapterError && known.kind === "PinChanged") await head(container, { key }, ctx);
    throw known;
  } finally {
    clearTimeout(timer);
    idle.abort();
  }
}

async function* bodyOf(
  response: BlobDownloadResponseParsed,
  request: { object: StoredObject; range: ByteRange },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { key } = request.object;
  const { start, end } = request.range;
  requirePin(request.object, pinFromEtag(response.etag, key));
  if (response.contentEncoding === "gzip" || response.contentEncoding === "deflate") {
    throw new AdapterError(
      "Unavailable",
      `${quote(key)} has the content encoding ${quote(response.contentEncoding)}, which the SDK undoes`,
      {
        hint: "remove the blob's Content-Encoding property: what is verified is the bytes that were published",
      },
    );
  }
  const expected = `bytes ${start}-${end - 1}/`;
  if (response.contentRange !== undefined && !response.contentRange.startsWith(expected)) {
    throw new AdapterError(
      "PinChanged",
      `another range of ${quote(key)} was sent: expected ${quote(expected)}, found ${quote(response.contentRange)}`,
    );
  }
  for await (const chunk of response.readableStreamBody ?? []) {
    if (typeof chunk === "string") throw new TypeError("a chunk of the reply is text");
    yield chunk;
  }
}

async function* list(
  container: AzureContainer,
  { prefix, pace }: { prefix: string; pace: Pace | undefined },
  ctx: Context,
): AsyncGenerator<StoredObject, void, undefined> {
  const client = await containerClient(container);
  const told = { action: "listing", subject: prefix, ctx };
  const page = async (token: string | undefined): Promise<Page<BlobItem>> => {
    const page = await call(container, told, async (signal) => {
      const all = client.listBlobsFlat({ prefix, includeMetadata: true, ...signal });
      const settings = { maxPageSize: PAGE, ...(token === undefined ? {} : { continuationToken: token }) };
      return await all.byPage(settings).next();
    }).catch((error: unknown) => {
      // The SDK stumbles over what lacks what it looks for.
      throw error instanceof TypeError ? noListing(prefix) : error;
    });
    const found = page.done === true ? undefined : page.value;
    // Every listing says where it ends; the SDK reads any other document as one without a blob.
    if (found?.continuationToken === undefined) throw noListing(prefix);
    return { items: found.segment.blobItems, next: found.continuationToken || undefined };
  };
  for await (const { name, metadata, properties } of pages({ prefix, pace, page, nameOf: (item) => item.name }, ctx)) {
    const size = properties.contentLength;
    if (size === undefined) {
      throw new AdapterError("Unavailable", `the listing of ${quote(prefix)} does not say how long ${quote(name)} is`);
    }
    const key = listedKey(name, size);
    if (key === undefined || isScratch(key) || isFolder({ size, metadata })) continue;
    yield { key, size, pin: pinFromEtag(properties.etag, key) };
  }
}

function noListing(prefix: string): AdapterError {
  return new AdapterError("Unavailable", `the reply to the listing of ${quote(prefix)} is no listing`);
}
