// SPDX-License-Identifier: Apache-2.0
// What uploads in parts are made of.
import type { Context } from "@kiteseal/core/store";
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

/** An upload that the store has let begin. */
export interface Upload extends Held {
  /** Absent: it could not be gone on with by anybody, so it is not noted. */
  readonly noted: Noted | undefined;
}
