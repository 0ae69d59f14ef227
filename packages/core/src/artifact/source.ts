// SPDX-License-Identifier: Apache-2.0
// Bytes that have been hashed and can be read again; and what is known of an artifact that is asked about.
import type { DigestSet } from "@kiteseal/in-toto-attestation";

/** Holds one version of one object: a version id, generation, etag or inode. Opaque; compared whole. */
export type Pin = string;

export type HashAlgorithm = "sha256" | "sha384" | "sha512" | "sha1" | "md5";

/** Which digests one reading of the bytes must produce. */
export interface DigestPlan {
  readonly algorithms: readonly HashAlgorithm[];
  /** Also the sha256 of each part of this many bytes (the last may be shorter). */
  readonly partSize?: number;
  /** And its md5, for stores that compare nothing better. */
  readonly partMd5?: boolean;
}

/** Of one part; lower-case hex. */
export interface PartDigests {
  readonly sha256: string;
  readonly md5?: string;
}

/** Lower-case hex. `sha256` is always there. */
export interface SourceDigests {
  readonly sha256: string;
  readonly sha384?: string;
  readonly sha512?: string;
  readonly sha1?: string;
  readonly md5?: string;
  readonly parts?: { readonly size: number; readonly sha256: readonly string[]; readonly md5?: readonly string[] };
}

/** Half open: `start` ≤ byte < `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Hashed bytes. `open` throws ERR_FILE_CHANGED if they are no longer the bytes that were hashed. A chunk belongs to its
 * reader only until the next one is asked for.
 */
export interface Source {
  readonly size: number;
  readonly digests: SourceDigests;
  open(range?: ByteRange): AsyncIterable<Uint8Array>;
}

/** Bytes that are still being hashed, and can be read meanwhile. */
export type Unhashed = Omit<Source, "digests">;

export type Origin =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "stored"; readonly url: string; readonly pin: Pin }
  | { readonly kind: "digest" };

/** What is asked about. The name is the asker's, never a signer's; absent only when no name is required. */
export interface Artifact {
  readonly name?: string;
  readonly digest: DigestSet;
  readonly size?: number;
  readonly origin: Origin;
}
