// SPDX-License-Identifier: Apache-2.0
// The part of the store contract that is about files on their way while they are hashed (Store.ahead). Stores that do not
// offer it keep the same sentences by `put`.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Ahead, Context, Key, Source, SourceDigests, Store, Stored } from "@kiteseal/core/store";
import { partsOf } from "./transfer/plan.ts";

export interface AheadCourse {
  readonly store: Store;
  readonly key: (name: string) => Key;
  /** Of an object that goes in parts; undefined: the store has none. */
  readonly bytesInParts: number | undefined;
  /** Whether those go ahead of their digest. */
  readonly whileHashing: boolean;
}

const ctx: Context = { now: () => new Date("2026-11-21T12:00:00Z") };
const WRITERS = 20;
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const md5 = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex");

/** What hashing `bytes` tells. */
function digestsOf(store: Store, bytes: Uint8Array): SourceDigests {
  const { partSize, partMd5 = false } = store.digestPlan(bytes.length);
  if (partSize === undefined) return { sha256: sha256(bytes) };
  const count = Math.ceil(bytes.length / partSize);
  const parts = Array.from({ length: count }, (_, i) => bytes.subarray(i * partSize, (i + 1) * partSize));
  const ofParts = { sha256: parts.map(sha256), ...(partMd5 && { md5: parts.map(md5) }) };
  return { sha256: sha256(bytes), md5: md5(bytes), parts: { size: partSize, ...ofParts } };
}

/** A file that is hashed as `bytes`, and read as `read`. */
export function hashAhead(
  store: Store,
  key: Key,
  { bytes, read = bytes, signal }: { bytes: Uint8Array; read?: Uint8Array; signal?: AbortSignal },
): { ahead: Ahead | undefined; source: Source } {
  const size = bytes.length;
  async function* open(range = { start: 0, end: size }): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(read.subarray(range.start, range.end));
  }
  const ahead = store.ahead?.(key, { size, open }, signal === undefined ? ctx : { ...ctx, signal });
  const digests = digestsOf(store, bytes);
  for (const part of partsOf(digests)) ahead?.add(part);
  return { ahead, source: { size, digests, open } };
}

export function describeAhead(current: () => AheadCourse): void {
  describe("while its file is hashed, where the store lets it go ahead, an object", () => {
    const contentOf = (writer: number): Uint8Array => {
      const bytes = new Uint8Array(current().bytesInParts ?? 1000);
      return bytes.map((_, i) => (i + writer) % 251);
    };
    const begin = (name: string, bytes: Uint8Array, read?: Uint8Array) =>
      hashAhead(current().store, current().key(name), { bytes, ...(read === undefined ? {} : { read }) });
    const put = (name: string, { ahead, source }: { ahead: Ahead | undefined; source: Source }): Promise<Stored> =>
      ahead?.put(source, ctx) ?? current().store.put(current().key(name), { source }, ctx);
    const stored = async (name: string): Promise<string | undefined> => {
      const { store, key } = current();
      const object = await store.head(key(name), ctx);
      if (object === undefined) return undefined;
      const hash = createHash("sha256");
      for await (const chunk of store.get(object, { maxBytes: object.size }, ctx)) hash.update(chunk);
      return hash.digest("hex");
    };

    test("goes ahead as the store says", () => {
      const { ahead } = begin("a", contentOf(0));
      expect(ahead !== undefined).toBe(current().whileHashing);
      return ahead?.abandon(undefined);
    });

    test("is invisible until it is put, and then these bytes", async () => {
      const begun = begin("a", contentOf(0));
      await begun.ahead?.begun(ctx);
      expect(await stored("a")).toBeUndefined();
      expect(await put("a", begun)).toMatchObject({ outcome: "created" });
      expect(await stored("a")).toBe(sha256(contentOf(0)));
    });

    test("of a taken key is found there, or a conflict that leaves what is there", async () => {
      await put("a", begin("a", contentOf(0)));
      const [same, other] = [begin("a", contentOf(0)), begin("a", contentOf(1))];
      await same.ahead?.begun(ctx);
      expect(await put("a", same)).toMatchObject({ outcome: "exists-same" });
      await expect(put("a", other)).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
      expect(await stored("a")).toBe(sha256(contentOf(0)));
    });

    test("that is abandoned is not there, and another can be", async () => {
      const { ahead } = begin("a", contentOf(0));
      await ahead?.abandon(new Error("signing failed"));
      expect(await stored("a")).toBeUndefined();
      expect(await put("a", begin("a", contentOf(1)))).toMatchObject({ outcome: "created" });
      await ahead?.abandon(undefined);
      expect(await stored("a")).toBe(sha256(contentOf(1)));
    });

    test("of other bytes than were hashed is ERR_FILE_CHANGED, and nothing", async () => {
      const begun = begin("a", contentOf(0), contentOf(1));
      await expect(put("a", begun)).rejects.toMatchObject({ code: "ERR_FILE_CHANGED" });
      expect(await stored("a")).toBeUndefined();
    });

    test("put with another file's digests is ERR_FILE_CHANGED, and given up is not put any more", async () => {
      const [{ ahead }, other] = [begin("a", contentOf(0)), begin("b", contentOf(1))];
      await other.ahead?.abandon(undefined);
      if (ahead === undefined) return expect(current().whileHashing).toBe(false);
      await expect(ahead.put(other.source, ctx)).rejects.toMatchObject({ code: "ERR_FILE_CHANGED" });
      await expect(other.ahead?.put(other.source, ctx)).rejects.toThrow(TypeError);
      expect([await stored("a"), await stored("b")]).toEqual([undefined, undefined]);
    });

    test("by 20 writers at once is one's, whole", async () => {
      const begun = Array.from({ length: WRITERS }, (_, writer) => begin("a", contentOf(writer)));
      const results = await Promise.allSettled(begun.map((one) => put("a", one)));
      const winners = results.flatMap((result, i) => (result.status === "fulfilled" ? [{ i, ...result.value }] : []));
      expect(winners).toMatchObject([{ outcome: "created" }]);
      expect(await stored("a")).toBe(sha256(contentOf(winners[0]?.i ?? -1)));
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "ERR_STORE_CONFLICT" });
      }
    });
  });
}
