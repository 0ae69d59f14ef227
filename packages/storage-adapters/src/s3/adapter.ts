// SPDX-License-Identifier: Apache-2.0
// Amazon S3 and what speaks its protocol. Not trusted: whoever runs or administers the bucket can withhold, delete and
// replay objects and versions, answer any condition as if it held, and show different readers different bytes; it
// cannot make bytes that pass under a signed digest. At AWS create-only is S3's promise; at any other endpoint it is
// tried first (probe.ts), and nothing is written where it does not hold. Design §6.
import type { Readable } from "node:stream";
import { HeadBucketCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import type { _Object as ListedObject } from "@aws-sdk/client-s3";
import { quote } from "@kiteseal/core/store";
import type { ByteRange, Context, Key, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Adapter, AdapterOptions, PutRequest, Written } from "../adapter.ts";
import { isScratch } from "../diagnosis.ts";
import { listedKey } from "../objects.ts";
import { pages } from "../transfer/pages.ts";
import type { Page } from "../transfer/pages.ts";
import type { Pace } from "../transfer/plan.ts";
import type { StoreAddress } from "../url.ts";
import { openPlace } from "./client.ts";
import type { S3Place } from "./client.ts";
import { copy, versionError } from "./copy.ts";
import { diagnose } from "./diagnose.ts";
import { s3Error, statusOf } from "./errors.ts";
import { createMultipart, MAX_BYTES, S3_SIZES } from "./multipart.ts";
import type { MultipartSizes } from "./multipart.ts";
import { isPinned, pinOf, pinParameters } from "./pin.ts";
import { createProbe } from "./probe.ts";
import { asExisting, bucketOf, described, directTo, factsOf, requireChecksum, signalOf } from "./request.ts";
import type { S3 } from "./request.ts";

/** Endpoint, region and credentials come from `options.env`. Throws ERR_STORE_URL. */
export async function openS3Adapter(address: StoreAddress, options: AdapterOptions): Promise<Adapter> {
  return createS3Adapter(openPlace(address, options), S3_SIZES);
}

export function createS3Adapter(place: S3Place, sizes: MultipartSizes): Adapter {
  const s3: S3 = { place, probe: createProbe(place) };
  const bucketExists = createBucketCheck(place);
  return {
    url: (key) => `s3://${place.bucket}/${key.split("/").map(encodeURIComponent).join("/")}`,
    digestPlan: () => ({ algorithms: ["sha256"] }),
    prepare: async (inParts, ctx) => {
      if (!place.isCustom) return;
      await s3.probe.whole(ctx, true);
      if (inParts) await s3.probe.parts(ctx, true);
    },
    head: (key, ctx) => head(place, { key, bucketExists }, ctx),
    putWhole: (request, ctx) => putWhole(s3, request, ctx),
    get: (request, ctx) => get(place, request, ctx),
    list: (prefix, ctx, pace) => list(s3, { prefix, pace }, ctx),
    copy: (request, ctx) => copy(s3, request, ctx),
    diagnose: (ctx) => diagnose(s3, ctx),
    maxBytes: MAX_BYTES,
    multipart: createMultipart(s3, sizes),
  };
}

/** HEAD has no body: 404 is said of a missing bucket as of a missing key, and only the latter is absence. */
function createBucketCheck(place: S3Place): (ctx: Context) => Promise<void> {
  let checked = false;
  return async (ctx) => {
    if (checked) return;
    try {
      await place.client.send(new HeadBucketCommand(bucketOf(place)), signalOf(ctx));
    } catch (error) {
      const status = statusOf(error);
      if (status === 404) {
        throw new AdapterError("Unsupported", `there is no bucket ${quote(place.bucket)}`, {
          hint: "create the bucket, or correct its name",
        });
      }
      // Who may not see the bucket was still told 404 for the key, so the bucket is there.
      if (status !== 403)
        await place.call({ doing: "looking for", subject: place.bucket }, ctx, () => Promise.reject(error));
    }
    checked = true;
  };
}

async function head(
  place: S3Place,
  { key, bucketExists }: { key: Key; bucketExists: (ctx: Context) => Promise<void> },
  ctx: Context,
): Promise<StoredObject> {
  try {
    const found = factsOf(
      await place.send({ doing: "looking at", subject: key }, { method: "HEAD", ...directTo(place, key) }, ctx),
    );
    return { key, size: sizeOf(found.ContentLength, key), pin: pinOf(found, key) };
  } catch (error) {
    if (error instanceof AdapterError && error.kind === "NotFound") await bucketExists(ctx);
    throw error;
  }
}

function sizeOf(size: number | undefined, key: string): number {
  if (size !== undefined && Number.isSafeInteger(size) && size >= 0) return size;
  throw new AdapterError("Transient", `the server does not say how large ${quote(key)} is`);
}

async function putWhole({ place, probe }: S3, request: PutRequest, ctx: Context): Promise<Written> {
  const { key, size } = request;
  const to = directTo(place, key, {
    ...place.writeParameters(ctx.now()),
    ...described(request),
    ...(request.ifAbsent && { IfNoneMatch: "*" }),
  });
  if (place.isCustom) await probe.whole(ctx, request.ifAbsent);
  const body = { size, sha256: request.digests.sha256, open: () => request.body() };
  const put = { method: "PUT", ...to, body } as const;
  const reply = await place.send({ doing: "writing", subject: key }, put, ctx).catch((error: unknown) => {
    throw asExisting(error, request);
  });
  const written = factsOf(reply);
  requireChecksum(written.ChecksumSHA256, { sha256: request.digests.sha256, subject: key });
  return { object: { key, size, pin: pinOf(written, key) }, verifiedBy: "server-sha256" };
}

/** A server that ignores conditions or ranges is noticed: the reply must name the pinned version and the length asked for. */
async function* get(
  place: S3Place,
  { object, range }: { object: StoredObject; range: ByteRange },
  ctx: Context,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { key, size, pin } = object;
  const changed = (why: string): AdapterError =>
    new AdapterError("PinChanged", `${quote(key)} is no longer the pinned version ${quote(pin)}: ${why}`);
  const condition = pinParameters(pin);
  const length = range.end - range.start;
  const isWhole = length === size;
  const doing = { doing: "reading", subject: key };
  if (condition === undefined || (length === 0 && size > 0)) {
    const found = factsOf(await place.send(doing, { method: "HEAD", ...pinned(place, object) }, ctx));
    if (!isPinned(pin, found)) throw changed(`found ${quote(pinOf(found, key))}`);
    return;
  }
  const from = pinned(place, object, isWhole ? undefined : `bytes=${range.start}-${range.end - 1}`);
  let reply;
  try {
    reply = await place.send(doing, { method: "GET", ...from }, ctx);
  } catch (error) {
    throw await versionError(place, { error, object }, ctx);
  }
  const { body, status } = reply;
  const facts = factsOf(reply);
  try {
    if (!isPinned(pin, facts)) throw changed(`found ${quote(pinOf(facts, key))}`);
    if (!isWhole && status !== 206) {
      throw new AdapterError("Unsupported", `the server ignores ranges: expected 206, found ${status}`);
    }
    // One that is shorter, or says no length, is counted by transfer/ in passing.
    if ((facts.ContentLength ?? 0) > length) throw changed(`expected ${length} bytes, found ${facts.ContentLength}`);
    yield* pieces(body);
  } catch (error) {
    throw s3Error(error, doing, ctx);
  } finally {
    body.destroy();
  }
}

function pinned(
  place: S3Place,
  { key, pin }: StoredObject,
  Range?: string,
): { key: string; headers: Readonly<Record<string, string>>; query: Readonly<Record<string, string>> } {
  const condition = pinParameters(pin) ?? {};
  const { VersionId, ...rest } = { VersionId: undefined, ...condition };
  return {
    ...directTo(place, key, { ...rest, ...(Range === undefined ? {} : { Range }) }),
    query: VersionId === undefined ? {} : { versionId: VersionId },
  };
}

async function* pieces(body: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("a chunk of the body is not bytes");
    yield chunk;
  }
}

