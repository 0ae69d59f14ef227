// SPDX-License-Identifier: Apache-2.0
// A DOUBLE of Google Cloud Storage's JSON API on loopback: routes, authorization, faults. It refuses what the real
// service is documented to refuse (reference/storage.md §1.2) and that emulators let through; it proves nothing about
// the real service.
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { createBucket, receive, Refusal, resourceOf } from "./objects.ts";
import type { Bucket, BucketSettings, Preconditions, StoredVersion } from "./objects.ts";
import { createSessions, parseMetadata, parseMultipart, persistPartial } from "./uploads.ts";
import type { Sessions } from "./uploads.ts";

/**
 * One fault for requests that match. `status` answers without acting; `reset` cuts the connection without acting;
 * `reset-mid-body` reads half of the request's body, keeps what a session keeps, and cuts; `lost-reply` acts, then cuts;
 * `truncate` sends half of the reply's body, then cuts; `slow` waits first.
 */
export interface Fault {
  readonly method?: string;
  readonly path: RegExp;
  readonly times?: number;
  readonly effect: "status" | "reset" | "reset-mid-body" | "lost-reply" | "truncate" | "slow";
  readonly status?: number;
  readonly reason?: string;
  readonly body?: string;
  readonly retryAfter?: string;
  readonly location?: string;
  readonly delayMs?: number;
}

export interface GcsDoubleOptions extends Partial<BucketSettings> {
  /** Bearer tokens that are let in; absent: requests need none. */
  readonly tokens?: readonly string[];
  /** Permissions that testIamPermissions says the caller has; those not named are refused where they are needed. */
  readonly permissions?: readonly string[];
  /** Permissions of callers without a token. */
  readonly everybody?: readonly string[];
  /** Keeps no bytes, only sizes and hashes. */
  readonly discard?: boolean;
  /** Objects in a page of a listing. */
  readonly pageSize?: number;
  /** Each page names itself as the next. */
  readonly endlessListing?: boolean;
}

export interface LoggedRequest {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly bytes: number;
}

export interface GcsDouble {
  readonly url: string;
  readonly bucket: Bucket;
  readonly sessions: Sessions;
  readonly requests: LoggedRequest[];
  readonly faults: { add(fault: Fault): void; clear(): void };
  /** Takes away all rights below a key prefix; returns how to give them back. */
  deny(prefix: string): () => void;
  close(): Promise<void>;
}

const ALL_PERMISSIONS = [
  "storage.objects.create",
  "storage.objects.get",
  "storage.objects.list",
  "storage.objects.delete",
  "storage.objects.update",
  "storage.objects.setRetention",
  "storage.buckets.get",
];

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Buffer;
}

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
}

