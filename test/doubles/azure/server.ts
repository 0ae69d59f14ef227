// SPDX-License-Identifier: Apache-2.0
// A DOUBLE of Azure Blob Storage, made from its documented behaviour, for what azurite is too lenient about: whole-blob
// MD5, encryption scopes, retention, roles, leases, versions, the MD5 of copies. Signatures are not checked. It imports
// nothing of Kiteseal.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createFaults } from "../faults.ts";
import type { Faults } from "../faults.ts";

export interface Blob {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly md5: string | undefined;
}

export interface AzureDouble {
  readonly account: string;
  readonly container: string;
  readonly connectionString: string;
  readonly endpoint: string;
  readonly blobs: Map<string, Blob>;
  readonly uncommitted: Map<string, Map<string, Uint8Array>>;
  /** What the identity may do. "write" is also needed to replace. */
  readonly roles: Set<"read" | "list" | "add" | "write" | "delete">;
  readonly encryptionScopes: Set<string>;
  readonly faults: Faults;
  readonly requests: { method: string; url: string; headers: IncomingMessage["headers"] }[];
  versioning: boolean;
  /** Bearer tokens that are accepted; shared keys and signatures always are. */
  readonly tokens: Set<string>;
  close(): Promise<void>;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly header: (name: string) => string | undefined;
}

export async function startAzureDouble(): Promise<AzureDouble> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const account = "kitesealdouble";
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${account}`;
  const key = Buffer.alloc(32, 7).toString("base64");
  const double: AzureDouble = {
    account,
    container: "artifacts",
    endpoint,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${endpoint};`,
    blobs: new Map(),
    uncommitted: new Map(),
    roles: new Set(["read", "list", "add", "write", "delete"]),
    encryptionScopes: new Set(["releases"]),
    faults: createFaults(),
    requests: [],
    versioning: false,
    tokens: new Set(),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  server.on("request", (request, response) => {
    double.requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers });
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    if (double.faults.meet(request, response)) answer(double, request, response).catch(() => response.destroy());
  });
  return double;
}

async function answer(double: AzureDouble, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "", double.endpoint);
  const call: Call = { request, response, url, header: (name) => request.headers[name]?.toString() };
  const [, account, container, ...rest] = url.pathname.split("/");
  const authorization = call.header("authorization") ?? "";
  const bearer = /^Bearer (.*)$/.exec(authorization)?.[1];
  // A container that nobody without identity may see does not exist for him.
  if (authorization === "" && !url.searchParams.has("sig")) return fail(call, 404, "ResourceNotFound");
  if (bearer !== undefined && !double.tokens.has(bearer)) return fail(call, 401, "InvalidAuthenticationInfo");
  if (account !== double.account || container !== double.container) return fail(call, 404, "ContainerNotFound");
  const name = rest.map(decodeURIComponent).join("/");
  if (name === "")
    return url.searchParams.get("comp") === "list" ? list(double, call) : containerProperties(double, call);
  switch (request.method ?? "") {
    case "HEAD":
    case "GET":
      if (!double.roles.has("read")) return fail(call, 403, "AuthorizationPermissionMismatch");
      return url.searchParams.get("comp") === "blocklist"
        ? blockList(double, call, name)
        : download(double, call, name);
    case "PUT":
      return await put(double, call, name);
    case "DELETE":
      if (!double.roles.has("delete")) return fail(call, 403, "AuthorizationPermissionMismatch");
      if (isKept(double.blobs.get(name))) return fail(call, 409, "BlobImmutableDueToPolicy");
      if (!double.blobs.delete(name)) return fail(call, 404, "BlobNotFound");
      return reply(call, 202);
    default:
      return fail(call, 405, "UnsupportedHttpVerb");
  }
}

function isKept(blob: Blob | undefined): boolean {
  return blob?.headers["x-ms-immutability-policy-mode"] !== undefined || blob?.headers["x-ms-legal-hold"] === "true";
}