/** A truncated page that names no new place to go on from would make the listing end early or never: it is refused. */
async function* list(
  { place }: S3,
  { prefix, pace }: { prefix: string; pace: Pace | undefined },
  ctx: Context,
): AsyncGenerator<StoredObject, void, undefined> {
  const page = async (token: string | undefined): Promise<Page<ListedObject>> => {
    const command = new ListObjectsV2Command({
      ...bucketOf(place),
      Prefix: prefix,
      ...(token === undefined ? {} : { ContinuationToken: token }),
    });
    const page = await place.call({ doing: "listing", subject: prefix }, ctx, () =>
      place.client.send(command, signalOf(ctx)),
    );
    // Every listing says it; the SDK reads any other document, and none at all, as one without an object.
    if (page.IsTruncated === undefined) {
      throw new AdapterError("Unavailable", `the reply to the listing of ${quote(prefix)} is no listing`);
    }
    return { items: page.Contents ?? [], next: page.IsTruncated ? (page.NextContinuationToken ?? "") : undefined };
  };
  const nameOf = ({ Key: name = "" }: ListedObject): string => name;
  for await (const { Key: name = "", Size, ETag } of pages({ prefix, pace, page, nameOf }, ctx)) {
    const size = sizeOf(Size, name);
    const key = listedKey(name, size);
    if (key === undefined || isScratch(key)) continue;
    yield { key, size, pin: pinOf({ ETag }, name) };
  }
}
