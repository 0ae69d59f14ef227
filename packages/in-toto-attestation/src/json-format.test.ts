// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DecodeError } from "./decode.ts";
import { formatJson } from "./json-format.ts";
import { parseJson } from "./json.ts";

const jsonValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, "", -0),
    fc.string({ unit: "grapheme" }),
    fc.maxSafeInteger(),
    fc.double({ min: -1e15, max: 1e15, noNaN: true }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: "grapheme" }), tie("value"), { maxKeys: 4 }),
  ),
})).value;

test("what is written is read back as the same value", () => {
  fc.assert(
    fc.property(jsonValue, (value) => {
      const text = formatJson(value);
      expect(parseJson(text)).toEqual(value);
      expect(formatJson(parseJson(text))).toBe(text);
    }),
    { numRuns: 500 },
  );
});

test("ordinary values are written as JSON.stringify writes them", () => {
  const value = { b: [1, -2.5, "é\n\u2028"], a: { nested: null }, __proto__x: true };
  expect(formatJson(value)).toBe(JSON.stringify(value));
});

describe("what JSON cannot hold is refused where it is", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  const holes = [1];
  holes[2] = 3;

  test.each<[string, unknown, string]>([
    ["undefined", { a: { b: undefined } }, "$.a.b"],
    ["NaN", [1, Number.NaN], "$[1]"],
    ["infinity", { n: Number.POSITIVE_INFINITY }, "$.n"],
    ["an integer that no double holds exactly", { n: 2 ** 53 }, "$.n"],
    ["bigint", { n: 1n }, "$.n"],
    ["function", { f: () => 1 }, "$.f"],
    ["symbol key", { [Symbol("s")]: 1 }, "$"],
    ["Date", { d: new Date(0) }, "$.d"],
    ["Uint8Array", { d: new Uint8Array(1) }, "$.d"],
    ["Map", new Map(), "$"],
    ["a hole", holes, "$[1]"],
    ["lone surrogate", ["\ud800"], "$[0]"],
    ["lone surrogate in a name", { "\ud800": 1 }, String.raw`$["\ud800"]`],
  ])("%s", (_name, value, path) => {
    expect(() => formatJson(value)).toThrow(expect.objectContaining({ name: "DecodeError", path }));
  });

  test("a cycle", () => {
    expect(() => formatJson(cycle)).toThrow(DecodeError);
  });
});
