// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { DecodeError } from "./decode.ts";
import { decodeDigestSet, isDigest, matchDigests, sameArtifact } from "./digest-set.ts";

const A256 = "a".repeat(64);
const B256 = "b".repeat(64);
const A512 = "a".repeat(128);
const B512 = "b".repeat(128);
const decode = (value: unknown): unknown => decodeDigestSet(value, "$.digest");

describe("decodeDigestSet", () => {
  test("keeps every algorithm, also those the specification does not name", () => {
    const set = { sha256: A256, gitCommit: "c".repeat(40), shake128: "abcd", somecoolhash: "ABCD-any" };
    expect(decode(set)).toEqual(set);
  });

  test.each([
    ["sha256", "A".repeat(64)],
    ["sha256", "a".repeat(63)],
    ["sha256", `${"a".repeat(63)}\n`],
    ["sha256", ""],
    ["sha512", A256],
    ["sha384", A256],
    ["sha1", "g".repeat(40)],
    ["md5", "a".repeat(40)],
    ["gitCommit", "a".repeat(41)],
    ["blake2b", "abc"],
    ["dirHash", "h1:abc"],
    ["somecoolhash", ""],
    ["somecoolhash", "x".repeat(1025)],
  ])("refuses %s of %j", (algorithm, value) => {
    expect(() => decode({ [algorithm]: value })).toThrow(expect.objectContaining({ path: `$.digest.${algorithm}` }));
  });

  test.each([{}, [], null, "sha256", { sha256: 1 }, { "": "x" }, { "sha 256": "x" }, { ["x".repeat(65)]: "x" }])(
    "refuses %j",
    (value) => {
      expect(() => decode(value)).toThrow(DecodeError);
    },
  );

  test("holds at most 32 digests", () => {
    const many = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`hash${index}`, "x"]));
    expect(decode(many)).toEqual(many);
    expect(() => decode({ ...many, sha256: A256 })).toThrow(DecodeError);
  });
});

test("isDigest knows the length of every fixed-length algorithm and no unknown name", () => {
  expect(isDigest("sha3_384", "0".repeat(96))).toBe(true);
  expect(isDigest("gitTree", A256)).toBe(true);
  expect(isDigest("sha3_384", A256)).toBe(false);
  expect(isDigest("toString", "aa")).toBe(false);
});

describe("comparing", () => {
  test("every shared accepted algorithm is compared, the rest is reported", () => {
    const claimed = { sha256: A256, sha512: B512, sha384: "c".repeat(96), sha1: "d".repeat(40) };
    expect(matchDigests({ sha256: A256, sha512: A512, sha1: "d".repeat(40) }, claimed)).toEqual({
      matched: ["sha256"],
      mismatched: ["sha512"],
      unknown: ["sha384", "sha1"],
    });
  });

  test.each([
    ["one shared digest, equal", { sha256: A256 }, { sha256: A256, sha512: A512 }, true],
    ["all shared digests equal", { sha256: A256, sha512: A512 }, { sha256: A256, sha512: A512 }, true],
    ["one equal and one not", { sha256: A256, sha512: A512 }, { sha256: A256, sha512: B512 }, false],
    ["none equal", { sha256: A256 }, { sha256: B256 }, false],
    ["nothing shared", { sha256: A256 }, { sha512: A512 }, false],
    ["only unaccepted algorithms equal", { sha1: "a".repeat(40) }, { sha1: "a".repeat(40) }, false],
    ["empty sets", {}, {}, false],
    ["equal text that is no digest", { sha256: "" }, { sha256: "" }, false],
    ["equal but for case", { sha256: A256 }, { sha256: A256.toUpperCase() }, false],
  ])("%s", (...[, known, claimed, expected]) => {
    expect(sameArtifact(known, claimed)).toBe(expected);
    expect(sameArtifact(claimed, known)).toBe(expected);
  });
});
