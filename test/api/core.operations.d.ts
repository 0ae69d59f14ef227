// @kiteseal/core/operations
// exports
//   FetchRequest
//   FetchTarget
//   Fetched
//   FoundAttestations
//   FoundBundle
//   FoundObject
//   KeptEvidence
//   Promotable
//   PromoteRequest
//   PromotedArtifact
//   Promotion
//   agreeingName
//   encodePins
//   fetchArtifacts
//   findAttestations
//   promote
// from elsewhere
//   DigestSet from "@kiteseal/in-toto-attestation"
//   Statement from "@kiteseal/in-toto-attestation"
//   Subject from "@kiteseal/in-toto-attestation"

// artifact/source.d.ts
export interface Artifact {
  readonly name?: string;
  readonly digest: DigestSet;
  readonly size?: number;
  readonly origin: Origin;
}
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}
export interface DigestPlan {
  readonly algorithms: readonly HashAlgorithm[];
  readonly partSize?: number;
  readonly partMd5?: boolean;
}
export interface PartDigests {
  readonly sha256: string;
  readonly md5?: string;
}
export interface Source {
  readonly size: number;
  readonly digests: SourceDigests;
  open(range?: ByteRange): AsyncIterable<Uint8Array>;
}
export interface SourceDigests {
  readonly sha256: string;
  readonly sha384?: string;
  readonly sha512?: string;
  readonly sha1?: string;
  readonly md5?: string;
  readonly parts?: {
    readonly size: number;
    readonly sha256: readonly string[];
    readonly md5?: readonly string[];
  };
}
export type HashAlgorithm = "sha256" | "sha384" | "sha512" | "sha1" | "md5";
export type Origin = {
  readonly kind: "file";
  readonly path: string;
} | {
  readonly kind: "stored";
  readonly url: string;
  readonly pin: Pin;
} | {
  readonly kind: "digest";
};
export type Pin = string;
export type Unhashed = Omit<Source, "digests">;

// buildkite/certificate-facts.d.ts
export interface CertificateFacts {
  readonly facts: BuildFacts;
  readonly commitText?: string;
  readonly subjectKind: TokenSubject["kind"] | "absent";
  readonly customSubject?: string;
  readonly contradictions: readonly FactDifference[];
  readonly problems: readonly string[];
}

// buildkite/facts.d.ts
export declare const RUNNERS: readonly ["buildkite-hosted", "self-hosted"];
export declare const TRIGGERS: readonly ["ui", "api", "webhook", "trigger_job", "schedule"];
export interface BuildFacts {
  readonly organization?: string;
  readonly pipeline?: string;
  readonly buildNumber?: number;
  readonly jobId?: string;
  readonly commit?: string;
  readonly ref?: Ref;
  readonly step?: string;
  readonly trigger?: Trigger;
  readonly runner?: Runner;
  readonly organizationId?: string;
  readonly pipelineId?: string;
}
export interface FactDifference {
  readonly fact: FactName;
  readonly expected: string;
  readonly found: string | undefined;
}
export interface Ref {
  readonly kind: "branch" | "tag";
  readonly name: string;
}
export type FactName = keyof BuildFacts;
export type Runner = (typeof RUNNERS)[number];
export type Trigger = (typeof TRIGGERS)[number];

// buildkite/token-subject.d.ts
export type TokenSubject = {
  readonly kind: "standard";
  readonly facts: BuildFacts;
  readonly commitText: string;
}
| {
  readonly kind: "custom";
  readonly value: string;
} | {
  readonly kind: "ambiguous";
  readonly reason: string;
};

// compute.d.ts
export interface Compute {
  authenticate(unverifiedBytes: Uint8Array, bundleDigest: string): Promise<Authentication>;
  close(): Promise<void>;
}

// context.d.ts
export interface Context {
  now(): Date;
  readonly signal?: AbortSignal | undefined;
  progress?(progress: Progress): void;
}
export interface Progress {
  readonly stage: "hash" | "sign" | "upload" | "verify" | "fetch";
  readonly subject: string;
  readonly done: number;
  readonly total?: number | undefined;
  readonly unit: "bytes" | "items";
}

