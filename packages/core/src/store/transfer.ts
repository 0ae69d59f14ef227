// SPDX-License-Identifier: Apache-2.0
// One pinned object to another place, create-only: inside the store where it can do that, else through this machine. A
// store's own copy never saw the digest that was verified, and an ETag is no digest: unless the destination itself computed
// the sha256 of what was sent, it is read back.
import type { Context } from "../context.ts";
import { isKitesealError, KitesealError } from "../errors.ts";
import type { Store, Stored, StoredObject } from "./contract.ts";
import type { Key } from "./keys.ts";
import { pinnedSource, requireBytes, type Pinned } from "./stored-bytes.ts";

export interface Transferred {
  readonly outcome: Stored["outcome"];
  readonly object: StoredObject;
  /** `server-sha256`: the destination compared what it got with the digest. `re-read`: so did we, at the pin. */
  readonly verifiedBy: "server-sha256" | "re-read";
  /** How the bytes went. */
  readonly by: "server-copy" | "stream" | "nothing";
}

/** Throws ERR_STORE_CONFLICT, ERR_STORE_TAMPERED (either end has other bytes), ERR_PIN_CHANGED, those of the stores. */
export async function transfer(
  from: Pinned,
  to: { store: Store; key: Key; sha256: string },
  ctx: Context,
): Promise<Transferred> {
  const { store, key, sha256 } = to;
  const copied = isSameObject(from, store) ? await store.copy(from.object, key, ctx) : undefined;
  const stored = copied ?? (await stream(from, to, ctx));
  const { object, outcome } = stored;
  const by = copied === undefined ? "stream" : "server-copy";
  const checked = copied === undefined && stored.verifiedBy === "server-sha256";
  if (!checked) await requireBytes({ store, object }, sha256, ctx);
  return {
    outcome,
    object,
    verifiedBy: checked ? "server-sha256" : "re-read",
    by: outcome === "created" ? by : "nothing",
  };
}

/** Both stores were opened with the same options, so one address is one object. */
function isSameObject(from: Pinned, store: Store): boolean {
  const { key } = from.object;
  return from.store === store || from.store.url(key) === store.url(key);
}

async function stream(from: Pinned, to: { store: Store; key: Key; sha256: string }, ctx: Context): Promise<Stored> {
  const { store, key, sha256 } = to;
  const source = await pinnedSource(from, { sha256, plan: store.digestPlan(from.object.size) }, ctx);
  try {
    return await store.put(key, { source }, ctx);
  } catch (error) {
    if (!isKitesealError(error) || error.code !== "ERR_FILE_CHANGED") throw error;
    // One version of one object does not change: this is no race with somebody who writes a file.
    throw new KitesealError(
      "ERR_STORE_TAMPERED",
      `${from.store.url(from.object.key)} is not the bytes that were verified`,
      {
        cause: error,
        details: { expected: sha256, pin: from.object.pin },
        hint: "the source returns other bytes than before under one version: do not release from it",
      },
    );
  }
}
