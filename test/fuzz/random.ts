// SPDX-License-Identifier: Apache-2.0
// Numbers that a printed seed gives again (mulberry32; nothing here needs to be unpredictable).

export interface Random {
  /** An integer from 0 to below `n`. */
  below(n: number): number;
  of<T>(list: readonly T[]): T;
  bytes(n: number): Buffer;
}

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number): number => Math.floor(next() * n);
  return {
    below,
    of: (list) => {
      const value = list[below(list.length)];
      if (value === undefined) throw new RangeError("nothing to choose from");
      return value;
    },
    bytes: (n) => Buffer.from(Array.from({ length: n }, () => below(256))),
  };
}
