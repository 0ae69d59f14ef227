// @kiteseal/sandbox
// exports
//   Annotation
//   Authorities
//   CertificateAuthority
//   CertificateFields
//   Checkpoint
//   Claims
//   CtLog
//   DistinguishedName
//   EntryFile
//   Extension
//   Fault
//   FaultControl
//   FulcioRelease
//   HashedRecord
//   Issuer
//   Job
//   LeafOptions
//   LeafOverrides
//   LogEntry
//   LogIdentity
//   NoteSigner
//   OID
//   RekorV1
//   RekorV2
//   SANDBOX_NAME
//   Sandbox
//   SandboxOptions
//   ServiceUrl
//   SigningConfig
//   StampContent
//   Stats
//   TimestampAuthority
//   TokenOverrides
//   TokenSignature
//   TransparencyLog
//   TransparencyLogEntry
//   Trigger
//   TrustedAuthority
//   TrustedLog
//   TrustedRoot
//   acceptProposal
//   certificateIdentity
//   checkpointText
//   createCtLog
//   generateKey
//   hashedRecordBody
//   issueLeaf
//   memoryFile
//   noteKeyId
//   pemOf
//   signCertificate
//   signNote
//   spkiOf
//   stamp
//   stampData
//   startSandbox
//   timestampCertificate
// from elsewhere
//   KeyObject from "node:crypto"

// agent/annotations.d.ts
export interface Annotation {
  readonly body: string;
  readonly style: string;
}

// authorities.d.ts
export interface Authorities {
  readonly fulcio: CertificateAuthority;
  readonly ctLog: CtLog;
  readonly rekorV1: RekorV1;
  readonly rekorV2: RekorV2;
  readonly timestamp: TimestampAuthority;
}

// certificate-authority.d.ts
export declare const SANDBOX_NAME = "kiteseal-sandbox";
export declare function intermediate(options: AuthorityOptions, issuer: {
  key: KeyObject;
  subject: DistinguishedName;
}): Buffer;
export declare function issueLeaf(authority: CertificateAuthority, options: LeafOptions): Buffer;
export interface AuthorityOptions {
  readonly key: KeyObject;
  readonly subject: DistinguishedName;
  readonly created: Date;
}
export interface CertificateAuthority {
  readonly root: Issuer;
  readonly intermediate: Issuer;
}
export interface Issuer {
  readonly key: KeyObject;
  readonly subject: DistinguishedName;
  readonly certificate: Uint8Array;
}
export interface LeafOptions {
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter?: Date;
  readonly uris: readonly string[];
  readonly extensions: readonly Extension[];
  readonly purposes?: readonly string[];
  readonly isCa?: boolean;
  readonly subject?: DistinguishedName;
  readonly ctLogs: readonly CtLog[];
  readonly sctTime?: Date;
  readonly issuer?: "intermediate" | "root";
}

// ct-log.d.ts
export declare function createCtLog(key: KeyObject): CtLog;
export interface CtLog {
  readonly id: Uint8Array;
  readonly key: KeyObject;
  timestamp(precertificate: Uint8Array, issuer: Uint8Array, time: Date): Uint8Array;
}

// faults.d.ts
export interface FaultControl {
  add(fault: Fault): () => void;
  clear(): void;
}
export type Fault = FaultBase & ({
  readonly effect: "status";
  readonly status: number;
  readonly retryAfter?: string;
  readonly body?: string;
} | {
  readonly effect: "reset" | "lost-reply" | "delay";
});
interface FaultBase {
  readonly path: string;
  readonly method?: string;
  readonly times?: number;
  readonly delayMs?: number;
}

// fulcio.d.ts
export declare function certificateIdentity(claims: Claims, release: FulcioRelease): {
  uris: readonly string[];
  extensions: readonly Extension[];
};
export type FulcioRelease = "1.8.8" | "1.7.0" | "1.6.0";
export type LeafOverrides = Partial<Omit<LeafOptions, "publicKey">>;

// job.d.ts
export interface Job {
  readonly organization: string;
  readonly organizationId: string;
  readonly pipeline: string;
  readonly pipelineId: string;
  readonly branch: string;
  readonly commit: string;
  readonly tag?: string;
  readonly step: string | null;
  readonly stepId: string;
  readonly build: number;
  readonly buildId: string;
  readonly jobId: string;
  readonly agentId: string;
  readonly trigger: Trigger;
  readonly runner: "self-hosted" | "buildkite-hosted";
  readonly repository: string;
  readonly command: string;
}
export type Trigger = "webhook" | "ui" | "api" | "trigger_job" | "schedule";

