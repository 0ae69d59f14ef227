// SPDX-License-Identifier: Apache-2.0
// Untrusted JSON bytes → typed value, with the caller's error code: the one place where the strict reader's errors
// become KitesealErrors. Messages of the reader quote their input escaped and capped.
import {
  DecodeError,
  JsonError,
  parseJson,
  readObject,
  type ObjectReader,
  type ReadRules,
} from "@kiteseal/in-toto-attestation/json";
import { KitesealError, type ErrorCode } from "./errors.ts";
import { LIMITS } from "./limits.ts";

export interface DocumentOptions<T> {
  /** Thrown for anything malformed, and for more than `maxBytes` unless `limitCode` is given. */
  readonly code: ErrorCode;
  readonly limitCode?: ErrorCode;
  /** What the document is, for the message: "the trusted root". */
  readonly what: string;
  readonly maxBytes: number;
  readonly rules?: ReadRules;
  readonly hint?: string;
  readonly read: (object: ObjectReader) => T;
}

/** Parses and decodes one JSON object. Throws KitesealError with `options.code`. */
export function decodeDocument<T>(input: Uint8Array | string, options: DocumentOptions<T>): T {
  if (input.length > options.maxBytes) {
    throw new KitesealError(
      options.limitCode ?? options.code,
      `${options.what} is larger than ${options.maxBytes} bytes`,
      {
        hint: options.hint,
        details: { expected: `at most ${options.maxBytes} bytes`, found: `${input.length} bytes` },
      },
    );
  }
  return withCode(options, () => {
    const value = parseJson(input, { maxBytes: options.maxBytes, maxDepth: LIMITS.jsonDepth });
    return readObject(value, "$", { ...options.rules, read: options.read });
  });
}

/** Runs `decode`, turning the strict reader's errors into KitesealErrors with `code`. */
export function withCode<T>(o: { code: ErrorCode; what: string; hint?: string }, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (cause instanceof DecodeError) {
      throw new KitesealError(o.code, `${o.what} is malformed: ${cause.message}`, {
        hint: o.hint,
        cause,
        details: { path: cause.path, expected: cause.expected, found: cause.found },
      });
    }
    if (cause instanceof JsonError) {
      const details = { path: cause.path, reason: cause.reason, found: cause.message };
      throw new KitesealError(o.code, `${o.what} is not strict JSON: ${cause.message}`, {
        hint: o.hint,
        cause,
        details,
      });
    }
    throw cause;
  }
}
