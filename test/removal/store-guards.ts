// SPDX-License-Identifier: Apache-2.0
// Guards of the stores, with the edit that removes each and the test that must then fail.
import type { Edit } from "./guard.ts";

export interface StoreGuard {
  readonly id: string;
  /** Below packages/storage-adapters/src. */
  readonly suite: string;
  /** The beginning of the test's name. */
  readonly test: string;
  readonly edit: Edit;
}

const A = "storage-adapters/src/";

function guard(id: string, shown: readonly [suite: string, test: string], edit: readonly [string, string, string]) {
  const [suite, test] = shown;
  const [file, find, replace] = edit;
  return { id, suite, test, edit: { file: A + file, find, replace } } as const satisfies StoreGuard;
}

export const STORE_GUARDS: readonly StoreGuard[] = [
  guard(
    "s3: what is no listing is no empty listing",
    ["s3/faults.test.ts", "list.garbage"],
    ["s3/adapter.ts", "if (page.IsTruncated === undefined) {", "if (Math.random() > 1) {"],
  ),
  guard(
    "gs: what is no listing is no empty listing",
    ["gcs/faults.test.ts", "list.garbage"],
    ["gcs/object.ts", `|| value["kind"] !== "storage#objects"`, ""],
  ),
  guard(
    "azure: what is no listing is no empty listing",
    ["azure/faults.test.ts", "list.garbage"],
    ["azure/adapter.ts", "throw error instanceof TypeError ? noListing(prefix) : error;", "throw error;"],
  ),
  guard(
    "a page that comes again",
    ["s3/faults.test.ts", "list.same-page"],
    ["transfer/pages.ts", "beginnings.has(beginning)", "beginnings.has(`${beginning}/`)"],
  ),
  guard(
    "a token that comes again",
    ["s3/faults.test.ts", "list.same-token"],
    ["transfer/pages.ts", "if (tokens.has(token))", "if (tokens.has(`${token}/`))"],
  ),
  guard(
    "more, and not where",
    ["s3/faults.test.ts", "list.no-token"],
    ["transfer/pages.ts", `if (token === "") throw`, `if (token === "/") throw`],
  ),
  guard(
    "empty pages without end",
    ["s3/faults.test.ts", "list.empty-pages"],
    ["transfer/pages.ts", "if (empty >= EMPTY_PAGES)", "if (empty >= EMPTY_PAGES * 1000)"],
  ),
  guard(
    "a key from elsewhere",
    ["s3/faults.test.ts", "list.foreign-key"],
    ["transfer/store.ts", "if (!object.key.startsWith(prefix)) {", "if (object.key === prefix) {"],
  ),
  guard(
    "azure: an entry without a size is not left out",
    ["azure/faults.test.ts", "list.no-size"],
    [
      "azure/adapter.ts",
      "const size = properties.contentLength; if (size === undefined) {",
      "const size = properties.contentLength; if (size === undefined) continue; if (size < 0) {",
    ],
  ),
  guard(
    "s3: a page without end",
    ["s3/faults.test.ts", "list.endless"],
    ["s3/handler.ts", "if (size > REPLY_BYTES) {", "if (size < 0) {"],
  ),
  guard(
    "s3: a missing bucket is no missing key",
    ["s3/faults.test.ts", "head.no-bucket"],
    ["s3/adapter.ts", `if (error instanceof AdapterError && error.kind === "NotFound") await bucketExists(ctx);`, ""],
  ),
  guard(
    "rt: a missing repository is no missing item",
    ["artifactory/faults.test.ts", "head.no-bucket"],
    [
      "artifactory/head.ts",
      `if (error instanceof AdapterError && error.kind === "NotFound") await requireRepository(client, ctx);`,
      "",
    ],
  ),
  guard(
    "gs: a proxy's 404 is no absence",
    ["gcs/faults.test.ts", "head.foreign-404"],
    ["gcs/errors.ts", `if (status === 404 && has(["notFound"]))`, "if (status === 404)"],
  ),
  guard(
    "s3: 403 is no absence",
    ["s3/faults.test.ts", "head.denied"],
    [
      "s3/errors.ts",
      `if (status === 401 || status === 403) return "Denied";`,
      `if (status === 403) return "NotFound";`,
    ],
  ),
  guard(
    "s3: what the server says that it stored",
    ["s3/faults.test.ts", "put.corrupt"],
    ["s3/request.ts", "if (found === sha256) return true;", "if (sha256 !== found || found) return true;"],
  ),
  guard(
    "gs: what the server says that it stored",
    ["gcs/faults.test.ts", "put.corrupt"],
    ["gcs/whole.ts", "requireStored(stored, { key: request.key, md5 });", ""],
  ),
  guard(
    "azure: what the server says that it stored",
    ["azure/faults.test.ts", "put.corrupt"],
    [
      "azure/adapter.ts",
      "if (stored !== undefined && !md5.equals(stored)) {",
      "if (stored !== undefined && md5.length === 0) {",
    ],
  ),
  guard(
    "bytes beyond the pin",
    ["https/faults.test.ts", "get.long"],
    ["transfer/download.ts", "if (done > length) break;", ""],
  ),
  guard(
    "https: Retry-After of a HEAD",
    ["https/faults.test.ts", "head.throttled"],
    ["https/adapter.ts", "if (isGone(reply.status) || isLater(reply.status)) throw", "if (isGone(reply.status)) throw"],
  ),
  guard(
    "an upload that may not be tidied is gone on with",
    ["s3/faults.test.ts", "part.expired"],
    ["transfer/leftovers.ts", `if (!isAdapterError(error, "NotFound", "UploadGone")) {`, "if (error === undefined) {"],
  ),
  guard(
    "s3: expired credentials are renewed",
    ["s3/expiry.test.ts", "are renewed"],
    ["s3/client.ts", `if (identity.isRenewable && codeOf(error) === "ExpiredToken") await renew(client, ctx);`, ""],
  ),
  guard(
    "an object beyond the store's limit",
    ["transfer/plan.test.ts", "has parts within each store's limits"],
    ["transfer/plan.ts", "if (maxBytes === undefined || size <= maxBytes) return;", "if (maxBytes !== size) return;"],
  ),
  guard(
    "another's bytes are never taken for ours",
    ["s3/faults.test.ts", "put.corrupt"],
    [
      "transfer/upload.ts",
      "if (object.size !== expected.size || sha256 !== expected.sha256) throw conflict",
      "if (object.size < 0) throw conflict",
    ],
  ),
  guard(
    "s3: a part of other bytes is not gone on with",
    ["transfer/ahead.test.ts", "of other bytes that begin alike"],
    ["s3/multipart.ts", "ChecksumSHA256 === base64(sha256) &&", ""],
  ),
  guard(
    "azure: a block of another name is not gone on with",
    ["azure/adapter.test.ts", "resumes with the blocks that are there"],
    ["azure/blocks.ts", "staged.get(name) === part.range.end - part.range.start ? name : undefined", "name"],
  ),
  guard(
    "parts that are given up for a refusal are removed",
    ["transfer/ahead.test.ts", "given up for a refusal"],
    ["transfer/leftovers.ts", "isPassing(reason) && ", ""],
  ),
  guard(
    "parts that are given up for an outage stay",
    ["transfer/ahead.test.ts", "given up for an outage"],
    ["transfer/leftovers.ts", `code === "ERR_SERVICE_UNAVAILABLE" ||`, ""],
  ),
  guard(
    "parts do not begin where something is",
    ["transfer/ahead.test.ts", "do not begin where something is already"],
    ["transfer/beginning.ts", "if (request.ifAbsent) await refuseTaken(transfer, { request, subject }, ctx);", ""],
  ),
  guard(
    "what is put is no longer given up",
    ["transfer/ahead.test.ts", "are none of an object that is put"],
    ["transfer/parts.ts", "if (isEnded) return;", ""],
  ),
  guard(
    "a file that changes while it is hashed and sent",
    ["s3/contract.test.ts", "of other bytes than were hashed is ERR_FILE_CHANGED"],
    ["transfer/sending.ts", "if (found !== part.sha256) throw", 'if (found === "") throw'],
  ),
  guard(
    "azure: a block is compared with what was hashed, not with what was read",
    ["azure/adapter.test.ts", "sends the md5 that a part was hashed to"],
    ["azure/blocks.ts", "md5: md5 ?? md5Of(bytes)", "md5: md5Of(bytes)"],
  ),
  guard(
    "azure: an endpoint of somebody's own is not believed",
    ["azure/adapter.test.ts", "compares parts itself where the endpoint is not Azure's"],
    ["azure/blocks.ts", "if (await isCustom(container)) requireSha256(bytes, part, key);", ""],
  ),
  guard(
    "an upload is one run's",
    ["transfer/ahead.test.ts", "are one run's alone"],
    ["transfer/journal.ts", "(run === NOBODY || runs?.isRunning(run) !== true)", "true"],
  ),
  guard(
    "an upload of a run that is over is taken once",
    ["transfer/ahead.test.ts", "are taken by one of those that come"],
    ["transfer/journal.ts", "if (await isRenamed(join(directory, entry.name), join(directory, name)))", ""],
  ),
  guard(
    "what is put is what was added",
    ["azure/contract.test.ts", "put with another file's digests"],
    ["transfer/parts.ts", "requireParts(request, { added, digests });", ""],
  ),
  guard(
    "a part that is refused is known before it is put",
    ["transfer/ahead.test.ts", "of which the store refuses the first"],
    ["transfer/parts.ts", "await stoppable(Promise.race([sent, started.taken.promise]), told);", ""],
  ),
];