// log.d.ts
export declare class TransparencyLog {
  #private;
  readonly identity: LogIdentity;
  readonly id: Uint8Array;
  constructor(identity: LogIdentity, file: EntryFile);
  get size(): number;
  find(body: Uint8Array): number | undefined;
  findLeaf(hexHash: string): number | undefined;
  append(entry: LogEntry): number;
  entry(index: number): LogEntry;
  checkpoint(size?: number): string;
  inclusionProof(index: number, size?: number): TransparencyLogEntry["inclusionProof"];
}
export declare function memoryFile(): EntryFile;
export interface EntryFile {
  readonly entries: readonly LogEntry[];
  append(entry: LogEntry): void;
}
export interface LogEntry {
  readonly body: Uint8Array;
  readonly integratedTime: number;
}
export interface LogIdentity {
  readonly origin: string;
  readonly signer: NoteSigner;
}
export interface TransparencyLogEntry {
  logIndex: string;
  logId: {
    keyId: string;
  };
  kindVersion: {
    kind: string;
    version: string;
  };
  integratedTime: string;
  inclusionPromise: {
    signedEntryTimestamp: string;
  } | null;
  inclusionProof: {
    logIndex: string;
    rootHash: string;
    treeSize: string;
    hashes: string[];
    checkpoint: {
      envelope: string;
    };
  };
  canonicalizedBody: string;
}

// note.d.ts
export declare function checkpointText(checkpoint: Checkpoint): string;
export declare function noteKeyId({ name, key }: NoteSigner): Buffer;
export declare function signNote(text: string, signer: NoteSigner): string;
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly rootHash: Uint8Array;
}
export interface NoteSigner {
  readonly name: string;
  readonly key: KeyObject;
}

// oidc.d.ts
export type Claims = Readonly<Record<string, unknown>>;
export type TokenSignature = "valid" | "none" | "foreign";

// publish.d.ts
export type RekorChoice = "v1" | "v2" | "both" | "none";

// rekor-v1-proposal.d.ts
export declare function acceptProposal(proposal: Record<string, unknown>): unknown;

// rekor-v1.d.ts
export declare class RekorV1 {
  #private;
  readonly log: TransparencyLog;
  constructor(identity: LogIdentity, file: EntryFile, clock: () => Date);
  add(body: string | Uint8Array, integratedTime?: Date): number;
  entry(index: number, size?: number): TransparencyLogEntry;
  promise(entry: {
    body: Uint8Array;
    integratedTime: number;
    logIndex: number;
  }): string;
  uuid(index: number): string;
}

// rekor-v2.d.ts
export declare class RekorV2 {
  readonly log: TransparencyLog;
  constructor(identity: LogIdentity, file: EntryFile);
  add(body: string | Uint8Array): number;
  entry(index: number, size?: number): TransparencyLogEntry;
}
export declare function hashedRecordBody(record: HashedRecord): string;
export type HashedRecord = {
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
} & ({
  readonly certificate: Uint8Array;
} | {
  readonly publicKey: Uint8Array;
});

// sandbox.d.ts
export declare function startSandbox(options?: SandboxOptions): Promise<Sandbox>;
export interface Sandbox {
  readonly url: string;
  readonly directory: string;
  readonly job: Job;
  readonly trustedRoot: TrustedRoot;
  readonly trustedRootPath: string;
  readonly signingConfig: SigningConfig;
  readonly signingConfigPath: string;
  jobEnv(overrides?: Readonly<Record<string, string>>): Record<string, string>;
  mintToken(overrides?: TokenOverrides): string;
  issueCertificate(publicKey: KeyObject, overrides?: LeafOverrides & {
    readonly claims?: Claims;
  }): Uint8Array;
  readonly authorities: Authorities;
  readonly faults: FaultControl;
  readonly stats: Stats;
  readonly annotations: ReadonlyMap<string, Annotation>;
  readonly metaData: ReadonlyMap<string, string>;
  readonly redactions: readonly string[];
  close(): Promise<void>;
}
export interface SandboxOptions {
  readonly stateDir?: string;
  readonly clock?: () => Date;
  readonly job?: Partial<Job>;
  readonly rekor?: RekorChoice;
  readonly timestamps?: boolean;
  readonly ctLog?: boolean;
  readonly fulcioRelease?: FulcioRelease;
  readonly tokenLifetimeSeconds?: number;
  readonly maxTokenLifetimeSeconds?: number;
  readonly issuer?: "buildkite" | "loopback";
}
export interface Stats {
  tokens: number;
  certificates: number;
  logEntries: number;
  timestamps: number;
  readonly requests: Record<string, number>;
}
export interface TokenOverrides {
  readonly job?: Partial<Job>;
  readonly audience?: string;
  readonly lifetimeSeconds?: number;
  readonly issuedAt?: Date;
  readonly optionalClaims?: readonly string[];
  readonly subjectClaim?: string;
  readonly claims?: Claims;
  readonly signature?: TokenSignature;
}

