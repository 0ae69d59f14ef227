// SPDX-License-Identifier: Apache-2.0
// A DOUBLE of Artifactory's REST interface, made from its documented behaviour: no real instance was asked. It refuses
// what the real one refuses (wrong checksums, replacing without the right to delete) and imports nothing of Kiteseal.
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createFaults } from "../faults.ts";
import type { Faults } from "../faults.ts";
import { checksumMessage, checksumsOf, createDigester, errors } from "./repository.ts";
import type { Artifact, Artifacts, Checksums } from "./repository.ts";
import { createUploads, putPart, uploadsApi } from "./uploads.ts";
import type { Uploads } from "./uploads.ts";

export interface Permissions {
  read: boolean;
  deploy: boolean;
  /** Delete/Overwrite. */
  delete: boolean;
  anonymousRead: boolean;
}

export interface ArtifactoryDouble {
  /** As in BUILDKITE_ARTIFACTORY_URL. */
  readonly url: string;
  readonly platform: string;
  readonly repository: string;
  readonly artifacts: Artifacts;
  readonly permissions: Permissions;
  readonly faults: Faults;
  readonly uploads: Uploads;
  /** Authorization headers that are accepted. */
  readonly logins: Set<string>;
  /** Every request, with its headers. */
  readonly requests: { method: string; url: string; headers: IncomingMessage["headers"] }[];
  /** Where downloads are redirected to; undefined: they are answered. */
  redirect: string | undefined;
  checksumPolicy: "client" | "server";
  /** OIDC: the subject tokens that are accepted for the provider "buildkite". */
  readonly subjectTokens: Set<string>;
  expiresIn: number;
  close(): Promise<void>;
}

export async function startArtifactoryDouble(): Promise<ArtifactoryDouble> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const platform = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const double: ArtifactoryDouble = {
    url: `${platform}/artifactory`,
    platform,
    repository: "generic-local",
    artifacts: new Map(),
    permissions: { read: true, deploy: true, delete: false, anonymousRead: false },
    faults: createFaults(),
    uploads: createUploads(),
    logins: new Set(["Basic " + Buffer.from("ci:secret-password").toString("base64")]),
    requests: [],
    redirect: undefined,
    checksumPolicy: "client",
    subjectTokens: new Set(),
    expiresIn: 3600,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  server.on("request", (request, response) => void answer(double, request, response));
  return double;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

async function answer(double: ArtifactoryDouble, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "", url = "" } = request;
  double.requests.push({ method, url, headers: request.headers });
  response.on("error", () => undefined);
  request.on("error", () => undefined);
  if (!double.faults.meet(request, response)) return;
  try {
    await route(double, { request, response, url: new URL(url, double.platform) });
  } catch {
    // The client went away in the middle of its request: nothing is kept of it.
    response.destroy();
  }
}

async function route(double: ArtifactoryDouble, call: Call): Promise<void> {
  const { pathname } = call.url;
  if (pathname === "/access/api/v1/oidc/token") return await exchangeToken(double, call);
  const login = call.request.headers.authorization;
  if (pathname.startsWith("/filestore/")) {
    const status = putPart(double.uploads, {
      path: pathname,
      bytes: await bodyOf(call),
      hasCredentials: login !== undefined,
    });
    call.response.writeHead(status).end();
    return;
  }
  const bearer = /^Bearer (upload-.*)$/.exec(login ?? "")?.[1];
  if (bearer !== undefined) return answerUpload(double, call, bearer);
  const known = login !== undefined && double.logins.has(login);
  if (login !== undefined && !known) return fail(call, 401, "Bad credentials");
  if (!known && !(double.permissions.anonymousRead && call.request.method === "GET")) {
    return fail(call, 401, "Authentication is required");
  }
  if (pathname.startsWith("/artifactory/api/v1/uploads/")) return answerUpload(double, call, undefined);
  const repositories = /^\/artifactory\/api\/repositories\/([^/]+)$/.exec(pathname)?.[1];
  if (repositories !== undefined) {
    if (repositories !== double.repository) return fail(call, 404, `Repository ${repositories} does not exist`);
    return json(call, 200, { key: double.repository, rclass: "local", packageType: "generic" });
  }
  const storage = /^\/artifactory\/api\/storage\/([^/]+)(?:\/(.*))?$/.exec(pathname);
  if (storage !== null)
    return storageApi(double, call, { repository: storage[1] ?? "", path: decodeURIComponent(storage[2] ?? "") });
  const item = /^\/artifactory\/([^/]+)\/(.+)$/.exec(pathname);
  if (item?.[1] !== double.repository) return fail(call, 404, "Not Found");
  const [path = "", ...matrix] = (item[2] ?? "").split(";");
  await itemApi(double, call, { path: decodeURIComponent(path), properties: readMatrix(matrix) });
}

