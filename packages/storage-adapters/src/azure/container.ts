// SPDX-License-Identifier: Apache-2.0
// One container as the adapter's parts see it: who asks, what new blobs are given, how long a call may take.
import { Readable } from "node:stream";
import type { BlobHTTPHeaders, BlobImmutabilityPolicy, BlockBlobClient, ContainerClient } from "@azure/storage-blob";
import { quote } from "@kiteseal/core/store";
import type { Context, Key } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { PutRequest, WriteSettings } from "../adapter.ts";
import type { AzureAccess } from "../credentials/azure.ts";
import { azureError } from "./errors.ts";
import type { AzureOperation } from "./errors.ts";

// https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
const MAX_NAME = 1024;
const MAX_SEGMENTS = 254;
const PIECE_BYTES = 65_536;
const DAY_MS = 24 * 60 * 60 * 1000;

export interface AzureContainer {
  /** Made on first use: asking who one is may need the network. */
  access(): Promise<AzureAccess>;
  readonly name: string;
  /** Scheme and host of the account, wherever the requests go. */
  readonly origin: string;
  readonly write: WriteSettings | undefined;
  /** Longest silence of the service: until it answers, and between two pieces of what is sent or read. */
  readonly timeoutMs: number;
}

export async function containerClient(container: AzureContainer): Promise<ContainerClient> {
  return (await container.access()).service.getContainerClient(container.name);
}

/** Whether requests go elsewhere than to the account's own address. */
export async function isCustom(container: AzureContainer): Promise<boolean> {
  return new URL((await container.access()).service.url).origin !== container.origin;
}

/** Throws KeyRejected for a name that the service would not take. */
export async function blobClient(container: AzureContainer, key: Key): Promise<BlockBlobClient> {
  if (key.length > MAX_NAME || key.split("/").length > MAX_SEGMENTS) {
    throw new AdapterError(
      "KeyRejected",
      `the key ${quote(key)} is longer than ${MAX_NAME} characters or ${MAX_SEGMENTS} segments`,
    );
  }
  return (await containerClient(container)).getBlockBlobClient(key);
}

/** Runs one call of the SDK, and ends it when nothing moved for so long; throws what azureError makes of its failure. */
export async function call<T>(
  container: AzureContainer,
  told: Omit<AzureOperation, "now"> & { readonly ctx: Context },
  operation: (options: { abortSignal: AbortSignal }, moved: () => void) => Promise<T>,
): Promise<T> {
  const { ctx, ...rest } = told;
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(), container.timeoutMs);
  const abortSignal = ctx.signal === undefined ? idle.signal : AbortSignal.any([ctx.signal, idle.signal]);
  try {
    return await operation({ abortSignal }, () => void timer.refresh());
  } catch (error) {
    ctx.signal?.throwIfAborted();
    throw azureError(error, { ...rest, now: ctx.now() });
  } finally {
    clearTimeout(timer);
  }
}

/** A body that is taken piece by piece, so that a slow line can be told from a silent server. */
export function inPieces(bytes: Buffer): () => Readable {
  return () => Readable.from(pieces(bytes), { objectMode: false });
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

export interface BlobOptions {
  readonly conditions: { ifNoneMatch?: string };
  readonly blobHTTPHeaders: BlobHTTPHeaders;
  readonly metadata: Record<string, string>;
  readonly encryptionScope?: string;
  readonly immutabilityPolicy?: BlobImmutabilityPolicy;
  readonly legalHold?: boolean;
}

/** What the request that makes the blob visible says about it. */
export function blobOptions(
  request: Pick<PutRequest, "ifAbsent" | "contentType" | "metadata">,
  write: WriteSettings | undefined,
  ctx: Context,
): BlobOptions {
  return {
    conditions: request.ifAbsent ? { ifNoneMatch: "*" } : {},
    blobHTTPHeaders: request.contentType === undefined ? {} : { blobContentType: request.contentType },
    metadata: blobMetadata(request.metadata),
    ...scope(write),
    ...(write?.retention === undefined
      ? {}
      : {
          immutabilityPolicy: {
            expiriesOn: new Date(ctx.now().getTime() + write.retention.days * DAY_MS),
            policyMode: write.retention.mode === "compliance" ? "Locked" : "Unlocked",
          },
        }),
    ...(write?.legalHold === undefined ? {} : { legalHold: write.legalHold }),
  };
}

/** Blocks are encrypted when they are staged, so each of them names the scope. */
export function scope(write: WriteSettings | undefined): { encryptionScope?: string } {
  return write?.encryptionKey === undefined ? {} : { encryptionScope: write.encryptionKey };
}

/** Names must be identifiers and values ASCII; hints, so what does not fit is escaped. */
function blobMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [
      name.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_"),
      /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) ? value : encodeURIComponent(value),
    ]),
  );
}
