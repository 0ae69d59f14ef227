// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonError, parseJson, type JsonErrorReason, type JsonLimits } from "./json.ts";

function refusal(input: string | Uint8Array, limits?: JsonLimits): JsonError {
  try {
    parseJson(input, limits);
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

function largestNumber(value: unknown): number {
  if (typeof value === "number") return Math.abs(value);
  if (typeof value !== "object" || value === null) return 0;
  return Math.max(0, ...Object.values(value).map(largestNumber));
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("what is JSON is read as JSON.parse reads it", () => {
  test.each([
    "null",
    " \t\r\n[ 1 , 2 ]\n",
    '{"a":{"b":[true,false,null]},"c":""}',
    "-0",
    "-12.50e+2",
    "9007199254740991",
    "1E-7",
    String.raw`"\"\\\/\b\f\n\r\té😀"`,
    '"ends with a backslash\\\\"',
    '"\u007f é 漢 😀"',
    '{"":1,"0":2,"constructor":3,"toString":4}',
    "[[],{}]",
  ])("%s", (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
    expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
  });

  test("any value that JSON can express, but for numbers that no double holds exactly", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(4), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        if (largestNumber(value) > Number.MAX_SAFE_INTEGER) expect(refusal(text).reason).toBe("number");
        else expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
      }),
      { numRuns: 1000 },
    );
  });

  test("__proto__ is a name like any other", () => {
    const value = parseJson('{"__proto__":{"admin":true},"constructor":1}');
    expect(Object.keys(value ?? {})).toEqual(["__proto__", "constructor"]);
    expect(value).not.toHaveProperty("admin");
    expect(JSON.stringify(value)).toBe('{"__proto__":{"admin":true},"constructor":1}');
  });

  test("objects inherit no members", () => {
    const value = parseJson("{}");
    expect(typeof value === "object" && value !== null && "toString" in value).toBe(false);
  });
});

describe("what is not strict JSON is refused with its reason", () => {
  test.each<[JsonErrorReason, string]>([
    ["duplicate-key", '{"a":1,"a":1}'],
    ["duplicate-key", String.raw`{"a":1,"\u0061":2}`],
    ["duplicate-key", '{"__proto__":1,"__proto__":2}'],
    ["duplicate-key", '[{"x":{"1":0,"1":0}}]'],
    ["trailing-data", "1 2"],
    ["trailing-data", "{}{}"],
    ["trailing-data", "null\u0000"],
    ["lone-surrogate", '"\ud800"'],
    ["lone-surrogate", '{"\udc00":1}'],
    ["lone-surrogate", String.raw`"\ud83d"`],
    ["lone-surrogate", String.raw`"\ude00\ud83d"`],
    ["lone-surrogate", String.raw`{"\udfff":1}`],
    ["utf8", "\uFEFF{}"],
    ["number", "01"],
    ["number", "-01"],
    ["number", "1."],
    ["number", "1e"],
    ["number", "1.e2"],
    ["number", "-"],
    ["number", "0x10"],
    ["number", "1e400"],
    ["number", "9007199254740992"],
    ["number", "-9007199254740993"],
    ["number", "1e21"],
    ["syntax", ""],
    ["syntax", "  "],
    ["syntax", "[1,]"],
    ["syntax", "[1 2]"],
    ["syntax", '{"a":1,}'],
    ["syntax", "{a:1}"],
    ["syntax", "{'a':1}"],
    ["syntax", '{"a"}'],
    ["syntax", '{"a":}'],
    ["syntax", "[1"],
    ["syntax", "{"],
    ["syntax", '"abc'],
    ["syntax", '"abc\\'],
    ["syntax", '"abc\\"'],
    ["syntax", '"a\nb"'],
    ["syntax", '"a\\n\nb"'],
    ["syntax", '"a\u0000"'],
    ["syntax", String.raw`"\x41"`],
    ["syntax", String.raw`"\u12G4"`],
    ["syntax", "tru"],
    ["syntax", "True"],
    ["syntax", "NaN"],
    ["syntax", "Infinity"],
    ["syntax", "+1"],
    ["syntax", ".5"],
    ["syntax", "// x\n1"],
    ["syntax", "\u00a01"],
    ["syntax", "\f1"],
  ])("%s: %j", (reason, text) => {
    // "0x10" reads 0 and then finds more.
    expect(refusal(text).reason).toBe(text === "0x10" ? "trailing-data" : reason);
  });

  test.each([
    [[0x22, 0xff, 0x22]],
    [[0x22, 0xc0, 0xaf, 0x22]],
    [[0x22, 0xed, 0xa0, 0x80, 0x22]],
    [[0x22, 0xe2, 0x82]],
    [[0xef, 0xbb, 0xbf, 0x31]],
    [[0xff, 0xfe, 0x31, 0x00]],
  ])("utf8: bytes %j", (raw) => {
    expect(refusal(Uint8Array.from(raw)).reason).toBe("utf8");
  });

  test("the error names the place, and its text is printable whatever the key", () => {
    const error = refusal('{"subject":[{},{"a\\u202eb":{"x":1,"x":2}}]}');
    expect(error.path).toBe(String.raw`$.subject[1]["a\u202eb"].x`);
    expect(error.offset).toBe(34);
    expect(error.message).not.toMatch(/[^\x20-\x7e]/);
  });
});

