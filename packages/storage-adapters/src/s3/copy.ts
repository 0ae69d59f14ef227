// SPDX-License-Identifier: Apache-2.0
// Copies inside the bucket: of a pinned version, to where nothing is; and what S3's answers about versions mean.
import { CopyObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { quote } from "@kiteseal/core/store";
import type { Context, Key, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Written } from "../adapter.ts";
import type { S3Place } from "./client.ts";
import { pinOf, pinParameters } from "./pin.ts";
import { signalOf, target } from "./request.ts";
import type { S3 } from "./request.ts";

/** Of CopyObject; larger copies are streamed. */
const MAX_COPY_BYTES = 5_368_709_120;

/** Of a version id that is not there, S3 says the same whether the key exists or not; and 400 if it is malformed. */
export async function versionError(
  place: S3Place,
  { error, object }: { error: unknown; object: StoredObject },
  ctx: Context,
): Promise<unknown> {
  const asked = object.pin.startsWith("v:") && error instanceof AdapterError;
  if (!asked || !["PinChanged", "NotFound", "Unavailable"].includes(error.kind)) return error;
  try {
    await place.call({ doing: "looking at", subject: object.key }, ctx, () =>
      place.client.send(new HeadObjectCommand(target(place, object.key)), signalOf(ctx)),
    );
  } catch (absent) {
    return absent;
  }
  return new AdapterError("PinChanged", `${quote(object.key)} has no version ${quote(object.pin)}`, { cause: error });
}

/** See Adapter.copy. */
export async function copy(
  { place, probe }: S3,
  { from, to }: { from: StoredObject; to: Key },
  ctx: Context,
): Promise<Written | undefined> {
  const condition = pinParameters(from.pin);
  if (condition === undefined || from.size > MAX_COPY_BYTES) return undefined;
  if (place.isCustom && !(await probe.copies(ctx))) return undefined;
  const source = `${place.bucket}/${from.key.split("/").map(encodeURIComponent).join("/")}`;
  const command = new CopyObjectCommand({
    ...target(place, to),
    ...place.writeParameters(ctx.now()),
    ...("VersionId" in condition
      ? { CopySource: `${source}?versionId=${encodeURIComponent(condition.VersionId)}` }
      : { CopySource: source, CopySourceIfMatch: condition.IfMatch }),
    ...(place.owner === undefined ? {} : { ExpectedSourceBucketOwner: place.owner }),
    IfNoneMatch: "*",
    ChecksumAlgorithm: "SHA256",
  });
  try {
    const copied = await place.call({ doing: "copying to", subject: to }, ctx, () =>
      place.client.send(command, signalOf(ctx)),
    );
    const pin = pinOf({ VersionId: copied.VersionId, ETag: copied.CopyObjectResult?.ETag }, to);
    return { object: { key: to, size: from.size, pin }, verifiedBy: "server-other" };
  } catch (error) {
    // What a bucket policy that demands conditional writes makes of copies; the bytes are streamed instead.
    if (error instanceof AdapterError && error.kind === "Unsupported") return undefined;
    throw await copyError(place, { error, from, to }, ctx);
  }
}

/** 412 is said of either precondition, 404 of the source: a look at the destination tells them apart. */
async function copyError(
  place: S3Place,
  { error, from, to }: { error: unknown; from: StoredObject; to: Key },
  ctx: Context,
): Promise<unknown> {
  if (!(error instanceof AdapterError) || error.kind !== "PinChanged")
    return versionError(place, { error, object: from }, ctx);
  try {
    await place.call({ doing: "looking at", subject: to }, ctx, () =>
      place.client.send(new HeadObjectCommand(target(place, to)), signalOf(ctx)),
    );
  } catch (absent) {
    return absent instanceof AdapterError && absent.kind === "NotFound" ? error : absent;
  }
  return new AdapterError("AlreadyExists", `something is already at ${quote(to)}`, { cause: error });
}
