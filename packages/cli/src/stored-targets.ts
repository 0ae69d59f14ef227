// SPDX-License-Identifier: Apache-2.0
// Objects of stores as targets: pinned at first sight, streamed and hashed at that pin. The store is hostile; what it
// lists and returns is believed only under a signed digest.
import {
  artifactBeside,
  ATTESTATIONS_FOLDER,
  type Context,
  checkedName,
  digestStream,
  KitesealError,
  type PinnedArtifact,
  type PinsFile,
  quote,
  SHA256_PLAN,
} from "@kiteseal/core";
import { type Key, parseKey, type Store, type StoredObject } from "@kiteseal/core/store";
import { openObject, openStore } from "@kiteseal/storage-adapters";
import type { RedactedIo } from "./io.ts";
import { storeOptions } from "./stores.ts";
import type { Located, Target } from "./targets.ts";

/** One object by its address. `locate` throws ERR_NO_MATCH if it is not there. */
export function storedTarget(url: string, io: RedactedIo): Target {
  return {
    label: url,
    locate: async (ctx) => {
      if (url.endsWith("/"))
        throw new KitesealError("ERR_USAGE", `${quote(url)} names a folder`, { hint: "add --recursive" });
      const { store, key } = await openObject(url, storeOptions(io));
      return readObject(store, await mustExist(store, key, ctx), ctx);
    },
  };
}

async function mustExist(store: Store, key: Key, ctx: Context): Promise<StoredObject> {
  const object = await store.head(key, ctx);
  if (object !== undefined) return object;
  throw new KitesealError("ERR_NO_MATCH", `there is no ${quote(store.url(key))}`, {
    hint: "for everything below an address add --recursive",
  });
}

async function readObject(store: Store, object: StoredObject, ctx: Context): Promise<Located> {
  const { key, size, pin } = object;
  const name = checkedName(key.normalize("NFC"));
  const { digests } = await digestStream(store.get(object, { maxBytes: size }, ctx), SHA256_PLAN, ctx);
  const origin = { kind: "stored", url: store.url(key), pin } as const;
  return { artifact: { name, digest: { sha256: digests.sha256 }, size, origin }, place: { store, key } };
}

/**
 * Every object below an address but attestations, in the store's order: a store may hold more than fits in memory.
 * Throws ERR_NO_MATCH for an address with no artifact below it.
 */
export async function* listedTargets(
  url: string,
  o: { leftOut: { count: number }; io: RedactedIo },
  ctx: Context,
): AsyncGenerator<Target> {
  const { leftOut } = o;
  const { store, prefix } = await openStore(url, storeOptions(o.io));
  let found = false;
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
    found = true;
    yield { label: store.url(object.key), locate: (now) => readObject(store, object, now) };
  }
  if (!found)
    throw new KitesealError("ERR_NO_MATCH", `there is no artifact below ${quote(url)}`, {
      hint: "an empty set is never verified",
    });
}

/** The objects of a pins file, each at its pin and with its digest. */
export function pinnedTargets(pins: PinsFile, io: RedactedIo): readonly Target[] {
  return pins.artifacts.map((pinned) => ({ label: pinned.url, locate: (ctx) => readPinned(pinned, io, ctx) }));
}

async function readPinned(pinned: PinnedArtifact, io: RedactedIo, ctx: Context): Promise<Located> {
  const { store, key } = await openObject(pinned.url, storeOptions(io));
  // The rule is chosen by the object's own key, as for any address: whoever writes pins must not choose the rule.
  if (key !== pinned.name && !key.normalize("NFC").endsWith(`/${pinned.name}`)) {
    throw new KitesealError(
      "ERR_PINS_INVALID",
      `${quote(pinned.url)} is not the address of something named ${quote(pinned.name)}`,
    );
  }
  const object = await mustExist(store, key, ctx);
  if (object.pin !== pinned.pin) throw changed(pinned, { what: "pin", expected: pinned.pin, found: object.pin });
  const located = await readObject(store, object, ctx);
  const { sha256 } = located.artifact.digest;
  if (sha256 !== pinned.sha256)
    throw changed(pinned, { what: "sha256", expected: pinned.sha256, found: sha256 ?? "none" });
  return located;
}

function changed({ url }: PinnedArtifact, o: { what: string; expected: string; found: string }): KitesealError {
  const message = `${quote(url)} is no longer what was pinned: expected the ${o.what} ${quote(o.expected)}, found ${quote(o.found)}`;
  return new KitesealError("ERR_PIN_CHANGED", message, {
    details: { expected: o.expected, found: o.found },
    hint: "somebody replaced the object after it was published",
  });
}
