// SPDX-License-Identifier: Apache-2.0
// The strict JSON reader (RFC 8259, I-JSON's limits of RFC 7493) for bytes that nobody has verified, and the decoders of
// what it returns. Two readers of one signed document must never see two documents: so no duplicate names, no invalid
// UTF-8, no lone surrogates, no number that a double cannot hold exactly, nothing after the value. Bounded in bytes,
// depth and count of values before memory is spent on them. Only JsonError is thrown.
import { JsonObject, elementPath, memberPath } from "./decode.ts";

export {
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
  describeValue,
  elementPath,
  memberPath,
  type Bounds,
  type Decoder,
  type EntryDecoder,
} from "./decode.ts";
export { objectAt, ObjectReader, readObject, type ReadRules } from "./object-reader.ts";
export { formatJson } from "./json-format.ts";

/** Why a text was refused. */
export type JsonErrorReason =
  | "duplicate-key"
  | "trailing-data"
  | "lone-surrogate"
  | "utf8"
  | "depth"
  | "size"
  | "nodes"
  | "syntax"
  | "number";

/** Bounds of one document. Defaults: 16 MiB of UTF-8, 64 levels of arrays and objects, 1,000,000 values. */
export interface JsonLimits {
  readonly maxBytes?: number;
  /** At most 512, whatever is asked: the reader recurses, and no document may exhaust the stack. */
  readonly maxDepth?: number;
  readonly maxNodes?: number;
}

/** A text that is not strict JSON. `offset` counts UTF-16 code units of the text, undefined where there is no text. */
export class JsonError extends Error {
  override readonly name: string = "JsonError";
  readonly reason: JsonErrorReason;
  /** JSON path of the value being read. */
  readonly path: string;
  readonly offset: number | undefined;

  constructor(reason: JsonErrorReason, detail: string, at: { path: string; offset?: number; cause?: unknown }) {
    const where = at.offset === undefined ? at.path : `${at.path} (character ${at.offset})`;
    super(`${detail} at ${where}`, at.cause === undefined ? {} : { cause: at.cause });
    this.reason = reason;
    this.path = at.path;
    this.offset = at.offset;
  }
}

const HARD_MAX_DEPTH = 512;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/**
 * Reads one JSON document, white space around it allowed. Objects come back as records without a prototype's members:
 * read them with objectAt. Throws JsonError.
 */
export function parseJson(input: Uint8Array | string, limits?: JsonLimits): unknown {
  const { maxBytes = 16 * 1024 * 1024, maxDepth = 64, maxNodes = 1_000_000 } = limits ?? {};
  const text = typeof input === "string" ? checkText(input, maxBytes) : decodeUtf8(input, maxBytes);
  return new JsonReader(text, Math.min(maxDepth, HARD_MAX_DEPTH), maxNodes).document();
}

function decodeUtf8(bytes: Uint8Array, maxBytes: number): string {
  if (bytes.byteLength > maxBytes) throw tooLarge(bytes.byteLength, maxBytes);
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw new JsonError("utf8", "a byte order mark", { path: "$", offset: 0 });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new JsonError("utf8", "bytes that are not UTF-8", { path: "$", cause });
  }
}

function checkText(text: string, maxBytes: number): string {
  // One code unit is one to three bytes of UTF-8: encode only when that leaves the question open.
  if (text.length * 3 > maxBytes) {
    const size = text.length > maxBytes ? text.length : new TextEncoder().encode(text).byteLength;
    if (size > maxBytes) throw tooLarge(size, maxBytes);
  }
  if (text.startsWith("\uFEFF")) throw new JsonError("utf8", "a byte order mark", { path: "$", offset: 0 });
  if (!text.isWellFormed()) throw new JsonError("lone-surrogate", "a lone surrogate", { path: "$" });
  return text;
}

