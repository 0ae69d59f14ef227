// SPDX-License-Identifier: Apache-2.0
// The strict JSON writer: what it writes, parseJson reads back as the same value. JSON.stringify drops undefined, turns
// NaN into null and calls toJSON; in a document that is about to be signed each of those would be a silent change.
import { DecodeError, describeValue, elementPath, memberPath } from "./decode.ts";

const MAX_DEPTH = 64;

/**
 * Compact JSON with members in the value's own order. Throws DecodeError, with the path, for anything parseJson would not
 * return: undefined, functions, symbols, bigints, NaN, numbers beyond 2^53 - 1, lone surrogates, holes in arrays, class
 * instances such as Date, symbol keys, and more than 64 levels (so cycles too).
 */
export function formatJson(value: unknown): string {
  return formatValue(value, "$", 0);
}

function formatValue(value: unknown, path: string, depth: number): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return formatString(value, path);
  if (typeof value === "number") return formatNumber(value, path);
  if (typeof value !== "object") throw new DecodeError(path, "a JSON value", describeValue(value));
  if (depth >= MAX_DEPTH) throw new DecodeError(path, `at most ${MAX_DEPTH} levels`, "more");
  if (Array.isArray(value)) {
    const elements: readonly unknown[] = value;
    // Array.from visits holes, map would skip them.
    const parts = Array.from(elements, (element, index) => formatValue(element, elementPath(path, index), depth + 1));
    return `[${parts.join(",")}]`;
  }
  assertPlain(value, path);
  const members = Object.entries(value).map(([key, member]) => {
    const inner = memberPath(path, key);
    return `${formatString(key, inner)}:${formatValue(member, inner, depth + 1)}`;
  });
  return `{${members.join(",")}}`;
}

function formatString(text: string, path: string): string {
  if (!text.isWellFormed()) throw new DecodeError(path, "well-formed Unicode", "a lone surrogate");
  return JSON.stringify(text);
}

function formatNumber(value: number, path: string): string {
  if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) {
    throw new DecodeError(path, "a finite number within 2^53 - 1", describeValue(value));
  }
  return Object.is(value, -0) ? "-0" : String(value);
}

function assertPlain(value: object, path: string): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Object.prototype, null, or parseJson's empty prototype: nothing that could stand for something else.
  const plain =
    prototype === null ||
    prototype === Object.prototype ||
    (typeof prototype === "object" &&
      Object.getPrototypeOf(prototype) === null &&
      Reflect.ownKeys(prototype).length === 0);
  if (!plain || Object.getOwnPropertySymbols(value).length > 0) {
    throw new DecodeError(path, "a plain object", "an instance or symbol keys");
  }
}
