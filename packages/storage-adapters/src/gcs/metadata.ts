// SPDX-License-Identifier: Apache-2.0
// What is read without bytes: object metadata and listings over our own wire (which follows no redirect and bounds what
// it reads), the bucket's settings and permissions through the SDK. Replies are decoded before use.
import type { Context } from "@kiteseal/core/store";
import { isKitesealError, quote, request } from "@kiteseal/core/store";
import { pages } from "../transfer/pages.ts";
import type { Page } from "../transfer/pages.ts";
import type { Pace } from "../transfer/plan.ts";
import { AdapterError } from "../adapter.ts";
import { stoppable } from "../stoppable.ts";
import type { Connection } from "./connection.ts";
import { sdkError } from "./errors.ts";
import { decodeObject, decodePage, isRecord } from "./object.ts";
import type { GcsObject } from "./object.ts";
import { objectsUrl, objectUrl } from "./resource.ts";
import { exchange, replyJson } from "./wire.ts";

/** Of 1,000 objects, each with some KiB of metadata. */
const PAGE_BYTES = 33_554_432;

async function ask<T>(connection: Connection, call: { what: string; run(): Promise<T> }, ctx: Context): Promise<T> {
  ctx.signal?.throwIfAborted();
  // Failing credentials fail here, where they can be told from a refusal of the store.
  await connection.headers(ctx);
  try {
    return await stoppable(call.run(), ctx);
  } catch (error) {
    throw sdkError(error, call.what, ctx);
  }
}

async function fetchJson(
  connection: Connection,
  request: { readonly what: string; readonly url: string; readonly maxBytes?: number },
  ctx: Context,
): Promise<unknown> {
  const { what, url } = request;
  const headers = await connection.headers(ctx);
  const reply = await exchange({ what, method: "GET", url, headers, idleMs: connection.idleMs }, ctx);
  return await replyJson(reply, request, ctx);
}

/** The live object, or that generation of it. Throws NotFound. */
export async function readMetadata(
  connection: Connection,
  object: { name: string; generation?: string },
  ctx: Context,
): Promise<GcsObject> {
  const { name, generation } = object;
  const query = generation === undefined ? "" : `?generation=${encodeURIComponent(generation)}`;
  const what = `looking at ${quote(name)}`;
  const found = decodeObject(await fetchJson(connection, { what, url: objectUrl(connection, name) + query }, ctx));
  if (found.name === name) return found;
  throw new AdapterError("Unavailable", `${what} failed: the store answered with the name ${quote(found.name)}`);
}

/** All pages. */
export function listObjects(
  connection: Connection,
  { prefix, pace }: { prefix: string; pace: Pace | undefined },
  ctx: Context,
): AsyncIterable<GcsObject> {
  const page = async (pageToken: string | undefined): Promise<Page<GcsObject>> => {
    const query = new URLSearchParams({ prefix, ...(pageToken === undefined ? {} : { pageToken }) });
    const url = `${objectsUrl(connection)}?${query.toString()}`;
    const what = `listing ${quote(prefix)}`;
    return decodePage(await fetchJson(connection, { what, url, maxBytes: PAGE_BYTES }, ctx));
  };
  return pages({ prefix, pace, page, nameOf: (object) => object.name }, ctx);
}

export async function removeObject(connection: Connection, name: string, ctx: Context): Promise<void> {
  const run = (): Promise<unknown> => connection.sdk.file(name).delete();
  await ask(connection, { what: `deleting ${quote(name)}`, run }, ctx);
}

/** The bucket resource, undecoded. */
export async function readBucket(connection: Connection, ctx: Context): Promise<Readonly<Record<string, unknown>>> {
  const run = (): Promise<readonly unknown[]> => connection.sdk.getMetadata();
  const [resource] = await ask(connection, { what: `looking at the bucket ${quote(connection.bucket)}`, run }, ctx);
  return isRecord(resource) ? resource : {};
}

/** Those of `permissions` that this identity has on the bucket. */
export async function heldPermissions(
  connection: Connection,
  permissions: readonly string[],
  ctx: Context,
): Promise<ReadonlySet<string>> {
  const run = (): Promise<readonly unknown[]> => connection.sdk.iam.testPermissions([...permissions]);
  const [held] = await ask(connection, { what: "asking what this identity may do", run }, ctx);
  if (!isRecord(held)) return new Set();
  return new Set(permissions.filter((permission) => held[permission] === true));
}

const LOOK_MS = 10_000;
const REPLY_BYTES = 65_536;

/** Those of `permissions` that anybody has without credentials; none where that cannot be asked. */
export async function everybodysPermissions(
  { endpoint, bucket }: Connection,
  permissions: readonly string[],
  ctx: Context,
): Promise<ReadonlySet<string>> {
  const query = permissions.map((permission) => `permissions=${encodeURIComponent(permission)}`).join("&");
  const address = `${endpoint}/storage/v1/b/${encodeURIComponent(bucket)}/iam/testPermissions?${query}`;
  const options = {
    service: "Google Cloud Storage",
    method: "GET",
    timeoutMs: LOOK_MS,
    maxBytes: REPLY_BYTES,
  } as const;
  try {
    const reply = await request(address, options, ctx);
    const held = reply.status === 200 ? heldOf(reply.bytes) : [];
    return new Set(permissions.filter((permission) => held.includes(permission)));
  } catch (error) {
    if (isKitesealError(error) && error.kind !== "interrupted") return new Set();
    throw error;
  }
}

function heldOf(bytes: Uint8Array): readonly unknown[] {
  try {
    const reply: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isRecord(reply) && Array.isArray(reply["permissions"]) ? reply["permissions"] : [];
  } catch {
    // A page of something between: it says nothing of the bucket.
    return [];
  }
}
