// SPDX-License-Identifier: Apache-2.0
// Large objects: one resumable session, its ranges strictly in order, streamed without being held in memory. After any
// failure the server is asked how far it is, and only what it lacks is sent again. The last range makes the object
// visible, if nothing is there and the MD5 is the one declared at the beginning. (A source that was hashed for another
// store has none: it is computed on the way and compared with what the server computed.)
import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { quote } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Held, Multipart, PartRequest, Sent, SentPart, UploadHandle, Written } from "../adapter.ts";
import { isGeneration } from "./object.ts";
import type { GcsObject } from "./object.ts";
import { askStanding, cancelSession, openSession, QUANTUM_BYTES, sendRange } from "./resumable.ts";
import type { Session, Standing } from "./resumable.ts";
import type { Target } from "./resource.ts";

export const WHOLE_BYTES = 8_388_608;
/** One request each. What the service keeps of a request that fails is not sent again, so large ones cost only fewer answers to wait for. */
const PART_BYTES = 268_435_456;
const MAX_PARTS = 10_000;
/** A server that keeps less than it was sent is sent the rest this often within one call. */
const REPEATS = 8;

interface Progress {
  readonly session: Session;
  /** undefined: the server must be asked. */
  standing: Standing | undefined;
  /** Of the first `hashed` bytes, when none was declared. */
  readonly md5: Hash | undefined;
  hashed: number;
}

/** `guard` throws where the server does not keep what create-only writing needs. */
export function createMultipart(target: Target, guard: (ctx: Context) => Promise<void>): Multipart {
  const uploads = new Map<string, Progress>();
  const handleOf = (session: Session): UploadHandle => ({ key: session.key, id: session.uri, isPublic: false });
  const find = (handle: UploadHandle): Progress => {
    const progress = uploads.get(handle.id);
    if (progress !== undefined) return progress;
    throw new AdapterError("UploadGone", `writing ${quote(handle.key)} failed: this process has no such upload`);
  };
  return {
    threshold: WHOLE_BYTES,
    parallel: 1,
    partSize: (size) => Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS / QUANTUM_BYTES) * QUANTUM_BYTES),
    begin: async (request, ctx) => {
      if (request.ifAbsent) await guard(ctx);
      const md5 = request.digests?.md5;
      const session = await openSession(target, { object: { ...request, md5 }, size: request.size }, ctx);
      uploads.set(session.uri, {
        session,
        standing: { kind: "open", persisted: 0 },
        md5: md5 === undefined ? createHash("md5") : undefined,
        hashed: 0,
      });
      return handleOf(session);
    },
    resume: async (request, id, ctx) => {
      if (id === undefined || request.digests?.md5 === undefined) return undefined;
      if (URL.parse(id)?.origin !== target.connection.endpoint) return undefined;
      const session = { key: request.key, uri: id, size: request.size };
      const standing = await askStanding(session, ctx);
      uploads.set(id, { session, standing, md5: undefined, hashed: 0 });
      return { handle: handleOf(session), receiptOf: receiptOf(standing) };
    },
    putPart: async (handle, part, ctx) => {
      const progress = find(handle);
      try {
        return await putPart(progress, part, ctx);
      } catch (error) {
        progress.standing = undefined;
        throw error;
      }
    },
    complete: async ({ request, handle, parts }, ctx) => {
      const written = writtenBy(request, parts) ?? (await finishedObject(find(handle), ctx));
      uploads.delete(handle.id);
      return written;
    },
    abort: async (handle, ctx) => {
      await cancelSession({ key: handle.key, uri: handle.id }, ctx);
      uploads.delete(handle.id);
    },
  };
}

async function putPart(progress: Progress, part: PartRequest, ctx: Context): Promise<SentPart> {
  const { session } = progress;
  const { index, range } = part;
  for (let round = 0; round < REPEATS; round += 1) {
    const standing = (progress.standing ??= await askStanding(session, ctx));
    if (standing.kind === "finished") return { index, receipt: checkedGeneration(progress, standing.object) };
    if (standing.persisted >= range.end && !part.isLast) return { index, receipt: "" };
    if (standing.persisted < range.start) {
      throw new AdapterError("UploadGone", `writing ${quote(session.key)} failed: the store has lost earlier bytes`);
    }
    progress.standing = undefined;
    const start = Math.min(standing.persisted, range.end);
    // Everything is there and yet it is not finished: the request that asks for the standing also finishes it.
    if (start === range.end) continue;
    const body = hashing(progress, { start, body: part.body(start - range.start) });
    progress.standing = await sendRange(session, { start, end: range.end, body }, ctx);
  }
  throw new AdapterError("Transient", `writing ${quote(session.key)} failed: the store does not keep what it is sent`);
}

/** Passes `body` on; what was not hashed before is hashed. */
async function* hashing(
  progress: Progress,
  { start, body }: { start: number; body: AsyncIterable<Uint8Array> },
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = start;
  for await (const chunk of body) {
    const fresh = chunk.subarray(Math.max(0, progress.hashed - at));
    at += chunk.length;
    if (progress.md5 !== undefined && fresh.length > 0) {
      progress.md5.update(fresh);
      progress.hashed = at;
    }
    yield chunk;
  }
}

function checkedGeneration({ session, md5, hashed }: Progress, object: GcsObject): string {
  if (md5 === undefined || (hashed === session.size && md5.copy().digest("base64") === object.md5Hash)) {
    return object.generation;
  }
  throw new AdapterError("ChecksumRejected", `writing ${quote(session.key)} failed: the store computed another MD5`);
}

/** Parts that lie whole within what the server keeps; the last one it keeps only with the object. */
function receiptOf(standing: Standing): Held["receiptOf"] {
  if (standing.kind === "finished") return () => standing.object.generation;
  return ({ range, isLast }) => (!isLast && range.end <= standing.persisted ? "" : undefined);
}

function writtenBy(request: Sent["request"], parts: readonly SentPart[]): Written | undefined {
  const receipt = parts.at(-1)?.receipt ?? "";
  if (!isGeneration(receipt)) return undefined;
  return { object: { key: request.key, size: request.size, pin: receipt }, verifiedBy: "server-other" };
}

async function finishedObject(progress: Progress, ctx: Context): Promise<Written> {
  const { session } = progress;
  const standing = await askStanding(session, ctx);
  if (standing.kind === "finished") {
    const { key, size } = session;
    return { object: { key, size, pin: checkedGeneration(progress, standing.object) }, verifiedBy: "server-other" };
  }
  throw new AdapterError("UploadGone", `writing ${quote(session.key)} failed: the store waits for bytes it was sent`);
}
