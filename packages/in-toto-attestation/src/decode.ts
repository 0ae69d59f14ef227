// SPDX-License-Identifier: Apache-2.0
// Scalar and collection decoders: from `unknown` (what parseJson returned) to a typed value, without a cast. Inputs are
// untrusted. Each decoder takes the value and its JSON path and throws DecodeError, nothing else. Messages quote the
// input escaped to printable ASCII and cut short; the bytes behind a base64 field and over-long strings are never quoted.
import { Buffer } from "node:buffer";

const QUOTE_LIMIT = 80;
const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
const BEYOND_ASCII = /[^\x20-\x7e]/g;
const DECIMAL = /^(?:0|-?[1-9][0-9]{0,15})$/;
const RFC_3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

/** A value that is not what its format asks for. `path` is a JSON path from `$`; `found` is safe to print. */
export class DecodeError extends Error {
  override readonly name: string = "DecodeError";
  readonly path: string;
  readonly expected: string;
  readonly found: string;

  constructor(path: string, expected: string, found: string) {
    super(`${path}: expected ${expected}, found ${found}`);
    this.path = path;
    this.expected = expected;
    this.found = found;
  }
}

/** Turns the value at `path` into a T or throws DecodeError. */
export type Decoder<T> = (value: unknown, path: string) => T;

/** Inclusive bounds: characters of a string, bytes of base64, the value of an integer, the members of a collection. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/**
 * The record type of parsed JSON: nothing is inherited, so `__proto__`, `constructor` and `toString` are names like any
 * other. A class rather than Object.create(null), whose results V8 keeps in slow dictionary mode.
 */
export class JsonObject {
  [key: string]: unknown;

  static {
    Object.setPrototypeOf(this.prototype, null);
    Reflect.deleteProperty(this.prototype, "constructor");
    Object.freeze(this.prototype);
  }
}

/** `path` extended by an object member: `$.a`, or `$["a b"]` for a name that is not a plain word. */
export function memberPath(path: string, key: string): string {
  return PLAIN_KEY.test(key) ? `${path}.${key}` : `${path}[${quoteText(key)}]`;
}

