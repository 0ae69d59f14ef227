// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { asString, DecodeError, type Decoder } from "./decode.ts";
import { parseJson } from "./json.ts";
import { objectAt, readObject, type ObjectReader, type ReadRules } from "./object-reader.ts";

const open = (json: string, rules?: ReadRules): ObjectReader => objectAt(parseJson(json), "$", rules);
const text: Decoder<string> = (value, path) => asString(value, path);

function failure(action: () => unknown): DecodeError {
  try {
    action();
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

test("every kind of member is read by its type", () => {
  const o = open(
    `{"s":"x","i":1,"l":"12","b":false,"d":"2026-01-01T00:00:00Z","y":"AAE=","e":"two",
      "a":["p"],"r":{"k":"v"},"o":{"n":2},"os":[{"n":3}],"u":[null]}`,
  );
  const number = (inner: ObjectReader): number => inner.integer("n");
  expect({
    s: o.string("s"),
    i: o.integer("i"),
    l: o.int64String("l"),
    b: o.boolean("b"),
    d: o.date("d").getTime(),
    y: [...o.base64("y")],
    e: o.oneOf("e", ["one", "two"]),
    a: o.array("a", text),
    r: o.record("r", text),
    o: o.object("o", number),
    os: o.objects("os", number),
    u: o.required("u", (value) => value),
  }).toEqual({
    s: "x",
    i: 1,
    l: 12,
    b: false,
    d: Date.UTC(2026, 0),
    y: [0, 1],
    e: "two",
    a: ["p"],
    r: { k: "v" },
    o: 2,
    os: [3],
    u: [null],
  });
  o.finish();
});

test("every optional form gives undefined for a missing member and still checks a present one", () => {
  const forms: ((o: ObjectReader) => unknown)[] = [
    (o) => o.optionalString("k"),
    (o) => o.optionalInteger("k"),
    (o) => o.optionalInt64String("k"),
    (o) => o.optionalBoolean("k"),
    (o) => o.optionalDate("k"),
    (o) => o.optionalBase64("k"),
    (o) => o.optionalOneOf("k", ["one"]),
    (o) => o.optionalArray("k", text),
    (o) => o.optionalRecord("k", text),
    (o) => o.optionalObject("k", () => 1),
    (o) => o.optionalObjects("k", () => 1),
  ];
  for (const form of forms) {
    expect(form(open("{}"))).toBeUndefined();
    expect(failure(() => form(open('{"k":1.5}'))).path).toBe("$.k");
    expect(failure(() => form(open('{"k":null}'))).found).toBe("null");
    expect(form(open('{"k":null}', { absent: "null" }))).toBeUndefined();
  }
});

describe("absence", () => {
  test("a missing required member is named", () => {
    expect(failure(() => open("{}").string("name"))).toMatchObject({ path: "$.name", found: "nothing" });
  });

  test("inherited members are not members", () => {
    expect(objectAt({}, "$").has("toString")).toBe(false);
    expect(objectAt(Object.create({ x: "inherited" }), "$").optionalString("x")).toBeUndefined();
  });

  test.each<[NonNullable<ReadRules["absent"]>, boolean[]]>([
    ["missing", [true, true, true, true, true, true]],
    ["null", [false, true, true, true, true, true]],
    ["empty", [false, false, false, false, true, true]],
  ])("under the rule %s", (absent, expected) => {
    const o = open('{"a":null,"b":"","c":[],"d":{},"e":0,"f":false}', { absent });
    expect(["a", "b", "c", "d", "e", "f"].map((key) => o.has(key))).toEqual(expected);
  });

  test("children follow their parent's rules", () => {
    const o = open('{"in":{"x":null}}', { absent: "null" });
    expect(o.object("in", (inner) => inner.optionalString("x"))).toBeUndefined();
    expect(failure(() => open('{"in":{"x":null}}').object("in", (i) => i.optionalString("x"))).path).toBe("$.in.x");
  });
});

describe("members nobody asked for", () => {
  test("are refused by finish, at any level", () => {
    expect(failure(() => open('{"a":1}').finish()).path).toBe("$.a");
    expect(failure(() => open('{"o":{"b":1}}').object("o", () => 1)).path).toBe("$.o.b");
    expect(failure(() => open('{"os":[{},{"b":1}]}').objects("os", () => 1)).path).toBe("$.os[1].b");
    expect(failure(() => readObject(parseJson('{"c":1}'), "$", { read: () => 1 })).path).toBe("$.c");
  });

  test("are told by unknownKeys", () => {
    const o = open('{"a":1,"b":2,"c":3}');
    o.integer("b");
    expect(o.unknownKeys()).toEqual(["a", "c"]);
  });

  test("are listed once per place where the rules say ignore", () => {
    const ignored = new Set<string>();
    const value = parseJson('{"os":[{"x":1},{"x":2,"y":3}],"z":0}');
    readObject(value, "$", { ignored, read: (o) => o.objects("os", () => 1) });
    expect([...ignored]).toEqual(["$.os[].x", "$.os[].y", "$.z"]);
  });

  test("are refused in bulk even then", () => {
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`k${index}`, 0]));
    const ignored = new Set<string>();
    expect(failure(() => readObject(many, "$", { ignored, read: () => 1 })).found).toBe("more");
    delete many["k0"];
    expect(readObject(many, "$", { ignored: new Set(), read: () => 1 })).toBe(1);
  });
});

test("exactlyOne names the member that is there and refuses none and two", () => {
  const keys = ["a", "b"] as const;
  expect(open('{"b":1}').exactlyOne(keys)).toBe("b");
  expect(open('{"a":null,"b":1}', { absent: "null" }).exactlyOne(keys)).toBe("b");
  expect(failure(() => open("{}").exactlyOne(keys)).found).toBe("none");
  expect(failure(() => open('{"a":1,"b":1}').exactlyOne(keys)).found).toBe("a and b");
});
