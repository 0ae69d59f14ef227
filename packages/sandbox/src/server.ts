// SPDX-License-Identifier: Apache-2.0
// The one HTTP server of the sandbox: routes, body limits, faults, counts. Listens on 127.0.0.1 or a Unix socket only.
// Requests are untrusted; what a service does not accept it throws as a Refusal.
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Fault, FaultList } from "./faults.ts";

/** A request refused: HTTP status, and a message for the reply. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    options: { cause?: unknown; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message, { cause: options.cause });
    this.status = status;
    this.headers = options.headers ?? {};
  }
}

export interface Request {
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
  /** The groups of the route's path pattern, percent-decoded. */
  readonly parameters: readonly string[];
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes or text go out as they are, anything else as JSON; absent: no body. */
  readonly body?: unknown;
}

export interface Route {
  /** Name in the statistics, such as `rekor-v2.create`. */
  readonly id: string;
  readonly method: string;
  /** Matched against the whole path. */
  readonly path: RegExp;
  /** Bodies beyond this many bytes are refused with 413. */
  readonly maxBytes: number;
  /** Shape of a refusal's body; default `{message}`. */
  readonly refusalBody?: (refusal: Refusal) => unknown;
  readonly handle: (request: Request) => Reply;
}

/** The error body of a gRPC gateway, as Fulcio and Rekor v2 answer. */
export function grpcRefusal(refusal: Refusal): unknown {
  const codes: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 413: 3 };
  return { code: codes[refusal.status] ?? 13, message: refusal.message, details: [] };
}

/** The error body of the go-openapi services, Rekor v1 and the timestamp authority. */
export function openApiRefusal(refusal: Refusal): unknown {
  return { code: refusal.status, message: refusal.message };
}

export interface RunningServer {
  /** Base URL without a trailing slash; empty for a Unix socket. */
  readonly url: string;
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly routes: readonly Route[];
  readonly faults: FaultList;
  /** Called once for each request that has a route, before any fault. */
  readonly count: (routeId: string) => void;
  /** Path of a Unix socket; absent: a free port of 127.0.0.1. */
  readonly socketPath?: string;
}

/** Starts listening. Throws the system's error if it cannot. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const stop = new AbortController();
  const server = createServer((incoming, outgoing) => {
    void respond(options, { incoming, outgoing, signal: stop.signal });
  });
  await listen(server, options.socketPath);
  const address = server.address();
  return {
    url: typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "",
    close: () =>
      new Promise((resolve) => {
        stop.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, socketPath: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const done = (): void => {
      server.off("error", reject);
      resolve();
    };
    if (socketPath === undefined) server.listen(0, "127.0.0.1", done);
    else server.listen(socketPath, done);
  });
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly signal: AbortSignal;
}

async function respond(options: ServerOptions, exchange: Exchange): Promise<void> {
  const { incoming, outgoing } = exchange;
  const method = incoming.method ?? "GET";
  try {
    const url = new URL(incoming.url ?? "/", "http://sandbox.invalid");
    const matches = options.routes.filter(({ path }) => path.test(url.pathname));
    const route = matches.find((match) => match.method === method);
    if (route !== undefined) options.count(route.id);
    const fault = options.faults.take(method, url.pathname);
    if (fault !== undefined && (await applyBefore(fault, exchange))) return;
    const missing = { status: matches.length === 0 ? 404 : 405, body: { message: "no such route" } };
    const reply = route === undefined ? missing : await answer(route, url, incoming);
    if (fault?.effect === "lost-reply") outgoing.destroy();
    else send(outgoing, reply);
  } catch {
    outgoing.destroy();
  }
}

/** True if the fault has ended the exchange. */
async function applyBefore(fault: Fault, { outgoing, signal }: Exchange): Promise<boolean> {
  if (fault.delayMs !== undefined) await delay(fault.delayMs, undefined, { signal });
  if (fault.effect === "reset") {
    outgoing.destroy();
    return true;
  }
  if (fault.effect !== "status") return false;
  const headers = fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter };
  send(outgoing, { status: fault.status, headers, body: fault.body ?? "fault injected by the sandbox\n" });
  return true;
}

async function answer(route: Route, url: URL, incoming: IncomingMessage): Promise<Reply> {
  try {
    const body = await readBody(incoming, route.maxBytes);
    const parameters = (route.path.exec(url.pathname) ?? []).slice(1).map((group) => decodeURIComponent(group));
    return route.handle({ query: url.searchParams, headers: incoming.headers, body, parameters });
  } catch (error) {
    if (error instanceof Refusal) {
      return { status: error.status, headers: error.headers, body: (route.refusalBody ?? plainRefusal)(error) };
    }
    return { status: 500, body: { message: error instanceof Error ? error.message : "unknown failure" } };
  }
}

function plainRefusal(refusal: Refusal): unknown {
  return { message: refusal.message };
}

async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    if (!(chunk instanceof Uint8Array)) throw new Refusal(400, "request body is not bytes");
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
  }
  if (size > maxBytes) throw new Refusal(413, `request body is larger than ${maxBytes} bytes`);
  return Buffer.concat(chunks);
}

function send(outgoing: ServerResponse, reply: Reply): void {
  const { body } = reply;
  const raw = typeof body === "string" || body instanceof Uint8Array;
  const type = raw ? "text/plain; charset=utf-8" : "application/json";
  outgoing.writeHead(reply.status, { ...(body === undefined ? {} : { "content-type": type }), ...reply.headers });
  outgoing.end(raw || body === undefined ? body : JSON.stringify(body));
}
