// SPDX-License-Identifier: Apache-2.0
// Large objects: parts with a SHA-256 each (S3 keeps their composite), completed create-only. The upload id is no
// secret: it does nothing without credentials. S3 keeps the parts of abandoned uploads, and bills them, until somebody
// aborts them.
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
} from "@aws-sdk/client-s3";
import type { Part } from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { quote } from "@kiteseal/core/store";
import type { Context, Key } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type {
  Held,
  Multipart,
  MultipartRequest,
  PartRequest,
  Sent,
  SentPart,
  UploadHandle,
  Written,
} from "../adapter.ts";
import { pages } from "../transfer/pages.ts";
import type { Page } from "../transfer/pages.ts";
import type { Pace } from "../transfer/plan.ts";
import { statusOf } from "./errors.ts";
import type { S3Place } from "./client.ts";
import { pinOf } from "./pin.ts";
import { asExisting, base64, described, directTo, factsOf, requireChecksum, signalOf, target } from "./request.ts";
import type { S3 } from "./request.ts";

const MIB = 1_048_576;
const MAX_PARTS = 10_000;
/** What 10,000 parts of at most 5 GiB hold; AWS itself may take less, and says so at the beginning. */
export const MAX_BYTES: number = MAX_PARTS * 5120 * MIB;

/** In bytes. Up to `threshold` one request is faster, atomic, and gives S3 the checksum of the whole. */
export interface MultipartSizes {
  readonly threshold: number;
  readonly partSize: number;
}

export const S3_SIZES: MultipartSizes = { threshold: 256 * MIB, partSize: 16 * MIB };

export function createMultipart(s3: S3, sizes: MultipartSizes): Multipart {
  return {
    threshold: sizes.threshold,
    parallel: 4,
    compares: "sha256",
    whileHashing: true,
    partSize: (size) => (size > sizes.partSize * MAX_PARTS ? Math.ceil(size / MAX_PARTS / MIB) * MIB : sizes.partSize),
    settings: (request, ctx) => settingsOf(s3, request, ctx),
    begin: (request, ctx) => begin(s3, request, ctx),
    resume: (request, id, ctx) => resume(s3, { request, id }, ctx),
    putPart: (handle, part, ctx) => putPart(s3, { handle, part }, ctx),
    complete: (upload, ctx) => complete(s3, upload, ctx),
    abort: (handle, ctx) => abort(s3, handle, ctx),
  };
}

/** The end of a lock counts by the day: until midnight a run may go on with an upload that an earlier one began. */
function settingsOf({ place }: S3, request: MultipartRequest, ctx: Context): string {
  const { ObjectLockRetainUntilDate: until, ...others } = place.writeParameters(ctx.now());
  const fixed = { ...others, ...described(request), until: until?.toISOString().slice(0, 10) };
  return createHash("sha256").update(JSON.stringify(fixed)).digest("hex");
}

async function begin({ place, probe }: S3, request: MultipartRequest, ctx: Context): Promise<UploadHandle> {
  const { key } = request;
  if (place.isCustom) await probe.parts(ctx, request.ifAbsent);
  const command = new CreateMultipartUploadCommand({
    ...target(place, key),
    ...place.writeParameters(ctx.now()),
    ...described(request),
    ChecksumAlgorithm: "SHA256",
    ChecksumType: "COMPOSITE",
  });
  const { UploadId: id } = await place.call({ doing: "beginning the upload of", subject: key }, ctx, () =>
    place.client.send(command, signalOf(ctx)),
  );
  if (id === undefined || id === "")
    throw new AdapterError("Transient", `the server gave no upload id for ${quote(key)}`);
  return { key, id, isPublic: true };
}

async function resume(
  { place, probe }: S3,
  { request, id }: { request: MultipartRequest; id: string | undefined },
  ctx: Context,
): Promise<Held | undefined> {
  if (id === undefined) return undefined;
  if (place.isCustom) await probe.parts(ctx, request.ifAbsent);
  const parts = new Map<number, Part>();
  let listed = 0;
  for await (const part of heldParts(place, { key: request.key, id }, ctx)) {
    if (++listed > MAX_PARTS) {
      throw new AdapterError("Unavailable", `the upload of ${quote(request.key)} has more than ${MAX_PARTS} parts`);
    }
    if (part.PartNumber !== undefined) parts.set(part.PartNumber - 1, part);
  }
  return {
    handle: { key: request.key, id, isPublic: true },
    receiptOf: ({ index, sha256, range }) => {
      const { ChecksumSHA256, Size, ETag } = parts.get(index) ?? {};
      return ChecksumSHA256 === base64(sha256) && Size === range.end - range.start ? ETag : undefined;
    },
  };
}

