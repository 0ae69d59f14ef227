// SPDX-License-Identifier: Apache-2.0
// Entry `@kiteseal/core`: verification, policy, trust, inspection, errors. Loads nothing that signs or stores, no SDK,
// no zod and no yaml until a policy file is parsed.
export { LIMITS } from "./limits.ts";
export { errorEntry, ERRORS, isErrorCode, isKitesealError, KitesealError, quote } from "./errors.ts";
export type { ErrorCode, ErrorEntry, ErrorKind, ErrorOptions } from "./errors.ts";
export type { Context, Progress } from "./context.ts";
export type {
  Artifact,
  ByteRange,
  DigestPlan,
  HashAlgorithm,
  Origin,
  PartDigests,
  Source,
  SourceDigests,
  Unhashed,
} from "./artifact/source.ts";
export { artifactBeside, ATTESTATIONS_FOLDER, SIDECAR_SUFFIX } from "./artifact/attestation-names.ts";
export { digestFile, digestStream, isSha256Hex, sha256Hex, SHA256_PLAN } from "./artifact/digest.ts";
export type { FilePlan, PlanOfFile } from "./artifact/digest.ts";
export { collectArtifacts } from "./artifact/collect.ts";
export type { CollectedFile, Collection, CollectOptions } from "./artifact/collect.ts";
export { rehashPlan, withDigests } from "./artifact/rehash.ts";
export { checkedName, sortByName, subjectName } from "./artifact/names.ts";
export { failureName, readSmallFile } from "./artifact/small-file.ts";
export { parseChecksums } from "./artifact/checksums.ts";
export type { ChecksumEntry } from "./artifact/checksums.ts";
export { loadTrust } from "./sigstore/trust.ts";
export type { Trust, TrustSource } from "./sigstore/trust.ts";
export { isKeyIdentity, signerText } from "./sigstore/certificate.ts";
export type { ExtensionName, KeyIdentity, Signer, SignerIdentity } from "./sigstore/certificate.ts";
export type { BuildFacts, FactName, Ref, Runner, Trigger } from "./buildkite/facts.ts";
export { askedKinds, inlineCompute, STATEMENTS_ONLY } from "./compute.ts";
export type { AskedKinds, Compute } from "./compute.ts";
export { flagPolicy } from "./policy/compile.ts";
export type { CompileContext, RuleInput, ValueInput } from "./policy/compile.ts";
export { parsePolicy } from "./policy/schema.ts";
export type { ParsePolicyOptions } from "./policy/schema.ts";
export type {
  BuildkiteExpectation,
  CertificateExpectation,
  Given,
  Policy,
  PolicyException,
  RefPattern,
  Rule,
  SignerExpectation,
} from "./policy/rule.ts";
export { suggestPolicy } from "./policy/suggest.ts";
export type { SuggestOptions } from "./policy/suggest.ts";
export { pooledCompute } from "./pool.ts";
export type { PoolOptions } from "./pool.ts";
export { isVerified } from "./policy/verdict.ts";
export type {
  AttestationReport,
  Evidence,
  PlaceReport,
  UnverifiedArtifact,
  Verdict,
  VerifiedArtifact,
} from "./policy/verdict.ts";
export { AUTHENTICATE_CHECKS, DECIDE_CHECKS, RULE_CHECKS } from "./verification/check.ts";
export type { Check, CheckId, CheckStatus } from "./verification/check.ts";
export type { VerifiedTime } from "./verification/time.ts";
export { VerificationError, verify, verifyAll } from "./operations/verify.ts";
export type { VerifyRequest } from "./store/judge.ts";
export { inspectBundle } from "./operations/inspect.ts";
export type { Inspection } from "./operations/inspect.ts";
export { createLookup } from "./store/lookup.ts";
export type { ArtifactPlace, Lookup, LookupOptions } from "./store/lookup.ts";
export type { BundleHandle } from "./store/attestations.ts";
export { decodePins } from "./store/pins.ts";
export type { PinnedArtifact, PinsFile } from "./store/pins.ts";
export { bundleHandles } from "./store/bundle-file.ts";
export { createRedactor } from "./buildkite/redactor.ts";
export { MIN_SECRET_BYTES } from "./buildkite/redactor.ts";
export type { Redactor, Secret } from "./buildkite/redactor.ts";
export { readSecrets } from "./buildkite/secrets.ts";
export type { Secrets } from "./buildkite/secrets.ts";
