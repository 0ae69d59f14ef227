// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { children, DerError, integer, octetString, oid, readDer, sequence, setOf, TAG, tlv } from "./der.ts";

describe("writing", () => {
  it.each([
    [integer(0), "020100"],
    [integer(127), "02017f"],
    [integer(128), "02020080"],
    [integer(256), "02020100"],
    [integer(Uint8Array.of(0, 0, 0xff)), "020200ff"],
    [oid("1.3.6.1.4.1.57264.1.24"), "060a2b0601040183bf300118"],
    [oid("2.16.840.1.101.3.4.2.1"), "0609608648016503040201"],
    [octetString(Buffer.alloc(128)), `048180${"00".repeat(128)}`],
    [octetString(Buffer.alloc(256)), `04820100${"00".repeat(256)}`],
    [setOf(integer(2), integer(1)), "3106020101020102"],
  ])("gives the bytes of X.690 (%#)", (encoded, hex) => {
    expect(encoded.toString("hex")).toBe(hex);
  });
});

describe("reading", () => {
  it("gives back what was written", () => {
    const parts = [integer(5), octetString(Buffer.alloc(300, 1)), oid("1.2.3")];
    const value = readDer(sequence(...parts));
    expect(value.tag).toBe(TAG.sequence);
    expect(children(value).map(({ raw }) => Buffer.from(raw))).toEqual(parts);
  });

  it.each([
    ["nothing", ""],
    ["a tag alone", "30"],
    ["contents cut short", "040500"],
    ["trailing bytes", "05000000"],
    ["indefinite length", "30800000"],
    ["a long form for a short length", "04810100"],
    ["a leading zero in the length", `04820080${"00".repeat(128)}`],
    ["a length of more than three octets", "0484000000010000"],
    ["a tag of several octets", "1f810100"],
  ])("refuses %s", (_title, hex) => {
    expect(() => readDer(Buffer.from(hex, "hex"))).toThrow(DerError);
  });

  it("refuses children that run over their parent", () => {
    expect(() => children(readDer(tlv(TAG.sequence, Buffer.from("0402ff", "hex"))))).toThrow(DerError);
  });
});
