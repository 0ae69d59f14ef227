// SPDX-License-Identifier: Apache-2.0
// A DOUBLE of Google Cloud Storage's upload endpoints: multipart insert and resumable sessions (308 until the last byte,
// 499 on cancellation). Nothing is visible before a session's last byte was checked.
import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { receive, Refusal } from "./objects.ts";
import type { ObjectMetadata, Preconditions, Received, StoredVersion, Bucket } from "./objects.ts";

const QUANTUM = 262_144;

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw new Refusal(400, "parseError", "Parse Error");
  return Object.fromEntries(Object.entries(value));
}

function text(value: unknown): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw new Refusal(400, "invalid", "Invalid argument.");
}

function flag(value: unknown): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  throw new Refusal(400, "invalid", "Invalid argument.");
}

/** The object resource that a client sends. */
export function parseMetadata(json: string): ObjectMetadata & { readonly name?: string | undefined } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw Object.assign(new Refusal(400, "parseError", "Parse Error"), { cause: error });
  }
  const fields = record(parsed);
  const custom = fields["metadata"];
  const retention = fields["retention"] === undefined ? undefined : record(fields["retention"]);
  return {
    name: text(fields["name"]),
    contentType: text(fields["contentType"]),
    md5Hash: text(fields["md5Hash"]),
    crc32c: text(fields["crc32c"]),
    temporaryHold: flag(fields["temporaryHold"]),
    eventBasedHold: flag(fields["eventBasedHold"]),
    metadata:
      custom === undefined
        ? undefined
        : Object.fromEntries(Object.entries(record(custom)).map(([k, v]) => [k, String(v)])),
    retention:
      retention === undefined
        ? undefined
        : { mode: text(retention["mode"]) ?? "", retainUntilTime: text(retention["retainUntilTime"]) ?? "" },
  };
}

/** Splits a multipart/related body into its JSON and its bytes. */
export function parseMultipart(contentType: string, body: Buffer): { json: string; bytes: Uint8Array } {
  const boundary = /^multipart\/related;\s*boundary="?([^";]+)"?$/i.exec(contentType)?.[1];
  if (boundary === undefined) throw new Refusal(400, "badContent", "Missing boundary.");
  const delimiter = Buffer.from(`--${boundary}`);
  const first = body.indexOf(delimiter);
  const second = body.indexOf(Buffer.concat([Buffer.from("\r\n"), delimiter]), first + delimiter.length);
  const close = Buffer.from(`\r\n--${boundary}--`);
  const end = body.lastIndexOf(close);
  if (first !== 0 || second === -1 || end <= second) throw new Refusal(400, "badContent", "Malformed multipart body.");
  const part = (from: number, to: number): Buffer => {
    const headersEnd = body.indexOf("\r\n\r\n", from);
    if (headersEnd === -1 || headersEnd + 4 > to) throw new Refusal(400, "badContent", "Malformed multipart body.");
    return body.subarray(headersEnd + 4, to);
  };
  const json = part(first + delimiter.length, second).toString();
  return { json, bytes: part(second + 2 + delimiter.length, end) };
}

export interface Session {
  readonly id: string;
  readonly name: string;
  readonly metadata: ObjectMetadata;
  readonly conditions: Preconditions;
  readonly kmsKeyName: string | undefined;
  readonly hash: Hash;
  readonly chunks: Uint8Array[];
  size: number;
  finished: StoredVersion | undefined;
}

export type ChunkOutcome =
  | { readonly kind: "incomplete"; readonly persisted: number }
  | { readonly kind: "complete"; readonly version: StoredVersion };

export interface Sessions {
  open(request: Omit<Session, "id" | "hash" | "chunks" | "size" | "finished">): string;
  /** One PUT to a session; throws 404 for one that was cancelled or never was. */
  take(id: string, contentRange: string, body: Buffer): ChunkOutcome;
  /** Cancels; 499 is what the service answers. */
  cancel(id: string): void;
  count(): number;
}

export function createSessions(bucket: Bucket, discard: boolean): Sessions {
  const sessions = new Map<string, Session>();
  let next = 0;
  const find = (id: string): Session => {
    const session = sessions.get(id);
    if (session === undefined) throw new Refusal(404, "notFound", "Not Found");
    return session;
  };
  return {
    open(request) {
      bucket.check(request.name, request.conditions);
      next += 1;
      const id = `${createHash("sha256").update(`session ${next}`).digest("hex").slice(0, 40)}${next}`;
      sessions.set(id, { ...request, id, hash: createHash("md5"), chunks: [], size: 0, finished: undefined });
      return id;
    },
    take(id, contentRange, body) {
      const session = find(id);
      if (session.finished !== undefined) return { kind: "complete", version: session.finished };
      const query = /^bytes \*\/(\d+|\*)$/.exec(contentRange);
      const complete = query !== null && query[1] === String(session.size) && body.length === 0;
      if (query !== null && !complete) return { kind: "incomplete", persisted: session.size };
      const total = query === null ? append(session, { contentRange, body, discard }) : session.size;
      if (total !== session.size) return { kind: "incomplete", persisted: session.size };
      try {
        session.finished = bucket.put(
          {
            name: session.name,
            received: received(session),
            metadata: session.metadata,
            kmsKeyName: session.kmsKeyName,
          },
          session.conditions,
        );
      } catch (error) {
        sessions.delete(id);
        throw error;
      }
      return { kind: "complete", version: session.finished };
    },
    cancel(id) {
      find(id);
      sessions.delete(id);
    },
    count: () => [...sessions.values()].filter((session) => session.finished === undefined).length,
  };
}

/** Takes the bytes of `bytes A-B/T`; returns T, or -1 for an unknown total. */
function append(session: Session, put: { contentRange: string; body: Buffer; discard: boolean }): number {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(put.contentRange);
  const [start, end] = [Number(range?.[1]), Number(range?.[2])];
  if (range === null || end - start + 1 !== put.body.length || start > session.size) {
    throw new Refusal(400, "badRequest", "Failed to parse Content-Range header.");
  }
  const total = range[3] === "*" ? -1 : Number(range[3]);
  const isLast = total === end + 1;
  if (!isLast && put.body.length % QUANTUM !== 0) {
    throw new Refusal(400, "badRequest", "There were not a multiple of 262144 bytes in the request.");
  }
  const fresh = put.body.subarray(session.size - start);
  session.hash.update(fresh);
  if (!put.discard) session.chunks.push(Buffer.from(fresh));
  session.size += fresh.length;
  return total;
}

/** Of a body cut off in the middle: whole quanta are kept, as the service does. */
export function persistPartial(sessions: Sessions, id: string, put: { start: number; body: Buffer }): void {
  const kept = put.body.subarray(0, put.body.length - (put.body.length % QUANTUM));
  if (kept.length > 0) sessions.take(id, `bytes ${put.start}-${put.start + kept.length - 1}/*`, kept);
}

function received(session: Session): Received {
  const md5Hash = session.hash.digest("base64");
  if (session.chunks.length === 0 && session.size > 0) {
    return { size: session.size, md5Hash, crc32c: undefined, bytes: undefined };
  }
  return { ...receive(Buffer.concat(session.chunks)), md5Hash };
}
