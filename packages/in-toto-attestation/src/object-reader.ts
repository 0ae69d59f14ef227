// SPDX-License-Identifier: Apache-2.0
// A cursor over one object of parsed JSON: the way every machine format of Kiteseal is decoded. Ask for each member by
// name and type, then finish(): members nobody asked for are refused, or listed where the format's rules say "ignore".
// Inputs are untrusted; only own members are seen; every method throws DecodeError with the member's path.
import {
  asArray,
  asBase64,
  asBoolean,
  asDate,
  asInt64,
  asInteger,
  asLiteral,
  asObject,
  asRecord,
  asString,
  DecodeError,
  memberPath,
  type Bounds,
  type Decoder,
  type EntryDecoder,
} from "./decode.ts";

const MAX_IGNORED = 1000;
const ELEMENT_INDEX = /\[\d+\]/g;

/** How the format at hand reads; children read the same way as their parent. */
export interface ReadRules {
  /**
   * Which present values mean the same as a missing member. "missing": none (default). "null": null, as protobuf's JSON
   * has it. "empty": null, "", [] and {}, as the SLSA specification has it.
   */
  readonly absent?: "missing" | "null" | "empty";
  /**
   * Where finish() lists members that nobody asked for, as paths with array indexes left out (`$.subject[].x`); more than
   * 1,000 different ones are refused. Without it finish() refuses the first.
   */
  readonly ignored?: Set<string>;
}

/** Opens a cursor; throws DecodeError unless `value` is an object. */
export function objectAt(value: unknown, path: string, rules?: ReadRules): ObjectReader {
  return new ObjectReader(asObject(value, path), path, rules ?? {});
}

/** Made by objectAt. `optional…` methods give undefined for an absent member; all others throw DecodeError. */
export class ObjectReader {
  readonly path: string;
  readonly rules: ReadRules;
  readonly #object: Readonly<Record<string, unknown>>;
  // A list, not a set: objects of machine formats have a handful of members, and there may be thousands of objects.
  readonly #asked: string[] = [];

  constructor(object: Readonly<Record<string, unknown>>, path: string, rules: ReadRules) {
    this.path = path;
    this.rules = rules;
    this.#object = object;
  }

  /** Whether the member is present, under the rules of what counts as absent. Counts as asking for it. */
  has(key: string): boolean {
    return this.#read(key) !== undefined;
  }

  /** The path of a member, for errors of checks that span members. */
  at(key: string): string {
    return memberPath(this.path, key);
  }

