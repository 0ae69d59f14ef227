// @kiteseal/storage-adapters
// exports
//   AdapterOptions
//   CREDENTIAL_VARIABLES
//   Clients
//   Destination
//   PLACEHOLDER_NAMES
//   PlaceholderName
//   StoreOptions
//   TransferOptions
//   WriteSettings
//   expandDestination
//   fixedPart
//   openObject
//   openRepository
//   openStore
// from elsewhere
//   ByteRange from "@kiteseal/core/store"
//   Context from "@kiteseal/core/store"
//   DigestPlan from "@kiteseal/core/store"
//   Finding from "@kiteseal/core/store"
//   Key from "@kiteseal/core/store"
//   Location from "@kiteseal/core/store"
//   Repository from "@kiteseal/core/store"
//   SourceDigests from "@kiteseal/core/store"
//   Store from "@kiteseal/core/store"
//   Stored from "@kiteseal/core/store"
//   StoredObject from "@kiteseal/core/store"
//   TokenSource from "@kiteseal/core/store"

// adapter.d.ts
export interface Adapter {
  readonly lists?: false;
  url(key: Key): string;
  digestPlan(size: number): DigestPlan;
  prepare?(inParts: boolean, ctx: Context): Promise<void>;
  head(key: Key, ctx: Context): Promise<StoredObject>;
  putWhole(request: PutRequest, ctx: Context): Promise<Written>;
  get(request: {
    object: StoredObject;
    range: ByteRange;
  }, ctx: Context): AsyncIterable<Uint8Array>;
  list(prefix: string, ctx: Context, pace?: Pace): AsyncIterable<StoredObject>;
  copy(request: {
    from: StoredObject;
    to: Key;
  }, ctx: Context): Promise<Written | undefined>;
  diagnose(ctx: Context): Promise<readonly Finding[]>;
  readonly maxBytes?: number;
  readonly multipart?: Multipart;
}
export interface AdapterOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tokens?: TokenSource | undefined;
  now(): Date;
  readonly onSecret?: ((value: string) => void) | undefined;
  readonly write?: WriteSettings | undefined;
}
export interface Held {
  readonly handle: UploadHandle;
  receiptOf(part: Omit<PartRequest, "body">): string | undefined;
}
export interface Multipart {
  readonly threshold: number;
  readonly parallel: number;
  readonly compares?: "sha256" | "md5";
  readonly whileHashing?: boolean;
  partSize(size: number): number;
  settings?(request: MultipartRequest, ctx: Context): string;
  begin(request: MultipartRequest, ctx: Context): Promise<UploadHandle>;
  resume(request: MultipartRequest, id: string | undefined, ctx: Context): Promise<Held | undefined>;
  putPart(handle: UploadHandle, part: PartRequest, ctx: Context): Promise<SentPart>;
  complete(upload: Sent, ctx: Context): Promise<Written>;
  abort(handle: UploadHandle, ctx: Context): Promise<void>;
}
export interface MultipartRequest extends Omit<PutRequest, "body" | "digests"> {
  readonly partSize: number;
  readonly digests: SourceDigests | undefined;
}
export interface PartRequest {
  readonly index: number;
  readonly range: ByteRange;
  readonly sha256: string;
  readonly md5?: string;
  readonly isLast: boolean;
  body(skip: number): AsyncIterable<Uint8Array>;
}
export interface PutRequest {
  readonly key: Key;
  readonly size: number;
  readonly digests: SourceDigests;
  body(): AsyncIterable<Uint8Array>;
  readonly ifAbsent: boolean;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}
export interface Sent {
  readonly request: Omit<MultipartRequest, "digests">;
  readonly digests: SourceDigests;
  readonly handle: UploadHandle;
  readonly parts: readonly SentPart[];
}
export interface SentPart {
  readonly index: number;
  readonly receipt: string;
}
export interface UploadHandle {
  readonly key: Key;
  readonly id: string;
  readonly isPublic: boolean;
}
export interface WriteSettings {
  readonly encryptionKey?: string | undefined;
  readonly retention?: {
    readonly mode: "governance" | "compliance";
    readonly days: number;
  } | undefined;
  readonly legalHold?: boolean | undefined;
  readonly bucketOwner?: string | undefined;
}
export interface Written {
  readonly object: StoredObject;
  readonly verifiedBy: Stored["verifiedBy"];
}

// credential-variables.d.ts
export declare const CREDENTIAL_VARIABLES: Readonly<Record<Scheme, readonly string[]>>;

// index.d.ts
export declare function openObject(url: string, options: StoreOptions): Promise<{
  store: Store;
  key: Key;
}>;
export declare function openRepository(to: Destination, attestations: string | undefined, options: StoreOptions): Promise<Repository>;
export declare function openStore(url: string, options: StoreOptions): Promise<Location>;
export interface StoreOptions extends AdapterOptions {
  readonly transfer?: TransferOptions | undefined;
  readonly clients?: Clients | undefined;
  readonly credentials?: ((variable: string) => Promise<string | undefined>) | undefined;
}
export type Clients = Map<string, Promise<Adapter>>;

// transfer/plan.d.ts
export interface Pace {
  readonly attempts: number;
  readonly baseMs: number;
  readonly maxWaitMs: number;
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<unknown>;
}
export interface Runs {
  readonly own: string;
  isRunning(run: string): boolean;
}
export interface TransferOptions {
  readonly parallel?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
  readonly stateDirectory?: string | undefined;
  readonly runs?: Runs | undefined;
  readonly pace?: Pace | undefined;
}

// url.d.ts
export declare const PLACEHOLDER_NAMES: readonly ["pipeline", "branch", "tag", "commit", "build", "job", "step", "parallel", "retry"];
export declare const SCHEMES: readonly ["file", "s3", "gs", "azure", "rt", "https"];
export declare function expandDestination(template: string, values: Readonly<Partial<Record<PlaceholderName, string>>>): Destination;
export declare function fixedPart(template: string): string;
export interface Destination {
  readonly url: string;
  readonly fixed: string;
}
export type PlaceholderName = (typeof PLACEHOLDER_NAMES)[number];
export type Scheme = (typeof SCHEMES)[number];