function answerUpload(double: ArtifactoryDouble, call: Call, bearer: string | undefined): void {
  const { status, body } = uploadsApi(double.uploads, {
    url: call.url,
    bearer,
    platform: `http://${call.request.headers.host ?? ""}`,
  });
  if (body !== undefined) return json(call, status, body);
  call.request.resume();
  call.response.writeHead(status).end();
}

/** `onChunk` sees the bytes as they come. */
async function bodyOf(call: Call, onChunk?: (bytes: Uint8Array) => void): Promise<Uint8Array> {
  const length = Number(call.request.headers["content-length"] ?? 0);
  const body = Buffer.alloc(length);
  let filled = 0;
  for await (const chunk of call.request as AsyncIterable<Uint8Array>) {
    onChunk?.(chunk);
    body.set(chunk, filled);
    filled += chunk.length;
  }
  return body.subarray(0, filled);
}

function readMatrix(matrix: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    matrix.map((pair) => [decodeURIComponent(pair.split("=")[0] ?? ""), decodeURIComponent(pair.split("=")[1] ?? "")]),
  );
}

interface Item {
  readonly path: string;
  readonly properties: Readonly<Record<string, string>>;
}

async function itemApi(double: ArtifactoryDouble, call: Call, item: Item): Promise<void> {
  const { permissions, artifacts } = double;
  switch (call.request.method ?? "") {
    case "GET":
    case "HEAD":
      if (!permissions.read) return fail(call, 403, "Forbidden");
      return download(double, call, item.path);
    case "PUT":
      if (!permissions.deploy)
        return fail(call, 403, `Not enough permissions to deploy '${double.repository}:${item.path}'`);
      return await deploy(double, call, item);
    case "DELETE":
      if (!permissions.delete) return fail(call, 403, "Not enough permissions to delete");
      if (!artifacts.delete(item.path)) return fail(call, 404, "Could not locate artifact");
      return void call.response.writeHead(204).end();
    default:
      return fail(call, 405, "Method Not Allowed");
  }
}

async function deploy(double: ArtifactoryDouble, call: Call, item: Item): Promise<void> {
  const { artifacts } = double;
  const digester = createDigester();
  const sent = await bodyOf(call, (chunk) => digester.update(chunk));
  const header = (name: string): string | undefined => call.request.headers[name]?.toString();
  const told = {
    ...(header("x-checksum-sha1") === undefined ? {} : { sha1: header("x-checksum-sha1") }),
    ...(header("x-checksum-md5") === undefined ? {} : { md5: header("x-checksum-md5") }),
    ...(header("x-checksum-sha256") === undefined ? {} : { sha256: header("x-checksum-sha256") }),
  } as Partial<Checksums>;
  let bytes = sent;
  if (header("x-checksum-deploy") === "true") {
    const merged = double.uploads.merged.get(header("x-checksum-deploy-token") ?? "");
    const known = [...artifacts.values()].find((artifact) => artifact.checksums.sha256 === told.sha256)?.bytes;
    const there = merged ?? known;
    if (there === undefined) return fail(call, 404, "Checksum values not found");
    bytes = there;
  }
  const checksums = bytes === sent ? digester.finish() : checksumsOf(bytes);
  const name = `${double.repository}:${item.path}`;
  const isWrong = (["sha1", "md5", "sha256"] as const).some(
    (key) => told[key] !== undefined && told[key] !== checksums[key],
  );
  if (isWrong && double.checksumPolicy === "client") return fail(call, 409, checksumMessage(name, checksums, told));
  const there = artifacts.get(item.path);
  if (there !== undefined && there.checksums.sha256 !== checksums.sha256 && !double.permissions.delete) {
    return fail(
      call,
      403,
      `Not enough permissions to overwrite artifact '${name}' (user 'ci' needs DELETE permission).`,
    );
  }
  // A file stands where a folder would be needed, or the other way round.
  const blocked = [...artifacts.keys()].some(
    (other) => item.path.startsWith(`${other}/`) || other.startsWith(`${item.path}/`),
  );
  if (blocked) return fail(call, 409, `The path '${item.path}' is in use as a file or a folder`);
  const artifact: Artifact = {
    bytes,
    checksums,
    original: told,
    created: "2026-11-21T12:00:00.000Z",
    createdBy: "ci",
    properties: item.properties,
  };
  if (there?.checksums.sha256 !== checksums.sha256) artifacts.set(item.path, artifact);
  json(
    call,
    201,
    { ...info(double, item.path, artifact) },
    { "x-checksum-sha256": checksums.sha256 },
    "application/vnd.org.jfrog.artifactory.storage.ItemCreated+json",
  );
}

