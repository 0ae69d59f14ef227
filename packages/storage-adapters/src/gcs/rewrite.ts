// SPDX-License-Identifier: Apache-2.0
// Server-side copy of one generation. The service may take several calls, and each carries the precondition: the SDK's
// copy() drops it after the first. Success is what the server's own checksum of both objects says.
// https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite
import { quote } from "@kiteseal/core/store";
import type { Context, Key, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { readMetadata } from "./metadata.ts";
import { decodeObject, isGeneration, isRecord } from "./object.ts";
import type { GcsObject } from "./object.ts";
import { objectUrl, protection } from "./resource.ts";
import type { Target } from "./resource.ts";
import { exchange, replyJson } from "./wire.ts";

/** A terabyte between storage classes takes about a thousand. */
const MAX_CALLS = 100_000;

/** Throws AlreadyExists, NotFound (of that generation), ChecksumRejected. */
export async function rewriteObject(
  target: Target,
  request: { readonly from: StoredObject; readonly to: Key },
  ctx: Context,
): Promise<GcsObject> {
  const { from, to } = request;
  const what = `copying ${quote(from.key)} to ${quote(to)}`;
  if (!isGeneration(from.pin)) throw new AdapterError("NotFound", `${what} failed: no generation ${quote(from.pin)}`);
  const source = await readMetadata(target.connection, { name: from.key, generation: from.pin }, ctx);
  const body = Buffer.from(JSON.stringify(copyResource(target, source, ctx)));
  const query = new URLSearchParams({ sourceGeneration: from.pin, ifGenerationMatch: "0" });
  const { encryptionKey } = target.settings;
  if (encryptionKey !== undefined) query.set("destinationKmsKeyName", encryptionKey);
  for (let call = 0; call < MAX_CALLS; call += 1) {
    const headers = { ...(await target.connection.headers(ctx)), "content-type": "application/json; charset=UTF-8" };
    const url = `${objectUrl(target.connection, from.key)}/rewriteTo/b/${encodeURIComponent(target.connection.bucket)}/o/${encodeURIComponent(to)}?${query.toString()}`;
    const reply: unknown = await replyJson(
      await exchange({ what, method: "POST", url, headers, body, idleMs: target.connection.idleMs }, ctx),
      { what },
      ctx,
    );
    if (!isRecord(reply)) throw new AdapterError("Unavailable", `${what} failed: the reply is no object`);
    if (reply["done"] === true) return checked(source, decodeObject(reply["resource"]), what);
    const token = reply["rewriteToken"];
    if (typeof token !== "string") throw new AdapterError("Unavailable", `${what} failed: neither done nor to go on`);
    query.set("rewriteToken", token);
  }
  throw new AdapterError("Unavailable", `${what} failed: not done after ${MAX_CALLS} calls`);
}

/** Nothing: the service copies what describes the source. A resource that adds protection must repeat all of it. */
function copyResource(target: Target, source: GcsObject, ctx: Context): Readonly<Record<string, unknown>> {
  const added = protection(target.settings, ctx);
  if (Object.keys(added).length === 0) return {};
  return { contentType: source.contentType, metadata: source.metadata, ...added };
}

function checked(source: GcsObject, copy: GcsObject, what: string): GcsObject {
  const same = (a: string | undefined, b: string | undefined): boolean => a !== undefined && a === b;
  const proven = same(source.md5Hash, copy.md5Hash) || same(source.crc32c, copy.crc32c);
  if (proven && source.size === copy.size) return copy;
  throw new AdapterError("ChecksumRejected", `${what} failed: the store's checksums of the two differ`);
}
