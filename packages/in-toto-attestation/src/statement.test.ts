// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DecodeError } from "./decode.ts";
import { parseJson } from "./json.ts";
import {
  decodeStatement,
  encodeStatement,
  repeatedSubjectName,
  STATEMENT_TYPE_V01,
  STATEMENT_TYPE_V1,
  type DecodeStatementOptions,
  type Statement,
} from "./statement.ts";

const HEX = "ab".repeat(32);

function valid(): Record<string, unknown> {
  return {
    _type: STATEMENT_TYPE_V1,
    subject: [{ name: "dist/app.tgz", digest: { sha256: HEX } }],
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: { buildDefinition: {} },
  };
}

function refused(value: unknown, options?: DecodeStatementOptions): DecodeError {
  try {
    decodeStatement(value, options);
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

describe("decodeStatement", () => {
  test("reads a statement", () => {
    expect(decodeStatement(valid())).toEqual({ statement: valid(), ignoredFields: [] });
  });

  test("keeps every descriptor field of a subject", () => {
    const subject = {
      name: "a",
      uri: "pkg:npm/a",
      digest: { sha256: HEX },
      content: "AAAA",
      downloadLocation: "https://example.com/a",
      mediaType: "text/plain",
      annotations: { any: [null] },
    };
    expect(decodeStatement({ ...valid(), subject: [subject] }).statement.subject).toEqual([subject]);
  });

  test.each<[string, Record<string, unknown>]>([
    ["$._type", { _type: "https://in-toto.io/Statement/v1.0" }],
    ["$._type", { _type: STATEMENT_TYPE_V01 }],
    ["$._type", { _type: undefined }],
    ["$.subject", { subject: [] }],
    ["$.subject", { subject: null }],
    ["$.subject", { subject: { name: "a" } }],
    ["$.subject[0]", { subject: ["a"] }],
    ["$.subject[0]", { subject: [{ name: "a" }] }],
    ["$.subject[0].digest", { subject: [{ uri: "x:y" }] }],
    ["$.subject[0].digest", { subject: [{ uri: "x:y", digest: null }] }],
    ["$.subject[0].digest", { subject: [{ digest: {} }] }],
    ["$.subject[0].digest.sha256", { subject: [{ digest: { sha256: HEX.toUpperCase() } }] }],
    ["$.subject[0].name", { subject: [{ name: 1, digest: { sha256: HEX } }] }],
    ["$.subject[0].content", { subject: [{ content: "AB==", digest: { sha256: HEX } }] }],
    ["$.subject[0].annotations", { subject: [{ annotations: [], digest: { sha256: HEX } }] }],
    ["$.predicateType", { predicateType: "" }],
    ["$.predicateType", { predicateType: "provenance" }],
    ["$.predicateType", { predicateType: "https://example.com/a b" }],
    ["$.predicateType", { predicateType: "https://example.com/é" }],
    ["$.predicate", { predicate: "text" }],
    ["$.predicate", { predicate: [] }],
  ])("refuses a wrong %s: %j", (path, change) => {
    expect(refused({ ...valid(), ...change }).path).toBe(path);
  });

  test.each([null, [], "", 1, undefined])("refuses %j", (value) => {
    expect(refused(value).path).toBe("$");
  });

  test("reads v0.1 only when asked to", () => {
    const old = { ...valid(), _type: STATEMENT_TYPE_V01 };
    expect(decodeStatement(old, { allowV01: true }).statement._type).toBe(STATEMENT_TYPE_V01);
    expect(decodeStatement(valid(), { allowV01: true }).statement._type).toBe(STATEMENT_TYPE_V1);
  });

  test("an absent predicate and null are an empty one", () => {
    const { predicate: _, ...without } = valid();
    expect(decodeStatement(without).statement.predicate).toEqual({});
    expect(decodeStatement({ ...valid(), predicate: null }).statement.predicate).toEqual({});
  });

  test("lists what it ignores, outside the predicate", () => {
    const subject = [
      { digest: { sha256: HEX }, extra: 1 },
      { digest: { sha256: HEX }, extra: 2 },
    ];
    const value = { ...valid(), subject, predicate: { anything: 1 }, vendor_note: "x" };
    expect(decodeStatement(value).ignoredFields).toEqual(["$.subject[].extra", "$.vendor_note"]);
  });

  test("counts subjects", () => {
    const subjects = (count: number): Record<string, unknown> => ({
      ...valid(),
      subject: Array.from({ length: count }, () => ({ digest: { sha256: HEX } })),
    });
    expect(decodeStatement(subjects(1024)).statement.subject).toHaveLength(1024);
    expect(refused(subjects(1025)).path).toBe("$.subject");
    expect(decodeStatement(subjects(1025), { maxSubjects: 1025 }).statement.subject).toHaveLength(1025);
    expect(refused(subjects(2), { maxSubjects: 1 }).path).toBe("$.subject");
  });

  test("only DecodeError escapes, whatever JSON it is given", () => {
    const anything = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.jsonValue(),
        fc.record(
          { _type: fc.constant(STATEMENT_TYPE_V1), subject: tie("value"), predicateType: tie("value") },
          { requiredKeys: [] },
        ),
        fc.array(fc.record({ name: tie("value"), digest: tie("value"), content: tie("value") }, { requiredKeys: [] })),
      ),
    })).value;
    fc.assert(
      fc.property(anything, (value) => {
        try {
          decodeStatement(value);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("encodeStatement", () => {
  const text = (statement: Statement): string => new TextDecoder().decode(encodeStatement(statement));

  test("writes members in the specification's order, digests by name, the predicate as it is", () => {
    const statement: Statement = {
      predicate: { z: 1, a: [true, "é"] },
      predicateType: "https://example.com/p",
      subject: [{ digest: { sha512: HEX + HEX, sha256: HEX }, name: "a" }],
      _type: STATEMENT_TYPE_V1,
    };
    expect(text(statement)).toBe(
      `{"_type":"${STATEMENT_TYPE_V1}","subject":[{"name":"a","digest":{"sha256":"${HEX}","sha512":"${HEX}${HEX}"}}],` +
        `"predicateType":"https://example.com/p","predicate":{"z":1,"a":[true,"é"]}}`,
    );
  });

  test.each<[string, unknown]>([
    ["$.predicate.a", { a: undefined }],
    ["$.predicate.a[0]", { a: [Number.NaN] }],
    ["$.predicate.a", { a: new Date(0) }],
    ["$.predicate", "text"],
    ["$.predicate", undefined],
  ])("refuses what JSON would change silently: %s", (path, predicate) => {
    const statement: Statement = {
      _type: STATEMENT_TYPE_V1,
      subject: [{ digest: { sha256: HEX } }],
      predicateType: "https://example.com/p",
      predicate,
    };
    expect(() => encodeStatement(statement)).toThrow(expect.objectContaining({ name: "DecodeError", path }));
  });

  test("refuses what decodeStatement would refuse", () => {
    const statement = decodeStatement(valid()).statement;
    expect(() => encodeStatement({ ...statement, subject: [] })).toThrow(DecodeError);
    expect(() => encodeStatement({ ...statement, predicateType: "x" })).toThrow(DecodeError);
    expect(() => encodeStatement({ ...statement, _type: STATEMENT_TYPE_V01 })).toThrow(DecodeError);
  });

  test("what is encoded is decoded as the same statement, and encodes to the same bytes", () => {
    const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
    const subject = fc.record({
      name: fc.string({ unit: "grapheme" }),
      digest: fc.record({ sha256: hex, gitBlob: hex }),
    });
    const predicate = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.maxSafeInteger(), fc.array(fc.boolean())));
    const statement = fc.record({
      _type: fc.constant(STATEMENT_TYPE_V1),
      subject: fc.array(subject, { minLength: 1, maxLength: 5 }),
      predicateType: fc.webUrl(),
      predicate,
    });
    fc.assert(
      fc.property(statement, (value) => {
        fc.pre(/^[\x21-\x7e]+$/.test(value.predicateType));
        const bytes = encodeStatement({ ...value, _type: STATEMENT_TYPE_V1 });
        const decoded = decodeStatement(parseJson(bytes));
        expect(decoded).toEqual({ statement: value, ignoredFields: [] });
        expect(encodeStatement(decoded.statement)).toEqual(bytes);
      }),
    );
  });
});

test("repeatedSubjectName finds the second subject of one name and lets unnamed ones be", () => {
  const digest = { sha256: HEX };
  expect(repeatedSubjectName([{ name: "a", digest }, { digest }, { name: "b", digest }, { digest }])).toBeUndefined();
  expect(
    repeatedSubjectName([
      { name: "a", digest },
      { name: "b", digest },
      { name: "b", digest },
    ]),
  ).toBe("b");
});