// errors.d.ts
export declare class KitesealError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions);
  get kind(): ErrorKind;
}
export declare const ERRORS: {
  readonly ERR_USAGE: {
    readonly kind: "usage";
    readonly means: "the command line asks for something that does not exist or contradicts itself";
  };
  readonly ERR_CONFIG_INVALID: {
    readonly kind: "usage";
    readonly means: "a configuration file or value cannot be used";
  };
  readonly ERR_CONFIG_DECIDES: {
    readonly kind: "usage";
    readonly means: "something that decides a verdict was given by the environment or by a file of the checkout";
  };
  readonly ERR_POLICY_INVALID: {
    readonly kind: "usage";
    readonly means: "the policy cannot be used";
  };
  readonly ERR_TRUST_ROOT_INVALID: {
    readonly kind: "usage";
    readonly means: "the trusted root cannot be used";
  };
  readonly ERR_SIGNING_CONFIG_INVALID: {
    readonly kind: "usage";
    readonly means: "the signing configuration cannot be used";
  };
  readonly ERR_NOT_IN_JOB: {
    readonly kind: "usage";
    readonly means: "not in a Buildkite job: variables that every job has are missing";
  };
  readonly ERR_JOB_CONTRADICTORY: {
    readonly kind: "usage";
    readonly means: "two variables of the job contradict each other";
  };
  readonly ERR_TOKEN_AUDIENCE: {
    readonly kind: "usage";
    readonly means: "the identity token was made for another audience";
  };
  readonly ERR_TOKEN_INVALID: {
    readonly kind: "usage";
    readonly means: "the identity token cannot be parsed";
  };
  readonly ERR_NO_MATCH: {
    readonly kind: "usage";
    readonly means: "nothing matches what was named";
  };
  readonly ERR_DUPLICATE_NAME: {
    readonly kind: "usage";
    readonly means: "two files would have one subject name";
  };
  readonly ERR_NAME_INVALID: {
    readonly kind: "usage";
    readonly means: "a file's name cannot be a subject name or a storage key";
  };
  readonly ERR_IS_DIRECTORY: {
    readonly kind: "usage";
    readonly means: "a directory was given where a file is meant";
  };
  readonly ERR_UNREADABLE: {
    readonly kind: "usage";
    readonly means: "a file cannot be read";
  };
  readonly ERR_KEY_INVALID: {
    readonly kind: "usage";
    readonly means: "a storage key is not one that every store can hold";
  };
  readonly ERR_PLACEHOLDER: {
    readonly kind: "usage";
    readonly means: "a placeholder of a destination is unknown or empty";
  };
  readonly ERR_STORE_URL: {
    readonly kind: "usage";
    readonly means: "the store's address cannot be used";
  };
  readonly ERR_OUTPUT: {
    readonly kind: "usage";
    readonly means: "an output file cannot be written";
  };
  readonly ERR_PREDICATE_INVALID: {
    readonly kind: "usage";
    readonly means: "the predicate given cannot be signed";
  };
  readonly ERR_PUBLIC_LOG_UNCONFIRMED: {
    readonly kind: "usage";
    readonly means: "signing would publish facts for ever and nobody confirmed that";
  };
  readonly ERR_JOB_MISMATCH: {
    readonly kind: "refused";
    readonly means: "the environment disagrees with the job's identity token";
  };
  readonly ERR_JOB_FAILED: {
    readonly kind: "refused";
    readonly means: "the job's command failed: its outputs are not attested";
  };
  readonly ERR_FORK_BUILD: {
    readonly kind: "refused";
    readonly means: "a build of a fork's pull request does not publish";
  };
  readonly ERR_SECRET_FOUND: {
    readonly kind: "refused";
    readonly means: "a secret's value stands in what would be signed";
  };
  readonly ERR_SERVICE_REFUSED: {
    readonly kind: "refused";
    readonly means: "a signing service refused the request; the same request will be refused again";
  };
  readonly ERR_SELF_VERIFICATION: {
    readonly kind: "refused";
    readonly means: "the attestation just made does not verify";
  };
  readonly ERR_STORE_CONFLICT: {
    readonly kind: "refused";
    readonly means: "the destination already holds other bytes";
  };
  readonly ERR_STORE_TAMPERED: {
    readonly kind: "refused";
    readonly check: "bundle";
    readonly means: "the store returned other bytes than its name for them says";
  };
  readonly ERR_PINS_INVALID: {
    readonly kind: "usage";
    readonly means: "the pins file cannot be used";
  };
  readonly ERR_PIN_CHANGED: {
    readonly kind: "refused";
    readonly means: "the object is no longer the one that was pinned";
    readonly next: "the object was replaced after it was pinned: do not release; ask who wrote the store";
  };
  readonly ERR_CHECKSUM_MISMATCH: {
    readonly kind: "refused";
    readonly means: "a file does not have the digest that its checksum file states";
    readonly next: "the file or its checksum file was changed: fetch both again";
  };
  readonly ERR_LIMIT_EXCEEDED: {
    readonly kind: "refused";
    readonly check: "limits";
    readonly means: "a size or a count is over its limit";
    readonly next: "kiteseal writes nothing of this size; ask who did";
  };
  readonly ERR_BUNDLE_INVALID: {
    readonly kind: "refused";
    readonly check: "bundle";
    readonly means: "the bundle is not a well-formed Sigstore bundle";
    readonly next: "fetch the attestation again; if it stays so, publish again";
  };
  readonly ERR_TIME: {
    readonly kind: "refused";
    readonly check: "time";
    readonly means: "no verified time, or one outside a validity period";
    readonly next: "do not release; the signature's time is not to be had from this attestation";
  };
  readonly ERR_CERTIFICATE: {
    readonly kind: "refused";
    readonly check: "certificate";
    readonly means: "the signing certificate is not one the trusted root accepts";
    readonly next: "is this the trusted root of the services that signed? if it is, do not release";
  };
  readonly ERR_SCT: {
    readonly kind: "refused";
    readonly check: "sct";
    readonly means: "the certificate is not in a certificate transparency log of the trusted root";
    readonly next: "is this the trusted root of the services that signed? if it is, do not release";
  };
  readonly ERR_LOG_INCLUSION: {
    readonly kind: "refused";
    readonly check: "log";
    readonly means: "the entry is not proven to be in a log of the trusted root";
    readonly next: "is this the trusted root of the services that signed? if it is, do not release";
  };
  readonly ERR_LOG_MISSING: {
    readonly kind: "refused";
    readonly check: "log";
    readonly means: "the trusted root lists a log and the bundle has no entry of one";
    readonly next: "sign with the log that the trusted root lists, or use the root of the services that signed";
  };
  readonly ERR_LOG_BODY: {
    readonly kind: "refused";
    readonly check: "log";
    readonly means: "the log's entry is about another signature, content or certificate";
    readonly next: "do not release; the attestation was put together from parts or edited";
  };
  readonly ERR_SIGNATURE: {
    readonly kind: "refused";
    readonly check: "signature";
    readonly means: "the signature does not match";
    readonly next: "do not release; the attestation was edited";
  };
  readonly ERR_STATEMENT_INVALID: {
    readonly kind: "refused";
    readonly check: "statement";
    readonly means: "the signed payload is not a well-formed in-toto statement";
    readonly next: "ask who signed it; kiteseal signs no such statement";
  };
  readonly ERR_AGREEMENT: {
    readonly kind: "refused";
    readonly check: "agreement";
    readonly means: "the provenance disagrees with the certificate that signed it";
  };
  readonly ERR_SUBJECT_DIGEST: {
    readonly kind: "refused";
    readonly check: "subject";
    readonly means: "the statement is not about these bytes";
  };
  readonly ERR_SUBJECT_NAME: {
    readonly kind: "refused";
    readonly check: "subject";
    readonly means: "the statement is about these bytes under another name";
  };
  readonly ERR_IDENTITY: {
    readonly kind: "refused";
    readonly check: "identity";
    readonly means: "signed by somebody whom the rule does not allow";
    readonly next: "do not release; ask the builder that is named why these bytes came from there";
  };
  readonly ERR_IDENTITY_UNPROVEN: {
    readonly kind: "refused";
    readonly check: "identity";
    readonly means: "the rule asks for something that the certificate does not prove";
  };
  readonly ERR_PREDICATE_TYPE: {
    readonly kind: "refused";
    readonly check: "predicate";
    readonly means: "the statement is of another predicate type";
    readonly next: "is there another attestation of this artifact? name its type with --type or in the rule";
  };
  readonly ERR_RULE: {
    readonly kind: "refused";
    readonly check: "rule";
    readonly means: "a condition of the rule does not hold";
    readonly next: "do not release, or change the rule if it is the rule that is wrong";
  };
  readonly ERR_RULE_UNPROVEN: {
    readonly kind: "refused";
    readonly check: "rule";
    readonly means: "a condition of the rule is about something that is not stated";
  };
  readonly ERR_SET_INCOMPLETE: {
    readonly kind: "refused";
    readonly check: "subject";
    readonly means: "a subject of the statements was not among the artifacts";
  };
  readonly ERR_EXCEPTED: {
    readonly kind: "refused";
    readonly means: "an exception of the policy lets these bytes pass verification; it is no attestation that could be promoted";
    readonly next: "attest these bytes with an allowed builder, then promote them";
  };
  readonly ERR_NO_RULE: {
    readonly kind: "refused";
    readonly means: "no rule of the policy is about this name";
  };
  readonly ERR_UNATTESTED: {
    readonly kind: "unattested";
    readonly means: "no attestation of these bytes was found";
    readonly next: "these bytes were never attested there, or the attestation is elsewhere (--attestations, --bundle)";
  };
  readonly ERR_TOKEN_EXPIRED: {
    readonly kind: "undetermined";
    readonly means: "the identity token has expired and no other could be had";
  };
  readonly ERR_TOKEN_UNAVAILABLE: {
    readonly kind: "undetermined";
    readonly means: "no identity token could be had";
  };
  readonly ERR_SECRET_UNAVAILABLE: {
    readonly kind: "undetermined";
    readonly means: "the agent did not give a secret that a store's credentials need";
    readonly next: "compare the secret's name and access policy with this job; a retry may help";
  };
  readonly ERR_SERVICE_UNAVAILABLE: {
    readonly kind: "undetermined";
    readonly means: "a service did not answer as it should; a retry may help";
  };
  readonly ERR_STORE_UNAVAILABLE: {
    readonly kind: "undetermined";
    readonly means: "the store did not answer as it should; a retry may help";
    readonly next: "try again; nothing is known of the artifact";
  };
  readonly ERR_STORE_DENIED: {
    readonly kind: "undetermined";
    readonly means: "the store denied access, which says nothing about what it holds";
    readonly next: "let this role read the artifact, and list and read the attestations";
  };
  readonly ERR_FILE_CHANGED: {
    readonly kind: "undetermined";
    readonly means: "a file changed while it was read";
  };
  readonly ERR_BUDGET_SPENT: {
    readonly kind: "undetermined";
    readonly means: "the bounds on time or bytes were reached before an answer";
    readonly next: "remove junk from the store, or name the attestation with --bundle";
  };
  readonly ERR_CANDIDATE_UNREADABLE: {
    readonly kind: "undetermined";
    readonly means: "an attestation is listed but could not be read";
    readonly next: "try again; if it stays so, restore the store's attestations or publish again";
  };
  readonly ERR_INTERRUPTED: {
    readonly kind: "interrupted";
    readonly means: "stopped by a signal";
  };
};
export interface ErrorOptions {
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}
export type ErrorCode = keyof typeof ERRORS;
export type ErrorKind = "usage" | "refused" | "unattested" | "undetermined" | "interrupted";

