// SPDX-License-Identifier: Apache-2.0
// fake-gcs-server as a peer: the binary named by KITESEAL_PEERS_DIR, started on a free port, behind a front of ours that
// takes permissions away (the peer has none) and otherwise passes every byte on.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer, request as requestHttp } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** Undefined where the peer is not installed. */
export function peerBinary(directory: string | undefined): string | undefined {
  if (directory === undefined || directory === "") return undefined;
  const path = join(directory, "fake-gcs-server");
  return existsSync(path) ? path : undefined;
}

export interface GcsPeer {
  readonly url: string;
  makeBucket(name: string, settings?: Readonly<Record<string, unknown>>): Promise<void>;
  /** 403 for everything whose address holds `fragment`, encoded as in an address; returns how to allow it again. */
  deny(fragments: readonly string[]): () => void;
  close(): Promise<void>;
}

export async function startGcsPeer(
  binary: string,
  extra: readonly string[] = ["-backend", "memory"],
): Promise<GcsPeer> {
  const denied = new Set<readonly string[]>();
  let port = 0;
  const front = createServer((request, response) => {
    const url = request.url ?? "/";
    if ([...denied].some((fragments) => fragments.some((fragment) => url.includes(fragment)))) refuse(response);
    else pass(request, response, port);
  });
  const url = await listen(front);
  port = await freePort();
  const child = spawn(
    binary,
    [
      "-scheme",
      "http",
      "-host",
      "127.0.0.1",
      "-port",
      String(port),
      "-external-url",
      url,
      "-log-level",
      "error",
      ...extra,
    ],
    { stdio: "ignore" },
  );
  await ready(url, child);
  return {
    url,
    makeBucket: async (name, settings = {}) => {
      const reply = await fetch(`${url}/storage/v1/b?project=kiteseal`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name, ...settings }),
      });
      if (!reply.ok) throw new Error(`the peer made no bucket: ${reply.status}`);
    },
    deny(fragments) {
      denied.add(fragments);
      return () => denied.delete(fragments);
    },
    close: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      front.closeAllConnections();
      await Promise.all([ended, new Promise((resolve) => front.close(resolve))]);
    },
  };
}

function refuse(response: ServerResponse): void {
  const message = "The caller does not have access. Permission denied on resource (or it may not exist).";
  response.writeHead(403, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: { code: 403, message, errors: [{ message, reason: "forbidden" }] } }));
}

function pass(request: IncomingMessage, response: ServerResponse, port: number): void {
  const { method = "GET", url = "/", headers } = request;
  const onward = requestHttp({ host: "127.0.0.1", port, method, path: url, headers }, (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(response);
  });
  onward.on("error", () => response.destroy());
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const url = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return Number(new URL(url).port);
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`the peer ended with ${child.exitCode}`);
    const reply = await fetch(`${url}/storage/v1/b?project=kiteseal`).catch(() => undefined);
    if (reply?.ok === true) return;
    await wait(50);
  }
  throw new Error("the peer did not start");
}
