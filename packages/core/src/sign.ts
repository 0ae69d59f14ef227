// SPDX-License-Identifier: Apache-2.0
// Entry `@kiteseal/core/sign`: from a Buildkite job to signed, stored attestations.
export { attest, storeAttestation } from "./operations/attest.ts";
export type { Attestation, AttestRequest, AttestResult, AttestSubject } from "./operations/attest.ts";
export { publish } from "./operations/publish.ts";
export type { Publication, PublishedArtifact, PublishRequest } from "./operations/publish.ts";
export { signStatement } from "./operations/sign-statement.ts";
export type { SignStatementRequest, StatementBundle } from "./operations/sign-statement.ts";
export { readJob } from "./buildkite/job.ts";
export type { Job, JobFacts, PluginReference } from "./buildkite/job.ts";
export { readClaims } from "./buildkite/claims.ts";
export type { UnverifiedClaims } from "./buildkite/claims.ts";
export { createTokenSource } from "./buildkite/token-source.ts";
export type { TokenSource, TokenSourceOptions } from "./buildkite/token-source.ts";
export { getAgentSecret } from "./buildkite/agent-secret.ts";
export type { SecretRequest } from "./buildkite/agent-secret.ts";
export { decodeSigningConfig } from "./sigstore/signing-config.ts";
export type { SigningConfig } from "./sigstore/signing-config.ts";
export { selectServices } from "./signing/services.ts";
export type { SigningServices, TransparencyConsent } from "./signing/services.ts";
export { createSigningIdentity } from "./signing/signer.ts";
export type { SigningIdentity } from "./signing/signer.ts";
export { readFileDependencies } from "./provenance/lock-files.ts";
export { readCheckoutCommit } from "./provenance/source.ts";
export { parseDependency } from "./provenance/dependencies.ts";
export { buildProvenance } from "./provenance/statements.ts";
export { encodePins } from "./store/pins.ts";
