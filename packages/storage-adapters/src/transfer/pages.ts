// SPDX-License-Identifier: Apache-2.0
// A listing in pages is complete or an error: each page is tried again by itself, and a server that repeats a token or a
// page, or sends empty ones without end, is told apart from one that has much to list. Design §6.
import { quote } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { persistently } from "./attempts.ts";
import type { Pace } from "./plan.ts";

/** Stores may send pages without an entry; this many in a row are a server gone wrong. */
const EMPTY_PAGES = 1000;

export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; undefined: this was the last. */
  readonly next: string | undefined;
}

export interface Listing<T> {
  readonly prefix: string;
  /** Of each page. */
  readonly pace: Pace | undefined;
  readonly nameOf: (item: T) => string;
  /** One request. `token` is a former page's `next`. */
  page(token: string | undefined): Promise<Page<T>>;
}

/** Throws AdapterError Unavailable for a listing that cannot come to its end, and what `page` throws. */
export async function* pages<T>(listing: Listing<T>, ctx: Context): AsyncGenerator<T, void, undefined> {
  const tokens = new Set<string>();
  const beginnings = new Set<string>();
  let empty = 0;
  for (let token: string | undefined; ;) {
    const from = token;
    const page = await persistently(() => listing.page(from), ctx, listing.pace);
    const [first] = page.items;
    const beginning = first === undefined ? undefined : listing.nameOf(first);
    empty = beginning === undefined ? empty + 1 : 0;
    if (beginning !== undefined && beginnings.has(beginning)) throw endless(listing.prefix, "a page comes again");
    if (beginning !== undefined) beginnings.add(beginning);
    yield* page.items;
    token = page.next;
    if (token === undefined) return;
    if (token === "") throw endless(listing.prefix, "it says that there is more and not where");
    if (tokens.has(token)) throw endless(listing.prefix, "it goes on where it was before");
    if (empty >= EMPTY_PAGES) throw endless(listing.prefix, `${empty} pages in a row hold nothing`);
    tokens.add(token);
  }
}

function endless(prefix: string, why: string): AdapterError {
  return new AdapterError("Unavailable", `the listing of ${quote(prefix)} is incomplete: ${why}`);
}
