// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { testContext } from "../store-contract.testkit.ts";
import { createLimits } from "./limit.ts";

describe("limits", () => {
  test("run no more at once than there are places, in the order of asking, also after failures", async () => {
    const { inPlace } = createLimits(3, undefined);
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        inPlace(i % 2 === 0 ? 1 : 100_000_000, async () => {
          order.push(i);
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setImmediate(resolve));
          running -= 1;
          if (i % 4 === 0) throw new Error("one of them");
        }),
      ),
    );
    expect(most).toBe(3);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(results.filter((result) => result.status === "rejected")).toHaveLength(5);
  });

  test("that nobody set let many small requests run beside few large ones", async () => {
    const { inPlace } = createLimits(undefined, undefined);
    const most = async (bytes: number): Promise<number> => {
      let [running, peak] = [0, 0];
      const work = async (): Promise<void> => {
        running += 1;
        peak = Math.max(peak, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
      };
      await Promise.all(Array.from({ length: 100 }, () => inPlace(bytes, work)));
      return peak;
    };
    expect(await Promise.all([most(4096), most(16_777_216)])).toEqual([32, 8]);
  });

  test("of bytes a second hold for all streams together", async () => {
    const { paced } = createLimits(3, 100_000);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 5; i += 1) yield await Promise.resolve(new Uint8Array(2_000));
    }
    const begun = performance.now();
    const read = async (): Promise<void> => {
      for await (const chunk of paced(chunks(), testContext())) expect(chunk).toHaveLength(2_000);
    };
    await Promise.all([read(), read()]);
    // 20,000 bytes; the last chunk's own time is not waited for.
    expect(performance.now() - begun).toBeGreaterThan(170);
  });

  test("end a wait when the signal fires", async () => {
    const { paced } = createLimits(1, 1);
    const abort = new AbortController();
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1000);
      setImmediate(() => abort.abort());
      yield await Promise.resolve(new Uint8Array(1000));
    }
    const reading = (async () => {
      for await (const chunk of paced(chunks(), testContext(abort.signal))) expect(chunk).toHaveLength(1000);
    })();
    await expect(reading).rejects.toThrow();
  });
});
