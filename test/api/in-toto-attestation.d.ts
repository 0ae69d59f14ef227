// @kiteseal/in-toto-attestation
// exports
//   ACCEPTED_ALGORITHMS
//   AcceptedAlgorithm
//   BuildDefinition
//   BuildMetadata
//   Builder
//   DecodeError
//   DecodeStatementOptions
//   DecodedSlsaProvenance
//   DecodedStatement
//   DecodedVerificationSummary
//   DigestComparison
//   DigestSet
//   InputAttestation
//   JsonError
//   JsonErrorReason
//   JsonLimits
//   MAX_DIGESTS
//   MAX_SUBJECTS
//   PREDICATE_TYPES
//   PREDICATE_TYPE_NAMES
//   ResourceDescriptor
//   RunDetails
//   STATEMENT_PAYLOAD_TYPE
//   STATEMENT_TYPE_V01
//   STATEMENT_TYPE_V1
//   SlsaProvenance
//   Statement
//   Subject
//   UnsafeNameReason
//   VerificationSummary
//   decodeDigestSet
//   decodeSlsaProvenance
//   decodeStatement
//   decodeVerificationSummary
//   encodeStatement
//   isDigest
//   matchDigests
//   parseJson
//   predicateTypeFromName
//   readResourceDescriptor
//   repeatedSubjectName
//   sameArtifact
//   unsafeNameReason
// from elsewhere

// decode.d.ts
export declare class DecodeError extends Error {
  readonly name: string;
  readonly path: string;
  readonly expected: string;
  readonly found: string;
  constructor(path: string, expected: string, found: string);
}
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}
export type Decoder<T> = (value: unknown, path: string) => T;
export type EntryDecoder<T> = (value: unknown, path: string, key: string) => T;

// digest-set.d.ts
export declare const ACCEPTED_ALGORITHMS: readonly ["sha256", "sha384", "sha512"];
export declare const MAX_DIGESTS = 32;
export declare const decodeDigestSet: Decoder<DigestSet>;
export declare function isDigest(algorithm: string, value: string): boolean;
export declare function matchDigests(known: DigestSet, claimed: DigestSet): DigestComparison;
export declare function sameArtifact(known: DigestSet, claimed: DigestSet): boolean;
export interface DigestComparison {
  readonly matched: AcceptedAlgorithm[];
  readonly mismatched: AcceptedAlgorithm[];
  readonly unknown: string[];
}
export type AcceptedAlgorithm = (typeof ACCEPTED_ALGORITHMS)[number];
export type DigestSet = Readonly<Record<string, string>>;

// json.d.ts
export declare class JsonError extends Error {
  readonly name: string;
  readonly reason: JsonErrorReason;
  readonly path: string;
  readonly offset: number | undefined;
  constructor(reason: JsonErrorReason, detail: string, at: {
    path: string;
    offset?: number;
    cause?: unknown;
  });
}
export declare function parseJson(input: Uint8Array | string, limits?: JsonLimits): unknown;
export interface JsonLimits {
  readonly maxBytes?: number;
  readonly maxDepth?: number;
  readonly maxNodes?: number;
}
export type JsonErrorReason = "duplicate-key" | "trailing-data" | "lone-surrogate" | "utf8" | "depth" | "size" | "nodes" | "syntax" | "number";

// object-reader.d.ts
export declare class ObjectReader {
  #private;
  readonly path: string;
  readonly rules: ReadRules;
  constructor(object: Readonly<Record<string, unknown>>, path: string, rules: ReadRules);
  has(key: string): boolean;
  at(key: string): string;
  required<T>(key: string, decode: Decoder<T>): T;
  optional<T>(key: string, decode: Decoder<T>): T | undefined;
  string(key: string, length?: Bounds): string;
  optionalString(key: string, length?: Bounds): string | undefined;
  integer(key: string, range?: Bounds): number;
  optionalInteger(key: string, range?: Bounds): number | undefined;
  int64String(key: string, range?: Bounds): number;
  optionalInt64String(key: string, range?: Bounds): number | undefined;
  boolean(key: string): boolean;
  optionalBoolean(key: string): boolean | undefined;
  base64(key: string, length?: Bounds): Uint8Array;
  optionalBase64(key: string, length?: Bounds): Uint8Array | undefined;
  date(key: string): Date;
  optionalDate(key: string): Date | undefined;
  oneOf<const L extends string>(key: string, literals: readonly L[]): L;
  optionalOneOf<const L extends string>(key: string, literals: readonly L[]): L | undefined;
  array<T>(key: string, decode: Decoder<T>, count?: Bounds): T[];
  optionalArray<T>(key: string, decode: Decoder<T>, count?: Bounds): T[] | undefined;
  record<T>(key: string, decode: EntryDecoder<T>, count?: Bounds): Record<string, T>;
  optionalRecord<T>(key: string, decode: EntryDecoder<T>, count?: Bounds): Record<string, T> | undefined;
  object<T>(key: string, read: (object: ObjectReader) => T): T;
  optionalObject<T>(key: string, read: (object: ObjectReader) => T): T | undefined;
  objects<T>(key: string, read: (object: ObjectReader) => T, count?: Bounds): T[];
  optionalObjects<T>(key: string, read: (object: ObjectReader) => T, count?: Bounds): T[] | undefined;
  exactlyOne<const K extends string>(keys: readonly K[]): K;
  unknownKeys(): string[];
  finish(): void;
}
export interface ReadRules {
  readonly absent?: "missing" | "null" | "empty";
  readonly ignored?: Set<string>;
}