async function put(double: AzureDouble, call: Call, name: string): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of call.request) chunks.push(chunk as Uint8Array);
  const bytes = Buffer.concat(chunks);
  if (!double.roles.has("add") && !double.roles.has("write")) return fail(call, 403, "AuthorizationPermissionMismatch");
  const scope = call.header("x-ms-encryption-scope");
  if (scope !== undefined && !double.encryptionScopes.has(scope)) return fail(call, 404, "EncryptionScopeNotFound");
  const md5 = createHash("md5").update(bytes).digest("base64");
  const told = call.header("content-md5");
  if (told !== undefined && told !== md5) return fail(call, 400, "Md5Mismatch");
  const comp = call.url.searchParams.get("comp");
  if (comp === "block") return stage(double, call, { name, bytes });
  const there = double.blobs.get(name);
  if (there !== undefined && call.header("if-none-match") === "*") return fail(call, 409, "BlobAlreadyExists");
  if (there !== undefined && isKept(there)) return fail(call, 409, "BlobImmutableDueToPolicy");
  if (there !== undefined && !double.roles.has("write")) return fail(call, 403, "UnauthorizedBlobOverwrite");
  if (comp === "blocklist") return commit(double, call, { name, list: bytes.toString() });
  const copied = call.header("x-ms-copy-source");
  if (copied !== undefined) return copy(double, call, { name, source: copied });
  const property = call.header("x-ms-blob-content-md5");
  if (property !== undefined && property !== md5) return fail(call, 400, "Md5Mismatch");
  store(double, call, { name, bytes, md5 });
}

function stage(double: AzureDouble, call: Call, block: { name: string; bytes: Uint8Array }): void {
  const id = call.url.searchParams.get("blockid") ?? "";
  const blocks = double.uncommitted.get(block.name) ?? new Map<string, Uint8Array>();
  const [other] = blocks.keys();
  if (other !== undefined && Buffer.from(other, "base64").length !== Buffer.from(id, "base64").length) {
    return fail(call, 400, "InvalidBlobOrBlock");
  }
  blocks.set(id, block.bytes);
  double.uncommitted.set(block.name, blocks);
  reply(call, 201);
}

function commit(double: AzureDouble, call: Call, upload: { name: string; list: string }): void {
  const ids = [...upload.list.matchAll(/<(?:Latest|Uncommitted)>([^<]*)</g)].map(([, id = ""]) => id);
  const staged = double.uncommitted.get(upload.name);
  const blocks = ids.map((id) => staged?.get(id));
  if (blocks.includes(undefined)) return fail(call, 400, "InvalidBlockList");
  double.uncommitted.delete(upload.name);
  // No checksum of the whole: the service keeps what the client says, if anything.
  const bytes = Buffer.concat(blocks.map((block) => block ?? new Uint8Array()));
  store(double, call, { name: upload.name, bytes, md5: call.header("x-ms-blob-content-md5") });
}

function copy(double: AzureDouble, call: Call, request: { name: string; source: string }): void {
  const source = new URL(request.source);
  const from = double.blobs.get(source.pathname.split("/").slice(3).map(decodeURIComponent).join("/"));
  const isSigned = source.searchParams.has("sig") || call.header("x-ms-copy-source-authorization") !== undefined;
  if (!isSigned) return fail(call, 401, "NoAuthenticationInformation");
  if (from === undefined) return fail(call, 404, "CannotVerifyCopySource");
  if (call.header("x-ms-source-if-match") !== `"${from.etag}"`) return fail(call, 412, "SourceConditionNotMet");
  const md5 = createHash("md5").update(from.bytes).digest("base64");
  if ((call.header("x-ms-source-content-md5") ?? md5) !== md5) return fail(call, 400, "Md5Mismatch");
  store(double, call, { name: request.name, bytes: from.bytes, md5 });
}

function store(
  double: AzureDouble,
  call: Call,
  blob: { name: string; bytes: Uint8Array; md5: string | undefined },
): void {
  const kept = /^x-ms-(?:meta-.*|immutability-policy.*|legal-hold|encryption-scope|blob-content-type)$/;
  const headers = Object.fromEntries(
    Object.entries(call.request.headers).flatMap(([name, value]) => (kept.test(name) ? [[name, String(value)]] : [])),
  );
  const etag = `0x8D${double.requests.length.toString(16).padStart(13, "0").toUpperCase()}`;
  double.blobs.set(blob.name, { bytes: blob.bytes, etag, headers, md5: blob.md5 });
  reply(call, call.header("x-ms-copy-source") === undefined ? 201 : 202, {
    etag: `"${etag}"`,
    "last-modified": new Date(0).toUTCString(),
    ...(double.versioning ? { "x-ms-version-id": `2026-11-21T12:00:00.${double.requests.length}Z` } : {}),
  });
}

