// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { LIMITS } from "../limits.ts";
import { parseChecksums } from "./checksums.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);
const parse = (text: string) => parseChecksums(Buffer.from(text));

describe("parseChecksums", () => {
  it("reads sha256sum's own lines, binary marks, ./ and CRLF", () => {
    expect(parse(`${A}  dist/app.tgz\n${B} *./dist/b c.tgz\r\n${A.toUpperCase()}  .//x`)).toEqual([
      { name: "dist/app.tgz", path: "dist/app.tgz", sha256: A, line: 1 },
      { name: "dist/b c.tgz", path: "./dist/b c.tgz", sha256: B, line: 2 },
      { name: "x", path: ".//x", sha256: A, line: 3 },
    ]);
  });

  it("reads BSD's lines, parentheses in names included", () => {
    expect(parse(`SHA256 (a (1).tgz) = ${A}\n`)).toEqual([
      { name: "a (1).tgz", path: "a (1).tgz", sha256: A, line: 1 },
    ]);
  });

  it("names a file in normal form C and keeps the path as written", () => {
    expect(parse(`${A}  cafe\u0301\n`)).toMatchObject([{ name: "caf\u00e9", path: "cafe\u0301" }]);
  });

  it.each([
    ["a blank line", `${A}  x\n\n${B}  y\n`],
    ["another algorithm", `${A}${B}  x\n`],
    ["another BSD algorithm", `SHA512 (x) = ${A}${B}\n`],
    ["one space", `${A} x\n`],
    ["an escaped name", `\\${A}  a\\nb\n`],
    ["no name", `${A}  \n`],
    ["prose", "these are the sums\n"],
    ["a byte order that is not UTF-8", Buffer.from([0xff, 0x0a]).toString("latin1")],
  ])("refuses %s", (_what, text) => {
    expect(() => parseChecksums(Buffer.from(text, "latin1"))).toThrow(
      expect.objectContaining({ code: "ERR_CONFIG_INVALID" }),
    );
  });

  it.each(["../x", "/etc/passwd", "a/../b", "a//b", "a\\b", "a\u202eb"])("refuses the name %j", (name) => {
    expect(() => parse(`${A}  ${name}\n`)).toThrow(expect.objectContaining({ code: "ERR_NAME_INVALID" }));
  });

  it("refuses a name that stands twice, an empty file and one over the limit", () => {
    expect(() => parse(`${A}  x\n${B}  ./x\n`)).toThrow(expect.objectContaining({ code: "ERR_DUPLICATE_NAME" }));
    expect(() => parse("")).toThrow(expect.objectContaining({ code: "ERR_NO_MATCH" }));
    expect(() => parseChecksums(new Uint8Array(LIMITS.checksumFileBytes + 1))).toThrow(
      expect.objectContaining({ code: "ERR_LIMIT_EXCEEDED" }),
    );
  });
});