export async function startGcsDouble(options: GcsDoubleOptions = {}): Promise<GcsDouble> {
  const bucket = createBucket({
    name: options.name ?? "bucket",
    resource: options.resource ?? {},
    versioning: options.versioning ?? false,
    ignorePreconditions: options.ignorePreconditions ?? false,
    ignoreChecksums: options.ignoreChecksums ?? false,
  });
  const sessions = createSessions(bucket, options.discard ?? false);
  const requests: LoggedRequest[] = [];
  const denied = new Set<string>();
  let faults: { fault: Fault; left: number }[] = [];
  const state: State = { bucket, sessions, denied, options };
  const server = createServer((request, response) => {
    void serve(request, response).catch(() => response.destroy());
  });
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://double");
    const fault = takeFault(request.method ?? "", url);
    if (fault?.effect === "slow") await wait(fault.delayMs ?? 0);
    if (fault?.effect === "reset") {
      response.destroy();
      return;
    }
    const body = await readBody(request, fault?.effect === "reset-mid-body");
    requests.push({
      method: request.method ?? "",
      url: request.url ?? "",
      authorization: request.headers.authorization,
      bytes: body.length,
    });
    if (fault?.effect === "reset-mid-body") {
      keepPartial(request, url, body);
      response.destroy();
      return;
    }
    const reply = fault?.effect === "status" ? faultReply(fault) : answer(state, { request, response, url, body });
    if (fault?.effect === "lost-reply") response.destroy();
    else await send(response, reply, fault?.effect === "truncate");
  }
  function takeFault(method: string, url: URL): Fault | undefined {
    const entry = faults.find(
      ({ fault, left }) =>
        left > 0 && (fault.method ?? method) === method && fault.path.test(url.pathname + url.search),
    );
    if (entry !== undefined) entry.left -= 1;
    return entry?.fault;
  }
  function keepPartial(request: IncomingMessage, url: URL, body: Buffer): void {
    const start = /^bytes (\d+)-/.exec(request.headers["content-range"] ?? "")?.[1];
    const id = url.searchParams.get("upload_id");
    if (start !== undefined && id !== null) persistPartial(sessions, id, { start: Number(start), body });
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the double has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    bucket,
    sessions,
    requests,
    faults: {
      add: (fault) => faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY }),
      clear: () => {
        faults = [];
      },
    },
    deny(prefix) {
      denied.add(prefix);
      return () => denied.delete(prefix);
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface State {
  readonly bucket: Bucket;
  readonly sessions: Sessions;
  readonly denied: ReadonlySet<string>;
  readonly options: GcsDoubleOptions;
}

async function readBody(request: IncomingMessage, halfOnly: boolean): Promise<Buffer> {
  const half = Number(request.headers["content-length"] ?? 0) / 2;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk as Uint8Array);
    chunks.push(bytes);
    size += bytes.length;
    if (halfOnly && size >= half) break;
  }
  return Buffer.concat(chunks);
}

async function send(response: ServerResponse, reply: Reply, truncate: boolean): Promise<void> {
  const body = reply.bytes ?? (reply.json === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(reply.json)));
  const type = reply.json === undefined ? "application/octet-stream" : "application/json; charset=UTF-8";
  response.writeHead(reply.status, { "content-type": type, "content-length": String(body.length), ...reply.headers });
  if (!truncate) {
    response.end(body);
    return;
  }
  await new Promise((resolve) => response.write(body.subarray(0, Math.floor(body.length / 2)), resolve));
  response.destroy();
}

function faultReply(fault: Fault): Reply {
  const status = fault.status ?? 503;
  const headers = {
    ...(fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter }),
    ...(fault.location === undefined ? {} : { location: fault.location }),
  };
  if (fault.body !== undefined) return { status, headers, bytes: Buffer.from(fault.body) };
  return {
    status,
    headers,
    json: errorBody(new Refusal(status, fault.reason ?? "backendError", "A fault on purpose.")),
  };
}

function errorBody(refusal: Refusal): unknown {
  const { status: code, reason, message } = refusal;
  return { error: { code, message, errors: [{ message, domain: "global", reason }] } };
}

function answer(state: State, exchange: Exchange): Reply {
  try {
    return route(state, exchange);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // As documented of media downloads: the error is text, not JSON.
    if (exchange.url.searchParams.get("alt") === "media") {
      return { status: error.status, headers: { "content-type": "text/html" }, bytes: Buffer.from(error.message) };
    }
    return { status: error.status, json: errorBody(error) };
  }
}

function route(state: State, exchange: Exchange): Reply {
  const { request, url } = exchange;
  const session = url.searchParams.get("upload_id");
  // The session's address is the credential.
  if (session !== null) return sessionRequest(state, exchange, session);
  if (!url.pathname.endsWith("/iam/testPermissions")) authorize(state, request);
  const upload = /^\/upload\/storage\/v1\/b\/([^/]+)\/o$/.exec(url.pathname);
  const path = upload ?? /^\/storage\/v1\/b\/([^/]+)(\/.*)?$/.exec(url.pathname);
  if (path === null) throw new Refusal(404, "notFound", "Not Found");
  if (path[1] !== state.bucket.settings.name) {
    throw new Refusal(404, "notFound", "The specified bucket does not exist.");
  }
  if (upload !== null) return insert(state, exchange);
  return bucketRequest(state, exchange, path[2] ?? "");
}

function authorize({ options }: State, request: IncomingMessage): void {
  if (options.tokens === undefined) return;
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  if (token === undefined) throw new Refusal(401, "required", "Anonymous caller does not have storage access.");
  if (!options.tokens.includes(token)) throw new Refusal(401, "authError", "Invalid Credentials");
}