function download(double: AzureDouble, call: Call, name: string): void {
  const blob = double.blobs.get(name);
  if (blob === undefined) return fail(call, 404, "BlobNotFound");
  const condition = call.header("if-match");
  if (condition !== undefined && condition !== `"${blob.etag}"`) return fail(call, 412, "ConditionNotMet");
  const headers = {
    etag: `"${blob.etag}"`,
    "last-modified": new Date(0).toUTCString(),
    "x-ms-blob-type": "BlockBlob",
    ...blob.headers,
    ...(blob.md5 === undefined ? {} : { "content-md5": blob.md5 }),
    ...(double.versioning ? { "x-ms-version-id": "2026-11-21T12:00:00.0Z" } : {}),
  };
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(call.header("x-ms-range") ?? call.header("range") ?? "") ?? [];
  if (call.request.method === "HEAD")
    return reply(call, 200, { ...headers, "content-length": String(blob.bytes.length) });
  if (first === undefined) return reply(call, 200, headers, blob.bytes);
  const part = blob.bytes.subarray(Number(first), Number(last) + 1);
  if (part.length === 0) return fail(call, 416, "InvalidRange");
  const range = `bytes ${first}-${Number(first) + part.length - 1}/${blob.bytes.length}`;
  reply(call, 206, { ...headers, "content-range": range }, part);
}

function blockList(double: AzureDouble, call: Call, name: string): void {
  const blocks = double.uncommitted.get(name);
  if (blocks === undefined && !double.blobs.has(name)) return fail(call, 404, "BlobNotFound");
  const items = [...(blocks ?? [])].map(
    ([id, bytes]) => `<Block><Name>${id}</Name><Size>${bytes.length}</Size></Block>`,
  );
  xml(call, 200, `<BlockList><UncommittedBlocks>${items.join("")}</UncommittedBlocks></BlockList>`);
}

const PAGE = 1000;

function list(double: AzureDouble, call: Call): void {
  if (!double.roles.has("list")) return fail(call, 403, "AuthorizationPermissionMismatch");
  const prefix = call.url.searchParams.get("prefix") ?? "";
  const marker = Number(call.url.searchParams.get("marker") ?? "0");
  const all = [...double.blobs].filter(([name]) => name.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
  const items = all
    .slice(marker, marker + PAGE)
    .map(
      ([name, blob]) =>
        `<Blob><Name>${escape(name)}</Name><Properties><Last-Modified>${new Date(0).toUTCString()}</Last-Modified><Etag>${blob.etag}</Etag>` +
        `<Content-Length>${blob.bytes.length}</Content-Length><BlobType>BlockBlob</BlobType></Properties><Metadata>${metadata(blob)}</Metadata></Blob>`,
    );
  const next = marker + PAGE < all.length ? String(marker + PAGE) : "";
  xml(
    call,
    200,
    `<EnumerationResults ServiceEndpoint="${double.endpoint}" ContainerName="${double.container}"><Blobs>${items.join("")}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`,
  );
}

function metadata(blob: Blob): string {
  return Object.entries(blob.headers)
    .filter(([name]) => name.startsWith("x-ms-meta-"))
    .map(([name, value]) => `<${name.slice(10)}>${escape(value)}</${name.slice(10)}>`)
    .join("");
}

function containerProperties(double: AzureDouble, call: Call): void {
  if (!double.roles.has("read")) return fail(call, 403, "AuthorizationPermissionMismatch");
  reply(call, 200, {
    etag: '"0x1"',
    "last-modified": new Date(0).toUTCString(),
    "x-ms-has-immutability-policy": "false",
    "x-ms-has-legal-hold": "false",
    "x-ms-default-encryption-scope": "$account-encryption-key",
  });
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function reply(call: Call, status: number, headers: Record<string, string> = {}, body?: Uint8Array): void {
  call.response.writeHead(status, {
    "x-ms-request-id": "double",
    "x-ms-version": "2026-02-06",
    ...headers,
    ...(body === undefined ? {} : { "content-length": String(body.length) }),
  });
  call.response.end(body);
}

function xml(call: Call, status: number, body: string): void {
  call.response.writeHead(status, { "content-type": "application/xml", "x-ms-request-id": "double" });
  call.response.end(Buffer.from(`<?xml version="1.0" encoding="utf-8"?>${body}`));
}

function fail(call: Call, status: number, code: string): void {
  call.request.resume();
  call.response.writeHead(status, {
    "content-type": "application/xml",
    "x-ms-error-code": code,
    "x-ms-request-id": "double",
  });
  call.response.end(
    call.request.method === "HEAD"
      ? undefined
      : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
  );
}
