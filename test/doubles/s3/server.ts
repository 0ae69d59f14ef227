// SPDX-License-Identifier: Apache-2.0
// A double of S3 on loopback that refuses what S3 refuses: wrong checksums, writes over what is there, malformed multipart
// uploads, ranges of other versions, requests without a known key. It does not verify signatures (a real server does that
// in test/peers). Path style, one bucket.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { Bucket, S3Refusal } from "./bucket.ts";
import type { Content, Version } from "./bucket.ts";
import { createFaultPlan } from "./faults.ts";
import type { Fault } from "./faults.ts";

export interface S3DoubleOptions {
  readonly versioned?: boolean;
  /** false: only digests and sizes are kept, for large objects. */
  readonly keepBytes?: boolean;
  readonly minPart?: number;
  /** What a lenient S3-compatible server does: the condition is ignored. */
  readonly ignores?: readonly (
    | "if-none-match"
    | "if-none-match-on-complete"
    | "if-none-match-on-copy"
    | "checksums"
    | "ranges"
    | "if-match"
  )[];
  readonly pageSize?: number;
  /** Answers of bucket settings, by query name ("publicAccessBlock"): status and XML. */
  readonly settings?: Readonly<Record<string, { readonly status: number; readonly xml: string }>>;
}

export interface S3Double {
  readonly endpoint: string;
  readonly bucketName: string;
  readonly bucket: Bucket;
  fail(fault: Fault): void;
  /** "METHOD path?query" of each request, in order. */
  readonly requests: string[];
  /** Bytes of parts received, also of those that were refused. */
  partBytes: number;
  /** Answered 403 from now on; returns how to allow again. */
  deny(pathPrefix: string): () => void;
  close(): Promise<void>;
}

export const ACCESS_KEY = "AKIDDOUBLE";
const BUCKET = "artifacts";

interface Exchange {
  readonly double: S3Double;
  readonly options: S3DoubleOptions;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly fault: Fault["does"] | undefined;
}

