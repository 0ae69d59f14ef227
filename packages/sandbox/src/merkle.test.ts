// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { leafHash, MerkleTree } from "./merkle.ts";

const sha256 = (...parts: readonly Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();

/** The definition, word for word: RFC 6962 §2.1. */
function rootByDefinition(entries: readonly Buffer[]): Buffer {
  const [only] = entries;
  if (only === undefined) return sha256();
  if (entries.length === 1) return sha256(Buffer.from([0]), only);
  const k = splitByDefinition(entries.length);
  return sha256(Buffer.from([1]), rootByDefinition(entries.slice(0, k)), rootByDefinition(entries.slice(k)));
}

/** PATH(m, D[n]): RFC 6962 §2.1.1. */
function pathByDefinition(m: number, entries: readonly Buffer[]): Buffer[] {
  if (entries.length === 1) return [];
  const k = splitByDefinition(entries.length);
  return m < k
    ? [...pathByDefinition(m, entries.slice(0, k)), rootByDefinition(entries.slice(k))]
    : [...pathByDefinition(m - k, entries.slice(k)), rootByDefinition(entries.slice(0, k))];
}

function splitByDefinition(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

const entries = Array.from({ length: 37 }, (_, index) => Buffer.from(`entry ${index}`));
const tree = new MerkleTree();
for (const entry of entries) tree.append(leafHash(entry));

describe("MerkleTree", () => {
  it("has the root of the definition at every size it had", () => {
    for (let size = 0; size <= entries.length; size += 1) {
      expect(Buffer.from(tree.root(size))).toEqual(rootByDefinition(entries.slice(0, size)));
    }
  });

  it("has the path of the definition for every leaf at every size", () => {
    for (let size = 1; size <= entries.length; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const path = tree.inclusionProof(index, size).map((hash) => Buffer.from(hash));
        expect(path).toEqual(pathByDefinition(index, entries.slice(0, size)));
      }
    }
  });

  it("gives each leaf the next index", () => {
    const fresh = new MerkleTree();
    expect([0, 1, 2].map(() => fresh.append(leafHash(Buffer.of())))).toEqual([0, 1, 2]);
  });

  it.each([
    [5, 5],
    [-1, 5],
    [0, 38],
    [0.5, 5],
  ])("has no proof for leaf %d of %d", (index, size) => {
    expect(() => tree.inclusionProof(index, size)).toThrow(RangeError);
  });
});