describe("limits", () => {
  test("depth is counted in containers", () => {
    expect(parseJson(`${"[".repeat(64)}${"]".repeat(64)}`)).toHaveLength(1);
    expect(refusal(`${"[".repeat(65)}${"]".repeat(65)}`).reason).toBe("depth");
    expect(parseJson('{"a":[1]}', { maxDepth: 2 })).toEqual({ a: [1] });
    expect(refusal('{"a":[1]}', { maxDepth: 1 })).toMatchObject({ reason: "depth", path: "$.a" });
    expect(parseJson("1", { maxDepth: 0 })).toBe(1);
  });

  test("a million open brackets do not exhaust the stack, whatever depth is allowed", () => {
    expect(refusal("[".repeat(1_000_000), { maxDepth: 1e9 }).reason).toBe("depth");
    expect(refusal('{"a":'.repeat(200_000), { maxDepth: 1e9 }).reason).toBe("depth");
  });

  test("bytes are counted in UTF-8, also for text", () => {
    const text = '"éé"';
    expect(parseJson(text, { maxBytes: 6 })).toBe("éé");
    expect(refusal(text, { maxBytes: 5 }).reason).toBe("size");
    expect(parseJson(bytes(text), { maxBytes: 6 })).toBe("éé");
    expect(refusal(bytes(text), { maxBytes: 5 }).reason).toBe("size");
  });

  test("values are counted, containers too", () => {
    expect(parseJson("[1,2]", { maxNodes: 3 })).toEqual([1, 2]);
    expect(refusal("[1,2]", { maxNodes: 2 }).reason).toBe("nodes");
    expect(refusal('{"a":1}', { maxNodes: 1 }).reason).toBe("nodes");
  });

  test("a string of nothing but escapes is read in linear time", () => {
    expect(parseJson(`"${String.raw`\n`.repeat(2_000_000)}"`)).toHaveLength(2_000_000);
  });
});

describe("hostile bytes", () => {
  const fragment = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\",
    '"a"',
    '"b"',
    "1",
    "-",
    "0",
    ".",
    "e",
    "null",
    "true",
    "\\u0061",
    "\\ud83d",
    "\\ude00",
    "\ud83d\ude00",
    "\ud83d",
    "\n",
    " ",
    "\u0000",
    "\u2028",
    "9007199254740993",
    "__proto__",
  );
  const text = fc.oneof(
    fc.array(fragment, { maxLength: 24 }).map((parts) => parts.join("")),
    fc.json(),
  );
  const input = fc.oneof(text, text.map(bytes), fc.uint8Array({ maxLength: 64 }), fc.string({ unit: "binary" }));

  test("only JsonError escapes, and what is accepted is what JSON.parse reads", () => {
    fc.assert(
      fc.property(input, (raw) => {
        let value: unknown;
        try {
          value = parseJson(raw);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError);
          return;
        }
        const decoded = typeof raw === "string" ? raw : new TextDecoder("utf-8", { fatal: true }).decode(raw);
        expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(decoded)));
      }),
      { numRuns: 5000 },
    );
  });

  test("a valid document with one byte changed never crashes the reader", () => {
    const document = bytes('{"_type":"https://in-toto.io/Statement/v1","n":[-1.5e2,true],"s":"\\u00e9\\n"}');
    fc.assert(
      fc.property(fc.nat(document.length - 1), fc.integer({ min: 0, max: 255 }), (index, byte) => {
        const changed = Uint8Array.from(document);
        changed[index] = byte;
        try {
          expect(parseJson(changed)).toEqual(JSON.parse(new TextDecoder().decode(changed)));
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
