// SPDX-License-Identifier: Apache-2.0
// Objects of stores by address, below an address or from a pins file: found and pinned, not yet read. The store is hostile;
// what it lists and returns is believed only under a signed digest.
import {
  artifactBeside,
  ATTESTATIONS_FOLDER,
  type Context,
  checkedName,
  KitesealError,
  type PinnedArtifact,
  quote,
} from "@kiteseal/core";
import type { FoundObject } from "@kiteseal/core/operations";
import { type Key, parseKey, type Store, type StoredObject } from "@kiteseal/core/store";
import { openObject, openStore } from "@kiteseal/storage-adapters";
import type { RedactedIo } from "./io.ts";
import { storeOptions } from "./stores.ts";

/** One object, by its address. */
export interface Address {
  readonly store: Store;
  readonly key: Key;
}

/** As reports name an address before it is opened: without a login or a signature, which are no part of it. */
export function addressLabel(url: string): string {
  return url.replace(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/)[^/?#]*@/, "$1").replace(/[?#].*$/s, "");
}

/** Throws ERR_STORE_URL, and ERR_USAGE for a folder. */
export async function openAddress(url: string, io: RedactedIo): Promise<Address> {
  if (url.endsWith("/"))
    throw new KitesealError("ERR_USAGE", `${quote(url)} names a folder`, { hint: "add --recursive" });
  return openObject(url, storeOptions(io));
}

/** Throws ERR_NO_MATCH if it is not there, ERR_NAME_INVALID. */
export async function findObject({ store, key }: Address, ctx: Context): Promise<FoundObject> {
  const object = await store.head(key, ctx);
  if (object !== undefined) return asFound(store, object);
  throw new KitesealError("ERR_NO_MATCH", `there is no ${quote(store.url(key))}`, {
    hint: "was it deleted, or is the build's number in the address wrong? For everything below an address add --recursive",
  });
}

/** Throws ERR_NAME_INVALID. */
export function asFound(store: Store, object: StoredObject): FoundObject {
  return { store, object, name: checkedName(object.key.normalize("NFC")) };
}

export interface Listed {
  readonly store: Store;
  readonly object: StoredObject;
  /** The key without what was asked for. */
  readonly inside: string;
}

/**
 * Every object below an address but attestations, in the store's order: a store may hold more than fits in memory.
 * Throws ERR_NO_MATCH for an address with no artifact below it.
 */
export async function* listObjects(
  url: string,
  o: { leftOut: { count: number }; io: RedactedIo },
  ctx: Context,
): AsyncGenerator<Listed> {
  const { leftOut } = o;
  const { store, prefix } = await openStore(url, storeOptions(o.io));
  let any = false;
  for await (const object of store.list(prefix, ctx)) {
    const inside = object.key.slice(prefix.length);
    if (inside.split("/").includes(ATTESTATIONS_FOLDER)) {
      leftOut.count += 1;
      continue;
    }
    // Only what lies beside its own artifact is that artifact's attestation; anything else of that name is an artifact.
    const artifact = artifactBeside(object.key);
    if (artifact !== undefined && (await store.head(parseKey(artifact), ctx)) !== undefined) {
      leftOut.count += 1;
      continue;
    }
    any = true;
    yield { store, object, inside };
  }
  if (!any)
    throw new KitesealError("ERR_NO_MATCH", `there is no artifact below ${quote(url)}`, {
      hint: "an empty set is never verified",
    });
}

/**
 * The object of a pins file, to be read at its pin, wherever its name leads by now; it accepts the pinned digest only.
 * Throws ERR_PINS_INVALID; reading it, ERR_PIN_CHANGED, also for what is gone.
 */
export async function findPinned(pinned: PinnedArtifact, io: RedactedIo): Promise<FoundObject> {
  const { store, key } = await openObject(pinned.url, storeOptions(io));
  // The rule is chosen by the object's own key, as for any address: whoever writes pins must not choose the rule.
  if (key !== pinned.name && !key.normalize("NFC").endsWith(`/${pinned.name}`)) {
    throw new KitesealError(
      "ERR_PINS_INVALID",
      `${quote(pinned.url)} is not the address of something named ${quote(pinned.name)}`,
    );
  }
  return {
    ...asFound(store, { key, size: pinned.size, pin: pinned.pin }),
    accept: (found) => {
      if (found !== pinned.sha256) throw changed(pinned, found);
    },
  };
}

function changed({ url, sha256: expected }: PinnedArtifact, found: string): KitesealError {
  const message = `${quote(url)} is not what was pinned: expected the sha256 ${expected}, found ${found}`;
  return new KitesealError("ERR_PIN_CHANGED", message, {
    details: { expected, found },
    hint: "the store returns other bytes for the same version, or the pins file was changed",
  });
}
