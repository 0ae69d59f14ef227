// SPDX-License-Identifier: Apache-2.0
// What uploads in parts are made of.
import type { Context, Key, PutRequest, SourceDigests, Unhashed } from "@kiteseal/core/store";
import type { Adapter, Held, Multipart, MultipartRequest } from "../adapter.ts";
import type { Journal, Noted } from "./journal.ts";
import type { Limits } from "./limit.ts";
import type { Pace } from "./plan.ts";

/** What every upload of one store shares. */
export interface Transfer {
  readonly adapter: Adapter;
  readonly journal: Journal;
  readonly limits: Limits;
  readonly pace: Pace;
  readonly parallel: number | undefined;
  /** Before the first upload in parts of this store. */
  sweepOnce(multipart: Multipart, ctx: Context): Promise<void>;
}

export interface PartsRequest extends MultipartRequest {
  readonly multipart: Multipart;
  readonly open: (range: { start: number; end: number }) => AsyncIterable<Uint8Array>;
}

/** The same for the same bytes, whether they are hashed already or not: what is begun in one way is gone on with in the other. */
export function partsRequest(
  multipart: Multipart,
  o: { key: Key; bytes: Unhashed; digests: SourceDigests | undefined; how: Omit<PutRequest, "source"> },
): PartsRequest {
  const { key, bytes, digests, how } = o;
  return {
    key,
    size: bytes.size,
    digests,
    partSize: multipart.partSize(bytes.size),
    ifAbsent: how.overwrite !== true,
    contentType: how.contentType,
    metadata: how.metadata ?? {},
    multipart,
    open: (range) => bytes.open(range),
  };
}

/** An upload that the store has let begin. */
export interface Upload extends Held {
  /** Absent: it could not be gone on with by anybody, so it is not noted. */
  readonly noted: Noted | undefined;
}