/** resume as a whole is tried again. */
const ONCE: Pace = { attempts: 1, baseMs: 0, maxWaitMs: 0 };

function heldParts(
  place: S3Place,
  { key, id }: { key: Key; id: string },
  ctx: Context,
): AsyncGenerator<Part, void, undefined> {
  const page = async (token: string | undefined): Promise<Page<Part>> => {
    const command = new ListPartsCommand({
      ...target(place, key),
      UploadId: id,
      ...(token === undefined ? {} : { PartNumberMarker: token }),
    });
    const found = await place.call({ doing: "listing the parts of", subject: key }, ctx, () =>
      place.client.send(command, signalOf(ctx)),
    );
    return {
      items: found.Parts ?? [],
      next: found.IsTruncated === true ? (found.NextPartNumberMarker ?? "") : undefined,
    };
  };
  return pages({ prefix: key, pace: ONCE, page, nameOf: ({ PartNumber }) => String(PartNumber) }, ctx);
}

async function putPart(
  { place }: S3,
  { handle, part }: { handle: UploadHandle; part: PartRequest },
  ctx: Context,
): Promise<SentPart> {
  const size = part.range.end - part.range.start;
  const request = {
    method: "PUT",
    ...directTo(place, handle.key),
    query: { partNumber: String(part.index + 1), uploadId: handle.id },
    body: { size, sha256: part.sha256, open: () => part.body(0) },
  } as const;
  const doing = { doing: `writing part ${part.index + 1} of`, subject: handle.key };
  const sent = factsOf(await place.send(doing, request, ctx));
  if (sent.ETag === undefined || sent.ETag === "") {
    throw new AdapterError("Transient", `the server gave no etag for part ${part.index + 1} of ${quote(handle.key)}`);
  }
  requireChecksum(sent.ChecksumSHA256, { sha256: part.sha256, subject: `part ${part.index + 1} of ${handle.key}` });
  return { index: part.index, receipt: sent.ETag };
}

async function complete({ place }: S3, { request, digests, handle, parts }: Sent, ctx: Context): Promise<Written> {
  const { key, size } = request;
  const checksums = (digests.parts?.sha256 ?? []).map(base64);
  const command = new CompleteMultipartUploadCommand({
    ...target(place, key),
    UploadId: handle.id,
    MultipartUpload: {
      Parts: parts.map(({ index, receipt }) => ({
        PartNumber: index + 1,
        ETag: receipt,
        ChecksumSHA256: checksums[index],
      })),
    },
    MpuObjectSize: size,
    ...(request.ifAbsent && { IfNoneMatch: "*" }),
  });
  try {
    const completed = await place.call({ doing: "completing", subject: key }, ctx, () =>
      place.client.send(command, signalOf(ctx)),
    );
    const isStated = checkComposite(completed.ChecksumSHA256, { checksums, key });
    return {
      object: { key, size, pin: pinOf(completed, key) },
      verifiedBy: isStated ? "server-sha256" : "server-other",
    };
  } catch (error) {
    throw completionError(error, request);
  }
}

/** 409: another completion ran at the same time, and S3 asks for a new upload, not for another try. */
function completionError(error: unknown, request: Sent["request"]): unknown {
  if (error instanceof AdapterError && /\(409 ConditionalRequestConflict\)/.test(error.message)) {
    return new AdapterError("UploadGone", error.message, { cause: error });
  }
  return asExisting(error, request);
}

/** As requireChecksum, of the digest of the parts' digests. Throws Irregular. */
function checkComposite(
  found: string | undefined,
  { checksums, key }: { checksums: readonly string[]; key: string },
): boolean {
  if (found === undefined || found === "") return false;
  const hash = createHash("sha256");
  for (const checksum of checksums) hash.update(checksum, "base64");
  const expected = `${hash.digest("base64")}-${checksums.length}`;
  if (found === expected || found === expected.slice(0, expected.lastIndexOf("-"))) return true;
  throw new AdapterError(
    "Irregular",
    `the server put ${quote(key)} together wrongly: expected ${expected}, found ${quote(found)}`,
  );
}

async function abort({ place }: S3, handle: UploadHandle, ctx: Context): Promise<void> {
  const command = new AbortMultipartUploadCommand({ ...target(place, handle.key), UploadId: handle.id });
  await place.call({ doing: "aborting the upload of", subject: handle.key }, ctx, async () => {
    try {
      await place.client.send(command, signalOf(ctx));
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
    }
  });
}
