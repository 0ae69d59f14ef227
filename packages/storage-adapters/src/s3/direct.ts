// SPDX-License-Identifier: Apache-2.0
// The four calls that move objects (PutObject, UploadPart, GetObject, HeadObject) as plain requests: the SDK's own path
// takes four times their processor time, and copies what it streams. The SDK still says where they go, as whom, and in
// which region they are signed: it is asked once, with a request of its own that is caught before it leaves.
import { request as requestHttp, globalAgent as httpAgent } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as requestHttps, globalAgent as httpsAgent } from "node:https";
import { HeadObjectCommand } from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { sendChunks } from "../request-body.ts";
import { stoppable } from "../stoppable.ts";
import { statusOf } from "./errors.ts";
import { refusalOf } from "./refusal.ts";
import type { Headers } from "./refusal.ts";
import { createSigner, escaped, queryText, type Signer } from "./signature.ts";

export interface DirectRequest {
  readonly method: "PUT" | "GET" | "HEAD";
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Names in lower case; nothing that describes the body. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: DirectBody | undefined;
}

export interface DirectBody {
  readonly size: number;
  /** Hex. The server compares it. */
  readonly sha256: string;
  /** What it throws comes out as it is. A chunk is done with when the next one is asked for. */
  open(): AsyncIterable<Uint8Array>;
}

export interface DirectReply {
  readonly status: number;
  readonly headers: Headers;
  /** To be read or destroyed; nothing is left in it of a PUT or HEAD. */
  readonly body: IncomingMessage;
}

export interface Direct {
  /** Throws as the SDK does: errors with the code as name, `$metadata`, `$response`. */
  send(request: DirectRequest, ctx: Context): Promise<DirectReply>;
}

/** Where the SDK sends requests about the objects of a bucket. */
interface Location {
  readonly isSecure: boolean;
  readonly hostname: string;
  readonly port: number | undefined;
  /** Before the key; ends in "/". */
  readonly path: string;
  readonly sign: Signer;
  /** Dates what it signs by the same clock as this, which it tells from the machine's. */
  readonly client: S3Client;
  /** Milliseconds that the machine's clock is ahead of the context's. */
  readonly machineOffset: number;
  /** What is signed is dated by the SDK's clock, then by the server's. Milliseconds ahead of the context's. */
  clockOffset: number;
}

/** Up to this size a body is collected, and leaves together with the headers. */
const COLLECTED_BYTES = 262_144;
const DISCARDED_BYTES = 65_536;
/** S3 lets fifteen minutes pass. */
const SKEW_MS = 300_000;
const PROBE = "k";

export function createDirect(
  client: S3Client,
  o: { readonly bucket: string; readonly connectMs: number; readonly idleMs: number },
): Direct {
  let location: Promise<Location> | undefined;
  const located = (ctx: Context): Promise<Location> =>
    (location ??= locate(client, o.bucket, ctx).catch((error: unknown) => {
      location = undefined;
      throw error;
    }));
  const once: Direct["send"] = async (request, ctx) => {
    const place = await stoppable(located(ctx), ctx);
    const { clockOffset } = place;
    const outgoing = await open(place, request, ctx);
    limitSilence(outgoing, o);
    const reply = await exchange(outgoing, request.body);
    const { statusCode: status = 0, headers } = reply;
    if (status < 200 || status > 299) {
      throw await refusal(place, { reply, method: request.method, clockOffset }, ctx);
    }
    if (request.method !== "GET") discard(reply);
    return { status, headers, body: reply };
  };
  return {
    send: (request, ctx) =>
      once(request, ctx).catch(async (error: unknown) => {
        if (request.method !== "HEAD" || statusOf(error) !== 400) throw error;
        throw await explained(once, { request, error }, ctx);
      }),
  };
}

/** An expired token is 400, and HEAD has no words to say it in: it is asked again by a request that has. */
async function explained(
  send: Direct["send"],
  { request, error }: { request: DirectRequest; error: unknown },
  ctx: Context,
): Promise<unknown> {
  try {
    const reply = await send({ ...request, method: "GET", headers: { ...request.headers, range: "bytes=0-0" } }, ctx);
    reply.body.destroy();
    return error;
  } catch (told) {
    return statusOf(told) === 400 ? told : error;
  }
}

const SIGNED = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([a-z0-9-]+)\/s3\/aws4_request,/;
const DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

