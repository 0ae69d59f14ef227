// SPDX-License-Identifier: Apache-2.0
// A complete Sigstore and Buildkite on loopback, for trying Kiteseal and for testing it. Nothing here is trusted by
// anyone who was not handed this sandbox's trusted root.
export { type Sandbox, type SandboxOptions, startSandbox, type Stats, type TokenOverrides } from "./sandbox.ts";
export type { Annotation } from "./agent/annotations.ts";
export type { Fault, FaultControl } from "./faults.ts";
export type { Job, Trigger } from "./job.ts";
export type { Claims, TokenSignature } from "./oidc.ts";
export type { ServiceUrl, SigningConfig, TrustedAuthority, TrustedLog, TrustedRoot } from "./trust.ts";

// For tests that forge: builders that check nothing.
export type { Authorities } from "./authorities.ts";
export {
  type CertificateAuthority,
  type Issuer,
  issueLeaf,
  type LeafOptions,
  SANDBOX_NAME,
} from "./certificate-authority.ts";
export { type CtLog, createCtLog } from "./ct-log.ts";
export { certificateIdentity, type FulcioRelease, type LeafOverrides } from "./fulcio.ts";
export {
  type EntryFile,
  type LogEntry,
  type LogIdentity,
  memoryFile,
  type TransparencyLog,
  type TransparencyLogEntry,
} from "./log.ts";
export { type Checkpoint, checkpointText, noteKeyId, type NoteSigner, signNote } from "./note.ts";
export { RekorV1 } from "./rekor-v1.ts";
export { acceptProposal } from "./rekor-v1-proposal.ts";
export { type HashedRecord, hashedRecordBody, RekorV2 } from "./rekor-v2.ts";
export { generateKey } from "./state.ts";
export { stamp, type StampContent, stampData, type TimestampAuthority, timestampCertificate } from "./timestamp.ts";
export {
  type CertificateFields,
  type DistinguishedName,
  type Extension,
  OID,
  pemOf,
  signCertificate,
  spkiOf,
} from "./x509.ts";
