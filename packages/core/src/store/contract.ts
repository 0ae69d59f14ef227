// SPDX-License-Identifier: Apache-2.0
// What operations ask of a store. A store is hostile: it may withhold, replay, delete and lie about what
// it holds; it can never forge, because everything read from it is checked by digest and signature.
// The contract suite (packages/storage-adapters) names a test for each sentence here.
import type { Context } from "../context.ts";
import type { ByteRange, DigestPlan, PartDigests, Pin, Source, Unhashed } from "../artifact/source.ts";
import type { Key } from "./keys.ts";

export interface StoredObject {
  readonly key: Key;
  readonly size: number;
  readonly pin: Pin;
}

/** What to write; `source` says which bytes and what they hash to. */
export interface PutRequest {
  readonly source: Source;
  /** Replaces what is there. Without it put is create-only: two writers of one key never both succeed with different bytes. */
  readonly overwrite?: boolean;
  readonly contentType?: string;
  /** Hints for humans and for conflict messages; never trusted. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * A large object on its way while its file is still being hashed. Whoever has one ends it, by `put` or by `abandon`.
 * Until `put` nothing of it is visible.
 */
export interface Ahead {
  /** The digests of the next part, of those that `digestPlan` cuts. Never throws: what goes wrong is told by the others. */
  add(part: PartDigests): void;
  /** Resolves when the store has let the upload begin, or has something at the key already. Errors: as `put`. */
  begun(ctx: Context): Promise<void>;
  /** Store.put of the key; `source` is what the file became. */
  put(source: Source, ctx: Context): Promise<Stored>;
  /**
   * Nothing is put, for this reason: what was sent is removed, where the store can do that; after an outage it is left to
   * a later run that can find it. Does nothing after `put`. Never throws.
   */
  abandon(reason: unknown): Promise<void>;
}

export interface Stored {
  /** `exists-same`: the key already held exactly these bytes. Other bytes there are ERR_STORE_CONFLICT. */
  readonly outcome: "created" | "exists-same";
  readonly object: StoredObject;
  /** What the store itself checked or what was read back, said as it is. */
  readonly verifiedBy: "server-sha256" | "server-other" | "read-back" | "local-filesystem";
}

/** One thing `diagnose` found; `severity` "broken" (cannot be used) and "dangerous" make doctor exit 2. */
export interface Finding {
  readonly id: string;
  readonly severity: "ok" | "advice" | "broken" | "dangerous";
  readonly subject: string;
  readonly message: string;
  readonly remedy?: string;
}

/** Errors of all methods: ERR_STORE_UNAVAILABLE, ERR_STORE_DENIED (403 or a timeout is never absence), ERR_INTERRUPTED. */
export interface Store {
  /** false: this store has no listings (a web server), so there is nothing to find below a root of it. */
  readonly lists?: false;
  /** The address of a key, for reports and pins; never holds credentials. */
  url(key: Key): string;
  /** Which digests `put` will want of an object of `size` bytes; asked before hashing so that nothing is read twice. */
  digestPlan(size: number): DigestPlan;
  /**
   * Before anything is signed for this store: throws ERR_STORE_URL where create-only does not hold or wrong checksums are
   * accepted, tried out where a server's word is not enough. `largest`: bytes of the largest object that will be put.
   */
  prepare(largest: number, ctx: Context): Promise<void>;
  /**
   * Durable when it returns, never visible half-written. Fails if the bytes read differ from `request.source.digests`
   * (ERR_FILE_CHANGED; Azure's own service compares parts by md5) and leaves nothing. Throws ERR_STORE_CONFLICT, with both digests in `details`, for other bytes.
   */
  put(key: Key, request: PutRequest, ctx: Context): Promise<Stored>;
  /**
   * Begins to store a file of which only the size is known: its parts travel as they are hashed. undefined: this store, or
   * an object of this size, waits for the digest. `put` decides later, and alone, whether the object comes to be.
   */
  ahead?(key: Key, file: Unhashed, ctx: Context): Ahead | undefined;
  /** undefined: proven absence only; also for a directory, which is no object. */
  head(key: Key, ctx: Context): Promise<StoredObject | undefined>;
  /** The bytes of exactly that pin, else ERR_PIN_CHANGED. Throws ERR_LIMIT_EXCEEDED before yielding more than `maxBytes`. */
  get(object: StoredObject, options: { range?: ByteRange; maxBytes: number }, ctx: Context): AsyncIterable<Uint8Array>;
  /**
   * All objects whose key starts with `prefix`, complete or throws; unordered. Temporaries and the empty markers of folders
   * ("…/") are not objects. Anything else under a name that no key can have is ERR_STORE_TAMPERED: no caller could see it.
   */
  list(prefix: string, ctx: Context): AsyncIterable<StoredObject>;
  /** Server-side copy of that pin, create-only. undefined: this store cannot; stream instead. */
  copy(from: StoredObject, to: Key, ctx: Context): Promise<Stored | undefined>;
  diagnose(ctx: Context): Promise<readonly Finding[]>;
}

/** A place in a store: `prefix` is empty or ends in "/". */
export interface Location {
  readonly store: Store;
  readonly prefix: string;
}

export interface Repository {
  readonly artifacts: Location;
  readonly attestations: Location;
}
