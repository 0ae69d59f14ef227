// SPDX-License-Identifier: Apache-2.0
// Bytes that lie in a store, held by their pin: as a source for another store, and compared with a digest. The store is hostile: what it returns counts only under a digest that somebody signed.
import { digestStream, SHA256_PLAN } from "../artifact/digest.ts";
import type { DigestPlan, Source } from "../artifact/source.ts";
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import type { Store, StoredObject } from "./contract.ts";

/** One version of one object. */
export interface Pinned {
  readonly store: Store;
  readonly object: StoredObject;
}

/** Reads all of it. Throws ERR_STORE_TAMPERED for other bytes than those of `sha256`, ERR_PIN_CHANGED. */
export async function requireBytes(pinned: Pinned, sha256: string, ctx: Context): Promise<void> {
  await digestsOf(pinned, { sha256, plan: SHA256_PLAN }, ctx);
}

async function digestsOf(
  { store, object }: Pinned,
  o: { sha256: string; plan: DigestPlan },
  ctx: Context,
): Promise<Source["digests"]> {
  const { digests } = await digestStream(store.get(object, { maxBytes: object.size }, ctx), o.plan, ctx);
  if (digests.sha256 === o.sha256) return digests;
  throw new KitesealError("ERR_STORE_TAMPERED", `${store.url(object.key)} is not the bytes that were verified`, {
    details: { expected: o.sha256, found: digests.sha256, pin: object.pin },
    hint: "the store holds or returns other bytes than before under one version: do not release from it",
  });
}

/**
 * A source of bytes with a known digest. They are read once more if `plan` wants further digests. `open` throws
 * ERR_PIN_CHANGED; whoever reads it compares the bytes with the digests.
 */
export async function pinnedSource(
  pinned: Pinned,
  known: { sha256: string; plan: DigestPlan },
  ctx: Context,
): Promise<Source> {
  const { algorithms, partSize } = known.plan;
  const { store, object } = pinned;
  const isKnown = partSize === undefined && algorithms.every((algorithm) => algorithm === "sha256");
  return {
    size: object.size,
    digests: isKnown ? { sha256: known.sha256 } : await digestsOf(pinned, known, ctx),
    open: (range) => store.get(object, { maxBytes: object.size, ...(range === undefined ? {} : { range }) }, ctx),
  };
}
