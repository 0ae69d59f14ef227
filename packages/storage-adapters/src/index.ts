// SPDX-License-Identifier: Apache-2.0
// `@kiteseal/storage-adapters`: from the address of a store to the Store that operations use.
// A store's folder is loaded when one of its addresses is opened, never before. Design §6.
import { ATTESTATIONS_FOLDER, KitesealError, parseKey, quote } from "@kiteseal/core/store";
import type { Key, Location, Repository, Store } from "@kiteseal/core/store";
import { refuseWriteSettings, type Adapter, type AdapterOptions } from "./adapter.ts";
import { createStore } from "./transfer/store.ts";
import type { TransferOptions } from "./transfer/plan.ts";
import { CREDENTIAL_VARIABLES } from "./credential-variables.ts";
import { parseStoreUrl } from "./url.ts";
import type { Destination, Scheme, StoreAddress } from "./url.ts";

export { CREDENTIAL_VARIABLES } from "./credential-variables.ts";
export { expandDestination, fixedPart, PLACEHOLDER_NAMES } from "./url.ts";
export type { Destination, PlaceholderName } from "./url.ts";
export type { AdapterOptions, WriteSettings } from "./adapter.ts";
export type { TransferOptions } from "./transfer/plan.ts";

/** Clients of stores by the place they are for; made by the caller, filled here. */
export type Clients = Map<string, Promise<Adapter>>;

/**
 * `env`, `tokens` and `now` are for credentials; `transfer` for speed and the resume journal. What is opened with the
 * same `clients` shares credentials and connections, and so must have the same options.
 */
export interface StoreOptions extends AdapterOptions {
  readonly transfer?: TransferOptions | undefined;
  readonly clients?: Clients | undefined;
  /** Values of credential variables that are kept elsewhere than in `env`; asked for those only that the store reads. */
  readonly credentials?: ((variable: string) => Promise<string | undefined>) | undefined;
}

/**
 * The place that `url` names, as a prefix. For a file URL all of it is the operator's word: links in it are followed,
 * links below it are not. Throws ERR_STORE_URL.
 */
export async function openStore(url: string, options: StoreOptions): Promise<Location> {
  const address = parseStoreUrl(url);
  return { store: await openAddress(address, options), prefix: prefixOf(address) };
}

/** One object, as `verify` is given it. Throws ERR_STORE_URL, also for an address that ends in "/". */
export async function openObject(url: string, options: StoreOptions): Promise<{ store: Store; key: Key }> {
  const address = parseStoreUrl(url);
  if (address.isDirectory) {
    throw new KitesealError("ERR_STORE_URL", `the store address ${quote(url)} names a folder: expected an object`);
  }
  // Which links of a directory's address are followed depends on all of it; elsewhere one client reads the whole bucket.
  const folder = address.scheme === "file" ? address.path.slice(0, Math.max(0, address.path.lastIndexOf("/"))) : "";
  const store = await openAddress({ ...address, path: folder }, options);
  return { store, key: parseKey(address.path) };
}

/**
 * Where a publish run writes: artifacts below `to.url`, attestations below `.kiteseal/` of its fixed part or below `attestations`.
 * Throws ERR_STORE_URL.
 */
export async function openRepository(
  to: Destination,
  attestations: string | undefined,
  options: StoreOptions,
): Promise<Repository> {
  for (const url of [to.url, ...(attestations === undefined ? [] : [attestations])]) requireWritable(url);
  const { path } = parseStoreUrl(to.url);
  if (path.split("/").includes(ATTESTATIONS_FOLDER)) {
    throw new KitesealError("ERR_STORE_URL", `${quote(to.url)} is among attestations: no artifact is looked for there`);
  }
  const prefix = path === "" ? "" : `${path}/`;
  const fixed = await openStore(to.fixed, options);
  if (!prefix.startsWith(fixed.prefix)) {
    throw new KitesealError("ERR_STORE_URL", `${quote(to.url)} is not below its fixed part ${quote(to.fixed)}`);
  }
  return {
    artifacts: { store: fixed.store, prefix },
    attestations:
      attestations === undefined
        ? { store: fixed.store, prefix: `${fixed.prefix}${ATTESTATIONS_FOLDER}/` }
        : await openStore(attestations, options),
  };
}

function requireWritable(url: string): void {
  if (parseStoreUrl(url).scheme !== "https") return;
  throw new KitesealError("ERR_STORE_URL", `${quote(url)} is a web server, which is only read from`, {
    hint: "Azure is written to at https://ACCOUNT.blob.core.windows.net/CONTAINER/…",
  });
}

function prefixOf(address: StoreAddress): string {
  return address.path === "" ? "" : `${address.path}/`;
}

async function openAddress(address: StoreAddress, options: StoreOptions): Promise<Store> {
  const adapter = await openAdapter(address, options);
  return createStore(adapter, options.transfer ?? {});
}

function openAdapter(address: StoreAddress, options: StoreOptions): Promise<Adapter> {
  const { scheme, origin, bucket, path } = address;
  const place = JSON.stringify([scheme, origin, bucket, path]);
  const known = options.clients?.get(place);
  if (known !== undefined) return known;
  const adapter = makeAdapter(address, options);
  options.clients?.set(place, adapter);
  adapter.catch(() => options.clients?.delete(place));
  return adapter;
}

/** Nobody else sees the credentials: neither the process's environment nor other stores. */
async function makeAdapter(address: StoreAddress, options: StoreOptions): Promise<Adapter> {
  const found: Record<string, string> = {};
  for (const variable of CREDENTIAL_VARIABLES[address.scheme]) {
    const value = await options.credentials?.(variable);
    if (value !== undefined) found[variable] = value;
  }
  return OPENERS[address.scheme](address, { ...options, env: { ...options.env, ...found } });
}

type Opener = (address: StoreAddress, options: AdapterOptions) => Promise<Adapter>;

/** One row a store; its SDK comes with its folder. */
const OPENERS: Readonly<Record<Scheme, Opener>> = {
  file: async ({ path }, options) => {
    refuseWriteSettings("a directory", options);
    return (await import("./file/adapter.ts")).createFileAdapter(path === "" ? "" : `/${path}`);
  },
  s3: async (address, options) => (await import("./s3/adapter.ts")).openS3Adapter(address, options),
  gs: async (address, options) => (await import("./gcs/adapter.ts")).openGcsAdapter(address, options),
  azure: async (address, options) => (await import("./azure/adapter.ts")).openAzureAdapter(address, options),
  rt: async (address, options) => (await import("./artifactory/adapter.ts")).openArtifactoryAdapter(address, options),
  https: async (address, options) => (await import("./https/adapter.ts")).openHttpsAdapter(address, options),
};
