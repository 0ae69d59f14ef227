// SPDX-License-Identifier: Apache-2.0
// putWhole: small objects in one insert. A large source that was not hashed for this store (no parts, no MD5) is read
// once more for its MD5 and streamed through one session, so that the server refuses damaged bytes here as well.
import { createHash } from "node:crypto";
import { retry } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { PutRequest } from "../adapter.ts";
import { insertObject } from "./insert.ts";
import { WHOLE_BYTES } from "./multipart.ts";
import { requireStored } from "./object.ts";
import type { GcsObject } from "./object.ts";
import { askStanding, cancelSession, openSession, QUANTUM_BYTES, sendRange } from "./resumable.ts";
import type { Session, Standing } from "./resumable.ts";
import type { Target } from "./resource.ts";

const PIECE_BYTES = 32 * QUANTUM_BYTES;
const PACE = { attempts: 5, baseMs: 200, maxWaitMs: 10_000 };

/** What `body` throws comes out as it is, and nothing is left. */
export async function putWhole(target: Target, request: PutRequest, ctx: Context): Promise<GcsObject> {
  if (request.size > WHOLE_BYTES) return await stream(target, request, ctx);
  const pieces: Uint8Array[] = [];
  // Copied: a chunk belongs to its owner again once the next is asked for.
  for await (const chunk of request.body()) pieces.push(Buffer.from(chunk));
  const bytes = Buffer.concat(pieces);
  const md5 = request.digests.md5 ?? createHash("md5").update(bytes).digest("hex");
  const stored = await insertObject(target, { object: { ...request, md5 }, bytes }, ctx);
  requireStored(stored, { key: request.key, md5 });
  return stored;
}

async function stream(target: Target, request: PutRequest, ctx: Context): Promise<GcsObject> {
  const md5 = request.digests.md5 ?? (await md5Of(request));
  const session = await openSession(target, { object: { ...request, md5 }, size: request.size }, ctx);
  try {
    let start = 0;
    for await (const piece of pieces(request)) {
      const standing = await sendPiece(session, { start, piece }, ctx);
      if (standing.kind === "finished") return standing.object;
      start += piece.length;
    }
  } catch (error) {
    if (!isEnded(error)) await cancelSession(session, { now: () => ctx.now() });
    throw error;
  }
  throw new AdapterError("Transient", "the upload ended without an object");
}

/** The service has ended the session itself when it refuses its last bytes. */
function isEnded(error: unknown): boolean {
  return error instanceof AdapterError && ["AlreadyExists", "ChecksumRejected", "UploadGone"].includes(error.kind);
}

async function md5Of(request: PutRequest): Promise<string> {
  const hash = createHash("md5");
  for await (const chunk of request.body()) hash.update(chunk);
  return hash.digest("hex");
}

/** All bytes in pieces of PIECE_BYTES, the last as short as it is. */
async function* pieces(request: PutRequest): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = new Uint8Array(PIECE_BYTES);
  let filled = 0;
  for await (const chunk of request.body()) {
    for (let at = 0; at < chunk.length;) {
      const taken = chunk.subarray(at, at + PIECE_BYTES - filled);
      buffer.set(taken, filled);
      filled += taken.length;
      at += taken.length;
      if (filled < PIECE_BYTES) continue;
      yield buffer;
      filled = 0;
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}

/** Repeats from where the server is, until it has the whole piece. */
async function sendPiece(
  session: Session,
  { start, piece }: { start: number; piece: Uint8Array },
  ctx: Context,
): Promise<Standing> {
  const end = start + piece.length;
  let standing: Standing | undefined = { kind: "open", persisted: start };
  const isDone = (found: Standing): boolean =>
    found.kind === "finished" || (found.persisted >= end && end < session.size);
  return await retry(
    async () => {
      const known: Standing = standing ?? (await askStanding(session, ctx));
      standing = undefined;
      if (isDone(known)) return known;
      if (known.kind === "open" && known.persisted < start) throw lost();
      const from = known.kind === "open" ? Math.min(known.persisted, end) : end;
      const sent =
        from === end
          ? await askStanding(session, ctx)
          : await sendRange(session, { start: from, end, body: piece.subarray(from - start) }, ctx);
      if (!isDone(sent)) throw new AdapterError("Transient", "the store keeps less than it was sent");
      return sent;
    },
    { ...PACE, again: (outcome) => !outcome.ok && ctx.signal?.aborted !== true && again(outcome.error) },
    ctx,
  );
}

function again(error: unknown): boolean | { afterMs: number } {
  if (!(error instanceof AdapterError) || (error.kind !== "Transient" && error.kind !== "Throttled")) return false;
  return error.afterMs === undefined ? true : { afterMs: error.afterMs };
}

function lost(): AdapterError {
  return new AdapterError("UploadGone", "the store has lost bytes of this upload");
}
