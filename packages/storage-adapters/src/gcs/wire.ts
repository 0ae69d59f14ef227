// SPDX-License-Identifier: Apache-2.0
// One HTTP exchange with the JSON API, streamed both ways. Core's request() takes and returns whole bodies and undici's
// fetch would decompress what is stored compressed, so this speaks node:http(s); proxies and CAs are process-wide.
// No redirect is followed. A failed connection is Transient; what the body throws comes out as it is.
import { request as requestHttp } from "node:http";
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { quote } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { sendChunks } from "../request-body.ts";
import { failureError, networkError, replyFailure } from "./errors.ts";

export interface WireRequest {
  /** For messages: gerund and object, as in `writing "a/b"`. */
  readonly what: string;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Of the body; needed with an iterable. */
  readonly length?: number;
  /** Longest silence of the other side; 60,000 unless given. */
  readonly idleMs?: number | undefined;
}

export interface WireReply {
  /** To a request that writes nothing. */
  readonly isRead: boolean;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Must be read or left by `return`. Fails with AdapterError Transient if it ends early. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Without a byte in either direction. */
const IDLE_MS = 60_000;
const REPLY_BYTES = 1_048_576;

export async function exchange(wire: WireRequest, ctx: Context): Promise<WireReply> {
  ctx.signal?.throwIfAborted();
  const url = new URL(wire.url);
  const length = wire.body instanceof Uint8Array ? wire.body.length : (wire.length ?? 0);
  const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, {
    method: wire.method,
    headers: { ...wire.headers, ...(wire.method === "GET" ? {} : { "content-length": String(length) }) },
    ...(ctx.signal === undefined ? {} : { signal: ctx.signal }),
  });
  request.setTimeout(wire.idleMs ?? IDLE_MS, () =>
    request.destroy(Object.assign(new Error("idle"), { code: "ETIMEDOUT" })),
  );
  const response = await settled(request, wire, ctx);
  const { statusCode: status = 0, headers } = response;
  return { isRead: wire.method === "GET", status, headers, body: readBody(response, wire, ctx) };
}

function settled(request: ClientRequest, wire: WireRequest, ctx: Context): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  let answered = false;
  request.on("response", (response) => {
    answered = true;
    resolve(response);
  });
  request.on("error", (error) => reject(failed(error, wire, ctx)));
  send(request, wire.body, () => answered).catch((error: unknown) => {
    // The body's own failure comes first, so that the connection it breaks is not taken for the reason.
    reject(error);
    request.destroy();
  });
  return promise;
}

async function send(request: ClientRequest, body: WireRequest["body"], answered: () => boolean): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) {
    request.end(body);
    return;
  }
  request.flushHeaders();
  await sendChunks(request, body, answered);
}

async function* readBody(
  response: IncomingMessage,
  wire: WireRequest,
  ctx: Context,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks: AsyncIterable<unknown> = response;
  try {
    for await (const chunk of chunks) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError("a chunk of the reply is not bytes");
      yield chunk;
    }
  } catch (error) {
    throw failed(error, wire, ctx);
  }
}

function failed(error: unknown, wire: WireRequest, ctx: Context): unknown {
  return ctx.signal?.aborted === true ? ctx.signal.reason : networkError(error, wire.what);
}

/** The whole body of a reply, as text. Throws AdapterError Unavailable for one that is too long. */
export async function replyText(reply: WireReply, what: string, maxBytes: number = REPLY_BYTES): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of reply.body) {
    size += chunk.length;
    if (size > maxBytes) throw new AdapterError("Unavailable", `${what} failed: the reply is over ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

export interface JsonReply {
  readonly what: string;
  /** 1 MiB unless given. */
  readonly maxBytes?: number;
}

/** The JSON of a reply with status 200; throws the classified error of any other. */
export async function replyJson(reply: WireReply, { what, maxBytes }: JsonReply, ctx: Context): Promise<unknown> {
  const text = await replyText(reply, what, maxBytes);
  if (reply.status !== 200) throw replyError(reply, { text, what }, ctx);
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch (error) {
    throw new AdapterError("Transient", `${what} failed: the reply is not JSON: ${quote(text.slice(0, 40))}`, {
      cause: error,
    });
  }
}

export function replyError(reply: WireReply, told: { text: string; what: string }, ctx: Context): AdapterError {
  const failure = replyFailure(reply.status, told.text, reply.headers["retry-after"]);
  return failureError({ ...failure, isRead: reply.isRead }, told.what, ctx.now());
}