// operations/fetch.d.ts
export declare function fetchArtifacts(request: FetchRequest, ctx: Context): AsyncGenerator<Fetched>;
export interface FetchRequest extends ReceiveRequest {
  readonly targets: readonly FetchTarget[];
  readonly output: string;
}

// operations/find.d.ts
export declare function findAttestations(artifact: Artifact, lookup: Lookup, ctx: Context): Promise<FoundAttestations>;
export interface FoundAttestations {
  readonly artifact: Artifact;
  readonly outcome: "found" | "unknown" | "none";
  readonly places: readonly PlaceReport[];
  readonly bundles: readonly FoundBundle[];
}
export type FoundBundle = {
  readonly place: string;
  readonly digest?: string;
} & ({
  readonly kind: "readable";
  readonly digest: string;
  readonly claimsTheseBytes: boolean | undefined;
  readonly unverified: Inspection;
} | {
  readonly kind: "unreadable";
  readonly code: ErrorCode;
  readonly message: string;
});

// operations/inspect.d.ts
export interface Inspection {
  readonly bundleDigest: string;
  readonly version: Bundle["version"];
  readonly content: Bundle["content"]["kind"];
  readonly unverifiedSigner?: SignerIdentity;
  readonly unverifiedBuild?: BuildFacts;
  readonly unverifiedValidity?: {
    readonly notBefore: Date;
    readonly notAfter: Date;
  };
  readonly unverifiedStatement?: SignedStatement;
  readonly unverifiedLogEntries: readonly {
    readonly kind: string;
    readonly logIndex: bigint;
    readonly integratedTime?: Date;
  }[];
  readonly timestamps: number;
  readonly problems: readonly string[];
}

