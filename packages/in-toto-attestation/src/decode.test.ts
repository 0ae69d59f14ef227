// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
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
  describeValue,
  memberPath,
  type Decoder,
} from "./decode.ts";

function refused(decode: Decoder<unknown>, value: unknown): DecodeError {
  try {
    decode(value, "$.x");
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

describe("asDate", () => {
  test.each([
    ["2026-11-21T11:42:00Z", "2026-11-21T11:42:00.000Z"],
    ["2026-11-21T11:42:00.5Z", "2026-11-21T11:42:00.500Z"],
    ["2026-11-21T11:42:00.123456789Z", "2026-11-21T11:42:00.123Z"],
    ["2026-11-21T11:42:00+02:30", "2026-11-21T09:12:00.000Z"],
    ["2026-11-21T23:42:00-01:00", "2026-11-22T00:42:00.000Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"],
  ])("reads %s", (text, expected) => {
    expect(asDate(text, "$").toISOString()).toBe(expected);
  });

  test.each([
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00",
    "2026-01-01t00:00:00z",
    "2026-01-01",
    "2026-01-01 00:00:00Z",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00.Z",
    " 2026-01-01T00:00:00Z",
    "",
  ])("refuses %j", (text) => {
    expect(refused(asDate, text).path).toBe("$.x");
  });

  test("refuses a number of milliseconds", () => {
    expect(refused(asDate, 0).found).toBe("number 0");
  });
});

describe("asBase64", () => {
  test.each<[string, number[]]>([
    ["", []],
    ["AA==", [0]],
    ["+/8=", [0xfb, 0xff]],
    ["AAAA", [0, 0, 0]],
  ])("reads %j", (text, expected) => {
    expect([...asBase64(text, "$")]).toEqual(expected);
  });

  test.each(["AA", "AA=", "AB==", "-_8=", "AAAA\n", " AAAA", "AA==AA==", "A===", "AA=A", "é"])("refuses %j", (text) => {
    expect(refused(asBase64, text).expected).toBe("canonical padded base64");
  });

  test("never quotes the content", () => {
    expect(refused(asBase64, "c2VjcmV0=").message).not.toContain("c2Vj");
  });

  test("owns its memory", () => {
    const bytes = asBase64("AAAA", "$");
    expect(bytes.buffer.byteLength).toBe(3);
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
  });

  test("bounds the bytes, not the characters", () => {
    expect(asBase64("AAAA", "$", { max: 3 })).toHaveLength(3);
    expect(refused((value, path) => asBase64(value, path, { max: 2 }), "AAAA").found).toBe("3 bytes");
  });
});

describe("numbers", () => {
  test.each([1.5, "1", Number.NaN, 2 ** 53, null, true])("asInteger refuses %j", (value) => {
    expect(refused(asInteger, value).expected).toBe("an integer");
  });

  test("asInteger keeps to its range, bounds included", () => {
    expect([0, 9].map((value) => asInteger(value, "$", { min: 0, max: 9 }))).toEqual([0, 9]);
    for (const value of [-1, 10]) {
      expect(refused((v, path) => asInteger(v, path, { min: 0, max: 9 }), value).expected).toBe("an integer of 0 to 9");
    }
  });

  test.each<[unknown, number]>([
    ["0", 0],
    ["-12", -12],
    [7, 7],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ])("asInt64 reads %j", (value, expected) => {
    expect(asInt64(value, "$")).toBe(expected);
  });

  test.each(["", "01", "-0", "+1", "1.0", "1e3", " 1", "0x1", "9007199254740992", "9223372036854775807", 1.5, null])(
    "asInt64 refuses %j",
    (value) => {
      expect(refused(asInt64, value)).toBeInstanceOf(DecodeError);
    },
  );

  test("asInt64 keeps to its range in both spellings", () => {
    for (const value of ["-1", -1]) {
      expect(refused((v, path) => asInt64(v, path, { min: 0 }), value).expected).toBe("an integer of at least 0");
    }
  });
});

describe("the rest", () => {
  test("asString counts characters", () => {
    expect(asString("ab", "$", { min: 1, max: 2 })).toBe("ab");
    expect(refused((value, path) => asString(value, path, { max: 2 }), "abc").found).toBe("a string of 3 characters");
    expect(refused((value, path) => asString(value, path, { min: 1 }), "").found).toBe("an empty string");
  });

  test.each([0, 1, "true", null, undefined])("asBoolean refuses %j", (value) => {
    expect(refused(asBoolean, value)).toBeInstanceOf(DecodeError);
  });

  test("asLiteral is exact", () => {
    expect(asLiteral("b", "$", ["a", "b"])).toBe("b");
    expect(refused((value, path) => asLiteral(value, path, ["a", "b"]), "A")).toMatchObject({
      expected: '"a" or "b"',
      found: '"A"',
    });
  });

  test.each([null, [], "x", 1, undefined])("asObject refuses %j", (value) => {
    expect(refused(asObject, value).expected).toBe("an object");
  });

  test("asArray names the element", () => {
    const decode: Decoder<string[]> = (value, path) => asArray(value, path, { min: 1, max: 2, decode: asString0 });
    expect(decode(["a"], "$")).toEqual(["a"]);
    expect(refused(decode, ["a", 1]).path).toBe("$.x[1]");
    expect(refused(decode, []).path).toBe("$.x");
    expect(refused(decode, ["a", "b", "c"]).expected).toBe("an array of 1 to 2");
    expect(refused(decode, { length: 0 }).expected).toBe("an array");
  });

  test("asRecord names the member, passes the name and inherits nothing", () => {
    const decode: Decoder<Record<string, string>> = (value, path) =>
      asRecord(value, path, { max: 2, decode: (member, at, key) => `${key}=${asString(member, at)}` });
    const record = decode(JSON.parse('{"__proto__":"p","b c":"d"}'), "$");
    expect(Object.entries(record)).toEqual([
      ["__proto__", "__proto__=p"],
      ["b c", "b c=d"],
    ]);
    expect(record["toString"]).toBeUndefined();
    expect(refused(decode, { "b c": 1 }).path).toBe('$.x["b c"]');
    expect(refused(decode, { a: "", b: "", c: "" }).found).toBe("3 members");
  });

  test("paths and descriptions are printable and short, whatever the input", () => {
    const hostile = `\u001b[2J\u202e"${"x".repeat(500)}`;
    for (const text of [memberPath("$", hostile), describeValue(hostile), describeValue(hostile.slice(0, 20))]) {
      expect(text).toMatch(/^[\x20-\x7e]{1,120}$/);
    }
  });
});

const asString0: Decoder<string> = (value, path) => asString(value, path);
