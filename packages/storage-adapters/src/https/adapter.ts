// SPDX-License-Identifier: Apache-2.0
// Any web server as a place to read from: artifacts and the sidecars beside them, nothing else. A hostile one may
// withhold, replay and send other bytes; all is believed under a signed digest only. No credential is sent anywhere, so
// redirects are followed. Pins are the strong ETag, where there is one, and the length. Writing and listing are refused.
import { quote } from "@kiteseal/core/store";
import type { ByteRange, Context, Key, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Adapter, AdapterOptions } from "../adapter.ts";
import { exchange } from "../exchange.ts";
import type { Exchange } from "../exchange.ts";
import { requirePin } from "../objects.ts";
import { diagnose } from "./diagnose.ts";
import { redirected, refusedStatus, refusedUse } from "./errors.ts";
import { describeReply, pinOf } from "./pin.ts";

const IDLE_MS = 60_000;
const MAX_REDIRECTS = 5;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** `origin`: scheme, host and port; `path`: below which diagnose looks. */
export interface HttpsAddress {
  readonly origin: string;
  readonly path: string;
}

export interface HttpsOptions extends AdapterOptions {
  /** Longest silence of the server; 60,000 unless given. */
  readonly idleMs?: number;
}

/** Every method but head and get throws Unsupported. */
export async function openHttpsAdapter(address: HttpsAddress, options: HttpsOptions): Promise<Adapter> {
  const server = { origin: address.origin, idleMs: options.idleMs ?? IDLE_MS };
  return {
    lists: false,
    url: (key) => urlOf(server, key),
    prepare: () => Promise.reject(refusedUse("written to", server.origin)),
    digestPlan: () => ({ algorithms: ["sha256"] }),
    head: (key, ctx) => head(server, key, ctx),
    get: ({ object, range }, ctx) => read(server, { object, range }, ctx),
    putWhole: ({ key }) => Promise.reject(refusedUse("written to", urlOf(server, key))),
    copy: ({ to }) => Promise.reject(refusedUse("written to", urlOf(server, to))),
    list: (prefix) => refusedListing(`${server.origin}/${prefix}`),
    diagnose: (ctx) =>
      diagnose({ origin: server.origin, base: address.path }, (key) =>
        ask(server, { method: "HEAD", key, headers: {} }, ctx),
      ),
  };
}

interface Server {
  readonly origin: string;
  readonly idleMs: number;
}

function urlOf(server: Server, key: string): string {
  return `${server.origin}/${key.split("/").map(encodeURIComponent).join("/")}`;
}

/** Refuses when it is read, as a listing does. */
function refusedListing(subject: string): AsyncIterable<StoredObject> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(refusedUse("listed", subject)) }) };
}

async function head(server: Server, key: Key, ctx: Context): Promise<StoredObject> {
  const reply = await ask(server, { method: "HEAD", key, headers: {} }, ctx);
  reply.discard();
  const described = reply.status === 200 ? describeReply(reply.headers) : undefined;
  if (described?.length !== undefined) return { key, size: described.length, pin: pinOf(described) };
  // Some servers answer only GET (signed addresses), some do not tell a length: the first byte says the rest.
  if (isGone(reply.status) || isLater(reply.status)) throw refusedStatus(reply, `looking at ${quote(key)}`, ctx);
  const first = await ask(server, { method: "GET", key, headers: { range: "bytes=0-0" } }, ctx);
  first.discard();
  if (first.status !== 200 && first.status !== 206) throw refusedStatus(first, `looking at ${quote(key)}`, ctx);
  const found = describeReply(first.headers);
  if (found.length === undefined) {
    throw new AdapterError("Unavailable", `${quote(urlOf(server, key))} does not say how long it is`);
  }
  return { key, size: found.length, pin: pinOf(found) };
}

function isGone(status: number): boolean {
  return status === 404 || status === 410;
}

/** It says when to ask again, so nothing else is asked at once. */
function isLater(status: number): boolean {
  return status === 429 || status === 503;
}

async function* read(
  server: Server,
  request: { object: StoredObject; range: ByteRange },
  ctx: Context,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { object, range } = request;
  const { key } = object;
  if (range.end === range.start) {
    requirePin(object, (await head(server, key, ctx)).pin);
    return;
  }
  const isWhole = range.start === 0 && range.end === object.size;
  const headers = isWhole ? {} : { range: `bytes=${range.start}-${range.end - 1}` };
  const reply = await ask(server, { method: "GET", key, headers }, ctx);
  try {
    const isPart = reply.status === 206;
    if (reply.status === 416) throw new AdapterError("PinChanged", `${quote(key)} became shorter`);
    if (reply.status !== 200 && !isPart) throw refusedStatus(reply, `reading ${quote(key)}`, ctx);
    const found = describeReply(reply.headers);
    // A reply without a length is counted by transfer/ in passing.
    requirePin(object, pinOf({ ...found, length: found.length ?? object.size }));
    if (isPart && found.start !== range.start) {
      throw new AdapterError("PinChanged", `another range of ${quote(key)} was sent than was asked for`);
    }
    let at = isPart ? range.start : 0;
    for await (const chunk of reply.body()) {
      const end = range.end === object.size ? undefined : Math.max(0, range.end - at);
      const wanted = chunk.subarray(Math.max(0, range.start - at), end);
      at += chunk.length;
      if (wanted.length > 0) yield wanted;
    }
  } finally {
    reply.discard();
  }
}

async function ask(
  server: Server,
  request: { method: "GET" | "HEAD"; key: Key; headers: Readonly<Record<string, string>> },
  ctx: Context,
): Promise<Exchange> {
  const { method, key, headers } = request;
  const action = `reading ${quote(key)}`;
  let address = urlOf(server, key);
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const reply = await exchange(address, { method, headers, idleMs: server.idleMs, action }, ctx);
    if (!REDIRECTS.includes(reply.status)) return reply;
    reply.discard();
    address = redirected(reply.headers["location"], address, action);
  }
  throw new AdapterError("Unavailable", `${action} failed: more than ${MAX_REDIRECTS} redirects`);
}
