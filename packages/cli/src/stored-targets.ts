// SPDX-License-Identifier: Apache-2.0
// Objects of stores as targets of verify: pinned at first sight, streamed and hashed at that pin, and not kept.
import { type Context, digestStream, type PinsFile, SHA256_PLAN } from "@kiteseal/core";
import type { FoundObject } from "@kiteseal/core/operations";
import type { RedactedIo } from "./io.ts";
import { addressLabel, asFound, findObject, findPinned, listObjects, openAddress } from "./stored-objects.ts";
import type { Located, Target } from "./targets.ts";

/** One object by its address. `locate` throws ERR_NO_MATCH if it is not there. */
export function storedTarget(url: string, io: RedactedIo): Target {
  return {
    label: addressLabel(url),
    locate: async (ctx) => read(await findObject(await openAddress(url, io), ctx), ctx),
  };
}

async function read(found: FoundObject, ctx: Context): Promise<Located> {
  const { store, object, name } = found;
  const { key, size, pin } = object;
  const { digests } = await digestStream(store.get(object, { maxBytes: size }, ctx), SHA256_PLAN, ctx);
  found.accept?.(digests.sha256);
  const origin = { kind: "stored", url: store.url(key), pin } as const;
  return { artifact: { name, digest: { sha256: digests.sha256 }, size, origin }, place: { store, key } };
}

/** Errors: listObjects'. */
export async function* listedTargets(
  url: string,
  o: { leftOut: { count: number }; io: RedactedIo },
  ctx: Context,
): AsyncGenerator<Target> {
  for await (const { store, object } of listObjects(url, o, ctx)) {
    yield { label: store.url(object.key), locate: (now) => read(asFound(store, object), now) };
  }
}

/** The objects of a pins file, each at its pin and with its digest. */
export function pinnedTargets(pins: PinsFile, io: RedactedIo): readonly Target[] {
  return pins.artifacts.map((pinned) => ({
    label: addressLabel(pinned.url),
    locate: async (ctx) => read(await findPinned(pinned, io), ctx),
  }));
}
