// SPDX-License-Identifier: Apache-2.0
// The Merkle tree of a transparency log, kept as the hashes of its complete subtrees, so that appending and proving
// cost a logarithm. Roots and inclusion proofs for every size the tree ever had. RFC 6962 §2.1.
import { createHash } from "node:crypto";

/** SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Buffer {
  return createHash("sha256").update(Uint8Array.of(0)).update(entry).digest();
}

/** SHA-256(0x01 || left || right). */
function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash("sha256").update(Uint8Array.of(1)).update(left).update(right).digest();
}

export class MerkleTree {
  /** `#levels[k][i]` is the hash of the complete subtree over leaves i·2^k to (i+1)·2^k − 1. */
  readonly #levels: Uint8Array[][] = [[]];

  get size(): number {
    return this.#levels[0]?.length ?? 0;
  }

  /** Adds a leaf by its hash. Returns its index. */
  append(leaf: Uint8Array): number {
    const index = this.size;
    let hash = leaf;
    for (let level = 0; ; level += 1) {
      const row = (this.#levels[level] ??= []);
      row.push(hash);
      const left = row.at(-2);
      if (row.length % 2 === 1 || left === undefined) return index;
      hash = nodeHash(left, hash);
    }
  }

  /** Root over the first `size` leaves. Throws RangeError beyond the tree. */
  root(size: number = this.size): Uint8Array {
    this.#check(size);
    return size === 0 ? createHash("sha256").digest() : this.#range(0, size);
  }

  /** Audit path of a leaf in the tree of the first `size` leaves, lowest level first. Throws RangeError. */
  inclusionProof(index: number, size: number = this.size): readonly Uint8Array[] {
    this.#check(size);
    if (!Number.isSafeInteger(index) || index < 0 || index >= size) throw new RangeError(`no leaf ${index} of ${size}`);
    const path: Uint8Array[] = [];
    let [start, end] = [0, size];
    while (end - start > 1) {
      const middle = start + splitPoint(end - start);
      if (index < middle) {
        path.unshift(this.#range(middle, end));
        end = middle;
      } else {
        path.unshift(this.#range(start, middle));
        start = middle;
      }
    }
    return path;
  }

  #check(size: number): void {
    if (!Number.isSafeInteger(size) || size < 0 || size > this.size) {
      throw new RangeError(`no tree of size ${size}, the log has ${this.size}`);
    }
  }

  /** Hash over leaves [start, end); start is a multiple of the largest power of two below the length. */
  #range(start: number, end: number): Uint8Array {
    const length = end - start;
    const level = Math.log2(length);
    const complete = Number.isInteger(level) ? this.#levels[level]?.[start / length] : undefined;
    if (complete !== undefined) return complete;
    const middle = start + splitPoint(length);
    return nodeHash(this.#range(start, middle), this.#range(middle, end));
  }
}

/** The largest power of two below n (n > 1). */
function splitPoint(n: number): number {
  return 2 ** Math.floor(Math.log2(n - 1));
}
