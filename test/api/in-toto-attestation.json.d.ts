// @kiteseal/in-toto-attestation/json
// exports
//   Bounds
//   DecodeError
//   Decoder
//   EntryDecoder
//   JsonError
//   JsonErrorReason
//   JsonLimits
//   ObjectReader
//   ReadRules
//   asArray
//   asBase64
//   asBoolean
//   asDate
//   asInt64
//   asInteger
//   asLiteral
//   asObject
//   asRecord
//   asString
//   describeValue
//   elementPath
//   formatJson
//   memberPath
//   objectAt
//   parseJson
//   readObject
// from elsewhere

// decode.d.ts
export declare class DecodeError extends Error {
  readonly name: string;
  readonly path: string;
  readonly expected: string;
  readonly found: string;
  constructor(path: string, expected: string, found: string);
}
export declare function asArray<T>(value: unknown, path: string, items: Bounds & {
  readonly decode: Decoder<T>;
}): T[];
export declare function asBase64(value: unknown, path: string, length?: Bounds): Uint8Array;
export declare function asBoolean(value: unknown, path: string): boolean;
export declare function asDate(value: unknown, path: string): Date;
export declare function asInt64(value: unknown, path: string, range?: Bounds): number;
export declare function asInteger(value: unknown, path: string, range?: Bounds): number;
export declare function asLiteral<const L extends string>(value: unknown, path: string, literals: readonly L[]): L;
export declare function asObject(value: unknown, path: string): Readonly<Record<string, unknown>>;
export declare function asRecord<T>(value: unknown, path: string, entries: Bounds & {
  readonly decode: EntryDecoder<T>;
}): Record<string, T>;
export declare function asString(value: unknown, path: string, length?: Bounds): string;
export declare function describeValue(value: unknown): string;
export declare function elementPath(path: string, index: number): string;
export declare function memberPath(path: string, key: string): string;
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}
export type Decoder<T> = (value: unknown, path: string) => T;
export type EntryDecoder<T> = (value: unknown, path: string, key: string) => T;

// json-format.d.ts
export declare function formatJson(value: unknown): string;

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
export declare function objectAt(value: unknown, path: string, rules?: ReadRules): ObjectReader;
export declare function readObject<T>(value: unknown, path: string, { read, ...rules }: ReadRules & {
  readonly read: (object: ObjectReader) => T;
}): T;
export interface ReadRules {
  readonly absent?: "missing" | "null" | "empty";
  readonly ignored?: Set<string>;
}
