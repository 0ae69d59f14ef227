// @kiteseal/storage-adapters
// exports
//   AdapterOptions
//   Destination
//   PLACEHOLDER_NAMES
//   PlaceholderName
//   StoreOptions
//   TransferOptions
//   WriteSettings
//   expandDestination
//   openObject
//   openRepository
//   openStore
// from elsewhere
//   Key from "@kiteseal/core/store"
//   Location from "@kiteseal/core/store"
//   Repository from "@kiteseal/core/store"
//   Store from "@kiteseal/core/store"
//   TokenSource from "@kiteseal/core/store"

// adapter.d.ts
export interface AdapterOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tokens?: TokenSource | undefined;
  now(): Date;
  readonly write?: WriteSettings | undefined;
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

// index.d.ts
export declare function openObject(url: string, options: StoreOptions): Promise<{
  store: Store;
  key: Key;
}>;
export declare function openRepository(to: Destination, attestations: string | undefined, options: StoreOptions): Promise<Repository>;
export declare function openStore(url: string, options: StoreOptions): Promise<Location>;
export interface StoreOptions extends AdapterOptions {
  readonly transfer?: TransferOptions | undefined;
}

// transfer/plan.d.ts
export interface Pace {
  readonly attempts: number;
  readonly baseMs: number;
  readonly maxWaitMs: number;
}
export interface TransferOptions {
  readonly parallel?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
  readonly stateDirectory?: string | undefined;
  readonly pace?: Pace | undefined;
}

// url.d.ts
export declare const PLACEHOLDER_NAMES: readonly ["pipeline", "branch", "tag", "commit", "build", "job", "step", "parallel", "retry"];
export declare function expandDestination(template: string, values: Readonly<Partial<Record<PlaceholderName, string>>>): Destination;
export interface Destination {
  readonly url: string;
  readonly fixed: string;
}
export type PlaceholderName = (typeof PLACEHOLDER_NAMES)[number];