// operations/promote.d.ts
export declare function promote(request: PromoteRequest, ctx: Context): Promise<Promotion>;
export interface Promotable extends Omit<Attested, "sha256"> {
  readonly from: ArtifactPlace;
}
export interface PromoteRequest {
  readonly artifacts: readonly Promotable[];
  readonly destination: Repository;
  readonly compute: Compute;
  readonly sidecar: boolean;
  readonly concurrency: number;
}
export interface PromotedArtifact extends PinnedArtifact {
  readonly source: string;
  readonly outcome: Transferred["outcome"];
  readonly verifiedBy: Transferred["verifiedBy"];
  readonly by: Transferred["by"];
}
export interface Promotion {
  readonly artifacts: readonly PromotedArtifact[];
  readonly warnings: readonly string[];
}

// policy/rule.d.ts
export interface AlsoRequired {
  readonly predicateType: string;
  readonly by?: string;
}
export interface BuildkiteExpectation {
  readonly kind: "buildkite";
  readonly organizations: readonly string[];
  readonly pipelines: readonly string[];
  readonly steps?: readonly string[];
  readonly ref: "any" | readonly RefPattern[];
  readonly build?: Given<number>;
  readonly triggers?: readonly Trigger[];
  readonly runners?: readonly Runner[];
  readonly commits?: readonly Given<string>[];
  readonly organizationIds?: readonly string[];
  readonly pipelineIds?: readonly string[];
}
export interface CertificateExpectation {
  readonly kind: "certificate";
  readonly identities: readonly {
    readonly subject: TextExpectation;
    readonly issuer: TextExpectation;
  }[];
}
export interface DependencyConditions {
  readonly plugins?: "pinned";
  readonly images?: "digest";
}
export interface Given<T> {
  readonly value: T;
  readonly env?: string;
  readonly authenticated?: boolean;
}
export interface KeyExpectation {
  readonly kind: "key";
  readonly keys: readonly TrustedKey[];
}
export interface Policy {
  readonly rules: readonly Rule[];
  readonly otherwise?: string;
  readonly exceptions?: readonly PolicyException[];
  readonly digest?: string;
  readonly source: {
    readonly kind: "flags";
  } | {
    readonly kind: "file";
    readonly path: string;
  } | {
    readonly kind: "self";
  };
  readonly warnings: readonly string[];
}
export interface PolicyException {
  readonly sha256: string;
  readonly rule: string;
  readonly reason: string;
  readonly owner: string;
  readonly expires: Date;
}
export interface RefPattern {
  readonly kind: "branch" | "tag";
  readonly pattern: Given<string>;
}
export interface Rule {
  readonly id: string;
  readonly artifacts: readonly string[];
  readonly anyName: boolean;
  readonly predicateType: string;
  readonly content: "statement" | "blob";
  readonly signer: SignerExpectation;
  readonly repositories?: readonly string[];
  readonly maxAgeSeconds?: number;
  readonly logs?: number;
  readonly timestamps?: number;
  readonly alsoRequired?: readonly AlsoRequired[];
  readonly dependencies?: DependencyConditions;
}
export type SignerExpectation = BuildkiteExpectation | CertificateExpectation | KeyExpectation;
export type TextExpectation = {
  readonly equals: string;
} | {
  readonly matches: RegExp;
};

