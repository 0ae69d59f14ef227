// SPDX-License-Identifier: Apache-2.0
// The bytes of one generation, as they are stored: never decompressed, neither there nor here. Untrusted until hashed.
import { quote } from "@kiteseal/core/store";
import type { ByteRange, Context, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Connection } from "./connection.ts";
import { readMetadata } from "./metadata.ts";
import { isGeneration } from "./object.ts";
import { objectUrl } from "./resource.ts";
import { exchange, replyError, replyText } from "./wire.ts";
import type { WireReply } from "./wire.ts";

/** Throws PinChanged, or NotFound if nothing at all is there. */
export async function* readMedia(
  connection: Connection,
  request: { readonly object: StoredObject; readonly range: ByteRange },
  ctx: Context,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { object, range } = request;
  if (!isGeneration(object.pin)) throw await gone(connection, object, ctx);
  if (range.end === range.start) {
    await stillThere(connection, object, ctx);
    return;
  }
  const what = `reading ${quote(object.key)}`;
  const partial = range.start > 0 || range.end < object.size;
  const headers = {
    ...(await connection.headers(ctx)),
    // Asking for gzip is what keeps the service from unpacking an object that is stored so.
    "accept-encoding": "gzip",
    ...(partial ? { range: `bytes=${range.start}-${range.end - 1}` } : {}),
  };
  const url = `${objectUrl(connection, object.key)}?alt=media&generation=${object.pin}`;
  const reply = await exchange({ what, method: "GET", url, headers, idleMs: connection.idleMs }, ctx);
  if (reply.status === 404) {
    await replyText(reply, what);
    throw await gone(connection, object, ctx);
  }
  if (reply.status !== 200 && reply.status !== 206) {
    throw replyError(reply, { text: await replyText(reply, what), what }, ctx);
  }
  checkRange(reply, { partial, range, object });
  yield* reply.body;
}

function checkRange(reply: WireReply, asked: { partial: boolean; range: ByteRange; object: StoredObject }): void {
  const { partial, range, object } = asked;
  const generation = reply.headers["x-goog-generation"];
  if (typeof generation === "string" && generation !== object.pin) throw changed(object, generation);
  const prefix = `bytes ${range.start}-${range.end - 1}/`;
  const isAsked = partial
    ? reply.status === 206 && reply.headers["content-range"]?.startsWith(prefix) === true
    : reply.status === 200;
  if (isAsked) return;
  throw new AdapterError("Unavailable", `reading ${quote(object.key)} failed: the store answered with another range`);
}

async function stillThere(connection: Connection, object: StoredObject, ctx: Context): Promise<void> {
  try {
    await readMetadata(connection, { name: object.key, generation: object.pin }, ctx);
  } catch (error) {
    if (error instanceof AdapterError && error.kind === "NotFound") throw await gone(connection, object, ctx);
    throw error;
  }
}

/** That generation is not there: PinChanged if another one is, else what looking for it says (NotFound, Denied, …). */
async function gone(connection: Connection, object: StoredObject, ctx: Context): Promise<unknown> {
  try {
    return changed(object, (await readMetadata(connection, { name: object.key }, ctx)).generation);
  } catch (error) {
    return error;
  }
}

function changed(object: StoredObject, found: string): AdapterError {
  return new AdapterError(
    "PinChanged",
    `${quote(object.key)} was replaced: expected generation ${quote(object.pin)}, found ${quote(found)}`,
  );
}