async function locate(client: S3Client, bucket: string, ctx: Context): Promise<Location> {
  const caught = Promise.withResolvers<unknown>();
  const command = new HeadObjectCommand({ Bucket: bucket, Key: PROBE });
  command.middlewareStack.add(
    () => async (args) => {
      caught.resolve(args.request);
      throw new Error("caught");
    },
    { step: "finalizeRequest", priority: "low", name: "kitesealLocation" },
  );
  const stopped = client.send(command).then(
    () => new Error("the request was sent"),
    (error: unknown) => error,
  );
  const request = await Promise.race([caught.promise, stopped.then((error) => Promise.reject(error))]);
  const headers = record(record(request)["headers"]);
  const region = SIGNED.exec(textOf(headers["authorization"]))?.[1];
  const date = DATE.exec(textOf(headers["x-amz-date"]))?.slice(1) ?? [];
  const { protocol, hostname, port, path } = record(request);
  const base = textOf(path).slice(0, -PROBE.length);
  if (region === undefined || date.length !== 6 || !base.endsWith("/")) {
    throw new AdapterError("Unsupported", "this kind of bucket signs its requests in another way than others", {
      hint: "use a general purpose bucket",
    });
  }
  const clockOffset = Date.parse(`${date.slice(0, 3).join("-")}T${date.slice(3).join(":")}Z`) - ctx.now().getTime();
  return {
    isSecure: protocol === "https:",
    hostname: textOf(hostname),
    port: typeof port === "number" ? port : undefined,
    path: base,
    client,
    machineOffset: clockOffset - client.config.systemClockOffset,
    sign: createSigner(region, () => client.config.credentials()),
    clockOffset,
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

async function open(location: Location, request: DirectRequest, ctx: Context): Promise<ClientRequest> {
  const { isSecure, hostname, port, path: base } = location;
  const { method, key, query = {}, headers: own, body } = request;
  const path = base + key.split("/").map(escaped).join("/");
  const content = body === undefined ? EMPTY : body.size <= COLLECTED_BYTES ? body.sha256 : "UNSIGNED-PAYLOAD";
  const headers = {
    ...own,
    ...(body === undefined
      ? {}
      : {
          "content-length": String(body.size),
          "x-amz-checksum-sha256": Buffer.from(body.sha256, "hex").toString("base64"),
        }),
    host: port === undefined ? hostname : `${hostname}:${port}`,
    "x-amz-content-sha256": content,
  };
  const at = new Date(ctx.now().getTime() + location.clockOffset);
  const signed = await stoppable(location.sign({ method, hostname, path, query, headers }, at), ctx);
  ctx.signal?.throwIfAborted();
  const text = queryText(query);
  return (isSecure ? requestHttps : requestHttp)({
    agent: isSecure ? httpsAgent : httpAgent,
    method,
    // An IPv6 address has its brackets in addresses and in the header only.
    hostname: hostname.replaceAll(/^\[|\]$/g, ""),
    port,
    path: text === "" ? path : `${path}?${text}`,
    headers: signed,
    ...(ctx.signal === undefined ? {} : { signal: ctx.signal }),
  });
}

/** Nothing is said in it; one that does not end ends with its connection. */
function discard(reply: IncomingMessage): void {
  let size = 0;
  reply.on("data", (chunk: Uint8Array) => {
    size += chunk.length;
    if (size > DISCARDED_BYTES) reply.destroy();
  });
}

/** SHA-256 of nothing. */
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

function limitSilence(request: ClientRequest, { connectMs, idleMs }: { connectMs: number; idleMs: number }): void {
  const silent = (what: string) => () =>
    void request.destroy(Object.assign(new Error(`no ${what} in time`), { name: "TimeoutError" }));
  request.setTimeout(idleMs, silent("answer"));
  request.once("socket", (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(silent("connection"), connectMs);
    const done = (): void => clearTimeout(timer);
    socket.once("connect", done);
    request.once("close", done);
  });
}

/** The reply, or what the body threw before it. */
async function exchange(request: ClientRequest, body: DirectBody | undefined): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  let reply: IncomingMessage | undefined;
  request.once("response", (response) => {
    reply = response;
    response.once("end", () => {
      // Answered before all was sent: the rest is not wanted, and the connection is of no more use.
      if (!request.writableEnded) request.destroy();
    });
    resolve(response);
  });
  request.on("error", reject);
  send(request, body, () => reply !== undefined).catch((error: unknown) => {
    reject(error);
    request.destroy();
  });
  return await promise;
}

async function send(request: ClientRequest, body: DirectBody | undefined, isAnswered: () => boolean): Promise<void> {
  if (body === undefined) {
    request.end();
    return;
  }
  if (body.size <= COLLECTED_BYTES) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body.open()) chunks.push(Buffer.from(chunk));
    request.end(Buffer.concat(chunks));
    return;
  }
  await sendChunks(request, body.open(), isAnswered);
}

/** A clock that is off shows in the reply's date; that it was the reason, the reply to HEAD has no words to say. */
async function refusal(
  location: Location,
  refused: { readonly reply: IncomingMessage; readonly method: string; readonly clockOffset: number },
  ctx: Context,
): Promise<Error> {
  const { reply, method, clockOffset } = refused;
  const error = await refusalOf(reply, method);
  const offset = Date.parse(reply.headers.date ?? "") - ctx.now().getTime();
  const isOff = Math.abs(offset - clockOffset) > SKEW_MS;
  if (isOff && (reply.statusCode === 400 || reply.statusCode === 403)) error.name = "RequestTimeTooSkewed";
  if (error.name === "RequestTimeTooSkewed" && !Number.isNaN(offset)) {
    location.client.config.systemClockOffset = offset - location.machineOffset;
    location.clockOffset = offset;
  }
  return error;
}
