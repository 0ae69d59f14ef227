// SPDX-License-Identifier: Apache-2.0
// Resumable sessions. The session's address is a bearer secret: whoever has it may send bytes, so it is in no message and
// is never sent to another origin. It needs no access token, so credentials that expire in mid-upload do not matter.
// Name, precondition and MD5 are fixed when it is opened: even its thief can complete nothing but these very bytes.
// https://cloud.google.com/storage/docs/performing-resumable-uploads
import { quote } from "@kiteseal/core/store";
import type { Context, Key } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { decodeObject } from "./object.ts";
import type { GcsObject } from "./object.ts";
import { objectResource, uploadUrl } from "./resource.ts";
import type { NewObject, Target } from "./resource.ts";
import { exchange, replyError, replyText } from "./wire.ts";
import type { WireReply } from "./wire.ts";

/** Every request but the last carries a multiple of this. */
export const QUANTUM_BYTES = 262_144;
const CLIENT_CLOSED = 499;

export interface Session {
  readonly key: Key;
  readonly uri: string;
  /** Bytes of the whole object. */
  readonly size: number;
  /** See WireRequest. */
  readonly idleMs?: number | undefined;
}

/** How far the server is: bytes it keeps, or the finished object. */
export type Standing =
  | { readonly kind: "open"; readonly persisted: number }
  | { readonly kind: "finished"; readonly object: GcsObject };

export async function openSession(
  target: Target,
  request: { readonly object: NewObject; readonly size: number },
  ctx: Context,
): Promise<Session> {
  const { object, size } = request;
  const what = `beginning the upload of ${quote(object.key)}`;
  const body = Buffer.from(objectResource(target, object, ctx));
  const headers = {
    ...(await target.connection.headers(ctx)),
    "content-type": "application/json; charset=UTF-8",
    "x-upload-content-type": object.contentType ?? "application/octet-stream",
    "x-upload-content-length": String(size),
  };
  const url = uploadUrl(target, "resumable", object.ifAbsent);
  const { idleMs } = target.connection;
  const reply = await exchange({ what, method: "POST", url, headers, body, idleMs }, ctx);
  const text = await replyText(reply, what);
  if (reply.status !== 200 && reply.status !== 201) throw replyError(reply, { text, what }, ctx);
  const uri = URL.parse(reply.headers.location ?? "");
  if (uri === null || uri.origin !== target.connection.endpoint) {
    throw new AdapterError("Unavailable", `${what} failed: expected a session at ${target.connection.endpoint}`, {
      hint: "the server must be configured with the address by which it is reached",
    });
  }
  for (const value of [uri.href, uri.searchParams.get("upload_id") ?? ""]) target.connection.onSecret(value);
  return { key: object.key, uri: uri.href, size, idleMs };
}

/** Sends the bytes from `start` on. They end at `end`, on a quantum or at the object's end. Throws UploadGone. */
export async function sendRange(
  session: Session,
  range: { readonly start: number; readonly end: number; readonly body: AsyncIterable<Uint8Array> | Uint8Array },
  ctx: Context,
): Promise<Standing> {
  const { start, end, body } = range;
  const headers = { "content-range": `bytes ${start}-${end - 1}/${session.size}` };
  return standing(session, { headers, body, length: end - start }, ctx);
}

/** Asks the server how far it is. Throws UploadGone. */
export function askStanding(session: Session, ctx: Context): Promise<Standing> {
  return standing(session, { headers: { "content-range": `bytes */${session.size}` }, body: new Uint8Array() }, ctx);
}

async function standing(
  session: Session,
  put: {
    readonly headers: Readonly<Record<string, string>>;
    readonly body: AsyncIterable<Uint8Array> | Uint8Array;
    readonly length?: number;
  },
  ctx: Context,
): Promise<Standing> {
  const what = `writing ${quote(session.key)}`;
  const reply = await exchange({ what, method: "PUT", url: session.uri, idleMs: session.idleMs, ...put }, ctx);
  const text = await replyText(reply, what);
  if (reply.status === 308) return { kind: "open", persisted: persistedBytes(reply, session) };
  if (reply.status === 200 || reply.status === 201) return { kind: "finished", object: finished(text, what) };
  if (reply.status === 404 || reply.status === 410) {
    throw new AdapterError("UploadGone", `${what} failed: the session has ended (${reply.status})`);
  }
  throw replyError(reply, { text, what }, ctx);
}

function finished(text: string, what: string): GcsObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new AdapterError("Transient", `${what} failed: the reply is not JSON`, { cause: error });
  }
  return decodeObject(parsed);
}

/** No Range: nothing is kept yet. More than was sent is no answer. */
function persistedBytes(reply: WireReply, session: Session): number {
  const { range } = reply.headers;
  if (range === undefined) return 0;
  const last = /^bytes=0-(\d{1,16})$/.exec(range)?.[1];
  const persisted = Number(last) + 1;
  if (last !== undefined && persisted <= session.size) return persisted;
  throw new AdapterError("Unavailable", `writing ${quote(session.key)} failed: the store keeps ${quote(range)}`);
}

/** Leaves nothing. A session that is gone already is as good. */
export async function cancelSession(session: Pick<Session, "key" | "uri">, ctx: Context): Promise<void> {
  const what = `giving up the upload of ${quote(session.key)}`;
  const reply = await exchange({ what, method: "DELETE", url: session.uri, headers: {} }, ctx);
  const text = await replyText(reply, what);
  const done = reply.status === CLIENT_CLOSED || reply.status === 404 || reply.status === 410;
  if (!done && (reply.status < 200 || reply.status > 299)) throw replyError(reply, { text, what }, ctx);
}
