// SPDX-License-Identifier: Apache-2.0
// What the SDK reads: object metadata, listings, the bucket's settings, permissions. Replies are decoded before use.
import type { Context } from "@kiteseal/core/store";
import { quote } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { stoppable } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { sdkError } from "./errors.ts";
import { decodeObject, decodePage, isRecord } from "./object.ts";
import type { GcsObject } from "./object.ts";

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

/** The live object, or that generation of it. Throws NotFound. */
export async function readMetadata(
  connection: Connection,
  object: { name: string; generation?: string },
  ctx: Context,
): Promise<GcsObject> {
  const { name, generation } = object;
  const file = connection.sdk.file(name, generation === undefined ? {} : { generation });
  const run = (): Promise<readonly unknown[]> => file.getMetadata();
  const [resource] = await ask(connection, { what: `looking at ${quote(name)}`, run }, ctx);
  return decodeObject(resource);
}

/** All pages. A page token that comes again would never end. */
export async function* listObjects(
  connection: Connection,
  prefix: string,
  ctx: Context,
): AsyncGenerator<GcsObject, void, undefined> {
  const seen = new Set<string>();
  let pageToken: string | undefined;
  do {
    const query = { autoPaginate: false, prefix, ...(pageToken === undefined ? {} : { pageToken }) };
    const run = (): Promise<readonly unknown[]> => connection.sdk.getFiles(query);
    const [, , reply] = await ask(connection, { what: `listing ${quote(prefix)}`, run }, ctx);
    const page = decodePage(reply);
    yield* page.objects;
    pageToken = page.nextPageToken;
    if (pageToken !== undefined && seen.has(pageToken)) {
      throw new AdapterError("Unavailable", `listing ${quote(prefix)} failed: the store repeats a page`);
    }
    if (pageToken !== undefined) seen.add(pageToken);
  } while (pageToken !== undefined);
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
