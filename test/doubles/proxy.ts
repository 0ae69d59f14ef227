// SPDX-License-Identifier: Apache-2.0
// Stands between a client and a double, or a real server, and breaks what it is told to break, so that one suite can
// break every store alike. Whole bodies are held in memory. Imports nothing of Kiteseal.
import { createServer, request as send } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ProxiedRequest {
  readonly method: string;
  /** Path and query, percent-decoded. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Bytes of the body that arrived. */
  readonly bytes: number;
}

export type Match = (request: ProxiedRequest) => boolean;

export interface Reply {
  readonly status: number;
  readonly headers?: IncomingHttpHeaders;
  readonly body?: string | Uint8Array;
}

/**
 * reset: the connection ends in the middle of the request's body, the server sees nothing. lost-reply: the server does it
 * all, its reply does not arrive. cut: half of the reply's body, then the connection ends. short: half of it, as if that
 * were all, with its length or (`unsaid`) without. long: more than all, without a length. silent: no answer.
 * reply: that one, the server sees nothing. change: the server's own, changed.
 * endless: a success whose body never ends. before: something happens, then the request goes on as it is.
 */
export type Happening =
  | "reset"
  | "lost-reply"
  | "cut"
  | "short"
  | "unsaid"
  | "long"
  | "silent"
  | "endless"
  | { readonly reply: Reply }
  | { readonly change: (reply: Reply & { readonly text: string }) => Reply | Promise<Reply> }
  | { readonly before: () => void | Promise<void> };

export interface FaultProxy {
  readonly url: string;
  /** Meets the next `times` requests that match; once unless given. */
  add(on: Match, does: Happening, times?: number): void;
  /** Nothing is broken any more. */
  heal(): void;
  readonly requests: ProxiedRequest[];
  /** Bytes of bodies written by `endless`. */
  flood: number;
  close(): Promise<void>;
}

interface Pending {
  readonly on: Match;
  readonly does: Happening;
  left: number;
}

/** In front of `target`, scheme, host and port. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const server = createServer({ requestTimeout: 0 });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  let pending: Pending[] = [];
  const proxy: FaultProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: (on, does, times = 1) => void pending.push({ on, does, left: times }),
    heal: () => void (pending = []),
    requests: [],
    flood: 0,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  const take = (asked: ProxiedRequest): Happening | undefined => {
    const found = pending.find(({ on, left }) => left > 0 && on(asked));
    if (found !== undefined) found.left -= 1;
    return found?.does;
  };
  server.on("request", (request, response) => {
    const seen = { method: request.method ?? "", url: decoded(request.url ?? ""), headers: request.headers };
    const does = take({ ...seen, bytes: 0 });
    const note = (bytes: number): void => void proxy.requests.push({ ...seen, bytes });
    serve({ proxy, target, request, response, does, note }).catch(() => response.destroy());
  });
  return proxy;
}

interface Exchange {
  readonly proxy: FaultProxy;
  readonly target: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly does: Happening | undefined;
  readonly note: (bytes: number) => void;
}

async function serve(exchange: Exchange): Promise<void> {
  const { request, response, does, note, proxy } = exchange;
  request.on("error", () => undefined);
  response.on("error", () => undefined);
  if (does === "reset") return breakBody(exchange);
  const body = await bodyOf(request);
  note(body.length);
  if (does === "silent") return;
  if (does === "endless") return flood(proxy, response);
  if (typeof does === "object" && "reply" in does) return answer(response, does.reply, request.method);
  if (typeof does === "object" && "before" in does) await does.before();
  const reply = await forwarded(exchange, body);
  if (does === "lost-reply") response.destroy();
  else if (typeof does === "object" && "change" in does) {
    const text = Buffer.from(reply.body ?? "").toString();
    answer(response, await does.change({ ...reply, text }), request.method);
  } else if (typeof does === "string") damaged(response, reply, does);
  else answer(response, reply, request.method);
}

/** After the first bytes, or at once where none are to come. */
async function breakBody({ request, note }: Exchange): Promise<void> {
  const { socket } = request;
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    break;
  }
  note(bytes);
  socket.destroy();
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The Host header is the client's: what a double says of itself then leads back here. */
async function forwarded({ target, request }: Exchange, body: Buffer): Promise<Reply> {
  const { connection: _connection, "transfer-encoding": _encoding, expect: _expect, ...headers } = request.headers;
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = send(`${target}${request.url ?? ""}`, {
      method: request.method,
      headers: { ...headers, ...(body.length > 0 ? { "content-length": body.length } : {}) },
      agent: false,
    });
    sent.once("response", resolve);
    sent.once("error", reject);
    sent.end(body);
  });
  return { status: message.statusCode ?? 0, headers: message.headers, body: await bodyOf(message) };
}

function answer(response: ServerResponse, reply: Reply, method: string | undefined): void {
  const { connection: _connection, "transfer-encoding": _encoding, ...headers } = reply.headers ?? {};
  const body = Buffer.from(reply.body ?? "");
  const length = method === "HEAD" ? {} : { "content-length": body.length };
  response.writeHead(reply.status, { ...headers, ...length });
  response.end(method === "HEAD" ? undefined : body);
}

function damaged(response: ServerResponse, reply: Reply, does: string): void {
  const { connection: _connection, "content-length": _length, ...headers } = reply.headers ?? {};
  const body = Buffer.from(reply.body ?? "");
  const half = body.subarray(0, Math.ceil(body.length / 2));
  if (does === "cut") {
    response.writeHead(reply.status, { ...headers, "content-length": body.length });
    response.write(half, () => response.destroy());
  } else if (does === "short") {
    response.writeHead(reply.status, { ...headers, "content-length": half.length }).end(half);
  } else {
    response.writeHead(reply.status, headers);
    response.end(does === "long" ? Buffer.concat([body, body, Buffer.from("more")]) : half);
  }
}

const FLOOD = Buffer.alloc(1_048_576, " ");
const FLOOD_BYTES = 536_870_912;

function flood(proxy: FaultProxy, response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/xml" });
  const more = (): void => {
    if (response.destroyed || proxy.flood >= FLOOD_BYTES) return void response.destroy();
    proxy.flood += FLOOD.length;
    response.write(FLOOD, more);
  };
  more();
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}
