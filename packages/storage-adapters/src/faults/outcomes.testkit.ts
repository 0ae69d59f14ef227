// SPDX-License-Identifier: Apache-2.0
// The matrix: what each fault comes to, in each store. The suite asserts it and docs/reference/faults.md shows it.
import type { ErrorCode } from "@kiteseal/core/store";

export type WireStore = "s3" | "gs" | "azure" | "rt" | "https";

/** "done": the fault is overcome. */
export type Outcome = "done" | ErrorCode;

/** `not`: why the fault cannot happen there. */
export type Cell = Outcome | { readonly is: Outcome; readonly because: string } | { readonly not: string };

export interface FaultRow {
  readonly fault: string;
  readonly outcomes: Readonly<Record<WireStore, Cell>>;
}

const DOWN = "ERR_STORE_UNAVAILABLE";
const DENIED = "ERR_STORE_DENIED";
const CHANGED = "ERR_PIN_CHANGED";

const READ_ONLY = { not: "read only" } as const;
const NO_LISTING = { not: "not listed" } as const;
const NO_PAGES = { not: "a listing is one reply" } as const;

function row(fault: string, usual: Outcome, unlike: Partial<Record<WireStore, Cell>> = {}): FaultRow {
  return { fault, outcomes: { s3: usual, gs: usual, azure: usual, rt: usual, https: usual, ...unlike } };
}

const reading = {
  "head.throttled": row("head: 429 with Retry-After, then well", "done"),
  "head.busy": row("head: 503 with Retry-After, then well", "done"),
  "head.down": row("head: 503 again and again", DOWN),
  "head.reset": row("head: the connection ends, then well", "done"),
  "head.silent": row("head: no answer", DOWN),
  "head.denied": row("head: 403, of what is there and of what is not", DENIED),
  "head.no-bucket": row("the bucket, container or repository is missing", "ERR_STORE_URL", {
    https: { not: "there is none" },
  }),
  "head.foreign-404": row("head: a 404 that is not the store's own", DOWN, {
    s3: { not: "a HEAD of S3 has no body to tell one from another" },
    https: { not: "a web server has only this word for absence" },
  }),
  "head.redirect": row("head: a redirect to another origin; it sees no credential", DOWN, {
    s3: { is: "ERR_STORE_URL", because: "how S3 says that the bucket is in another region" },
    https: { is: "done", because: "followed: no credential is ever sent" },
  }),
  "get.cut": row("get: the connection ends in mid-body; gone on with where it ended", "done"),
  "get.short": row("get: half of the bytes with their Content-Length", "done", {
    https: { is: CHANGED, because: "the length is part of the pin" },
  }),
  "get.unsaid": row("get: half of the bytes without a Content-Length", "done"),
  "get.long": row("get: more bytes than the pin says; none of them is handed out", CHANGED, {
    azure: { is: DOWN, because: "the SDK stops where the range that was asked for ends" },
  }),
  "get.changed": row("the object is replaced between head and get", CHANGED),
  "get.gone": row("get: nothing is any more where the pin says", CHANGED),
  "get.denied": row("get: 403", DENIED),
  "get.busy": row("get: 503 with Retry-After, then well", "done"),
  "get.silent": row("get: no answer", DOWN),
  "get.redirect": row("get: a redirect to another origin; it sees no credential", DOWN, {
    s3: { is: "ERR_STORE_URL", because: "how S3 says that the bucket is in another region" },
    rt: { is: "done", because: "followed without credentials: downloads are redirected to the file store" },
    https: { is: CHANGED, because: "followed: no credential is ever sent; what is there has another pin" },
  }),
  "clock.skewed": row("the server finds this machine's clock wrong", DOWN, {
    gs: { not: "requests carry no time" },
    azure: { is: DENIED, because: "Azure says only that it does not know who asks; the hint names the clock" },
    rt: { not: "requests carry no time" },
    https: { not: "requests carry no time" },
  }),
} as const;

