// SPDX-License-Identifier: Apache-2.0
// A front on loopback between Kiteseal and a server, real or double: it passes every request on as it is, counts it, and
// lets a test act before a request reaches the server and after the server has answered.
import { Agent, createServer, request as requestHttp } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Watcher {
  /** The n-th request, from 1, has come in. False: it is not passed on, and not answered. */
  before?(n: number, request: IncomingMessage): boolean;
  /** The server has answered it. False: the answer is not passed on. */
  after?(n: number, request: IncomingMessage): boolean;
  /** Bytes of a request's body that were passed on. */
  sent?(bytes: number): void;
}

export interface Front {
  readonly origin: string;
  /** From the next request on, which is number 1 again. */
  watch(watcher: Watcher): void;
  /** How many requests came since `watch`. */
  count(): number;
  /** 403, as by Google's access control, for everything whose address holds one of `fragments`; returns how to allow it again. */
  deny(fragments: readonly string[]): () => void;
  close(): Promise<void>;
}

export async function startFront(server: string): Promise<Front> {
  const denied = new Set<readonly string[]>();
  const agent = new Agent({ keepAlive: true });
  let watcher: Watcher = {};
  let count = 0;
  let origin = "";
  const front = createServer((request, response) => {
    const url = request.url ?? "/";
    if ([...denied].some((fragments) => fragments.some((fragment) => url.includes(fragment)))) {
      refuse(response);
      return;
    }
    count += 1;
    const n = count;
    const mine = watcher;
    if (mine.before?.(n, request) === false) {
      request.resume();
      return;
    }
    pass(request, response, {
      agent,
      server,
      origin,
      sent: (bytes) => mine.sent?.(bytes),
      after: () => mine.after?.(n, request),
    });
  });
  // A client that was killed took its connection along.
  front.on("clientError", (_, socket) => socket.destroy());
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  return {
    origin,
    watch: (next) => {
      watcher = next;
      count = 0;
    },
    count: () => count,
    deny(fragments) {
      denied.add(fragments);
      return () => denied.delete(fragments);
    },
    close: async () => {
      front.closeAllConnections();
      agent.destroy();
      await new Promise((resolve) => front.close(resolve));
    },
  };
}

function refuse(response: ServerResponse): void {
  const message = "The caller does not have access. Permission denied on resource (or it may not exist).";
  response.writeHead(403, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: { code: 403, message, errors: [{ message, reason: "forbidden" }] } }));
}

interface Passage {
  readonly agent: Agent;
  readonly server: string;
  readonly origin: string;
  sent(bytes: number): void;
  after(): boolean | undefined;
}

function pass(request: IncomingMessage, response: ServerResponse, passage: Passage): void {
  const { agent, server, origin } = passage;
  const { method = "GET", url = "/", headers } = request;
  const { hostname, port } = new URL(server);
  const onward = requestHttp({ agent, host: hostname, port, method, path: url, headers }, (reply) => {
    if (passage.after() === false) {
      reply.resume();
      return;
    }
    // An upload session begun through the front goes on through it.
    const { location } = reply.headers;
    const moved = location === undefined ? {} : { location: location.replace(server, origin) };
    response.writeHead(reply.statusCode ?? 502, { ...reply.headers, ...moved });
    reply.pipe(response);
  });
  onward.on("error", () => response.destroy());
  response.on("close", () => {
    if (!response.writableFinished) onward.destroy();
  });
  request.on("data", (chunk: Buffer) => passage.sent(chunk.length));
  request.pipe(onward);
}