// predicate-types.d.ts
export declare const PREDICATE_TYPES: {
  readonly slsaProvenanceV02: "https://slsa.dev/provenance/v0.2";
  readonly slsaProvenanceV1: "https://slsa.dev/provenance/v1";
  readonly vsaV1: "https://slsa.dev/verification_summary/v1";
  readonly link: "https://in-toto.io/Link/v1";
  readonly testResult: "https://in-toto.io/attestation/test-result/v0.1";
  readonly spdx: "https://spdx.dev/Document";
  readonly cyclonedx: "https://cyclonedx.org/bom";
  readonly openvex: "https://openvex.dev/ns";
  readonly cosignVuln: "https://cosign.sigstore.dev/attestation/vuln/v1";
  readonly cosignCustom: "https://cosign.sigstore.dev/attestation/v1";
};
export declare const PREDICATE_TYPE_NAMES: ReadonlyMap<string, string>;
export declare function predicateTypeFromName(nameOrUri: string): string | undefined;

// predicates/slsa-provenance-v1.d.ts
export declare function decodeSlsaProvenance(value: unknown): DecodedSlsaProvenance;
export interface BuildDefinition {
  readonly buildType: string;
  readonly externalParameters: Readonly<Record<string, unknown>>;
  readonly internalParameters?: Readonly<Record<string, unknown>>;
  readonly resolvedDependencies?: readonly ResourceDescriptor[];
}
export interface BuildMetadata {
  readonly invocationId?: string;
  readonly startedOn?: string;
  readonly finishedOn?: string;
}
export interface Builder {
  readonly id: string;
  readonly builderDependencies?: readonly ResourceDescriptor[];
  readonly version?: Readonly<Record<string, string>>;
}
export interface DecodedSlsaProvenance {
  readonly predicate: SlsaProvenance;
  readonly ignoredFields: readonly string[];
}
export interface RunDetails {
  readonly builder: Builder;
  readonly metadata?: BuildMetadata;
  readonly byproducts?: readonly ResourceDescriptor[];
}
export interface SlsaProvenance {
  readonly buildDefinition: BuildDefinition;
  readonly runDetails: RunDetails;
}

// predicates/vsa-v1.d.ts
export declare function decodeVerificationSummary(value: unknown): DecodedVerificationSummary;
export interface DecodedVerificationSummary {
  readonly predicate: VerificationSummary;
  readonly ignoredFields: readonly string[];
}
export interface InputAttestation extends ResourceDescriptor {
  readonly digest: DigestSet;
}
export interface VerificationSummary {
  readonly verifier: {
    readonly id: string;
  };
  readonly timeVerified: string;
  readonly resourceUri: string;
  readonly policy: ResourceDescriptor & {
    readonly uri: string;
  };
  readonly inputAttestations?: readonly InputAttestation[];
  readonly verificationResult: "PASSED" | "FAILED";
  readonly verifiedLevels: readonly string[];
  readonly dependencyLevels?: Readonly<Record<string, number>>;
  readonly slsaVersion?: string;
}

// resource-descriptor.d.ts
export declare function readResourceDescriptor(object: ObjectReader): ResourceDescriptor;
export interface ResourceDescriptor {
  readonly name?: string;
  readonly uri?: string;
  readonly digest?: DigestSet;
  readonly content?: string;
  readonly downloadLocation?: string;
  readonly mediaType?: string;
  readonly annotations?: Readonly<Record<string, unknown>>;
}

// statement.d.ts
export declare const MAX_SUBJECTS = 1024;
export declare const STATEMENT_PAYLOAD_TYPE = "application/vnd.in-toto+json";
export declare const STATEMENT_TYPE_V01 = "https://in-toto.io/Statement/v0.1";
export declare const STATEMENT_TYPE_V1 = "https://in-toto.io/Statement/v1";
export declare function decodeStatement(value: unknown, options?: DecodeStatementOptions): DecodedStatement;
export declare function encodeStatement(statement: Statement, options?: DecodeStatementOptions): Uint8Array;
export declare function repeatedSubjectName(subjects: readonly Subject[]): string | undefined;
export interface DecodeStatementOptions {
  readonly maxSubjects?: number;
  readonly allowV01?: boolean;
}
export interface DecodedStatement {
  readonly statement: Statement<Readonly<Record<string, unknown>>>;
  readonly ignoredFields: readonly string[];
}
export interface Statement<P = unknown> {
  readonly _type: typeof STATEMENT_TYPE_V1 | typeof STATEMENT_TYPE_V01;
  readonly subject: readonly Subject[];
  readonly predicateType: string;
  readonly predicate: P;
}
export interface Subject extends ResourceDescriptor {
  readonly digest: DigestSet;
}

// subject-name.d.ts
export declare function unsafeNameReason(name: string): UnsafeNameReason | undefined;
export type UnsafeNameReason = "empty" | "lone surrogate" | "control character" | "bidirectional mark" | "invisible character" | "backslash" | "leading slash" | "empty segment" | "dot segment" | "not NFC";