// state.d.ts
declare const KEY_KINDS: {
  readonly oidc: "rsa";
  readonly "fulcio-root": "P-384";
  readonly "fulcio-intermediate": "P-384";
  readonly "ct-log": "P-256";
  readonly "rekor-v1": "P-256";
  readonly "rekor-v2": "ed25519";
  readonly "timestamp-root": "P-384";
  readonly timestamp: "P-256";
  readonly "tuf-root": "ed25519";
  readonly "tuf-online": "ed25519";
};
export declare function generateKey(kind: (typeof KEY_KINDS)[KeyName]): Promise<KeyObject>;
type KeyName = keyof typeof KEY_KINDS;

// timestamp.d.ts
declare const DIGEST_OIDS: {
  readonly sha256: "2.16.840.1.101.3.4.2.1";
  readonly sha384: "2.16.840.1.101.3.4.2.2";
  readonly sha512: "2.16.840.1.101.3.4.2.3";
};
export declare function stamp(authority: TimestampAuthority, content: StampContent): Buffer;
export declare function stampData(authority: TimestampAuthority, data: Uint8Array, content: {
  time: Date;
  digest?: Digest;
  includeCertificates?: boolean;
}): Buffer;
export declare function timestampCertificate(options: {
  key: KeyObject;
  root: Omit<Issuer, "certificate">;
  created: Date;
}): Buffer;
export interface StampContent {
  readonly digest: Digest;
  readonly messageDigest: Uint8Array;
  readonly time: Date;
  readonly nonce?: Uint8Array;
  readonly includeCertificates?: boolean;
}
export interface TimestampAuthority {
  readonly key: KeyObject;
  readonly certificate: Uint8Array;
  readonly root: Issuer;
}
type Digest = keyof typeof DIGEST_OIDS;

// trust.d.ts
export interface ServiceUrl {
  url: string;
  majorApiVersion: number;
  validFor: Validity;
  operator: string;
}
export interface SigningConfig {
  mediaType: string;
  caUrls: ServiceUrl[];
  oidcUrls: ServiceUrl[];
  rekorTlogUrls: ServiceUrl[];
  rekorTlogConfig?: {
    selector: string;
  };
  tsaUrls: ServiceUrl[];
  tsaConfig?: {
    selector: string;
  };
}
export interface TrustedAuthority {
  subject: {
    organization: string;
    commonName: string;
  };
  uri: string;
  certChain: {
    certificates: {
      rawBytes: string;
    }[];
  };
  validFor: Validity;
}
export interface TrustedLog {
  baseUrl: string;
  hashAlgorithm: string;
  publicKey: {
    rawBytes: string;
    keyDetails: string;
    validFor: Validity;
  };
  logId: {
    keyId: string;
  };
}
export interface TrustedRoot {
  mediaType: string;
  tlogs: TrustedLog[];
  certificateAuthorities: TrustedAuthority[];
  ctlogs: TrustedLog[];
  timestampAuthorities: TrustedAuthority[];
}
interface Validity {
  start: string;
  end?: string;
}

// x509.d.ts
export declare const OID: {
  readonly subjectKeyIdentifier: "2.5.29.14";
  readonly keyUsage: "2.5.29.15";
  readonly subjectAlternativeName: "2.5.29.17";
  readonly basicConstraints: "2.5.29.19";
  readonly authorityKeyIdentifier: "2.5.29.35";
  readonly extendedKeyUsage: "2.5.29.37";
  readonly codeSigning: "1.3.6.1.5.5.7.3.3";
  readonly timeStamping: "1.3.6.1.5.5.7.3.8";
  readonly serverAuthentication: "1.3.6.1.5.5.7.3.1";
  readonly precertificatePoison: "1.3.6.1.4.1.11129.2.4.3";
  readonly signedCertificateTimestamps: "1.3.6.1.4.1.11129.2.4.2";
  readonly organizationName: "2.5.4.10";
  readonly commonName: "2.5.4.3";
  readonly ecdsaWithSha256: "1.2.840.10045.4.3.2";
  readonly ecdsaWithSha384: "1.2.840.10045.4.3.3";
};
export declare function authorityKeyIdentifier(issuerSpki: Uint8Array): Extension;
export declare function basicConstraints(isCa: boolean, pathLength?: number): Extension;
export declare function extendedKeyUsage(purposes: readonly string[], critical: boolean): Extension;
export declare function keyUsage(...bits: readonly number[]): Extension;
export declare function pemOf(certificate: Uint8Array): string;
export declare function signCertificate(fields: CertificateFields, signingKey: KeyObject): Buffer;
export declare function spkiOf(key: KeyObject): Buffer;
export declare function subjectKeyIdentifier(spki: Uint8Array): Extension;
export interface CertificateFields {
  readonly serial: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly spki: Uint8Array;
  readonly extensions: readonly Extension[];
}
export interface DistinguishedName {
  readonly organization?: string;
  readonly commonName?: string;
}
export interface Extension {
  readonly oid: string;
  readonly critical?: boolean;
  readonly value: Uint8Array;
}
