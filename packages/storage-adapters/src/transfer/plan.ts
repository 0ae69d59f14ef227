// SPDX-License-Identifier: Apache-2.0
// How an object will travel: whole or in parts, and so which digests its one hashing pass must produce. Design §6.
import { KitesealError } from "@kiteseal/core/store";
import type { ByteRange, DigestPlan, PartDigests, SourceDigests } from "@kiteseal/core/store";
import type { Adapter, Multipart } from "../adapter.ts";

/** How patient calls to a store are; the fields are those of core's retry. */
export interface Pace {
  readonly attempts: number;
  readonly baseMs: number;
  readonly maxWaitMs: number;
  /** Between two attempts; a timer unless given. Rejects when the signal fires. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<unknown>;
}

/** Tells whether the run that noted an upload is still at work on it, perhaps in another process. */
export interface Runs {
  /** Names this run; no earlier one had the name. Not empty. */
  readonly own: string;
  isRunning(run: string): boolean;
}

/** Nothing here decides what is written, only how fast and with which patience. */
export interface TransferOptions {
  /** Parts of one store in flight at once; at most what the adapter allows. */
  readonly parallel?: number | undefined;
  /** Uploads and downloads of one store together. */
  readonly bytesPerSecond?: number | undefined;
  /** Private to this user; holds what is needed to go on with a multipart upload after this process was killed. */
  readonly stateDirectory?: string | undefined;
  /** Absent: what another store of `stateDirectory` notes may be taken from it. */
  readonly runs?: Runs | undefined;
  readonly pace?: Pace | undefined;
}

export interface PlannedPart {
  readonly index: number;
  readonly range: ByteRange;
  readonly sha256: string;
  readonly md5?: string;
  readonly isLast: boolean;
}

/** Before anything is hashed or sent. Throws ERR_LIMIT_EXCEEDED. */
export function requireSize({ maxBytes }: Adapter, size: number): void {
  if (maxBytes === undefined || size <= maxBytes) return;
  throw new KitesealError(
    "ERR_LIMIT_EXCEEDED",
    `an object is larger than this store takes: expected at most ${maxBytes} bytes, found ${size}`,
    { details: { maxBytes, found: size } },
  );
}

/** See Store.digestPlan. Throws ERR_LIMIT_EXCEEDED. */
export function planDigests(adapter: Adapter, size: number): DigestPlan {
  requireSize(adapter, size);
  const { algorithms } = adapter.digestPlan(size);
  const multipart = multipartFor(adapter, size);
  return multipart === undefined ? { algorithms } : { algorithms, ...planParts(multipart, size) };
}

/** What the hashing pass is told of the parts. */
type PartsPlan = Required<Pick<DigestPlan, "partSize">> & Pick<DigestPlan, "partMd5">;

export function planParts(multipart: Multipart, size: number): PartsPlan {
  return { partSize: multipart.partSize(size), ...(multipart.compares === "md5" && { partMd5: true }) };
}

/** Whether `digests` are of the parts that `size` bytes are cut into. */
export function hasParts(
  { parts }: SourceDigests,
  { multipart, size }: { multipart: Multipart; size: number },
): boolean {
  const { partSize, partMd5 = false } = planParts(multipart, size);
  return parts?.size === partSize && (!partMd5 || parts.md5 !== undefined);
}

/** Part by part, in order. */
export function partsOf({ parts }: SourceDigests): readonly PartDigests[] {
  return (parts?.sha256 ?? []).map((sha256, index) => {
    const md5 = parts?.md5?.[index];
    return md5 === undefined ? { sha256 } : { sha256, md5 };
  });
}

/** How an object of `size` bytes is written in parts; undefined: in one request. */
export function multipartFor(adapter: Adapter, size: number): Multipart | undefined {
  const { multipart } = adapter;
  return multipart !== undefined && size > multipart.threshold ? multipart : undefined;
}

/** How many parts of `partSize` bytes `size` bytes are. */
export function countParts({ size, partSize }: PartSizes): number {
  return Math.ceil(size / partSize);
}

interface PartSizes {
  readonly size: number;
  readonly partSize: number;
}

/** Throws RangeError for one that an object of this size does not have. */
export function planPart(sizes: PartSizes, { index, ...digests }: PartDigests & { index: number }): PlannedPart {
  const count = countParts(sizes);
  const { size, partSize } = sizes;
  if (index < 0 || index >= count) throw new RangeError(`${size} bytes have ${count} parts: there is no part ${index}`);
  const start = index * partSize;
  return { index, range: { start, end: Math.min(size, start + partSize) }, ...digests, isLast: index === count - 1 };
}