export async function startS3Double(options: S3DoubleOptions = {}): Promise<S3Double> {
  const faults = createFaultPlan();
  const denied = new Set<string>();
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 });
  const double: S3Double = {
    endpoint: "",
    bucketName: BUCKET,
    bucket: new Bucket({
      versioned: options.versioned === true,
      ...(options.minPart === undefined ? {} : { minPart: options.minPart }),
    }),
    fail: (fault) => faults.add(fault),
    requests: [],
    partBytes: 0,
    deny: (prefix) => {
      denied.add(prefix);
      return () => denied.delete(prefix);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", "http://double");
    const [, bucket = "", ...rest] = url.pathname.split("/");
    const key = rest.map(decodeURIComponent).join("/");
    const fault = faults.take(request);
    response.setHeader("x-amz-bucket-region", "eu-central-1");
    double.requests.push(`${request.method} ${url.pathname}${url.search}`);
    const exchange: Exchange = { double, options, request, response, key, query: url.searchParams, fault };
    const guard = { bucket: decodeURIComponent(bucket), denied };
    serve(exchange, guard).catch((error: unknown) => refuse(exchange, error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no address");
  return Object.assign(double, { endpoint: `http://127.0.0.1:${address.port}` });
}

function refuse({ request, response }: Exchange, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, code } = error instanceof S3Refusal ? error : { status: 500, code: "InternalError" };
  request.resume();
  // As S3: no body on HEAD.
  if (request.method === "HEAD") response.writeHead(status).end();
  else xml(response, status, `<Error><Code>${code}</Code><Message>${code} of the double</Message></Error>`);
}

function xml(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/xml", ...headers }).end(`<?xml version="1.0"?>${body}`);
}

async function serve(exchange: Exchange, guard: { bucket: string; denied: Set<string> }): Promise<void> {
  const { request, response, fault, key, query } = exchange;
  if (fault === "reset") return void request.socket.destroy();
  if (fault === "hang") return;
  if (fault === "reset-in-body") return resetInBody(request);
  if (typeof fault === "object") {
    for (const [name, value] of Object.entries(fault.headers ?? {})) response.setHeader(name, value);
    throw new S3Refusal(fault.status, fault.code);
  }
  if (fault === "lose-reply") response.end = () => request.socket.destroy() as never;
  if (guard.bucket !== BUCKET) throw new S3Refusal(404, "NoSuchBucket");
  if (!request.headers.authorization?.includes(`Credential=${ACCESS_KEY}/`))
    throw new S3Refusal(403, "InvalidAccessKeyId");
  const subject = key === "" ? (query.get("prefix") ?? "") : key;
  // Whoever may not see a folder may not list what holds it.
  for (const prefix of guard.denied) {
    if (subject.startsWith(prefix) || (key === "" && prefix.startsWith(subject)))
      throw new S3Refusal(403, "AccessDenied");
  }
  await (key === "" ? serveBucket(exchange) : serveObject(exchange));
}

async function resetInBody(request: IncomingMessage): Promise<void> {
  const { socket } = request;
  const half = Number(request.headers["content-length"] ?? 0) / 2;
  let received = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    received += chunk.length;
    if (received >= half) break;
  }
  socket.destroy();
}

async function serveBucket(exchange: Exchange): Promise<void> {
  const { request, response, query, options } = exchange;
  if (request.method === "HEAD") return void response.writeHead(200).end();
  if (query.get("list-type") === "2") return listObjects(exchange);
  const [name = ""] = [...query.keys()].filter((candidate) => candidate !== "x-id");
  const setting = options.settings?.[name];
  if (setting !== undefined) return xml(response, setting.status, setting.xml);
  const [status, code] = DEFAULT_SETTINGS[name] ?? [501, "NotImplemented"];
  if (status === 200) return xml(response, 200, code);
  throw new S3Refusal(status, code);
}

/** A private bucket on which nobody has configured anything. */
const DEFAULT_SETTINGS: Readonly<Record<string, readonly [number, string]>> = {
  versioning: [200, "<VersioningConfiguration/>"],
  "object-lock": [404, "ObjectLockConfigurationNotFoundError"],
  encryption: [404, "ServerSideEncryptionConfigurationNotFoundError"],
  policyStatus: [404, "NoSuchBucketPolicy"],
  publicAccessBlock: [404, "NoSuchPublicAccessBlockConfiguration"],
  lifecycle: [404, "NoSuchLifecycleConfiguration"],
};

function listObjects({ double, options, response, query, fault }: Exchange): void {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("continuation-token") ?? "";
  const keys = [...double.bucket.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const page = keys.slice(0, Math.min(options.pageSize ?? 1000, Number(query.get("max-keys") ?? 1000)));
  const isBroken = fault === "no-continuation" || fault === "same-continuation";
  const isTruncated = page.length < keys.length || isBroken;
  const next = fault === "same-continuation" ? after || "same" : page.at(-1);
  const contents = page.map((key) => {
    const { etag, content } = double.bucket.current(key);
    return `<Contents><Key>${escaped(key)}</Key><Size>${content.size}</Size><ETag>${escaped(etag)}</ETag></Contents>`;
  });
  const token =
    isTruncated && fault !== "no-continuation"
      ? `<NextContinuationToken>${escaped(next ?? "")}</NextContinuationToken>`
      : "";
  xml(
    response,
    200,
    `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${token}${contents.join("")}</ListBucketResult>`,
  );
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

async function serveObject(exchange: Exchange): Promise<void> {
  const { request, query } = exchange;
  const id = query.get("uploadId");
  switch (request.method ?? "") {
    case "HEAD":
    case "GET":
      return id === null ? readObject(exchange) : listParts(exchange, id);
    case "PUT":
      if (id !== null) return putPart(exchange, id);
      return request.headers["x-amz-copy-source"] === undefined ? putObject(exchange) : copyObject(exchange);
    case "POST":
      return id === null ? beginUpload(exchange) : completeUpload(exchange, id);
    case "DELETE":
      return id === null ? deleteObject(exchange) : abortUpload(exchange, id);
    default:
      throw new S3Refusal(405, "MethodNotAllowed");
  }
}

async function receive({ request, options, double }: Exchange, isPart: boolean): Promise<Content> {
  const sha256 = createHash("sha256");
  const md5 = createHash("md5");
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("not bytes");
    sha256.update(chunk);
    md5.update(chunk);
    size += chunk.length;
    if (isPart) double.partBytes += chunk.length;
    if (options.keepBytes !== false) chunks.push(chunk);
  }
  if (size !== Number(request.headers["content-length"])) throw new S3Refusal(400, "IncompleteBody");
  const digest = sha256.digest();
  const signed = request.headers["x-amz-content-sha256"];
  if (typeof signed === "string" && /^[0-9a-f]{64}$/.test(signed) && signed !== digest.toString("hex")) {
    throw new S3Refusal(400, "XAmzContentSHA256Mismatch");
  }
  const declared = request.headers["x-amz-checksum-sha256"];
  const checks = options.ignores?.includes("checksums") !== true;
  if (checks && declared !== undefined && declared !== digest.toString("base64")) throw new S3Refusal(400, "BadDigest");
  return { size, bytes: Buffer.concat(chunks), sha256: digest.toString("base64"), md5: md5.digest("base64") };
}

function condition(
  { request, options }: Exchange,
  where: "" | "-on-complete" | "-on-copy",
): { ifNoneMatch: string | undefined } {
  const ignored = options.ignores?.some((name) => name === `if-none-match${where}`) === true;
  return { ifNoneMatch: ignored ? undefined : request.headers["if-none-match"] };
}

function hexEtag(content: Content): string {
  return `"${Buffer.from(content.md5, "base64").toString("hex")}"`;
}

function described(version: Version): Record<string, string> {
  return { etag: version.etag, ...(version.id === "null" ? {} : { "x-amz-version-id": version.id }) };
}

function amzHeaders(request: IncomingMessage): Record<string, string> {
  const entries = Object.entries(request.headers).filter(([name]) => name.startsWith("x-amz-"));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

async function putObject(exchange: Exchange): Promise<void> {
  const { double, response, key, request } = exchange;
  const content = await receive(exchange, false);
  const version = double.bucket.put(
    key,
    { etag: hexEtag(content), content, headers: amzHeaders(request), checksum: content.sha256 },
    condition(exchange, ""),
  );
  response.writeHead(200, described(version)).end();
}

function copyObject(exchange: Exchange): void {
  const { double, response, request, key } = exchange;
  const source = String(request.headers["x-amz-copy-source"]);
  const [path = "", id] = source.split("?versionId=");
  const from = path.replace(/^\//, "").split("/").slice(1).map(decodeURIComponent).join("/");
  const version = double.bucket.version(from, id);
  const ifMatch = request.headers["x-amz-copy-source-if-match"];
  if (ifMatch !== undefined && ifMatch !== version.etag) throw new S3Refusal(412, "PreconditionFailed");
  const { content } = version;
  const stored = double.bucket.put(
    key,
    { etag: hexEtag(content), content, headers: amzHeaders(request), checksum: content.sha256 },
    condition(exchange, "-on-copy"),
  );
  const { etag, ...headers } = described(stored);
  xml(response, 200, `<CopyObjectResult><ETag>${escaped(etag ?? "")}</ETag></CopyObjectResult>`, headers);
}

async function readObject({ double, options, request, response, key, query, fault }: Exchange): Promise<void> {
  const version = double.bucket.version(key, query.get("versionId") ?? undefined);
  const ifMatch = request.headers["if-match"];
  if (ifMatch !== undefined && ifMatch !== version.etag && options.ignores?.includes("if-match") !== true) {
    throw new S3Refusal(412, "PreconditionFailed");
  }
  const range =
    options.ignores?.includes("ranges") === true ? null : /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const { bytes } = version.content;
  const body = range === null ? bytes : bytes.subarray(Number(range[1]), Number(range[2]) + 1);
  const headers = {
    ...described(version),
    "content-length": String(request.method === "HEAD" ? version.content.size : body.length),
  };
  response.writeHead(range === null ? 200 : 206, headers);
  if (request.method === "HEAD") return void response.end();
  if (fault !== "truncate") return void response.end(body);
  response.write(body.subarray(0, body.length / 2));
  // The half has to be on its way before the connection breaks.
  await wait(20);
  request.socket.destroy();
}

function beginUpload({ double, request, response, key }: Exchange): void {
  const id = double.bucket.begin(key, amzHeaders(request));
  xml(response, 200, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
}

async function putPart(exchange: Exchange, id: string): Promise<void> {
  const { double, response, key, query } = exchange;
  double.bucket.upload(key, id);
  const number = Number(query.get("partNumber"));
  if (!Number.isInteger(number) || number < 1 || number > 10_000) throw new S3Refusal(400, "InvalidArgument");
  const content = await receive(exchange, true);
  const etag = hexEtag(content);
  double.bucket.upload(key, id).parts.set(number, { etag, content });
  response.writeHead(200, { etag, "x-amz-checksum-sha256": content.sha256 }).end();
}

function listParts({ double, response, key }: Exchange, id: string): void {
  const parts = [...double.bucket.upload(key, id).parts].map(
    ([number, { etag, content }]) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(etag)}</ETag><Size>${content.size}</Size><ChecksumSHA256>${content.sha256}</ChecksumSHA256></Part>`,
  );
  xml(response, 200, `<ListPartsResult><IsTruncated>false</IsTruncated>${parts.join("")}</ListPartsResult>`);
}

async function completeUpload(exchange: Exchange, id: string): Promise<void> {
  const { double, request, response, key } = exchange;
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  const parts = [...text.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = ""]) => ({
    number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
    etag: (/<ETag>(.*?)</.exec(part)?.[1] ?? "").replaceAll("&quot;", '"'),
    sha256: /<ChecksumSHA256>(.*?)</.exec(part)?.[1],
  }));
  const size = request.headers["x-amz-mp-object-size"];
  const { bucket } = double;
  const version = bucket.complete({
    key,
    id,
    parts,
    size: size === undefined ? undefined : Number(size),
    ...condition(exchange, "-on-complete"),
  });
  const { etag, ...headers } = described(version);
  const body = `<ETag>${escaped(etag ?? "")}</ETag><ChecksumSHA256>${version.checksum}</ChecksumSHA256>`;
  xml(response, 200, `<CompleteMultipartUploadResult>${body}</CompleteMultipartUploadResult>`, headers);
}

function abortUpload({ double, response, key }: Exchange, id: string): void {
  double.bucket.upload(key, id);
  double.bucket.uploads.delete(id);
  response.writeHead(204).end();
}

function deleteObject({ double, response, key }: Exchange): void {
  double.bucket.objects.delete(key);
  response.writeHead(204).end();
}
