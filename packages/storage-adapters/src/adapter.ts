// SPDX-License-Identifier: Apache-2.0
// What a store's own folder implements: its native primitives and a classification of its failures, nothing else.
// transfer/ turns an Adapter into a Store (verification in passing, lost replies, exists-same, limits, codes).
// Adapters share no base class; what several of them have in a module beside them are functions. Design §6.
import { KitesealError } from "@kiteseal/core/store";
import type {
  ByteRange,
  Context,
  DigestPlan,
  Finding,
  Key,
  SourceDigests,
  Stored,
  StoredObject,
  TokenSource,
} from "@kiteseal/core/store";
import type { Pace } from "./transfer/plan.ts";

/**
 * Classes of failure.
 * AlreadyExists: something is at the key, create-only refused. NotFound: proven absence. PinChanged: there, but another version.
 * ChecksumRejected: the store computed another checksum. Denied: no permission, says nothing about what is there.
 * Immutable: kept by a retention rule. Throttled, Transient: again later may work; the operation may have happened.
 * UploadGone: the multipart upload no longer exists or can no longer be completed; another one may be begun.
 * Unavailable: will not work now and repeating does not help (full). KeyRejected: this store cannot hold that key.
 * Irregular: what stands there is no object of this store (a symbolic link, a device, a name that no key can have).
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
  | "UploadGone"
  | "Unavailable"
  | "KeyRejected"
  | "Irregular"
  | "Unsupported";

/** Thrown by adapters only; never leaves transfer/. `message` as for KitesealError. */
export class AdapterError extends Error {
  readonly kind: AdapterErrorKind;
  readonly hint: string | undefined;
  /** How long the store asked to be left alone (Retry-After), in milliseconds. */
  readonly afterMs: number | undefined;

  constructor(kind: AdapterErrorKind, message: string, options: AdapterErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AdapterError";
    this.kind = kind;
    this.hint = options.hint;
    this.afterMs = options.afterMs;
  }
}

/** `cause` must be free of credentials: an SDK's error that holds the request is not. */
export interface AdapterErrorOptions {
  readonly cause?: unknown;
  readonly hint?: string | undefined;
  readonly afterMs?: number | undefined;
}

/** What every adapter is opened with; given by the command line, never looked up. */
export interface AdapterOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Identity tokens of this Buildkite job; absent outside of one. */
  readonly tokens?: TokenSource | undefined;
  /** For credentials, whose renewal by an SDK has no Context. */
  now(): Date;
  /** Sees each credential that is made on the way, before it is used: a server may repeat it in an error. */
  readonly onSecret?: ((value: string) => void) | undefined;
  readonly write?: WriteSettings | undefined;
}

/** How new objects are kept; each store's adapter says in its header what it makes of them, and refuses what it cannot do. */
export interface WriteSettings {
  /** S3: KMS key. Google Cloud Storage: kmsKeyName. Azure: encryption scope. */
  readonly encryptionKey?: string | undefined;
  /** From the time of the upload. Azure and Google Cloud Storage: governance is unlocked, compliance is locked. */
  readonly retention?: { readonly mode: "governance" | "compliance"; readonly days: number } | undefined;
  /** Google Cloud Storage: temporary hold. */
  readonly legalHold?: boolean | undefined;
  /** S3: the account that must own the bucket. */
  readonly bucketOwner?: string | undefined;
}

