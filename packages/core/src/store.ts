// SPDX-License-Identifier: Apache-2.0
// Entry `@kiteseal/core/store`: what a storage adapter needs of core, and nothing that verifies or signs.
export { LIMITS } from "./limits.ts";
export { ERRORS, KitesealError, isKitesealError, quote } from "./errors.ts";
export type { ErrorCode, ErrorKind, ErrorOptions } from "./errors.ts";
export type { Context, Progress } from "./context.ts";
export type {
  ByteRange,
  DigestPlan,
  HashAlgorithm,
  PartDigests,
  Pin,
  Source,
  SourceDigests,
  Unhashed,
} from "./artifact/source.ts";
export { ATTESTATIONS_FOLDER } from "./artifact/attestation-names.ts";
export { digestStream } from "./artifact/digest.ts";
export { readSmallFile } from "./artifact/small-file.ts";
export { parseKey, portableKey, unportableReason } from "./store/keys.ts";
export type { Key } from "./store/keys.ts";
export type {
  Ahead,
  Finding,
  Location,
  PutRequest,
  Repository,
  Store,
  Stored,
  StoredObject,
} from "./store/contract.ts";
export { retry, retryAfterMs } from "./retry.ts";
export type { RetryOptions } from "./retry.ts";
export { request } from "./http.ts";
export type { HttpRequest, HttpResponse } from "./http.ts";
export type { TokenSource } from "./buildkite/token-source.ts";
