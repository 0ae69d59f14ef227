// SPDX-License-Identifier: Apache-2.0
// `@kiteseal/storage-adapters`: from the address of a store to the Store that operations use.
// A store's folder is loaded when one of its addresses is opened, never before. Design §6.
import { KitesealError, parseKey, quote } from "@kiteseal/core/store";
import type { Key, Location, Repository, Store } from "@kiteseal/core/store";
import type { Adapter } from "./adapter.ts";
import { createStore } from "./transfer/store.ts";
import { parseStoreUrl } from "./url.ts";
import type { Destination, StoreAddress } from "./url.ts";

export { expandDestination, PLACEHOLDER_NAMES } from "./url.ts";
export type { Destination, PlaceholderName } from "./url.ts";

/** `.kiteseal/` below the fixed part of a destination: where its attestations are. */
const ATTESTATIONS = ".kiteseal/";

/**
 * The place that `url` names, as a prefix. For a file URL all of it is the operator's word: links in it are followed,
 * links below it are not. Throws ERR_STORE_URL.
 */
export async function openStore(url: string): Promise<Location> {
  const address = parseStoreUrl(url);
  return { store: createStore(await openAdapter(address)), prefix: prefixOf(address) };
}

/** One object, as `verify` is given it. Throws ERR_STORE_URL, also for an address that ends in "/". */
export async function openObject(url: string): Promise<{ store: Store; key: Key }> {
  const address = parseStoreUrl(url);
  if (address.isDirectory) {
    throw new KitesealError("ERR_STORE_URL", `the store address ${quote(url)} names a folder: expected an object`);
  }
  const folder = address.path.slice(0, Math.max(0, address.path.lastIndexOf("/")));
  const store = createStore(await openAdapter({ ...address, path: folder }));
  return { store, key: parseKey(address.path) };
}

/**
 * Where a publish run writes: artifacts below `to.url`, attestations below `.kiteseal/` of its fixed part or below `attestations`.
 * Throws ERR_STORE_URL.
 */
export async function openRepository(to: Destination, attestations?: string): Promise<Repository> {
  const fixed = await openStore(to.fixed);
  const prefix = prefixOf(parseStoreUrl(to.url));
  if (!prefix.startsWith(fixed.prefix)) {
    throw new KitesealError("ERR_STORE_URL", `${quote(to.url)} is not below its fixed part ${quote(to.fixed)}`);
  }
  return {
    artifacts: { store: fixed.store, prefix },
    attestations:
      attestations === undefined
        ? { store: fixed.store, prefix: fixed.prefix + ATTESTATIONS }
        : await openStore(attestations),
  };
}

function prefixOf(address: StoreAddress): string {
  return address.path === "" ? "" : `${address.path}/`;
}

async function openAdapter(address: StoreAddress): Promise<Adapter> {
  const { createFileAdapter } = await import("./file/adapter.ts");
  return createFileAdapter(address.path === "" ? "" : `/${address.path}`);
}
