// SPDX-License-Identifier: Apache-2.0
// A scripted HTTP server on 127.0.0.1 for unit tests, and everything that an error says, for leak checks.
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { Context } from "./context.ts";
import { isKitesealError, type KitesealError } from "./errors.ts";
import type { Pace } from "./retry.ts";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Settles when the client has given the connection up. */
  readonly closed: Promise<unknown>;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** `reset` drops the connection, `hang` never answers, `stall` sends the head and then nothing. */
  readonly instead?: "reset" | "hang" | "stall";
}

export interface Loopback {
  readonly url: string;
  readonly seen: Seen[];
}

export const NOW = new Date("2026-03-04T05:06:07.000Z");
export const IMPATIENT: Pace = { attempts: 3, baseMs: 1, maxWaitMs: 5 };

export function context(overrides: Partial<Context> = {}): Context {
  return { now: () => NOW, ...overrides };
}

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(value) };
}

/** Answers each request with what `handle` returns; the second argument counts from 1. */
export async function serve(
  handle: (seen: Seen, count: number) => Reply,
  at: { socketPath?: string } = {},
): Promise<Loopback> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const one = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks),
        closed: once(request.socket, "close"),
      };
      seen.push(one);
      const reply = handle(one, seen.length);
      if (reply.instead === "reset") request.socket.destroy();
      if (reply.instead === "reset" || reply.instead === "hang") return;
      response.writeHead(reply.status ?? 200, { ...reply.headers });
      if (reply.instead === "stall") response.flushHeaders();
      else response.end(reply.body ?? "");
    });
  });
  server.listen(at.socketPath === undefined ? { port: 0, host: "127.0.0.1" } : { path: at.socketPath });
  await once(server, "listening");
  onTestFinished(() => close(server));
  const address = server.address();
  return { url: isPort(address) ? `http://127.0.0.1:${address.port}` : "", seen };
}

function isPort(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === "object" && address !== null;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}

/** The KitesealError that `operation` throws; any other outcome fails the test. */
export async function failure(operation: Promise<unknown> | (() => unknown)): Promise<KitesealError> {
  try {
    await (typeof operation === "function" ? operation() : operation);
  } catch (error) {
    if (isKitesealError(error)) return error;
    throw error;
  }
  throw new Error("expected a KitesealError and nothing was thrown");
}

/** Everything that anybody could print of an error: message, hint, details, stack, own properties, the causes. */
export function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? "";
  const own = Object.getOwnPropertyNames(error).map((name) => JSON.stringify(Reflect.get(error, name)) ?? "");
  return [error.message, error.stack ?? "", ...own, everythingIn(error.cause)].join("\n");
}

export const COMMIT = "9f3182061f1e2cca4702c368cbc039b7dc9d4485";
export const JOB_ID = "0184990a-477b-4fa8-9968-496074483cee";

/** The claims of the platform's documented example. */
export function claimsOf(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const issued = Math.floor(NOW.getTime() / 1000) - 10;
  return {
    iss: "https://agent.buildkite.com",
    sub: `organization:acme-inc:pipeline:app:ref:refs/heads/main:commit:${COMMIT}:step:build`,
    aud: "sigstore",
    iat: issued,
    nbf: issued,
    exp: issued + 300,
    organization_slug: "acme-inc",
    pipeline_slug: "app",
    build_number: 1514,
    build_branch: "main",
    build_commit: COMMIT,
    step_key: "build",
    job_id: JOB_ID,
    agent_id: "0184990a-4782-42b5-afc1-16715b10b8ff",
    build_source: "webhook",
    runner_environment: "self-hosted",
    ...changes,
  };
}

/** A token whose every part is unmistakable in a text. The signature is not one. */
export function tokenOf(changes: Readonly<Record<string, unknown>> = {}): string {
  return rawToken(JSON.stringify(claimsOf({ planted: "PLANTED-CLAIM-VALUE", ...changes })));
}

export function rawToken(payload: string): string {
  const encode = (text: string): string => Buffer.from(text).toString("base64url");
  return `${encode('{"alg":"RS256","typ":"JWT"}')}.${encode(payload)}.${encode("PLANTED-SIGNATURE-OF-THE-TOKEN-".repeat(4))}`;
}

/** What must not be found in an error about `token`: each 16 characters of it, and the value of a claim. */
export function leaksOf(token: string, text: string): string[] {
  const found = new Set<string>();
  for (let start = 0; start + 16 <= token.length; start++) {
    const piece = token.slice(start, start + 16);
    if (text.includes(piece)) found.add(piece);
  }
  if (text.includes("PLANTED")) found.add("PLANTED");
  return [...found];
}

/** The environment of the job that `claimsOf` describes. */
export function jobEnv(changes: Readonly<Record<string, string | undefined>> = {}): Record<string, string | undefined> {
  return {
    BUILDKITE: "true",
    BUILDKITE_ORGANIZATION_SLUG: "acme-inc",
    BUILDKITE_PIPELINE_SLUG: "app",
    BUILDKITE_BUILD_NUMBER: "1514",
    BUILDKITE_BUILD_URL: "https://buildkite.com/acme-inc/app/builds/1514",
    BUILDKITE_JOB_ID: JOB_ID,
    BUILDKITE_COMMIT: COMMIT,
    BUILDKITE_BRANCH: "main",
    BUILDKITE_TAG: "",
    BUILDKITE_STEP_KEY: "build",
    BUILDKITE_SOURCE: "webhook",
    BUILDKITE_COMPUTE_TYPE: "self-hosted",
    BUILDKITE_PULL_REQUEST: "false",
    BUILDKITE_PULL_REQUEST_REPO: "",
    BUILDKITE_REPO: "git@github.com:acme/app.git",
    ...changes,
  };
}
