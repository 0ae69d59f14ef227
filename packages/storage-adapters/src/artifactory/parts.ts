// SPDX-License-Identifier: Apache-2.0
// Artifactory's upload in parts, where the server offers it (7.82.2, cloud file stores): parts go to addresses of the file
// store, which are secrets and are asked without credentials; the server merges them and compares the whole with its SHA-1.
// What becomes visible, and under which sha256, is decided by the deployment that follows (deploy.ts).
import { createHash } from "node:crypto";
import { quote, retry, retryAfterMs } from "@kiteseal/core/store";
import type { Context, RetryOptions } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { PutRequest } from "../adapter.ts";
import { exchange } from "../exchange.ts";
import { ask } from "./client.ts";
import type { ArtifactoryClient } from "./client.ts";
import { refusal } from "./errors.ts";
import { flagField, parseReply, textField } from "./replies.ts";

const PART_MIB = 20;
const PART_BYTES = PART_MIB * 1_048_576;
const REPLY_BYTES = 262_144;
const PART_PACE = { attempts: 4, baseMs: 500, maxWaitMs: 10_000 };
/** Merging some hundred GiB takes the server tens of minutes. */
const MERGE_PACE = { attempts: 2000, baseMs: 500, maxWaitMs: 5000 };
const MERGES = 3;
const WAITING: readonly (string | undefined)[] = ["PARTS", "QUEUED", "PROCESSING"];

export interface Merged {
  readonly sha1: string;
  /** Names the merged bytes in the deployment; a secret. */
  readonly token: string;
}

/** undefined: not offered, and nothing of `request.body` was read. */
export async function uploadInParts(
  client: ArtifactoryClient,
  request: PutRequest,
  ctx: Context,
): Promise<Merged | undefined> {
  if (!(await isOffered(client, ctx))) return undefined;
  const { key } = request;
  const query = `repoKey=${encodeURIComponent(client.repository)}&repoPath=${encodeURIComponent(key)}&partSizeMB=${PART_MIB}`;
  const upload: Upload = { client, action: `uploading the parts of ${quote(key)}`, bearer: undefined };
  const bearer = secretField(await call(upload, `create?${query}`, ctx), "token", upload);
  const begun = { ...upload, bearer };
  try {
    const sha1 = createHash("sha1");
    let number = 0;
    for await (const bytes of pieces(request.body())) {
      sha1.update(bytes);
      number += 1;
      await sendPart(begun, { number, bytes }, ctx);
    }
    const digest = sha1.digest("hex");
    return { sha1: digest, token: await merge(begun, digest, ctx) };
  } catch (error) {
    await abort(begun, ctx);
    throw error;
  }
}

interface Upload {
  readonly client: ArtifactoryClient;
  readonly action: string;
  /** The upload's own token; undefined: this identity's. */
  readonly bearer: string | undefined;
}

async function isOffered(client: ArtifactoryClient, ctx: Context): Promise<boolean> {
  try {
    const reply = await ask(
      client,
      { method: "GET", path: "api/v1/uploads/config", action: "asking for uploads in parts" },
      ctx,
    );
    return flagField(parseReply(await reply.text(REPLY_BYTES), "uploads"), "supported") === true;
  } catch (error) {
    // Older servers do not know the question; one that is out of order says so to the upload itself.
    if (error instanceof AdapterError) return false;
    throw error;
  }
}

async function call(upload: Upload, path: string, ctx: Context): Promise<unknown> {
  const { client, action, bearer } = upload;
  const request = {
    method: "POST",
    path: `api/v1/uploads/${path}`,
    headers: { "content-length": "0" },
    action,
  } as const;
  const reply = await ask(client, bearer === undefined ? request : { ...request, bearer }, ctx);
  const text = await reply.text(REPLY_BYTES);
  return text === "" ? undefined : parseReply(text, "uploads");
}

/** Errors never show it. */
function secretField(reply: unknown, name: string, upload: Upload): string {
  const value = textField(reply, name);
  if (value !== undefined && /^[\x21-\x7e]{1,16384}$/.test(value)) return value;
  throw new AdapterError("Unavailable", `${upload.action} failed: the reply has no usable ${name}`);
}

function later(error: unknown): boolean | { readonly afterMs: number } {
  const isLater = error instanceof AdapterError && (error.kind === "Transient" || error.kind === "Throttled");
  return isLater && error.afterMs !== undefined ? { afterMs: error.afterMs } : isLater;
}

/** The part is in memory, so it can be sent again; each time to a new address. */
async function sendPart(upload: Upload, part: { number: number; bytes: Uint8Array }, ctx: Context): Promise<void> {
  const send = async (): Promise<void> => {
    const address = secretField(await call(upload, `urlPart?partNumber=${part.number}`, ctx), "url", upload);
    const reply = await exchange(
      address,
      {
        method: "PUT",
        headers: { "content-length": String(part.bytes.length) },
        body: once(part.bytes),
        idleMs: upload.client.idleMs,
        action: upload.action,
      },
      ctx,
    );
    const text = await reply.text(REPLY_BYTES);
    if (reply.status === 200 || reply.status === 201) return;
    const afterMs = retryAfterMs(reply.headers["retry-after"], ctx.now());
    throw refusal({ action: upload.action, status: reply.status, text, afterMs });
  };
  const again: RetryOptions<void>["again"] = (outcome) => !outcome.ok && later(outcome.error);
  await retry(send, { ...PART_PACE, ...upload.client.partPace, again }, ctx);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

async function merge(upload: Upload, sha1: string, ctx: Context): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    await call(upload, `complete?sha1=${sha1}`, ctx);
    const status = await retry(
      () => call(upload, "status", ctx),
      {
        ...MERGE_PACE,
        ...(upload.client.partPace?.sleep === undefined ? {} : { sleep: upload.client.partPace.sleep }),
        again: (outcome) => (outcome.ok ? WAITING.includes(textField(outcome.value, "status")) : later(outcome.error)),
      },
      ctx,
    );
    const state = textField(status, "status") ?? "";
    if (state === "FINISHED") return secretField(status, "checksumToken", upload);
    if (state === "RETRYABLE_ERROR" && attempt < MERGES) continue;
    const kind = state === "NON_RETRYABLE_ERROR" || state === "ABORTED" ? "Unavailable" : "Transient";
    throw new AdapterError(kind, `${upload.action} failed: the server's merge ended as ${quote(state)}`);
  }
}

/** What stopped the upload matters more than what stops the tidying: the server forgets unfinished uploads. */
async function abort(upload: Upload, ctx: Context): Promise<void> {
  try {
    await call(upload, "abort", { now: () => ctx.now() });
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
  }
}

async function* pieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const piece = new Uint8Array(PART_BYTES);
  let filled = 0;
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length;) {
      const taken = chunk.subarray(at, at + PART_BYTES - filled);
      piece.set(taken, filled);
      filled += taken.length;
      at += taken.length;
      if (filled < PART_BYTES) continue;
      yield piece;
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}
