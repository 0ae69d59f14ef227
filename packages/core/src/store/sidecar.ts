// SPDX-License-Identifier: Apache-2.0
// The bundle beside an artifact, under the name that other clients look for.
import { SIDECAR_SUFFIX } from "../artifact/attestation-names.ts";
import { bytesSource } from "../artifact/digest.ts";
import type { Context } from "../context.ts";
import { isKitesealError, quote } from "../errors.ts";
import type { Store } from "./contract.ts";
import { parseKey, type Key } from "./keys.ts";

/** Another bundle there stays, as it may verify as well as this one; resolves with a warning then. */
export async function putSidecar(
  store: Store,
  { key, bundle }: { key: Key; bundle: Uint8Array },
  ctx: Context,
): Promise<string | undefined> {
  const sidecar = parseKey(key + SIDECAR_SUFFIX);
  try {
    const source = bytesSource(bundle, store.digestPlan(bundle.length));
    await store.put(sidecar, { source, contentType: "application/json" }, ctx);
    return undefined;
  } catch (error) {
    if (!isKitesealError(error) || error.code !== "ERR_STORE_CONFLICT") throw error;
    return `${quote(store.url(sidecar))} was kept as it was`;
  }
}