function allow(state: State, permission: string, name: string): void {
  const permitted = (state.options.permissions ?? ALL_PERMISSIONS).includes(permission);
  const denied = [...state.denied].some(
    (prefix) => name.startsWith(prefix) || (permission === "storage.objects.list" && prefix.startsWith(name)),
  );
  if (permitted && !denied) return;
  throw new Refusal(
    403,
    "forbidden",
    `The caller does not have ${permission} access. Permission denied on resource (or it may not exist).`,
  );
}

function bucketRequest(state: State, exchange: Exchange, rest: string): Reply {
  const { request, url } = exchange;
  if (rest === "" && request.method === "GET") {
    allow(state, "storage.buckets.get", "");
    return {
      status: 200,
      json: { kind: "storage#bucket", name: state.bucket.settings.name, ...state.bucket.settings.resource },
    };
  }
  if (rest === "/iam/testPermissions") {
    const asked = url.searchParams.getAll("permissions");
    const { tokens, permissions = ALL_PERMISSIONS, everybody = [] } = state.options;
    const isNobody = tokens !== undefined && request.headers.authorization === undefined;
    if (!isNobody) authorize(state, request);
    return {
      status: 200,
      json: { permissions: asked.filter((p) => (isNobody ? everybody : permissions).includes(p)) },
    };
  }
  if (rest === "/o" && request.method === "GET") return listing(state, url);
  const rewrite = /^\/o\/([^/]+)\/rewriteTo\/b\/([^/]+)\/o\/([^/]+)$/.exec(rest);
  if (rewrite !== null && request.method === "POST") return rewriteTo(state, exchange, rewrite);
  const name = /^\/o\/([^/]+)$/.exec(rest)?.[1];
  if (name === undefined) throw new Refusal(404, "notFound", "Not Found");
  return objectRequest(state, exchange, decodeURIComponent(name));
}

function objectRequest(state: State, { request, url }: Exchange, name: string): Reply {
  if (request.method === "DELETE") {
    allow(state, "storage.objects.delete", name);
    state.bucket.remove(name);
    return { status: 204 };
  }
  if (request.method !== "GET") throw new Refusal(405, "methodNotAllowed", "Method not allowed.");
  allow(state, "storage.objects.get", name);
  const version = state.bucket.get(name, generationOf(url.searchParams.get("generation")));
  if (url.searchParams.get("alt") !== "media") return { status: 200, json: resourceOf(state.bucket, version) };
  return media(version, request.headers.range);
}

function generationOf(text: string | null): string | undefined {
  if (text === null) return undefined;
  if (!/^\d{1,19}$/.test(text)) throw new Refusal(400, "invalid", "Invalid unsigned value.");
  return text;
}

