// @kiteseal/core/store
// exports
//   ATTESTATIONS_FOLDER
//   Ahead
//   ByteRange
//   Context
//   DigestPlan
//   ERRORS
//   ErrorCode
//   ErrorKind
//   ErrorOptions
//   Finding
//   HashAlgorithm
//   HttpRequest
//   HttpResponse
//   Key
//   KitesealError
//   LIMITS
//   Location
//   PartDigests
//   Pin
//   Progress
//   PutRequest
//   Repository
//   RetryOptions
//   Source
//   SourceDigests
//   Store
//   Stored
//   StoredObject
//   TokenSource
//   Unhashed
//   digestStream
//   isKitesealError
//   parseKey
//   portableKey
//   quote
//   readSmallFile
//   request
//   retry
//   retryAfterMs
//   unportableReason
// from elsewhere

// artifact/attestation-names.d.ts
export declare const ATTESTATIONS_FOLDER = ".kiteseal";

// artifact/digest.d.ts
export declare function digestStream(bytes: AsyncIterable<Uint8Array>, plan: DigestPlan, ctx: Context): Promise<StreamDigest>;
export interface StreamDigest {
  readonly size: number;
  readonly digests: SourceDigests;
}

// artifact/small-file.d.ts
export declare function readSmallFile({ path, maxBytes, fail, }: SmallFile): Promise<{
  bytes: Uint8Array;
  modified: Date;
}>;
export interface SmallFile {
  readonly path: string;
  readonly maxBytes: number;
  readonly fail: (why: string, o: {
    readonly cause?: unknown;
    readonly tooLarge?: boolean;
  }) => KitesealError;
}

// artifact/source.d.ts
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
export type Pin = string;
export type Unhashed = Omit<Source, "digests">;

// buildkite/token-source.d.ts
export type TokenSource = (audience: string, ctx: Context) => Promise<string>;

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
export declare function isKitesealError(value: unknown): value is KitesealError;
export declare function quote(text: string): string;
export interface ErrorOptions {
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}
export type ErrorCode = keyof typeof ERRORS;
export type ErrorKind = "usage" | "refused" | "unattested" | "undetermined" | "interrupted";

// http.d.ts
export declare function request(address: string, options: HttpRequest, ctx: Context): Promise<HttpResponse>;
export interface HttpRequest {
  readonly service: string;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly secrets?: readonly string[];
  readonly redirects?: "refuse" | "return";
}
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly origin: string;
}

// limits.d.ts
export declare const LIMITS: {
  readonly bundleBytes: 4194304;
  readonly bundleOverheadBytes: 262144;
  readonly bundleFileBytes: 67108864;
  readonly bundlesPerFile: 1024;
  readonly trustedRootBytes: 1048576;
  readonly signingConfigBytes: 262144;
  readonly policyBytes: 1048576;
  readonly configBytes: 262144;
  readonly pinsBytes: 67108864;
  readonly checksumFileBytes: 67108864;
  readonly logEntries: 32;
  readonly timestamps: 32;
  readonly certificates: 10;
  readonly subjects: 1024;
  readonly digestsPerSubject: 32;
  readonly jsonDepth: 64;
  readonly textBytes: 16384;
  readonly nameBytes: 4096;
  readonly tokenBytes: 32768;
  readonly secretBytes: 32770;
  readonly serviceReplyBytes: 4194304;
  readonly serviceTimeoutMs: 30000;
  readonly referencesPerSubject: 1000;
  readonly bundlesPerArtifact: 10;
  readonly bundlesPerBuilder: 100;
  readonly authenticationCacheBytes: 16777216;
  readonly parallelFiles: 4;
  readonly parallelReferences: 32;
  readonly parallelLooks: 8;
  readonly looksBeforeListing: 64;
  readonly listedInVain: 2000;
  readonly hashBufferBytes: 4194304;
  readonly threadFileBytes: 67108864;
  readonly keptFileBytes: 65536;
  readonly keptFilesBytes: 16777216;
  readonly fetchedObjects: 100000;
  readonly conflictReadBytes: 1073741824;
  readonly predicateBytes: 16777216;
  readonly lockFileBytes: 67108864;
  readonly clockSkewMs: 300000;
};

// retry.d.ts
export declare function retry<T>(operation: (attempt: number) => Promise<T>, options: RetryOptions<T>, ctx: Context): Promise<T>;
export declare function retryAfterMs(header: string | null | undefined, now: Date): number | undefined;
export interface Pace {
  readonly attempts: number;
  readonly baseMs: number;
  readonly maxWaitMs: number;
}
export interface RetryOptions<T> extends Pace {
  again(outcome: Outcome<T>): Decision;
  readonly random?: () => number;
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<unknown>;
}
export type Decision = boolean | {
  readonly afterMs: number;
};
export type Outcome<T> = {
  readonly ok: true;
  readonly value: T;
} | {
  readonly ok: false;
  readonly error: unknown;
};

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

// store/keys.d.ts
declare const key: unique symbol;
export declare function parseKey(text: string): Key;
export declare function portableKey(prefix: string, relative: string): Key;
export declare function unportableReason(text: string): string | undefined;
export type Key = string & {
  readonly [key]: true;
};