// policy/subject.d.ts
export declare function agreeingName({ name, digest }: Artifact, subjects: readonly Subject[]): string | undefined;

// policy/verdict.d.ts
export declare class VerifiedArtifact implements Evidence {
  #private;
  readonly outcome = "verified";
  readonly artifact: Artifact;
  readonly rule: string;
  readonly checks: readonly Check[];
  readonly attestations: readonly AttestationReport[];
  readonly places: readonly PlaceReport[];
  readonly statement?: Statement;
  readonly signer: Signer;
  readonly build?: BuildFacts;
  readonly times: readonly VerifiedTime[];
  readonly bundleDigest: string;
  readonly restsOn: readonly string[];
  constructor(maker: symbol, evidence: Evidence);
  static isGenuine(value: unknown): value is VerifiedArtifact;
}
export interface AttestationReport {
  readonly place: string;
  readonly bundleDigest?: string;
  readonly outcome: "passed" | "rejected" | "undetermined";
  readonly code?: ErrorCode;
  readonly checks: readonly Check[];
  readonly signer?: Signer;
  readonly build?: BuildFacts;
  readonly times?: readonly VerifiedTime[];
}
export interface Evidence extends Judged {
  readonly rule: string;
  readonly statement?: Statement;
  readonly signer: Signer;
  readonly build?: BuildFacts;
  readonly times: readonly VerifiedTime[];
  readonly bundleDigest: string;
  readonly restsOn: readonly string[];
}
export interface Judged {
  readonly artifact: Artifact;
  readonly rule?: string;
  readonly checks: readonly Check[];
  readonly attestations: readonly AttestationReport[];
  readonly places: readonly PlaceReport[];
}
export interface PlaceReport extends Partial<Unseen> {
  readonly place: string;
  readonly outcome: "found" | "nothing" | "denied" | "unavailable" | "capped";
  readonly count: number;
}
export interface Unseen {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}
export interface UnverifiedArtifact extends Judged {
  readonly outcome: "rejected" | "unattested" | "undetermined" | "excepted";
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly exception?: PolicyException;
}
export type Verdict = VerifiedArtifact | UnverifiedArtifact;