/** For stores that keep nothing but bytes. Throws ERR_CONFIG_INVALID. */
export function refuseWriteSettings(store: string, { write = {} }: AdapterOptions): void {
  const settings = Object.entries(write).filter(([, value]) => value !== undefined);
  if (settings.length === 0) return;
  throw new KitesealError("ERR_CONFIG_INVALID", `${store} cannot keep ${settings.map(([name]) => name).join(", ")}`, {
    hint: "encryption and retention are settings of the server there",
  });
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

/** An object to be written in parts of `partSize` bytes. */
export interface MultipartRequest extends Omit<PutRequest, "body" | "digests"> {
  readonly partSize: number;
  /** undefined: the file is still being hashed, see Multipart.whileHashing. */
  readonly digests: SourceDigests | undefined;
}

/** What a store still has of an upload that an earlier process began. */
export interface Held {
  readonly handle: UploadHandle;
  /** The receipt of a part that the store holds and that is, by the store's own checksum or name, this one; else undefined. */
  receiptOf(part: Omit<PartRequest, "body">): string | undefined;
}

/** One upload in progress. */
export interface UploadHandle {
  readonly key: Key;
  /** The store's name of it: S3's upload id, a Google session; empty where the store has none (Azure). */
  readonly id: string;
  /** False if whoever knows `id` may write with it (a Google session): it is then never written down. */
  readonly isPublic: boolean;
}

/** One part that the store holds. `receipt`: whatever `complete` needs to name it (etag, block id, final generation). */
export interface SentPart {
  /** From 0. */
  readonly index: number;
  readonly receipt: string;
}

export interface PartRequest {
  readonly index: number;
  /** Of the object; never empty. */
  readonly range: ByteRange;
  readonly sha256: string;
  /** Where Multipart.compares asks for it. */
  readonly md5?: string;
  readonly isLast: boolean;
  /** The part's bytes from its byte `skip` on; like PutRequest.body, also with `skip` it throws if the part is not that of `sha256`, unless Multipart.compares leaves that to the store. */
  body(skip: number): AsyncIterable<Uint8Array>;
}

/** An upload of which the store holds all parts. */
export interface Sent {
  readonly request: Omit<MultipartRequest, "digests">;
  /** Of the whole; `parts.size` is `request.partSize`. */
  readonly digests: SourceDigests;
  readonly handle: UploadHandle;
  readonly parts: readonly SentPart[];
}

/**
 * How large objects are written. transfer/ plans the parts, sends up to `parallel` of them at once (1: strictly in order),
 * tries a failed call again (Transient, Throttled), resumes, completes, aborts, sweeps. It fits three kinds of stores:
 * - upload ids and part checksums (S3): begin makes the id; parts in any order; complete is create-only and makes it visible;
 * - content-bound block ids (Azure): begin asks nothing; resume finds blocks by their names; abort can do nothing;
 * - one session with sequential ranges (Google): begin makes the session; parallel is 1; the last putPart, or complete,
 *   makes it visible; its receipt names the new generation.
 */
export interface Multipart {
  /** Objects of more bytes than this go this way, others through putWhole. */
  readonly threshold: number;
  readonly parallel: number;
  /**
   * Which digest of a part, made when the file was hashed, the store compares the part with: transfer/ hashes a part again only
   * after it was rejected. A file that changes to the same md5 would be stored as what it became, and not verify.
   */
  readonly compares?: "sha256" | "md5";
  /** True: parts can be sent before the digest of the whole is known, and nothing is visible before `complete`. */
  readonly whileHashing?: boolean;
  /** Depends on `size` only, within the store's limits on parts. Asked before hashing (digestPlan) and again at the upload. */
  partSize(size: number): number;
  /** Stands for what `begin` fixes beside name and bytes (lock, key, hints): what has another is not gone on with. Absent: nothing. */
  settings?(request: MultipartRequest, ctx: Context): string;
  begin(request: MultipartRequest, ctx: Context): Promise<UploadHandle>;
  /** What an earlier process left of this upload. `id` was in the journal. undefined: nothing to go on with. */
  resume(request: MultipartRequest, id: string | undefined, ctx: Context): Promise<Held | undefined>;
  /** Repeatable: the part may already be there, whole or in part. The store itself checks the bytes. Throws UploadGone, ChecksumRejected. */
  putPart(handle: UploadHandle, part: PartRequest, ctx: Context): Promise<SentPart>;
  /** All parts, in order. With `request.ifAbsent` create-only, decided by the store: AlreadyExists. UploadGone: begin another. */
  complete(upload: Sent, ctx: Context): Promise<Written>;
  /** Leaves nothing where the store can do that; fine if it is already gone. */
  abort(handle: UploadHandle, ctx: Context): Promise<void>;
}

/** All methods throw AdapterError, what `body` threw, or the signal's reason once it has fired. Keys are already parsed. */
export interface Adapter {
  /** See Store.lists. */
  readonly lists?: false;
  url(key: Key): string;
  digestPlan(size: number): DigestPlan;
  /** See Store.prepare; `inParts`: objects will be written in parts. Absent: this store's word is enough. Throws Unsupported. */
  prepare?(inParts: boolean, ctx: Context): Promise<void>;
  /** Throws NotFound for proven absence. */
  head(key: Key, ctx: Context): Promise<StoredObject>;
  /** One object in one request; durable and visible whole, or not there. */
  putWhole(request: PutRequest, ctx: Context): Promise<Written>;
  /** The bytes `range` (within the object) of exactly that pin. Throws PinChanged or NotFound. */
  get(request: { object: StoredObject; range: ByteRange }, ctx: Context): AsyncIterable<Uint8Array>;
  /** Every object whose key starts with `prefix` (empty, or a key that may end in "/"), and no other name (listedKey); complete or throws. `pace`: of each of its requests. */
  list(prefix: string, ctx: Context, pace?: Pace): AsyncIterable<StoredObject>;
  /** Create-only copy of that pin inside the store. undefined: this store cannot. */
  copy(request: { from: StoredObject; to: Key }, ctx: Context): Promise<Written | undefined>;
  diagnose(ctx: Context): Promise<readonly Finding[]>;
  /** Of one object; absent: the store says when it is too large. */
  readonly maxBytes?: number;
  /** Absent: every object is written in one request. */
  readonly multipart?: Multipart;
}
