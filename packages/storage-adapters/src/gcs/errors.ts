// SPDX-License-Identifier: Apache-2.0
// Google's replies → AdapterErrorKind. A status alone decides little: 412 is "exists" or "wrong checksum", 403 is also
// throttling and retention, 404 may be the bucket's. What is not recognised proves nothing and stays Unavailable.
// Nothing of an SDK's error is kept but status, reasons and scrubbed words: it holds the request and its token.
import { isKitesealError, quote, retryAfterMs } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { AdapterErrorKind } from "../adapter.ts";
import { connectionFailure } from "../connection-failure.ts";
import { isRecord } from "./object.ts";

/** What a reply that is no success says of itself; all of it untrusted. */
export interface Failure {
  readonly status: number;
  readonly reasons: readonly string[];
  readonly message: string;
  readonly retryAfter: string | undefined;
  /** Of a request that writes nothing: nothing keeps anybody from it but rights. */
  readonly isRead?: boolean;
}

const THROTTLING = ["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"];
const PROTECTED = ["retentionPolicyNotMet", "objectUnderActiveHold", "retentionPolicyNotMetForObject"];
const MAX_WAIT_MS = 3_600_000;

/** `what`: gerund and object, as in `writing "a/b"`. */
export function failureError(failure: Failure, what: string, now: Date): AdapterError {
  const kind = kindOf(failure);
  const reason = failure.reasons.find((r) => /^[A-Za-z]{1,60}$/.test(r));
  const said = failure.message === "" ? "" : `: ${quote(scrubbed(failure.message))}`;
  return new AdapterError(kind, `${what} failed: ${failure.status}${reason === undefined ? "" : ` ${reason}`}${said}`, {
    hint: hintOf(kind, failure),
    afterMs: boundedWaitMs(failure.retryAfter, now),
  });
}

function kindOf({ status, reasons, message, isRead = false }: Failure): AdapterErrorKind {
  const has = (known: readonly string[]): boolean => reasons.some((reason) => known.includes(reason));
  const checksum = /md5|crc32c|checksum|hash/i.test(message);
  if (status === 412) return preconditionKind(has(["conditionNotMet"]), checksum, message);
  if (status === 400 && checksum) return "ChecksumRejected";
  if (status === 429 || has(THROTTLING)) return "Throttled";
  if (status === 401) return "Denied";
  if (status === 403) return has(PROTECTED) && !isRead ? "Immutable" : "Denied";
  // A page of a proxy is a 404, too: only the service's own words prove that the object is not there.
  if (status === 404 && has(["notFound"])) return /bucket does not exist/i.test(message) ? "Unsupported" : "NotFound";
  if (status === 408 || status >= 500) return "Transient";
  return "Unavailable";
}

function preconditionKind(conditionNotMet: boolean, checksum: boolean, message: string): AdapterErrorKind {
  if (checksum && !conditionNotMet) return "ChecksumRejected";
  return conditionNotMet || /pre-?condition/i.test(message) ? "AlreadyExists" : "Unavailable";
}

function hintOf(kind: AdapterErrorKind, { status, message }: Failure): string | undefined {
  if (status === 401) return "the credentials are missing, wrong or expired; doctor --store shows which ones are used";
  if (kind === "Denied") return "give this identity the permission on the bucket; doctor --store lists what it may do";
  if (kind === "Unsupported" && /bucket does not exist/i.test(message)) return "create the bucket, or correct its name";
  if (kind === "Immutable") return "a retention policy or a hold keeps the object; publish to another key";
  return undefined;
}

/** Long runs of token characters (bearer tokens, session ids) never reach a message. */
function scrubbed(message: string): string {
  return message.replaceAll(/\s+/g, " ").replaceAll(/[\w+/=~-]{24,}/g, "[redacted]");
}

/** Retry-After, bounded. */
export function boundedWaitMs(value: string | undefined, now: Date): number | undefined {
  const ms = retryAfterMs(value, now);
  return ms === undefined ? undefined : Math.min(MAX_WAIT_MS, ms);
}

/** The error of a reply whose body is `text`: the JSON API's errors[], or words. */
export function replyFailure(status: number, text: string, retryAfter: string | undefined): Failure {
  const error = innerError(text);
  if (error === undefined) return { status, reasons: [], message: text.startsWith("<") ? "" : text, retryAfter };
  return { status, ...error, retryAfter };
}

function innerError(text: string): { reasons: readonly string[]; message: string } | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const error = isRecord(parsed) ? parsed["error"] : undefined;
  if (!isRecord(error)) return undefined;
  const message = typeof error["message"] === "string" ? error["message"] : "";
  return { reasons: reasonsOf(error["errors"]), message };
}

function reasonsOf(errors: unknown): string[] {
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((item: unknown) => {
    const reason = isRecord(item) ? item["reason"] : undefined;
    return typeof reason === "string" ? [reason] : [];
  });
}

/** An error thrown by the SDK, which is never passed on itself. */
export function sdkError(error: unknown, what: string, ctx: Context): unknown {
  if (error instanceof AdapterError || isKitesealError(error)) return error;
  if (ctx.signal?.aborted === true) return ctx.signal.reason;
  if (!isRecord(error)) return error;
  const code = error["code"];
  if (typeof code === "number") {
    const failure = {
      status: code,
      reasons: reasonsOf(error["errors"]),
      message: error instanceof Error ? error.message : "",
      retryAfter: headerOf(error["response"], "retry-after"),
    };
    return failureError(failure, what, ctx.now());
  }
  return networkError(error, what);
}

function headerOf(response: unknown, name: string): string | undefined {
  const headers = isRecord(response) ? response["headers"] : undefined;
  const value = headers instanceof Headers ? headers.get(name) : isRecord(headers) ? headers[name] : undefined;
  return typeof value === "string" ? value : undefined;
}

/** A connection that failed: what was asked may have happened. A programming error stays what it is. */
export function networkError(error: unknown, what: string): unknown {
  if (!(error instanceof Error)) return error;
  const failure = connectionFailure(error);
  if (failure !== undefined) {
    return new AdapterError(failure.kind, `${what} failed: ${failure.code}`, { hint: failure.hint });
  }
  const isNetwork = error.name === "FetchError" || error.name === "GaxiosError" || error instanceof SyntaxError;
  return isNetwork ? new AdapterError("Transient", `${what} failed: ${error.name}`) : error;
}
