// SPDX-License-Identifier: Apache-2.0
// in-toto Statement v1 and its predicates: types, strict decoders, deterministic encoder. The JSON reader and the
// decoders it is made of are the entry `@kiteseal/in-toto-attestation/json`.
export { DecodeError } from "./decode.ts";
export { JsonError, parseJson, type JsonErrorReason, type JsonLimits } from "./json.ts";
export {
  ACCEPTED_ALGORITHMS,
  decodeDigestSet,
  isDigest,
  matchDigests,
  MAX_DIGESTS,
  sameArtifact,
  type AcceptedAlgorithm,
  type DigestComparison,
  type DigestSet,
} from "./digest-set.ts";
export { readResourceDescriptor, type ResourceDescriptor } from "./resource-descriptor.ts";
export {
  decodeStatement,
  encodeStatement,
  MAX_SUBJECTS,
  repeatedSubjectName,
  STATEMENT_PAYLOAD_TYPE,
  STATEMENT_TYPE_V01,
  STATEMENT_TYPE_V1,
  type DecodedStatement,
  type DecodeStatementOptions,
  type Statement,
  type Subject,
} from "./statement.ts";
export { unsafeNameReason, type UnsafeNameReason } from "./subject-name.ts";
export { PREDICATE_TYPE_NAMES, PREDICATE_TYPES, predicateTypeFromName } from "./predicate-types.ts";
export {
  decodeSlsaProvenance,
  type BuildDefinition,
  type Builder,
  type BuildMetadata,
  type DecodedSlsaProvenance,
  type RunDetails,
  type SlsaProvenance,
} from "./predicates/slsa-provenance-v1.ts";
export {
  decodeVerificationSummary,
  type DecodedVerificationSummary,
  type InputAttestation,
  type VerificationSummary,
} from "./predicates/vsa-v1.ts";