// provenance/facts.d.ts
export interface Dependency {
  readonly name?: string;
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
}
export interface ProvenanceFacts {
  readonly builderId: string;
  readonly facts: BuildFacts;
  readonly commitText?: string;
  readonly repository?: string;
  readonly command?: string;
  readonly dependencies: readonly Dependency[];
  readonly problems: readonly string[];
}

// sigstore/bundle.d.ts
export interface Bundle {
  readonly version: "0.1" | "0.2" | "0.3";
  readonly signer: {
    readonly kind: "certificate";
    readonly chain: readonly Uint8Array[];
  } | {
    readonly kind: "public-key";
    readonly hint: string;
  };
  readonly content: {
    readonly kind: "dsse";
    readonly envelope: DsseEnvelope;
  } | {
    readonly kind: "message";
    readonly message: MessageSignature;
  };
  readonly logEntries: readonly LogEntry[];
  readonly timestamps: readonly Uint8Array[];
}
export interface DsseEnvelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly keyid: string;
}
export interface InclusionProof {
  readonly logIndex: bigint;
  readonly rootHash: Uint8Array;
  readonly treeSize: bigint;
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint?: string;
}
export interface LogEntry {
  readonly logIndex: bigint;
  readonly logId: Uint8Array;
  readonly kind: string;
  readonly version: string;
  readonly integratedTime: bigint;
  readonly inclusionPromise?: Uint8Array;
  readonly inclusionProof?: InclusionProof;
  readonly canonicalizedBody: Uint8Array;
}
export interface MessageSignature {
  readonly algorithm: string;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
}

// sigstore/certificate.d.ts
declare const EXTENSIONS: {
  readonly issuer: 8;
  readonly buildSignerUri: 9;
  readonly buildSignerDigest: 10;
  readonly runnerEnvironment: 11;
  readonly sourceRepositoryUri: 12;
  readonly sourceRepositoryDigest: 13;
  readonly sourceRepositoryRef: 14;
  readonly sourceRepositoryIdentifier: 15;
  readonly sourceRepositoryOwnerUri: 16;
  readonly sourceRepositoryOwnerIdentifier: 17;
  readonly buildConfigUri: 18;
  readonly buildConfigDigest: 19;
  readonly buildTrigger: 20;
  readonly runInvocationUri: 21;
  readonly sourceRepositoryVisibility: 22;
  readonly deploymentEnvironment: 23;
  readonly tokenSubject: 24;
};
export interface KeyIdentity {
  readonly keyDigest: string;
}
export interface SignerIdentity {
  readonly issuer: string;
  readonly subject: string;
  readonly extensions: Partial<Record<ExtensionName, string>>;
}
export type ExtensionName = keyof typeof EXTENSIONS;
export type Signer = SignerIdentity | KeyIdentity;