function info(double: ArtifactoryDouble, path: string, artifact: Artifact): object {
  return {
    repo: double.repository,
    path: `/${path}`,
    created: artifact.created,
    createdBy: artifact.createdBy,
    downloadUri: `${double.url}/${double.repository}/${path}`,
    mimeType: "application/octet-stream",
    size: String(artifact.bytes.length),
    checksums: artifact.checksums,
    originalChecksums: artifact.original,
    uri: `${double.url}/api/storage/${double.repository}/${path}`,
  };
}

function download(double: ArtifactoryDouble, call: Call, path: string): void {
  const virtual = /^(.+)\.(sha1|md5|sha256)$/.exec(path);
  const artifact = double.artifacts.get(path);
  if (artifact === undefined && virtual !== null) {
    const of = double.artifacts.get(virtual[1] ?? "");
    if (of !== undefined) return void call.response.end(of.checksums[virtual[2] as keyof Checksums]);
  }
  if (artifact === undefined) return fail(call, 404, "File not found.");
  if (double.redirect !== undefined) {
    return void call.response
      .writeHead(302, { location: `${double.redirect}/${path}?signature=topsecretsignature` })
      .end();
  }
  const { bytes, checksums } = artifact;
  const headers = {
    "x-checksum-sha1": checksums.sha1,
    "x-checksum-md5": checksums.md5,
    "x-checksum-sha256": checksums.sha256,
    "x-artifactory-filename": encodeURIComponent(path.slice(path.lastIndexOf("/") + 1)),
    etag: checksums.sha1,
    "accept-ranges": "bytes",
    "content-type": "application/octet-stream",
  };
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(call.request.headers.range ?? "") ?? [];
  if (first === undefined) {
    call.response.writeHead(200, { ...headers, "content-length": bytes.length });
    return void call.response.end(call.request.method === "HEAD" ? undefined : bytes);
  }
  const part = bytes.subarray(Number(first), Number(last) + 1);
  if (part.length === 0) return fail(call, 416, "Requested Range Not Satisfiable");
  call.response.writeHead(206, {
    ...headers,
    "content-length": part.length,
    "content-range": `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`,
  });
  call.response.end(part);
}

function storageApi(double: ArtifactoryDouble, call: Call, item: { repository: string; path: string }): void {
  const { artifacts, permissions } = double;
  if (!permissions.read) return fail(call, 403, "Forbidden");
  if (item.repository !== double.repository) return fail(call, 404, "Unable to find item");
  const below = item.path === "" ? "" : `${item.path}/`;
  const files = [...artifacts.entries()].filter(([path]) => path.startsWith(below));
  const artifact = artifacts.get(item.path);
  if (call.url.searchParams.has("list")) {
    if (artifact !== undefined) return fail(call, 400, "Expected a folder but found a file");
    if (files.length === 0 && item.path !== "") return fail(call, 404, "Unable to find item");
    return json(call, 200, {
      uri: `${double.url}/api/storage/${item.repository}/${item.path}`,
      created: "2026-11-21T12:00:00.000Z",
      files: files.map(([path, { bytes, checksums }]) => ({
        uri: path.slice(below.length - 1 < 0 ? 0 : below.length - 1).replace(/^(?!\/)/, "/"),
        size: bytes.length,
        lastModified: "2026-11-21T12:00:00.000Z",
        folder: false,
        sha1: checksums.sha1,
        sha2: checksums.sha256,
      })),
    });
  }
  if (artifact !== undefined) return json(call, 200, info(double, item.path, artifact));
  if (files.length === 0 && item.path !== "") return fail(call, 404, "Unable to find item");
  json(call, 200, {
    repo: item.repository,
    path: `/${item.path}`,
    children: files.map(([path]) => ({ uri: `/${path}`, folder: false })),
  });
}

async function exchangeToken(double: ArtifactoryDouble, call: Call): Promise<void> {
  const body = JSON.parse(Buffer.from(await bodyOf(call)).toString()) as Record<string, string>;
  const isAccepted =
    body["grant_type"] === "urn:ietf:params:oauth:grant-type:token-exchange" &&
    body["subject_token_type"] === "urn:ietf:params:oauth:token-type:id_token" &&
    body["provider_name"] === "buildkite" &&
    double.subjectTokens.has(body["subject_token"] ?? "");
  if (!isAccepted) return fail(call, 401, "Token exchange failed");
  const token = `exchanged-${double.requests.length}-${"x".repeat(24)}`;
  double.logins.add(`Bearer ${token}`);
  json(call, 200, { access_token: token, expires_in: double.expiresIn, token_type: "Bearer" });
}

function fail({ request, response }: Call, status: number, message: string): void {
  request.resume();
  response.writeHead(status, { "content-type": "application/json;charset=ISO-8859-1" });
  response.end(request.method === "HEAD" ? undefined : errors(status, message));
}

function json(
  call: Call,
  status: number,
  body: object,
  headers: Record<string, string> = {},
  type = "application/json",
): void {
  call.response.writeHead(status, { "content-type": type, ...headers });
  call.response.end(JSON.stringify(body));
}
