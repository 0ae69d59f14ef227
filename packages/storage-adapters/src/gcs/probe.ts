// SPDX-License-Identifier: Apache-2.0
// Whether a server keeps what create-only writing rests on, tried on scratch keys: a second insert, a second session and
// a second copy onto a key must be refused, and so must bytes with a wrong MD5. Servers that imitate this API do not all
// do that, and one that does not says nothing and overwrites.
import { createHash, randomBytes } from "node:crypto";
import { parseKey } from "@kiteseal/core/store";
import type { Context, Key } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { AdapterErrorKind } from "../adapter.ts";
import { scratchFolder } from "../diagnosis.ts";
import { insertObject } from "./insert.ts";
import { readMetadata, removeObject } from "./metadata.ts";
import { storedObject } from "./object.ts";
import type { GcsObject } from "./object.ts";
import type { Target } from "./resource.ts";
import { openSession, sendRange } from "./resumable.ts";
import { rewriteObject } from "./rewrite.ts";

export interface Probed {
  readonly insertsOnce: boolean;
  readonly sessionsOnce: boolean;
  readonly copiesOnce: boolean;
  readonly comparesChecksums: boolean;
}

const TEXT = new TextEncoder().encode("kiteseal probe");

/**
 * `base`: a key prefix. `stays`: the scratch objects have fixed names and are left there, for identities that cannot delete
 * them; else they are of this run alone and are deleted. Throws what the first insert throws (Denied, Transient, …):
 * nothing is known then.
 */
export async function probe(
  target: Target,
  { base, stays }: { base: string; stays: boolean },
  ctx: Context,
): Promise<Probed> {
  // Scratch objects are neither held nor retained, or they could not be removed.
  const plain: Target = { ...target, settings: { encryptionKey: target.settings.encryptionKey } };
  const name = (what: string): Key =>
    parseKey(`${scratchFolder(base)}${stays ? "" : `${randomBytes(8).toString("hex")}-`}${what}`);
  const [first, copied, damaged] = [name("first"), name("copied"), name("damaged")];
  const made = new Set<Key>();
  const insert = async (key: Key, md5: string): Promise<GcsObject> => {
    made.add(key);
    return await insertObject(plain, { object: newObject(key, md5), bytes: TEXT }, ctx);
  };
  const right = createHash("md5").update(TEXT).digest("hex");
  const wrong = createHash("md5").update("something else").digest("hex");
  try {
    const object = (await existing(plain, stays ? first : undefined, ctx)) ?? (await insert(first, right));
    const insertsOnce = await refuses("AlreadyExists", () => insert(first, right));
    const sessionsOnce = await refuses("AlreadyExists", async () => {
      const session = await openSession(plain, { object: newObject(first, right), size: TEXT.length }, ctx);
      await sendRange(session, { start: 0, end: TEXT.length, body: TEXT }, ctx);
    });
    const comparesChecksums = await refuses("ChecksumRejected", () => insert(damaged, wrong));
    const copiesOnce = await copiesOnlyOnce(plain, { object, to: copied, made }, ctx);
    return { insertsOnce, sessionsOnce, copiesOnce, comparesChecksums };
  } finally {
    if (!stays) await remove(target, made, ctx);
  }
}

/** What an earlier run left. */
async function existing(target: Target, name: Key | undefined, ctx: Context): Promise<GcsObject | undefined> {
  if (name === undefined) return undefined;
  try {
    return await readMetadata(target.connection, { name }, ctx);
  } catch (error) {
    // Who may not read may still write.
    if (error instanceof AdapterError && (error.kind === "NotFound" || error.kind === "Denied")) return undefined;
    throw error;
  }
}

function newObject(key: Key, md5: string): Parameters<typeof insertObject>[1]["object"] {
  return { key, md5, ifAbsent: true, contentType: undefined, metadata: {} };
}

async function refuses(kind: AdapterErrorKind, operation: () => Promise<unknown>): Promise<boolean> {
  try {
    await operation();
    return false;
  } catch (error) {
    if (error instanceof AdapterError && error.kind === kind) return true;
    throw error;
  }
}

/** False also where there is no copying. */
async function copiesOnlyOnce(
  target: Target,
  request: { object: GcsObject; to: Key; made: Set<Key> },
  ctx: Context,
): Promise<boolean> {
  const from = storedObject(request.object);
  if (from === undefined) return false;
  request.made.add(request.to);
  try {
    if (await refuses("AlreadyExists", () => rewriteObject(target, { from, to: request.to }, ctx))) return true;
    return await refuses("AlreadyExists", () => rewriteObject(target, { from, to: request.to }, ctx));
  } catch (error) {
    if (error instanceof AdapterError && error.kind !== "Transient" && error.kind !== "Throttled") return false;
    throw error;
  }
}

async function remove(target: Target, keys: ReadonlySet<Key>, ctx: Context): Promise<void> {
  for (const key of keys) {
    try {
      await removeObject(target.connection, key, ctx);
    } catch (error) {
      // What cannot be deleted stays: it is no object of the store.
      if (!(error instanceof AdapterError)) throw error;
    }
  }
}