// sigstore/trusted-key.d.ts
export interface TrustedKey {
  readonly spki: Uint8Array;
  readonly digest: string;
}

// store/attestations.d.ts
export interface BundleHandle {
  readonly place: string;
  readonly digest?: string;
  read(ctx: Context): Promise<Uint8Array>;
}
export interface FindOptions {
  readonly subjectDigest: string;
  readonly signers: readonly string[];
  readonly buildNumber?: number;
  readonly atMost?: number;
}
export interface Found {
  readonly place: string;
  readonly outcome: "found" | "nothing" | "denied" | "unavailable" | "capped";
  readonly handles: readonly BundleHandle[];
  readonly unseen?: Unseen;
}

// store/contract.d.ts
export interface Ahead {
  add(part: PartDigests): void;
  begun(ctx: Context): Promise<void>;
  put(source: Source, ctx: Context): Promise<Stored>;
  abandon(reason: unknown): Promise<void>;
}
export interface Finding {
  readonly id: string;
  readonly severity: "ok" | "advice" | "broken" | "dangerous";
  readonly subject: string;
  readonly message: string;
  readonly remedy?: string;
}
export interface Location {
  readonly store: Store;
  readonly prefix: string;
}
export interface PutRequest {
  readonly source: Source;
  readonly overwrite?: boolean;
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}
export interface Repository {
  readonly artifacts: Location;
  readonly attestations: Location;
}
export interface Store {
  readonly lists?: false;
  url(key: Key): string;
  digestPlan(size: number): DigestPlan;
  prepare(largest: number, ctx: Context): Promise<void>;
  put(key: Key, request: PutRequest, ctx: Context): Promise<Stored>;
  ahead?(key: Key, file: Unhashed, ctx: Context): Ahead | undefined;
  head(key: Key, ctx: Context): Promise<StoredObject | undefined>;
  get(object: StoredObject, options: {
    range?: ByteRange;
    maxBytes: number;
  }, ctx: Context): AsyncIterable<Uint8Array>;
  list(prefix: string, ctx: Context): AsyncIterable<StoredObject>;
  copy(from: StoredObject, to: Key, ctx: Context): Promise<Stored | undefined>;
  diagnose(ctx: Context): Promise<readonly Finding[]>;
}
export interface Stored {
  readonly outcome: "created" | "exists-same";
  readonly object: StoredObject;
  readonly verifiedBy: "server-sha256" | "server-other" | "read-back" | "local-filesystem";
}
export interface StoredObject {
  readonly key: Key;
  readonly size: number;
  readonly pin: Pin;
}

// store/evidence.d.ts
export declare class KeptEvidence {
  #private;
  watch(lookup: Lookup): Lookup;
  keep({ artifact, attestations, restsOn }: VerifiedArtifact): void;
  of({ artifact }: VerifiedArtifact): readonly BundleHandle[];
  get lookup(): Lookup;
}

// store/judge.d.ts
export interface VerifyRequest {
  readonly policy: Policy;
  readonly compute: Compute;
  readonly lookup: Lookup;
  readonly parallel?: number;
  readonly requireAllSubjects?: boolean;
  rehash?(artifact: Artifact, algorithms: readonly string[], ctx: Context): Promise<Artifact>;
}

// store/keys.d.ts
declare const key: unique symbol;
export type Key = string & {
  readonly [key]: true;
};

// store/lookup.d.ts
export interface ArtifactPlace {
  readonly store: Store;
  readonly key: Key;
}
export type Asked = Omit<FindOptions, "subjectDigest">;
export type Lookup = (artifact: Artifact, rule: Asked, ctx: Context) => AsyncIterable<Found>;