function media(version: StoredVersion, range: string | undefined): Reply {
  const bytes = version.bytes ?? new Uint8Array();
  const headers = { "x-goog-generation": version.generation, "x-goog-hash": `md5=${version.md5Hash}` };
  if (range === undefined) return { status: 200, headers, bytes };
  const match = /^bytes=(\d+)-(\d+)$/.exec(range);
  const start = Number(match?.[1]);
  if (match === null || start >= bytes.length)
    throw new Refusal(416, "requestedRangeNotSatisfiable", "Request range not satisfiable");
  const end = Math.min(Number(match[2]), bytes.length - 1);
  return {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${end}/${bytes.length}` },
    bytes: bytes.subarray(start, end + 1),
  };
}

function listing(state: State, url: URL): Reply {
  const prefix = url.searchParams.get("prefix") ?? "";
  allow(state, "storage.objects.list", prefix);
  const pageSize = state.options.pageSize ?? 1000;
  const names = state.bucket.names().filter((name) => name.startsWith(prefix));
  const token = url.searchParams.get("pageToken");
  const start = token === null ? 0 : Number(Buffer.from(token, "base64").toString());
  const items = names.slice(start, start + pageSize).flatMap((name) => {
    const version = state.bucket.peek(name);
    return version === undefined ? [] : [resourceOf(state.bucket, version)];
  });
  const next = state.options.endlessListing === true ? start : start + pageSize;
  const more = next < names.length ? { nextPageToken: Buffer.from(String(next)).toString("base64") } : {};
  return { status: 200, json: { kind: "storage#objects", ...(items.length === 0 ? {} : { items }), ...more } };
}

function preconditions(url: URL): Preconditions {
  return { ifGenerationMatch: url.searchParams.get("ifGenerationMatch") ?? undefined };
}

function insert(state: State, exchange: Exchange): Reply {
  const { request, url, body } = exchange;
  const type = url.searchParams.get("uploadType");
  const kmsKeyName = url.searchParams.get("kmsKeyName") ?? undefined;
  const multipart = type === "multipart" ? parseMultipart(request.headers["content-type"] ?? "", body) : undefined;
  const metadata = parseMetadata(multipart?.json ?? body.toString());
  const name = metadata.name ?? url.searchParams.get("name");
  if (name === null || name === "") throw new Refusal(400, "required", "Required");
  allow(state, "storage.objects.create", name);
  if (state.bucket.peek(name) !== undefined && !state.bucket.settings.ignorePreconditions) {
    state.bucket.check(name, preconditions(url));
    allow(state, "storage.objects.delete", name);
  }
  if (multipart !== undefined) {
    const put = { name, received: receive(Buffer.from(multipart.bytes)), metadata, kmsKeyName };
    return { status: 200, json: resourceOf(state.bucket, state.bucket.put(put, preconditions(url))) };
  }
  if (type !== "resumable") throw new Refusal(400, "invalid", "Unknown upload type.");
  const id = state.sessions.open({ name, metadata, conditions: preconditions(url), kmsKeyName });
  const host = request.headers.host ?? "";
  return {
    status: 200,
    headers: {
      location: `http://${host}${url.pathname}?uploadType=resumable&name=${encodeURIComponent(name)}&upload_id=${id}`,
    },
  };
}

function sessionRequest(state: State, { request, body }: Exchange, id: string): Reply {
  if (request.method === "DELETE") {
    state.sessions.cancel(id);
    return { status: 499 };
  }
  // Go's client sends POST and asks for 200 in the place of 308.
  if (request.method !== "PUT" && request.method !== "POST") {
    throw new Refusal(405, "methodNotAllowed", "Method not allowed.");
  }
  const outcome = state.sessions.take(id, request.headers["content-range"] ?? "", body);
  if (outcome.kind === "complete") return { status: 200, json: resourceOf(state.bucket, outcome.version) };
  const range = outcome.persisted === 0 ? {} : { range: `bytes=0-${outcome.persisted - 1}` };
  if (request.headers["x-guploader-no-308"] !== "yes") return { status: 308, headers: range };
  return { status: 200, headers: { ...range, "x-http-status-code-override": "308" } };
}

/** In two calls, as the service may ask for any number of them: the precondition is looked at in each. */
function rewriteTo(state: State, { url }: Exchange, names: RegExpExecArray): Reply {
  const [from, to] = [decodeURIComponent(names[1] ?? ""), decodeURIComponent(names[3] ?? "")];
  allow(state, "storage.objects.get", from);
  allow(state, "storage.objects.create", to);
  const source = state.bucket.get(from, generationOf(url.searchParams.get("sourceGeneration")));
  state.bucket.check(to, preconditions(url));
  const totals = { kind: "storage#rewriteResponse", objectSize: String(source.size) };
  if (url.searchParams.get("rewriteToken") === null) {
    return { status: 200, json: { ...totals, totalBytesRewritten: "0", done: false, rewriteToken: "go-on" } };
  }
  const { size, md5Hash, crc32c, bytes } = source;
  const kmsKeyName = url.searchParams.get("destinationKmsKeyName") ?? undefined;
  const version = state.bucket.put(
    { name: to, received: { size, md5Hash, crc32c, bytes }, metadata: source.metadata, kmsKeyName },
    preconditions(url),
  );
  const resource = resourceOf(state.bucket, version);
  return { status: 200, json: { ...totals, totalBytesRewritten: String(size), done: true, resource } };
}
