// SPDX-License-Identifier: Apache-2.0
// Failures of Azure Blob Storage → AdapterErrorKind, by error code before status: one status has many meanings here.
// Only BlobNotFound proves absence; a 404 of any other code (a private container asked anonymously, a proxy) proves
// nothing. An SDK error holds the request with its signature, so none of it is kept but code and status.
import { RestError } from "@azure/storage-blob";
import { isKitesealError, quote, retryAfterMs } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { AdapterErrorKind } from "../adapter.ts";

const KINDS: ReadonlyMap<string, AdapterErrorKind> = new Map([
  ["BlobNotFound", "NotFound"],
  ["ContainerNotFound", "Unsupported"],
  ["BlobAlreadyExists", "AlreadyExists"],
  ["UnauthorizedBlobOverwrite", "AlreadyExists"],
  ["TargetConditionNotMet", "AlreadyExists"],
  ["SourceConditionNotMet", "PinChanged"],
  ["InvalidRange", "PinChanged"],
  ["Md5Mismatch", "ChecksumRejected"],
  ["Crc64Mismatch", "ChecksumRejected"],
  ["InvalidBlockList", "UploadGone"],
  ["InvalidResourceName", "KeyRejected"],
  ["OutOfRangeInput", "KeyRejected"],
  ["ServerBusy", "Throttled"],
  ["OperationTimedOut", "Transient"],
  ["InternalError", "Transient"],
  ["IncompleteBody", "Transient"],
  ["PublicAccessNotPermitted", "Denied"],
  ["InvalidAuthenticationInfo", "Denied"],
]);

const HINTS: ReadonlyMap<string, string> = new Map([
  ["ContainerNotFound", "make the container first, or correct its name"],
  ["BlobArchived", "bring the blob back from the archive tier first"],
  ["InvalidBlobOrBlock", "another program left unfinished blocks under this name: delete them, or publish elsewhere"],
  ["InvalidAuthenticationInfo", "compare this machine's clock, the account's name and its key"],
  ["AuthenticationFailed", "compare this machine's clock, the account's name and its key"],
  [
    "AuthorizationPermissionMismatch",
    "give this identity a data role on the container: Storage Blob Data Contributor to publish, Reader to verify",
  ],
  ["AuthorizationFailure", "the account's network rules or its roles refuse this machine"],
  ["LeaseIdMissing", "somebody holds a lease on the blob"],
]);

export interface AzureOperation {
  /** A gerund. */
  readonly action: string;
  readonly subject: string;
  /** What a failed condition of this request means. */
  readonly condition?: "AlreadyExists" | "PinChanged";
  readonly now: Date;
}

/** `error` as AdapterError; KitesealErrors and what is no failure of the store as they are. */
export function azureError(error: unknown, operation: AzureOperation): unknown {
  if (error instanceof AdapterError || isKitesealError(error)) return error;
  const told = `${operation.action} ${quote(operation.subject)} failed`;
  if (error instanceof RestError) return restError(error, told, operation);
  const name = error instanceof Error ? error.name : "";
  if (name === "AbortError") return new AdapterError("Transient", `${told}: no answer in time`);
  if (isCredentialError(name)) {
    return new AdapterError("Denied", `${told}: no token from Microsoft Entra ID (${name})`, {
      hint: "set AZURE_TENANT_ID and AZURE_CLIENT_ID of an application that trusts this pipeline, or BUILDKITE_AZURE_BLOB_CONNECTION_STRING",
    });
  }
  return error;
}

/** A failure while the body of a reply was read: whatever it is called, the rest did not come. */
export function azureStreamError(error: unknown, operation: AzureOperation): unknown {
  const known = azureError(error, operation);
  if (known instanceof AdapterError || isKitesealError(known)) return known;
  return new AdapterError("Transient", `${operation.action} ${quote(operation.subject)} failed: the reply ended early`);
}

/** The store's code for `error`, or the system's, or "". */
function azureCode(error: unknown): string {
  if (!(error instanceof RestError)) return "";
  const code = error.response?.headers.get("x-ms-error-code") ?? error.code ?? "";
  return /^[A-Za-z0-9_]{1,64}$/.test(code) ? code : "";
}

function restError(error: RestError, told: string, operation: AzureOperation): AdapterError {
  const code = azureCode(error);
  const status = error.statusCode;
  const kind = kindOf(code, status, operation);
  const request = error.response?.headers.get("x-ms-request-id");
  const answer = [status, code, request === undefined ? "" : `request ${quote(request)}`].filter(
    (part) => part !== "" && part !== undefined,
  );
  return new AdapterError(kind, `${told}: ${answer.join(" ") || "no answer"}`, {
    hint: HINTS.get(code),
    afterMs: retryAfterMs(error.response?.headers.get("retry-after"), operation.now),
  });
}

function kindOf(code: string, status: number | undefined, operation: AzureOperation): AdapterErrorKind {
  if (code === "ConditionNotMet") return operation.condition ?? "Unavailable";
  if (code.startsWith("BlobImmutable")) return "Immutable";
  const known = KINDS.get(code);
  if (known !== undefined) return known;
  if (status === undefined) return /CERT|SIGNED|UNABLE_TO_VERIFY/.test(code) ? "Unavailable" : "Transient";
  if (status === 401 || status === 403) return "Denied";
  if (status === 429) return "Throttled";
  if (status === 408 || status >= 500) return "Transient";
  // Without a code it is not the service that refuses the condition by another rule (a lease).
  if (status === 412 && code === "") return operation.condition ?? "Unavailable";
  return "Unavailable";
}

function isCredentialError(name: string): boolean {
  return /^(?:CredentialUnavailable|Authentication|AggregateAuthentication|AuthenticationRequired)Error$/.test(name);
}