const listing = {
  "list.busy": row("list: a page is answered 503 with Retry-After, then well", "done", { https: NO_LISTING }),
  "list.cut": row("list: the connection ends in mid-page, then well", "done", { https: NO_LISTING }),
  "list.down": row("list: 503 again and again", DOWN, { https: NO_LISTING }),
  "list.silent": row("list: no answer", DOWN, { https: NO_LISTING }),
  "list.denied": row("list: 403, never an empty listing", DENIED, { https: NO_LISTING }),
  "list.redirect": row("list: a redirect to another origin; it sees no credential", DOWN, {
    s3: { is: "ERR_STORE_URL", because: "how S3 says that the bucket is in another region" },
    https: NO_LISTING,
  }),
  "list.garbage": row("list: a success that is no listing (nothing, a sign-in page, other JSON, half a page)", DOWN, {
    https: NO_LISTING,
  }),
  "list.endless": row("list: a page without end; it is left after a bounded number of bytes", DOWN, {
    azure: { not: "a gap: the SDK reads a page whole, bounded only by the time of a call" },
    https: NO_LISTING,
  }),
  "list.no-token": row("list: there is more, and not where", DOWN, {
    azure: { not: "an empty marker is the end" },
    rt: NO_PAGES,
    https: NO_LISTING,
  }),
  "list.same-token": row("list: each page names the same next one", DOWN, { rt: NO_PAGES, https: NO_LISTING }),
  "list.same-page": row("list: the same page again under ever new tokens", DOWN, { rt: NO_PAGES, https: NO_LISTING }),
  "list.empty-pages": row("list: empty pages under ever new tokens", DOWN, { rt: NO_PAGES, https: NO_LISTING }),
  "list.reordered": row("list: a page in another order", "done", { https: NO_LISTING }),
  "list.foreign-key": row("list: a key from elsewhere", "ERR_STORE_TAMPERED", {
    rt: { is: "done", because: "a folder is listed: what does not begin with the prefix is left out" },
    https: NO_LISTING,
  }),
  "list.no-key": row("list: a name that no key can have; it is never left out", "ERR_STORE_TAMPERED", {
    https: NO_LISTING,
  }),
  "list.folder": row("list: the empty marker of a folder, beside an object; no object itself", "done", {
    https: NO_LISTING,
  }),
  "list.no-size": row("list: an entry without a size", DOWN, { https: NO_LISTING }),
} as const;

const AUTO = { not: "the object is there when its last bytes are" } as const;

const writing = {
  "put.reset": row("put: the connection ends in mid-body, then well", "done", { https: READ_ONLY }),
  "put.lost-reply": row("put: the reply is lost after success", "done", { https: READ_ONLY }),
  "put.lost-reply-empty": row("put of 0 bytes: the reply is lost after success", "done", { https: READ_ONLY }),
  "put.throttled": row("put: 429 with Retry-After, then well", "done", { https: READ_ONLY }),
  "put.busy": row("put: 503 with Retry-After, then well", "done", { https: READ_ONLY }),
  "put.down": row("put: 503 again and again", DOWN, { https: READ_ONLY }),
  "put.silent": row("put: no answer", DOWN, { https: READ_ONLY }),
  "put.denied": row("put: 403", DENIED, { https: READ_ONLY }),
  "put.redirect": row("put: a redirect to another origin; it gets no byte and no credential", DOWN, {
    s3: { is: "ERR_STORE_URL", because: "how S3 says that the bucket is in another region" },
    https: READ_ONLY,
  }),
  "put.lie": row("put: the server says that it stored other bytes; what it holds is read back", "done", {
    https: READ_ONLY,
  }),
  "put.corrupt": row("put: the server stored other bytes, and says so", "ERR_STORE_CONFLICT", { https: READ_ONLY }),
  "part.reset": row("a part: the connection ends in mid-body, then well", "done", { https: READ_ONLY }),
  "part.lost-reply": row("a part: the reply is lost after success", "done", { https: READ_ONLY }),
  "part.busy": row("a part: 503 with Retry-After, then well", "done", { https: READ_ONLY }),
  "part.down": row("a part: 503 again and again", DOWN, { https: READ_ONLY }),
  "part.expired": row("the credentials expire in mid-upload and are not renewed", DENIED, {
    gs: { not: "a session needs no credentials" },
    rt: { not: "an upload in parts has a token of its own" },
    https: READ_ONLY,
  }),
  "complete.lost-reply": row("the completion: the reply is lost after success", "done", {
    gs: AUTO,
    https: READ_ONLY,
  }),
  "complete.busy": row("the completion: 503 with Retry-After, then well", "done", { gs: AUTO, https: READ_ONLY }),
  "copy.lost-reply": row("copy: the reply is lost after success", "done", { https: READ_ONLY }),
  "copy.busy": row("copy: 503 with Retry-After, then well", "done", { https: READ_ONLY }),
  "copy.denied": row("copy: 403", DENIED, { https: READ_ONLY }),
  "key.forbidden": row("a key that the store cannot hold: refused before anything is sent", "ERR_KEY_INVALID"),
} as const;

export const FAULTS = { ...reading, ...listing, ...writing } as const satisfies Readonly<Record<string, FaultRow>>;
export type FaultId = keyof typeof FAULTS;

/** undefined: it cannot happen there. */
export function expectedOf(id: FaultId, store: WireStore): Outcome | undefined {
  const cell: Cell = FAULTS[id].outcomes[store];
  if (typeof cell === "string") return cell;
  return "is" in cell ? cell.is : undefined;
}

/** As the suite's tests are called. */
export function testName(id: FaultId): string {
  return `${id}: ${FAULTS[id].fault}`;
}
