// SPDX-License-Identifier: Apache-2.0
// One HTTP request with bytes streamed either way, for the stores that have no SDK: no redirect followed, nothing
// decoded, nothing tried again; a server that falls silent is given up. Replies are untrusted. Calls with small bodies
// go through core's `request`.
import { request as httpRequest } from "node:http";
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { quote } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "./adapter.ts";
import { connectionFailure } from "./connection-failure.ts";
import { sendChunks } from "./request-body.ts";
import { LOOPBACK } from "./url.ts";

export interface ExchangeRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  /** Exactly as many bytes as its content-length header says; what it throws comes out of `exchange` as it is. */
  readonly body?: AsyncIterable<Uint8Array>;
  /** Longest silence of the other side. */
  readonly idleMs: number;
  /** What errors say is done, as in `reading "dist/app.tgz"`. */
  readonly action: string;
}

export interface Exchange {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Throws Transient when it ends early. Must be read to its end, or discarded. */
  body(): AsyncIterable<Uint8Array>;
  /** The first `maxBytes` of the body. */
  text(maxBytes: number): Promise<string>;
  discard(): void;
}

/** Why a store must not be spoken to at this address, or undefined. Never quotes the address. */
export function unsafeAddressReason(address: string): string | undefined {
  const url = URL.parse(address);
  if (url === null) return "it is not a URL";
  if (url.protocol !== "https:" && !(url.protocol === "http:" && LOOPBACK.test(url.hostname))) {
    return `its scheme is ${quote(url.protocol.slice(0, -1))}, expected https (http only to this machine)`;
  }
  return url.username === "" && url.password === "" ? undefined : "it holds a user name or a password";
}

/** Throws Transient without a reply, Unavailable for an unsafe address or certificate, the signal's reason, what `body` threw. */
export async function exchange(address: string, request: ExchangeRequest, ctx: Context): Promise<Exchange> {
  const unsafe = unsafeAddressReason(address);
  if (unsafe !== undefined)
    throw new AdapterError("Unavailable", `${request.action} failed: the address cannot be used: ${unsafe}`);
  ctx.signal?.throwIfAborted();
  const message = await send(new URL(address), request, ctx);
  const failed = (error: unknown): unknown =>
    ctx.signal?.aborted === true ? ctx.signal.reason : exchangeError(error, request.action);
  const body = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of message) {
        if (!(chunk instanceof Uint8Array)) throw new TypeError("a chunk of the reply is not bytes");
        yield chunk;
      }
    } catch (error) {
      throw failed(error);
    } finally {
      message.destroy();
    }
  };
  return {
    status: message.statusCode ?? 0,
    headers: message.headers,
    body,
    text: (maxBytes) => textOf(body(), maxBytes),
    discard: () => void message.destroy(),
  };
}

async function send(url: URL, request: ExchangeRequest, ctx: Context): Promise<IncomingMessage> {
  const open = url.protocol === "https:" ? httpsRequest : httpRequest;
  const outgoing = open(url, {
    method: request.method,
    headers: { "accept-encoding": "identity", ...request.headers },
    ...(ctx.signal === undefined ? {} : { signal: ctx.signal }),
  });
  outgoing.setTimeout(request.idleMs, () =>
    outgoing.destroy(new AdapterError("Transient", `${request.action} failed: no answer in time`)),
  );
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  let isAnswered = false;
  outgoing.once("response", (message) => {
    isAnswered = true;
    message.once("error", () => undefined);
    // Answered before all was sent: the rest is not wanted, and the connection is of no more use.
    message.once("end", () => void (outgoing.writableEnded || outgoing.destroy()));
    resolve(message);
  });
  outgoing.on("error", (error) =>
    reject(ctx.signal?.aborted === true ? ctx.signal.reason : exchangeError(error, request.action)),
  );
  sendBody(outgoing, request.body, () => isAnswered).catch((error: unknown) => {
    // The body's own failure comes first, so that the connection it breaks is not taken for the reason.
    reject(error);
    outgoing.destroy();
  });
  return await promise;
}

async function sendBody(
  outgoing: ClientRequest,
  body: ExchangeRequest["body"],
  isAnswered: () => boolean,
): Promise<void> {
  if (body === undefined) outgoing.end();
  else await sendChunks(outgoing, body, isAnswered);
}

/** A failure of the connection as AdapterError. */
function exchangeError(error: unknown, action: string): unknown {
  if (error instanceof AdapterError || !(error instanceof Error)) return error;
  const failure = connectionFailure(error);
  if (failure !== undefined) {
    return new AdapterError(failure.kind, `${action} failed: ${failure.code}`, { hint: failure.hint });
  }
  return error.message === "aborted" ? new AdapterError("Transient", `${action} failed: the connection ended`) : error;
}

async function textOf(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString("utf8");
}
