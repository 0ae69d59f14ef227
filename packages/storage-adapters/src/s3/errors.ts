// SPDX-License-Identifier: Apache-2.0
// What S3's answers mean. Replies are untrusted and the SDK's errors hold the signed request, so only the code and the
// message are taken out of them. A 403 is never absence; what is not recognised is not guessed at.
import { isKitesealError, quote, retryAfterMs } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { AdapterErrorKind } from "../adapter.ts";
import { connectionFailure } from "../connection-failure.ts";

/** Maps: the server chooses the name that is looked up. */
const KINDS: ReadonlyMap<string, AdapterErrorKind> = new Map([
  ["PreconditionFailed", "PinChanged"],
  ["ConditionalRequestConflict", "Transient"],
  ["OperationAborted", "Transient"],
  ["NoSuchKey", "NotFound"],
  ["NotFound", "NotFound"],
  ["NoSuchVersion", "PinChanged"],
  ["InvalidRange", "PinChanged"],
  ["InvalidBucketName", "Unsupported"],
  ["NoSuchUpload", "UploadGone"],
  ["InvalidPart", "UploadGone"],
  ["InvalidPartOrder", "UploadGone"],
  ["NoSuchBucket", "Unsupported"],
  ["BadDigest", "ChecksumRejected"],
  ["InvalidDigest", "ChecksumRejected"],
  ["XAmzContentChecksumMismatch", "ChecksumRejected"],
  ["XAmzContentSHA256Mismatch", "ChecksumRejected"],
  // The server's clock has been learned from this very answer.
  ["RequestTimeTooSkewed", "Transient"],
  ["RequestTimeout", "Transient"],
  ["IncompleteBody", "Transient"],
  ["ExpiredToken", "Denied"],
  // Some servers say 404 to a key that they do not know.
  ["InvalidAccessKeyId", "Denied"],
  ["SignatureDoesNotMatch", "Denied"],
  ["AccessDenied", "Denied"],
  ["SlowDown", "Throttled"],
  ["PermanentRedirect", "Unsupported"],
  ["TemporaryRedirect", "Unsupported"],
  ["AuthorizationHeaderMalformed", "Unsupported"],
  ["IllegalLocationConstraintException", "Unsupported"],
  ["NotImplemented", "Unsupported"],
  ["KeyTooLongError", "KeyRejected"],
  ["QuotaExceeded", "Unavailable"],
  ["CredentialsProviderError", "Denied"],
  ["TimeoutError", "Transient"],
]);

const HINTS: ReadonlyMap<string, string> = new Map([
  ["NoSuchBucket", "create the bucket, or correct its name"],
  ["RequestTimeTooSkewed", "this machine's clock and the server's differ: set this machine's clock"],
  ["ExpiredToken", "the credentials have expired: let the job have new ones"],
  ["CredentialsProviderError", "let the job assume a role (AWS_ROLE_ARN), or give it credentials"],
  ["PermanentRedirect", "the bucket is in another region: set BUILDKITE_S3_DEFAULT_REGION"],
  ["AuthorizationHeaderMalformed", "the bucket is in another region: set BUILDKITE_S3_DEFAULT_REGION"],
]);

const DENIED_HINT = "kiteseal doctor --store URL shows which identity is used and what it may do";

/** What failed, as in "writing", and the key or bucket it was about. */
export interface Operation {
  readonly doing: string;
  readonly subject: string;
}

/** What an adapter method throws for `error`; anything that no server and no network said stays as it is. */
export function s3Error(error: unknown, operation: Operation, ctx: Context): unknown {
  if (ctx.signal?.aborted === true) return ctx.signal.reason;
  if (error instanceof AdapterError || isKitesealError(error) || !(error instanceof Error)) return error;
  const status = statusOf(error);
  const failure = connectionFailure(error);
  if (status === undefined && failure === undefined && !KINDS.has(error.name)) return error;
  const kind = status === undefined && failure !== undefined ? failure.kind : kindOf(error.name, status);
  const said = error.message === "" || error.message === "UnknownError" ? "" : `: ${quote(cleaned(error.message))}`;
  const code = failure?.code ?? (status === undefined ? error.name : `${status} ${error.name}`);
  return new AdapterError(kind, `${operation.doing} ${quote(operation.subject)} failed (${code})${said}`, {
    hint: HINTS.get(error.name) ?? failure?.hint ?? (kind === "Denied" ? DENIED_HINT : undefined),
    afterMs: askedWaitMs(error, ctx),
  });
}

function kindOf(name: string, status: number | undefined): AdapterErrorKind {
  const named = KINDS.get(name);
  if (named !== undefined) return named;
  if (status === undefined) return "Transient";
  if (status === 401 || status === 403) return "Denied";
  if (status === 404) return "NotFound";
  if (status === 412) return "PinChanged";
  if (status === 429 || status === 503) return "Throttled";
  if (status === 408 || status >= 500 || status === 200) return "Transient";
  return status >= 300 && status < 400 ? "Unsupported" : "Unavailable";
}

/** The code of a failed reply, as "NoSuchKey"; "" if it was none. */
export function codeOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

/** The reply's status; undefined if there was no reply. */
export function statusOf(error: unknown): number | undefined {
  const metadata = property(error, "$metadata");
  const status = property(metadata, "httpStatusCode");
  return typeof status === "number" ? status : undefined;
}

/** Of the raw reply that the SDK keeps. */
function askedWaitMs(error: Error, ctx: Context): number | undefined {
  const header = property(property(property(error, "$response"), "headers"), "retry-after");
  return typeof header === "string" ? retryAfterMs(header, ctx.now()) : undefined;
}

function property(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const descriptor: unknown = Reflect.get(value, name);
  return descriptor;
}

/** Servers quote requests: nothing that looks like a token or a signature is repeated. */
function cleaned(text: string): string {
  return text.replaceAll(/eyJ[\w-]{6,}(?:\.[\w-]*)*/g, "[redacted]").replaceAll(/[\w+/=-]{40,}/g, "[redacted]");
}
