// @kiteseal/storage-adapters
// exports
//   Destination
//   PLACEHOLDER_NAMES
//   PlaceholderName
//   expandDestination
//   openObject
//   openRepository
//   openStore
// from elsewhere
//   Key from "@kiteseal/core/store"
//   Location from "@kiteseal/core/store"
//   Repository from "@kiteseal/core/store"
//   Store from "@kiteseal/core/store"

// index.d.ts
export declare function openObject(url: string): Promise<{
  store: Store;
  key: Key;
}>;
export declare function openRepository(to: Destination, attestations?: string): Promise<Repository>;
export declare function openStore(url: string): Promise<Location>;

// url.d.ts
export declare const PLACEHOLDER_NAMES: readonly ["pipeline", "branch", "tag", "commit", "build", "job", "step", "parallel", "retry"];
export declare function expandDestination(template: string, values: Readonly<Partial<Record<PlaceholderName, string>>>): Destination;
export interface Destination {
  readonly url: string;
  readonly fixed: string;
}
export type PlaceholderName = (typeof PLACEHOLDER_NAMES)[number];
