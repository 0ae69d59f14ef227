// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { forEachLimited } from "./concurrency.ts";

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("forEachLimited", () => {
  it("keeps the order of results and the limit", async () => {
    let running = 0;
    let most = 0;
    const results = await forEachLimited([5, 1, 4, 2, 3], 2, async (n) => {
      most = Math.max(most, ++running);
      for (let i = 0; i < n; i++) await turn();
      running--;
      return n * 10;
    });
    expect(results).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
  });

  it("waits for what runs, starts nothing new, and throws the first failure", async () => {
    const started: number[] = [];
    let finished = 0;
    const work = forEachLimited([1, 2, 3, 4], 2, async (n) => {
      started.push(n);
      if (n === 1) throw new Error("first");
      await turn();
      finished++;
    });
    await expect(work).rejects.toThrow("first");
    expect(started).toEqual([1, 2]);
    expect(finished).toBe(1);
  });
});
