// SPDX-License-Identifier: Apache-2.0
// Other bytes at a destination, found before anything is signed or copied. A role that may only write cannot look; then
// the create-only write itself decides.
import { digestStream, SHA256_PLAN } from "../artifact/digest.ts";
import type { Compute } from "../compute.ts";
import type { Context } from "../context.ts";
import { isKitesealError, KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { signerText } from "../sigstore/certificate.ts";
import { findBundles } from "./attestations.ts";
import type { Location, Repository, Store, StoredObject } from "./contract.ts";
import type { Key } from "./keys.ts";

export interface Intended {
  readonly key: Key;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

export interface ConflictCheck {
  readonly repository: Repository;
  /** Says who attested the bytes that are there. */
  readonly compute: Compute;
  /** What was not done because of it, and what to do. */
  readonly hint: string;
}

/**
 * What lies there, if it is these bytes; undefined if nothing does or nobody may look. Throws ERR_STORE_CONFLICT, with both
 * digests and, where it can be known, who attested the first, in `details`.
 */
export async function refuseConflict(
  check: ConflictCheck,
  intended: Intended,
  ctx: Context,
): Promise<StoredObject | undefined> {
  const { store } = check.repository.artifacts;
  const { key, size, sha256 } = intended;
  const existing = await store.head(key, ctx).catch((error: unknown) => {
    if (isKitesealError(error) && error.code === "ERR_STORE_DENIED") return undefined;
    throw error;
  });
  if (existing === undefined) return undefined;
  const isRead = existing.size === size || existing.size <= LIMITS.conflictReadBytes;
  const digest = isRead ? await digestOf(store, existing, ctx) : undefined;
  if (existing.size === size && digest === sha256) return existing;
  const first = digest === undefined ? undefined : await firstWriter(check, digest, ctx);
  const found = digest ?? `${existing.size} bytes`;
  const whose = first === undefined ? "" : `, attested by ${quote(first)}`;
  const url = store.url(key);
  throw new KitesealError(
    "ERR_STORE_CONFLICT",
    `${url} holds other bytes: expected ${sha256}, found ${found}${whose}`,
    {
      details: { expected: sha256, found, url, ...(first === undefined ? {} : { attestedBy: first }) },
      hint: check.hint,
    },
  );
}

/**
 * The keys at which a listing shows something; undefined where looking at each is cheaper, or a listing is not to be had.
 * Only spares looks: what it leaves out, the create-only write still refuses.
 */
export async function keysInUse(
  { store, prefix }: Location,
  keys: readonly Key[],
  ctx: Context,
): Promise<ReadonlySet<Key> | undefined> {
  if (keys.length < LIMITS.looksBeforeListing) return undefined;
  const wanted = new Set(keys);
  const inUse = new Set<Key>();
  let listed = 0;
  try {
    for await (const { key } of store.list(prefix, ctx)) {
      if (++listed > keys.length + LIMITS.listedInVain) return undefined;
      if (wanted.has(key)) inUse.add(key);
    }
  } catch (error) {
    return keepInterruption(error);
  }
  return inUse;
}

async function digestOf(store: Store, object: StoredObject, ctx: Context): Promise<string> {
  return (await digestStream(store.get(object, { maxBytes: object.size }, ctx), SHA256_PLAN, ctx)).digests.sha256;
}

/** A courtesy to whoever reads the message: what cannot be looked up or does not verify is left out. */
async function firstWriter(
  { repository, compute }: ConflictCheck,
  subjectDigest: string,
  ctx: Context,
): Promise<string | undefined> {
  const { handles } = await findBundles(repository.attestations, { subjectDigest, signers: [] }, ctx);
  for (const handle of handles) {
    const bytes = await handle.read(ctx).catch(keepInterruption);
    if (bytes === undefined || handle.digest === undefined) continue;
    const result = await compute.authenticate(bytes, handle.digest);
    if (result.kind !== "authentic") continue;
    const { signer, build } = result.attestation;
    const { buildNumber, jobId } = build?.facts ?? {};
    const which = [
      buildNumber === undefined ? "" : `build ${buildNumber}`,
      jobId === undefined ? "" : `job ${jobId}`,
    ].filter((part) => part !== "");
    return [signerText(signer), ...which].join(", ");
  }
  return undefined;
}

function keepInterruption(error: unknown): undefined {
  if (!isKitesealError(error) || error.kind === "interrupted") throw error;
  return undefined;
}