function tooLarge(size: number, maxBytes: number): JsonError {
  return new JsonError("size", `a document of at least ${size} bytes where ${maxBytes} are allowed`, { path: "$" });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const MINUS = 0x2d;
const LETTER_T = 0x74;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;

/** One pass over one text. Past the end charCodeAt gives NaN, which equals no character. */
class JsonReader {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #maxNodes: number;
  // The names and indexes that lead to the value being read: entries below the current depth are valid.
  readonly #path: (string | number)[] = [];
  #position = 0;
  #nodes = 0;

  constructor(text: string, maxDepth: number, maxNodes: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#maxNodes = maxNodes;
  }

  document(): unknown {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#position < this.#text.length) throw this.#error("trailing-data", "something after the document", 0);
    return value;
  }

  #value(depth: number): unknown {
    if (++this.#nodes > this.#maxNodes) throw this.#error("nodes", `more than ${this.#maxNodes} values`, depth);
    switch (this.#skipSpace()) {
      case QUOTE:
        return this.#string(depth);
      case OPEN_BRACE:
        return this.#object(depth);
      case OPEN_BRACKET:
        return this.#array(depth);
      case LETTER_T:
        return this.#literal("true", true, depth);
      case LETTER_F:
        return this.#literal("false", false, depth);
      case LETTER_N:
        return this.#literal("null", null, depth);
      default:
        return this.#number(depth);
    }
  }

  #object(depth: number): JsonObject {
    this.#enter(depth);
    const object = new JsonObject();
    let code = this.#skipSpace();
    if (code === CLOSE_BRACE) {
      this.#position++;
      return object;
    }
    for (;;) {
      if (code !== QUOTE) throw this.#error("syntax", "no member name", depth);
      const start = this.#position;
      const key = this.#string(depth);
      this.#path[depth] = key;
      if (key in object) {
        this.#position = start;
        throw this.#error("duplicate-key", "a second member of the same name", depth + 1);
      }
      if (this.#skipSpace() !== COLON) throw this.#error("syntax", "no colon", depth + 1);
      this.#position++;
      object[key] = this.#value(depth + 1);
      code = this.#skipSpace();
      if (code !== COMMA && code !== CLOSE_BRACE) throw this.#error("syntax", "no comma or closing brace", depth);
      this.#position++;
      if (code === CLOSE_BRACE) return object;
      code = this.#skipSpace();
    }
  }

  #array(depth: number): unknown[] {
    this.#enter(depth);
    const array: unknown[] = [];
    if (this.#skipSpace() === CLOSE_BRACKET) {
      this.#position++;
      return array;
    }
    for (;;) {
      this.#path[depth] = array.length;
      array.push(this.#value(depth + 1));
      const code = this.#skipSpace();
      if (code !== COMMA && code !== CLOSE_BRACKET) throw this.#error("syntax", "no comma or closing bracket", depth);
      this.#position++;
      if (code === CLOSE_BRACKET) return array;
    }
  }

  #enter(depth: number): void {
    if (depth >= this.#maxDepth) throw this.#error("depth", `more than ${this.#maxDepth} levels`, depth);
    this.#position++;
  }

  #string(depth: number): string {
    const text = this.#text;
    const start = this.#position + 1;
    let end = start;
    let code = text.charCodeAt(end);
    while (code !== QUOTE && code !== BACKSLASH && code >= 0x20) code = text.charCodeAt(++end);
    if (code === QUOTE) {
      this.#position = end + 1;
      return text.slice(start, end);
    }
    if (code === BACKSLASH) return this.#escapedString(end, depth);
    this.#position = end;
    throw this.#error("syntax", Number.isNaN(code) ? "a string without an end" : "a control character", depth);
  }

  /** A string whose first backslash is at `end`: finds the closing quote and lets JSON.parse undo the escapes. */
  #escapedString(end: number, depth: number): string {
    const text = this.#text;
    const start = this.#position;
    let code = BACKSLASH;
    while (code !== QUOTE && end < text.length) {
      end += code === BACKSLASH ? 2 : 1;
      code = text.charCodeAt(end);
    }
    let value: unknown;
    try {
      value = JSON.parse(text.slice(start, end + 1));
    } catch (cause) {
      const detail = "an invalid escape, a control character or no end in the string";
      throw new JsonError("syntax", detail, { ...this.#where(depth), cause });
    }
    if (typeof value !== "string" || !value.isWellFormed()) {
      throw this.#error("lone-surrogate", "an escaped lone surrogate", depth);
    }
    this.#position = end + 1;
    return value;
  }

  #number(depth: number): number {
    const first = this.#text.charCodeAt(this.#position);
    if (first !== MINUS && !isDigit(first)) throw this.#error("syntax", "no value", depth);
    const start = this.#position;
    NUMBER.lastIndex = start;
    if (!NUMBER.test(this.#text)) throw this.#error("number", "an unfinished number", depth);
    const end = NUMBER.lastIndex;
    if (continuesNumber(this.#text.charCodeAt(end))) throw this.#error("number", "a malformed number", depth);
    const value = Number(this.#text.slice(start, end));
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw this.#error("number", "a number beyond 2^53 - 1", depth);
    this.#position = end;
    return value;
  }

  #literal<T>(word: string, value: T, depth: number): T {
    if (!this.#text.startsWith(word, this.#position)) throw this.#error("syntax", "no value", depth);
    this.#position += word.length;
    return value;
  }

  /** Moves to the next character that is not white space and returns its code. */
  #skipSpace(): number {
    let code = this.#text.charCodeAt(this.#position);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
      code = this.#text.charCodeAt(++this.#position);
    }
    return code;
  }

  #error(reason: JsonErrorReason, detail: string, depth: number): JsonError {
    return new JsonError(reason, detail, this.#where(depth));
  }

  #where(depth: number): { path: string; offset: number } {
    let path = "$";
    for (const step of this.#path.slice(0, depth)) {
      path = typeof step === "number" ? elementPath(path, step) : memberPath(path, step);
    }
    return { path, offset: this.#position };
  }
}

/** A character that can only follow a number if the number is malformed: a leading zero, "1.", "1e". */
function continuesNumber(code: number): boolean {
  return isDigit(code) || code === 0x2e || code === 0x65 || code === 0x45 || code === 0x2b || code === MINUS;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