  required<T>(key: string, decode: Decoder<T>): T {
    const value = this.#read(key);
    if (value === undefined) throw new DecodeError(this.at(key), "a value", this.#describeAbsent(key));
    return decode(value, this.at(key));
  }

  optional<T>(key: string, decode: Decoder<T>): T | undefined {
    const value = this.#read(key);
    return value === undefined ? undefined : decode(value, this.at(key));
  }

  string(key: string, length?: Bounds): string {
    return this.required(key, (value, path) => asString(value, path, length));
  }

  optionalString(key: string, length?: Bounds): string | undefined {
    return this.optional(key, (value, path) => asString(value, path, length));
  }

  integer(key: string, range?: Bounds): number {
    return this.required(key, (value, path) => asInteger(value, path, range));
  }

  optionalInteger(key: string, range?: Bounds): number | undefined {
    return this.optional(key, (value, path) => asInteger(value, path, range));
  }

  /** protobuf int64: a decimal string or a number. */
  int64String(key: string, range?: Bounds): number {
    return this.required(key, (value, path) => asInt64(value, path, range));
  }

  optionalInt64String(key: string, range?: Bounds): number | undefined {
    return this.optional(key, (value, path) => asInt64(value, path, range));
  }

  boolean(key: string): boolean {
    return this.required(key, asBoolean);
  }

  optionalBoolean(key: string): boolean | undefined {
    return this.optional(key, asBoolean);
  }

  /** Canonical standard base64; `length` bounds the bytes. */
  base64(key: string, length?: Bounds): Uint8Array {
    return this.required(key, (value, path) => asBase64(value, path, length));
  }

  optionalBase64(key: string, length?: Bounds): Uint8Array | undefined {
    return this.optional(key, (value, path) => asBase64(value, path, length));
  }

  date(key: string): Date {
    return this.required(key, asDate);
  }

  optionalDate(key: string): Date | undefined {
    return this.optional(key, asDate);
  }

  oneOf<const L extends string>(key: string, literals: readonly L[]): L {
    return this.required(key, (value, path) => asLiteral(value, path, literals));
  }

  optionalOneOf<const L extends string>(key: string, literals: readonly L[]): L | undefined {
    return this.optional(key, (value, path) => asLiteral(value, path, literals));
  }

  array<T>(key: string, decode: Decoder<T>, count?: Bounds): T[] {
    return this.required(key, (value, path) => asArray(value, path, { ...count, decode }));
  }

  optionalArray<T>(key: string, decode: Decoder<T>, count?: Bounds): T[] | undefined {
    return this.optional(key, (value, path) => asArray(value, path, { ...count, decode }));
  }

  /** A map from any name to T; `decode` is also given the name. */
  record<T>(key: string, decode: EntryDecoder<T>, count?: Bounds): Record<string, T> {
    return this.required(key, (value, path) => asRecord(value, path, { ...count, decode }));
  }

  optionalRecord<T>(key: string, decode: EntryDecoder<T>, count?: Bounds): Record<string, T> | undefined {
    return this.optional(key, (value, path) => asRecord(value, path, { ...count, decode }));
  }

  /** A nested object, read under the same rules and finished when `read` returns. */
  object<T>(key: string, read: (object: ObjectReader) => T): T {
    return this.required(key, this.#nested(read));
  }

  optionalObject<T>(key: string, read: (object: ObjectReader) => T): T | undefined {
    return this.optional(key, this.#nested(read));
  }

  /** An array of objects, each read under the same rules and finished. */
  objects<T>(key: string, read: (object: ObjectReader) => T, count?: Bounds): T[] {
    return this.array(key, this.#nested(read), count);
  }

  optionalObjects<T>(key: string, read: (object: ObjectReader) => T, count?: Bounds): T[] | undefined {
    return this.optionalArray(key, this.#nested(read), count);
  }

  /** The one present member of several, for a protobuf oneof; none or two are refused. */
  exactlyOne<const K extends string>(keys: readonly K[]): K {
    const present = keys.filter((key) => this.has(key));
    const [only] = present;
    if (only !== undefined && present.length === 1) return only;
    throw new DecodeError(this.path, `exactly one of ${keys.join(", ")}`, present.join(" and ") || "none");
  }

  /** Members that nobody has asked for so far. */
  unknownKeys(): string[] {
    return Object.keys(this.#object).filter((key) => !this.#asked.includes(key));
  }

  /** Refuses members that nobody asked for, or lists them if the rules name a place. Call it last. */
  finish(): void {
    for (const key of this.unknownKeys()) {
      const { ignored } = this.rules;
      if (ignored === undefined) throw new DecodeError(this.at(key), "no such member", "one");
      ignored.add(this.at(key).replace(ELEMENT_INDEX, "[]"));
      if (ignored.size > MAX_IGNORED) {
        throw new DecodeError(this.path, `at most ${MAX_IGNORED} unrecognised members`, "more");
      }
    }
  }

  #nested<T>(read: (object: ObjectReader) => T): Decoder<T> {
    return (value, path) => {
      const object = objectAt(value, path, this.rules);
      const result = read(object);
      object.finish();
      return result;
    };
  }

  #read(key: string): unknown {
    this.#asked.push(key);
    const value = Object.hasOwn(this.#object, key) ? this.#object[key] : undefined;
    const { absent = "missing" } = this.rules;
    if (absent === "missing" || value === undefined) return value;
    return value === null || (absent === "empty" && isEmpty(value)) ? undefined : value;
  }

  #describeAbsent(key: string): string {
    return Object.hasOwn(this.#object, key) ? "an empty one" : "nothing";
  }
}

function isEmpty(value: unknown): boolean {
  if (value === "") return true;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** Opens, reads and finishes the object at `path` in one call: the decoder of an object type. */
export function readObject<T>(
  value: unknown,
  path: string,
  { read, ...rules }: ReadRules & { readonly read: (object: ObjectReader) => T },
): T {
  const object = objectAt(value, path, rules);
  const result = read(object);
  object.finish();
  return result;
}
