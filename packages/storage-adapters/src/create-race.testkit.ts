// SPDX-License-Identifier: Apache-2.0
// The part of the store contract that only many writers at once can show: one of them creates, and what is stored is
// whole. Objects of two sizes, since one request and parts are decided by different calls of a store.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Context, Key, Source, Store, Stored } from "@kiteseal/core/store";

export interface RaceCourse {
  readonly store: Store;
  readonly key: Key;
  /** Of an object that goes in parts; undefined: the store has none. */
  readonly bytesInParts: number | undefined;
}

const ctx: Context = { now: () => new Date("2026-11-21T12:00:00Z") };
const WRITERS = 20;
const SMALL_BYTES = 24;
/** Where there are no parts. */
const LARGE_BYTES = 200_000;

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function sourceOf(bytes: Uint8Array): Source {
  return {
    size: bytes.length,
    digests: { sha256: sha256(bytes) },
    async *open(range = { start: 0, end: bytes.length }) {
      yield bytes.subarray(range.start, range.end);
    },
  };
}

export function describeRaces(current: () => RaceCourse): void {
  describe.each([
    ["by 20 writers", () => SMALL_BYTES],
    ["in parts, where the store has them, by 20 writers", () => current().bytesInParts ?? LARGE_BYTES],
  ])("%s", (_, size) => {
    const race = (contentOf: (writer: number) => Uint8Array): Promise<PromiseSettledResult<Stored>[]> => {
      const { store, key } = current();
      const put = (writer: number) => store.put(key, { source: sourceOf(contentOf(writer)) }, ctx);
      return Promise.allSettled(Array.from({ length: WRITERS }, (_, writer) => put(writer)));
    };
    const stored = async (): Promise<string> => {
      const { store, key } = current();
      const object = await store.head(key, ctx);
      if (object === undefined) throw new Error("the winner's object is not there");
      const hash = createHash("sha256");
      for await (const chunk of store.get(object, { maxBytes: size() }, ctx)) hash.update(chunk);
      return hash.digest("hex");
    };

    test("of the same bytes at once: one creates, the others find it", async () => {
      const content = new Uint8Array(size()).fill(7);
      const results = await race(() => content);
      const outcomes = results.map((r) => (r.status === "fulfilled" ? r.value.outcome : String(r.reason))).toSorted();
      expect(outcomes).toEqual(["created", ...Array.from({ length: WRITERS - 1 }, () => "exists-same")]);
      expect(await stored()).toBe(sha256(content));
    });

    test("of different bytes at once: one creates, the others are refused", async () => {
      const contentOf = (writer: number): Uint8Array => new Uint8Array(size()).fill(writer);
      const results = await race(contentOf);
      const winners = results.flatMap((r, i) => (r.status === "fulfilled" ? [{ i, outcome: r.value.outcome }] : []));
      expect(winners).toMatchObject([{ outcome: "created" }]);
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "ERR_STORE_CONFLICT" });
      }
      expect(await stored()).toBe(sha256(contentOf(winners[0]?.i ?? -1)));
    });
  });

  test("an object goes in parts from the size on that its store says", () => {
    const { store, bytesInParts } = current();
    const { partSize } = store.digestPlan(bytesInParts ?? LARGE_BYTES);
    expect(partSize !== undefined).toBe(bytesInParts !== undefined);
  });
}
