// SPDX-License-Identifier: Apache-2.0
// What a store's own folder implements: its native primitives and a classification of its failures, nothing else.
// transfer/ turns an Adapter into a Store (verification in passing, lost replies, exists-same, limits, codes).
// Adapters share no base class and no code. Design §6.
import type {
  ByteRange,
  Context,
  DigestPlan,
  Finding,
  Key,
  SourceDigests,
  Stored,
  StoredObject,
} from "@kiteseal/core/store";

/**
 * Classes of failure.
 * AlreadyExists: something is at the key, create-only refused. NotFound: proven absence. PinChanged: there, but another version.
 * ChecksumRejected: the store computed another checksum. Denied: no permission, says nothing about what is there.
 * Immutable: kept by a retention rule. Throttled, Transient: again later may work; the operation may have happened.
 * Unavailable: will not work now and repeating does not help (full). KeyRejected: this store cannot hold that key.
 * Irregular: what stands there is no object of this store (a symbolic link, a device).
 * Unsupported: the store lacks what create-only writing needs.
 */
export type AdapterErrorKind =
  | "AlreadyExists"
  | "NotFound"
  | "PinChanged"
  | "ChecksumRejected"
  | "Denied"
  | "Immutable"
  | "Throttled"
  | "Transient"
  | "Unavailable"
  | "KeyRejected"
  | "Irregular"
  | "Unsupported";

/** Thrown by adapters only; never leaves transfer/. `message` as for KitesealError. */
export class AdapterError extends Error {
  readonly kind: AdapterErrorKind;
  readonly hint: string | undefined;

  constructor(kind: AdapterErrorKind, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AdapterError";
    this.kind = kind;
    this.hint = options.hint;
  }
}

export interface PutRequest {
  readonly key: Key;
  readonly size: number;
  readonly digests: SourceDigests;
  /**
   * The bytes, from the start at each call. Throws, before its last chunk, if they are not those of `digests`:
   * an adapter that sees it throw makes nothing visible, leaves nothing, and rethrows that error as it is.
   * A chunk belongs to the reader only until the next one is asked for.
   */
  body(): AsyncIterable<Uint8Array>;
  /** Create-only: refuses with AlreadyExists, decided by the store itself, atomically. */
  readonly ifAbsent: boolean;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface Written {
  readonly object: StoredObject;
  readonly verifiedBy: Stored["verifiedBy"];
}

/** All methods throw AdapterError, what `body` threw, or the signal's reason once it has fired. Keys are already parsed. */
export interface Adapter {
  url(key: Key): string;
  digestPlan(size: number): DigestPlan;
  /** Throws NotFound for proven absence. */
  head(key: Key, ctx: Context): Promise<StoredObject>;
  /** One object in one request; durable and visible whole, or not there. */
  putWhole(request: PutRequest, ctx: Context): Promise<Written>;
  /** The bytes `range` (within the object) of exactly that pin. Throws PinChanged or NotFound. */
  get(request: { object: StoredObject; range: ByteRange }, ctx: Context): AsyncIterable<Uint8Array>;
  /** Every object whose key starts with `prefix` (empty, or a key that may end in "/"); complete or throws. */
  list(prefix: string, ctx: Context): AsyncIterable<StoredObject>;
  /** Create-only copy of that pin inside the store. undefined: this store cannot. */
  copy(request: { from: StoredObject; to: Key }, ctx: Context): Promise<Written | undefined>;
  diagnose(ctx: Context): Promise<readonly Finding[]>;
}