// store/pins.d.ts
export declare function encodePins(pins: PinsFile): Uint8Array;
export interface PinnedArtifact {
  readonly name: string;
  readonly url: string;
  readonly pin: string;
  readonly size: number;
  readonly sha256: string;
  readonly bundles: readonly string[];
}
export interface PinsFile {
  readonly version: 1;
  readonly artifacts: readonly PinnedArtifact[];
}

// store/promoted-attestations.d.ts
export interface Attested {
  readonly verified: VerifiedArtifact;
  readonly sha256: string;
  readonly bundles: readonly BundleHandle[];
}

// store/receive.d.ts
export interface FetchTarget {
  readonly label: string;
  readonly path: string;
  find(ctx: Context): Promise<FoundObject>;
}
export interface FoundObject {
  readonly store: Store;
  readonly object: StoredObject;
  readonly name: string;
  accept?(sha256: string): void;
}
export interface ReceiveRequest extends Omit<VerifyRequest, "rehash"> {
  readonly keep: "artifacts" | "artifacts-and-bundles" | "bundles";
  readonly places: WeakMap<Artifact, ArtifactPlace>;
}
export type Fetched = {
  readonly verdict: Verdict;
  readonly files: readonly string[];
} | {
  readonly target: FetchTarget;
  readonly error: KitesealError;
};

// store/transfer.d.ts
export interface Transferred {
  readonly outcome: Stored["outcome"];
  readonly object: StoredObject;
  readonly verifiedBy: "server-sha256" | "re-read";
  readonly by: "server-copy" | "stream" | "nothing";
}

// verification/authenticate.d.ts
export interface AuthenticAttestation {
  readonly bundleDigest: string;
  readonly signer: Signer;
  readonly build?: CertificateFacts;
  readonly times: readonly VerifiedTime[];
  readonly logs: readonly VerifiedEntry[];
  readonly content: StatementContent | BlobContent;
  readonly checks: readonly Check[];
}
export interface AuthenticationFailure {
  readonly bundleDigest: string;
  readonly code: ErrorCode;
  readonly checks: readonly Check[];
}
export interface BlobContent {
  readonly kind: "blob";
  readonly digest: Readonly<Record<string, string>>;
}
export interface StatementContent {
  readonly kind: "statement";
  readonly statement: SignedStatement;
  readonly provenance?: ProvenanceFacts;
}
export type Authentication = {
  readonly kind: "authentic";
  readonly attestation: AuthenticAttestation;
} | {
  readonly kind: "refused";
  readonly failure: AuthenticationFailure;
};

// verification/check.d.ts
export declare const AUTHENTICATE_CHECKS: readonly ["limits", "bundle", "time", "certificate", "sct", "log", "signature", "statement", "agreement"];
export declare const DECIDE_CHECKS: readonly ["subject", "identity", "predicate"];
export declare const RULE_CHECKS: readonly ["rule.build", "rule.trigger", "rule.runner", "rule.commit", "rule.repository", "rule.organization-id", "rule.pipeline-id", "rule.max-age", "rule.logs", "rule.timestamps", "rule.dependencies", "rule.also-required"];
export declare function failed(id: CheckId, code: ErrorCode, evidence: Evidence): Check;
export declare function passed(id: CheckId, evidence?: Evidence): Check;
export interface Check {
  readonly id: CheckId;
  readonly status: CheckStatus;
  readonly code?: ErrorCode;
  readonly expected?: string;
  readonly found?: string;
  readonly note?: string;
  readonly hint?: string;
}
export type AuthenticateCheckId = (typeof AUTHENTICATE_CHECKS)[number];
export type CheckId = AuthenticateCheckId | DecideCheckId | RuleCheckId;
export type CheckStatus = "passed" | "failed" | "undetermined" | "not-applicable" | "not-run";
export type DecideCheckId = (typeof DECIDE_CHECKS)[number];
export type RuleCheckId = (typeof RULE_CHECKS)[number];
type Evidence = Partial<Pick<Check, "expected" | "found" | "note" | "hint">>;

// verification/sigstore.d.ts
export interface VerifiedEntry {
  readonly log: string;
  readonly index: bigint;
}

// verification/statement.d.ts
export type SignedStatement = Statement<Readonly<Record<string, unknown>>>;

// verification/time.d.ts
export interface VerifiedTime {
  readonly kind: "timestamp-authority" | "transparency-log";
  readonly authority: string;
  readonly time: Date;
}