/** `path` extended by an array element: `$[0]`. */
export function elementPath(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** A value in the words of an error message: its type and, for scalars, its content, escaped and cut short. */
export function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (typeof value === "string") return value.length > QUOTE_LIMIT ? describeLength(value) : quoteText(value);
  if (typeof value === "number" || typeof value === "boolean") return `${typeof value} ${String(value)}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** A string of `length` UTF-16 code units; without `length`, any string. */
export function asString(value: unknown, path: string, length?: Bounds): string {
  if (typeof value !== "string") throw new DecodeError(path, "a string", describeValue(value));
  if (length !== undefined && !within(value.length, length)) {
    const found = value.length === 0 ? "an empty string" : describeLength(value);
    throw new DecodeError(path, `a string of ${describeBounds(length)} characters`, found);
  }
  return value;
}

/** `true` or `false`; never 0, 1 or a word. */
export function asBoolean(value: unknown, path: string): boolean {
  if (typeof value !== "boolean") throw new DecodeError(path, "true or false", describeValue(value));
  return value;
}

/** A JSON number that is a safe integer. */
export function asInteger(value: unknown, path: string, range?: Bounds): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) {
    throw new DecodeError(path, "an integer", describeValue(value));
  }
  return inRange(value, path, range);
}

/** protobuf's JSON form of int64: a decimal string, or a number. Values beyond 2^53 - 1 are refused, not rounded. */
export function asInt64(value: unknown, path: string, range?: Bounds): number {
  if (typeof value !== "string") return asInteger(value, path, range);
  const parsed = DECIMAL.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(parsed)) throw new DecodeError(path, "an integer", describeValue(value));
  return inRange(parsed, path, range);
}

/**
 * Canonical standard base64 (RFC 4648 §4): padded, no line breaks, no URL alphabet, no stray bits, so that every byte
 * string has one spelling. `length` bounds the decoded bytes.
 */
export function asBase64(value: unknown, path: string, length?: Bounds): Uint8Array {
  if (typeof value !== "string") throw new DecodeError(path, "a base64 string", describeValue(value));
  const bytes = Buffer.from(value, "base64");
  if (bytes.toString("base64") !== value) {
    throw new DecodeError(path, "canonical padded base64", describeLength(value));
  }
  if (length !== undefined && !within(bytes.length, length)) {
    throw new DecodeError(path, `base64 of ${describeBounds(length)} bytes`, `${bytes.length} bytes`);
  }
  // A copy: small Buffers are views into a pool shared with everything else in the process.
  return new Uint8Array(bytes);
}

/** An RFC 3339 date-time that exists in the calendar, upper-case T and Z; digits past milliseconds are cut off. */
export function asDate(value: unknown, path: string): Date {
  const text = typeof value === "string" ? value : "";
  const [, local, fraction, sign, hours, minutes] = RFC_3339.exec(text) ?? [];
  const wallClock = local === undefined ? Number.NaN : Date.parse(`${local}Z`);
  // Date.parse rolls 30 February and 24:00 over; printing the result again tells.
  if (Number.isNaN(wallClock) || !new Date(wallClock).toISOString().startsWith(`${local}.`)) {
    throw new DecodeError(path, "an RFC 3339 date-time", describeValue(value));
  }
  const milliseconds = Number((fraction ?? "").padEnd(3, "0").slice(0, 3));
  const offset = sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -60_000 : 60_000);
  return new Date(wallClock + milliseconds - offset);
}

/** One of the given strings, exactly. */
export function asLiteral<const L extends string>(value: unknown, path: string, literals: readonly L[]): L {
  for (const literal of literals) if (value === literal) return literal;
  throw new DecodeError(path, literals.map(quoteText).join(" or "), describeValue(value));
}

/** A JSON object, kept as it is. Read members through objectAt, or by Object.hasOwn. */
export function asObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw new DecodeError(path, "an object", describeValue(value));
  return value;
}

/** An array whose length is within bounds, each element decoded under its own path. */
export function asArray<T>(value: unknown, path: string, items: Bounds & { readonly decode: Decoder<T> }): T[] {
  if (!Array.isArray(value)) throw new DecodeError(path, "an array", describeValue(value));
  const elements: readonly unknown[] = value;
  if (!within(elements.length, items)) {
    throw new DecodeError(path, `an array of ${describeBounds(items)}`, describeValue(elements));
  }
  return elements.map((element, index) => items.decode(element, elementPath(path, index)));
}

/** Decodes one value of a map; it may depend on the name. */
export type EntryDecoder<T> = (value: unknown, path: string, key: string) => T;

/** An object used as a map: any names. The result inherits nothing. */
export function asRecord<T>(
  value: unknown,
  path: string,
  entries: Bounds & { readonly decode: EntryDecoder<T> },
): Record<string, T> {
  const object = asObject(value, path);
  const keys = Object.keys(object);
  if (!within(keys.length, entries)) {
    throw new DecodeError(path, `an object of ${describeBounds(entries)} members`, `${keys.length} members`);
  }
  const record: Record<string, T> = {};
  Object.setPrototypeOf(record, null);
  for (const key of keys) record[key] = entries.decode(object[key], memberPath(path, key), key);
  return record;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function inRange(value: number, path: string, range: Bounds | undefined): number {
  if (range !== undefined && !within(value, range)) {
    throw new DecodeError(path, `an integer of ${describeBounds(range)}`, String(value));
  }
  return value;
}

function within(amount: number, { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: Bounds): boolean {
  return amount >= min && amount <= max;
}

function describeBounds({ min, max }: Bounds): string {
  if (min === undefined) return `at most ${max}`;
  return max === undefined ? `at least ${min}` : `${min} to ${max}`;
}

function describeLength(text: string): string {
  return `a string of ${text.length} characters`;
}

function quoteText(text: string): string {
  const shown = text.length > QUOTE_LIMIT ? `${text.slice(0, QUOTE_LIMIT)}...` : text;
  return JSON.stringify(shown).replace(BEYOND_ASCII, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
