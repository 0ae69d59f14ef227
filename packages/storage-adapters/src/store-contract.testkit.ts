// SPDX-License-Identifier: Apache-2.0
// The contract suite of Store (core store/contract.ts): every store runs it, as it is. Needs nothing but a Store and
// a way to take a permission away. Design §6, §11.
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { Context, ErrorCode, Key, Location, Progress, Source, Store, StoredObject } from "@kiteseal/core/store";
import { describeAhead } from "./ahead.testkit.ts";
import { declareGaps } from "./contract-gaps.testkit.ts";
import type { Gaps } from "./contract-gaps.testkit.ts";
import { describeRaces } from "./create-race.testkit.ts";

export interface StoreFixture {
  /** A place that holds nothing. */
  readonly location: Location;
  /** Takes from this process the permission to look at `key`; returns how to give it back. */
  deny(key: Key): Promise<() => Promise<void>>;
  /** Of the least object that the store takes in parts; absent: it has no parts. */
  readonly bytesInParts?: number;
  /** Those parts leave while the file is hashed. */
  readonly whileHashing?: boolean;
  close(): Promise<void>;
}

export function testContext(signal?: AbortSignal, progress?: (p: Progress) => void): Context {
  return {
    now: () => new Date("2026-11-21T12:00:00Z"),
    ...(signal === undefined ? {} : { signal }),
    ...(progress === undefined ? {} : { progress }),
  };
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A source of `bytes`; `deliver` stands between the caller and each chunk, to wait, change or fail. */
export function sourceOf(
  content: Uint8Array | string,
  deliver: (chunk: Uint8Array, index: number) => Promise<Uint8Array> | Uint8Array = (chunk) => chunk,
): Source {
  const bytes = typeof content === "string" ? bytesOf(content) : content;
  const chunkBytes = Math.max(1, Math.min(65_536, Math.ceil(bytes.length / 4)));
  return {
    size: bytes.length,
    digests: { sha256: sha256(bytes) },
    async *open(range = { start: 0, end: bytes.length }) {
      // What `deliver` makes too long comes out at the end, as it does of a file that has grown.
      const end = range.end === bytes.length ? Infinity : range.end;
      let position = 0;
      for (let i = 0; i * chunkBytes < bytes.length && position < end; i += 1) {
        const chunk = await deliver(bytes.slice(i * chunkBytes, (i + 1) * chunkBytes), i);
        const piece = chunk.subarray(Math.max(0, range.start - position), Math.max(0, end - position));
        position += chunk.length;
        if (piece.length > 0 || chunk.length === 0) yield piece;
      }
    },
  };
}

export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export async function listKeys(store: Store, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const object of store.list(prefix, testContext())) keys.push(object.key);
  return keys.sort();
}

/** Expects `operation` to fail with `code` and returns the error. */
export async function expectCode(operation: Promise<unknown>, code: ErrorCode): Promise<Error> {
  const error = await operation.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toMatchObject({ name: "KitesealError", code });
  return error as Error;
}

/** `name`: the store, and in brackets the server; what follows a comma tells its variants apart. */
export function describeStoreContract(
  name: string,
  makeStore: () => Promise<StoreFixture>,
  gaps: Gaps = new Map(),
): void {
  describe(`${name} keeps the store contract`, () => {
    declareGaps(gaps);
    const ctx = testContext();
    let fixture: StoreFixture;
    let store: Store;
    let prefix: string;
    const key = (relative: string): Key => parseKey(prefix + relative);
    const put = (relative: string, content: string) => store.put(key(relative), { source: sourceOf(content) }, ctx);
    const all = (object: StoredObject) => readAll(store.get(object, { maxBytes: object.size }, ctx));

    beforeEach(async () => {
      fixture = await makeStore();
      ({ store, prefix } = fixture.location);
    });
    afterEach(() => fixture.close());

    describe("put", () => {
      test("returns what head says and get reads", async () => {
        const stored = await put("dist/app.tgz", "bytes of app");
        expect(stored.outcome).toBe("created");
        expect(stored.object).toMatchObject({ key: key("dist/app.tgz"), size: 12 });
        expect(await store.head(key("dist/app.tgz"), ctx)).toEqual(stored.object);
        expect(await all(stored.object)).toBe("bytes of app");
      });

      test("of the same bytes again is exists-same and changes nothing", async () => {
        const first = await put("a", "same");
        const second = await put("a", "same");
        expect(second).toMatchObject({ outcome: "exists-same", object: first.object });
      });

      test.each([
        ["of the same size", "first", "other"],
        ["of another size", "first", "another"],
        ["where nothing is in one of them", "first", ""],
      ])("of other bytes %s is a conflict naming both digests, and keeps the first", async (_, first, other) => {
        const { object } = await put("a", first);
        const error = await expectCode(put("a", other), "ERR_STORE_CONFLICT");
        expect(error).toMatchObject({
          details: { expected: { sha256: sha256(other) }, found: { sha256: sha256(first) } },
        });
        expect(error).toHaveProperty("hint");
        expect(await all(object)).toBe(first);
      });

      test("with overwrite replaces, and a get by the old pin does not return the new bytes", async () => {
        const { object } = await put("a", "old bytes");
        const replaced = await store.put(key("a"), { source: sourceOf("new bytes"), overwrite: true }, ctx);
        expect(replaced.outcome).toBe("created");
        expect(replaced.object.pin).not.toBe(object.pin);
        // A store that keeps versions still has the old bytes.
        const old = await all(object).catch((error: unknown) => error);
        if (old !== "old bytes") expect(old).toMatchObject({ code: "ERR_PIN_CHANGED" });
        expect(await all(replaced.object)).toBe("new bytes");
      });

      test("stores zero bytes", async () => {
        const stored = await put("empty", "");
        expect(stored.object.size).toBe(0);
        expect(await all(stored.object)).toBe("");
        expect(await put("empty", "")).toMatchObject({ outcome: "exists-same" });
      });

      test("stores 64 MiB and reports progress up to all of it", async () => {
        const bytes = new Uint8Array(64 * 1024 * 1024);
        for (let i = 0; i < bytes.length; i += 4096) bytes[i] = i / 4096;
        const done: number[] = [];
        const stored = await store.put(
          key("large"),
          { source: sourceOf(bytes) },
          testContext(undefined, (p) => done.push(p.done)),
        );
        const hash = createHash("sha256");
        for await (const chunk of store.get(stored.object, { maxBytes: bytes.length }, ctx)) hash.update(chunk);
        expect(hash.digest("hex")).toBe(sha256(bytes));
        expect(done.at(-1)).toBe(bytes.length);
      });

      describeRaces(() => ({ store, key: key("race"), bytesInParts: fixture.bytesInParts }));
      describeAhead(() => ({
        store,
        key,
        bytesInParts: fixture.bytesInParts,
        whileHashing: fixture.whileHashing ?? false,
      }));

      test("shows nothing while it runs", async () => {
        const half = Promise.withResolvers<void>();
        const release = Promise.withResolvers<void>();
        const source = sourceOf("slowly written", async (chunk, i) => {
          if (i === 2) {
            half.resolve();
            await release.promise;
          }
          return chunk;
        });
        const running = store.put(key("slow/a"), { source: source }, ctx);
        await half.promise;
        expect(await store.head(key("slow/a"), ctx)).toBeUndefined();
        expect(await listKeys(store, prefix)).toEqual([]);
        release.resolve();
        expect(await running).toMatchObject({ outcome: "created" });
        expect(await listKeys(store, prefix)).toEqual([key("slow/a")]);
      });

      test("stopped by the signal leaves nothing, even while the source hangs", async () => {
        const abort = new AbortController();
        const source = sourceOf("never complete", (chunk, i) => {
          if (i < 2) return chunk;
          queueMicrotask(() => abort.abort());
          return new Promise<Uint8Array>(() => {});
        });
        await expectCode(store.put(key("a"), { source: source }, testContext(abort.signal)), "ERR_INTERRUPTED");
        expect(await store.head(key("a"), ctx)).toBeUndefined();
        expect(await listKeys(store, prefix)).toEqual([]);
        expect(await put("a", "another time")).toMatchObject({ outcome: "created" });
      });

      test.each<[string, (chunk: Uint8Array, i: number) => Uint8Array]>([
        ["has other bytes in the middle", (chunk, i) => (i === 1 ? chunk.map((b) => b ^ 1) : chunk)],
        ["has other bytes at the end", (chunk, i) => (i === 3 ? chunk.map((b) => b ^ 1) : chunk)],
        ["has become longer", (chunk, i) => (i === 3 ? Buffer.concat([chunk, chunk]) : chunk)],
        ["has become shorter", (chunk, i) => (i === 3 ? chunk.subarray(1) : chunk)],
        ["has become empty", () => new Uint8Array()],
      ])("of a source that %s fails and leaves nothing", async (_, change) => {
        await expectCode(store.put(key("a"), { source: sourceOf("twelve bytes", change) }, ctx), "ERR_FILE_CHANGED");
        expect(await store.head(key("a"), ctx)).toBeUndefined();
        expect(await listKeys(store, prefix)).toEqual([]);
      });

      test("of zero bytes under the digest of something else fails and leaves nothing", async () => {
        const source: Source = { ...sourceOf(""), digests: { sha256: sha256("something") } };
        await expectCode(store.put(key("a"), { source: source }, ctx), "ERR_FILE_CHANGED");
        expect(await store.head(key("a"), ctx)).toBeUndefined();
      });

      test("of a source that fails passes its error on and leaves nothing", async () => {
        const failure = new Error("the disk of the source");
        const source = sourceOf("abcdefgh", (chunk, i) => {
          if (i === 2) throw failure;
          return chunk;
        });
        await expect(store.put(key("a"), { source: source }, ctx)).rejects.toBe(failure);
        expect(await store.head(key("a"), ctx)).toBeUndefined();
      });

      test("that overwrites and fails keeps the old bytes", async () => {
        const { object } = await put("a", "old");
        const source = sourceOf("changed", (chunk) => chunk.map((b) => b ^ 1));
        await expectCode(store.put(key("a"), { source: source, overwrite: true }, ctx), "ERR_FILE_CHANGED");
        expect(await all(object)).toBe("old");
      });
    });

    describe("keys", () => {
      test.each(["", "/a", "a//b", "a/", "./a", "a/../b", "..", "a\u0000b", "a\nb", "\ud800"])(
        "%j is refused by every method",
        async (relative) => {
          const bad = (relative === "" ? "" : prefix + relative) as Key;
          const object = { key: bad, size: 1, pin: "1" };
          const good = (await put("good", "x")).object;
          await expectCode(store.put(bad, { source: sourceOf("x") }, ctx), "ERR_KEY_INVALID");
          await expectCode(store.head(bad, ctx), "ERR_KEY_INVALID");
          await expectCode(readAll(store.get(object, { maxBytes: 1 }, ctx)), "ERR_KEY_INVALID");
          await expectCode(store.copy(good, bad, ctx), "ERR_KEY_INVALID");
          expect(await listKeys(store, prefix)).toEqual([key("good")]);
        },
      );

      test.each(["../", "a/../", "a//", "a\n"])("the prefix %j is refused", async (relative) => {
        await expectCode(listKeys(store, prefix + relative), "ERR_KEY_INVALID");
      });

      test("with spaces, dots, percent signs and Unicode are kept as they are, and told apart in URLs", async () => {
        const names = ["a b", "a%20b", "ä/ö", "🎁.tgz", ".hidden", "a+b&c=d@e", "#1?"];
        for (const name of names) await put(name, name);
        expect(await listKeys(store, prefix)).toEqual(names.map((n) => key(n)).sort());
        expect(new Set(names.map((n) => store.url(key(n)))).size).toBe(names.length);
      });
    });

    describe("head", () => {
      test("is undefined for what is not there, at any depth", async () => {
        await put("there/a", "x");
        expect(await store.head(key("not/there"), ctx)).toBeUndefined();
        expect(await store.head(key("there/b"), ctx)).toBeUndefined();
        expect(await store.head(key("there"), ctx)).toBeUndefined();
        expect(await store.head(key("there/a/b"), ctx)).toBeUndefined();
      });

      test("without permission is an error, never absence; so is a listing", async () => {
        await put("secret/a", "x");
        const allow = await fixture.deny(key("secret/a"));
        try {
          await expectCode(store.head(key("secret/a"), ctx), "ERR_STORE_DENIED");
          await expectCode(store.head(key("secret/b"), ctx), "ERR_STORE_DENIED");
          await expectCode(listKeys(store, `${prefix}secret/`), "ERR_STORE_DENIED");
          await expectCode(listKeys(store, prefix), "ERR_STORE_DENIED");
        } finally {
          await allow();
        }
        expect(await listKeys(store, prefix)).toEqual([key("secret/a")]);
      });
    });

    describe("get", () => {
      test.each([
        [0, 10, "0123456789"],
        [0, 1, "0"],
        [3, 7, "3456"],
        [9, 10, "9"],
        [4, 4, ""],
      ])("of the range %i-%i is half open", async (start, end, expected) => {
        const { object } = await put("digits", "0123456789");
        expect(await readAll(store.get(object, { range: { start, end }, maxBytes: 10 }, ctx))).toBe(expected);
      });

      test.each([
        [-1, 2],
        [3, 2],
        [0, 11],
        [0.5, 2],
      ])("of the impossible range %d-%d is a TypeError", async (start, end) => {
        const { object } = await put("digits", "0123456789");
        await expect(readAll(store.get(object, { range: { start, end }, maxBytes: 10 }, ctx))).rejects.toThrow(
          TypeError,
        );
      });

      test("of more than maxBytes yields nothing", async () => {
        const { object } = await put("digits", "0123456789");
        let yielded = 0;
        const reading = (async () => {
          for await (const chunk of store.get(object, { maxBytes: 9 }, ctx)) yielded += chunk.length;
        })();
        await expectCode(reading, "ERR_LIMIT_EXCEEDED");
        expect(yielded).toBe(0);
        expect(await readAll(store.get(object, { range: { start: 1, end: 10 }, maxBytes: 9 }, ctx))).toBe("123456789");
      });

      test("of a pin that never was, or of an object that never was, is ERR_PIN_CHANGED", async () => {
        const { object } = await put("a", "abc");
        await expectCode(all({ ...object, pin: `${object.pin}0` }), "ERR_PIN_CHANGED");
        await expectCode(all({ ...object, key: key("b") }), "ERR_PIN_CHANGED");
      });

      test("stops when the signal fires", async () => {
        const { object } = await put("a", "abc");
        const stream = store.get(object, { maxBytes: 3 }, testContext(AbortSignal.abort()));
        await expectCode(readAll(stream), "ERR_INTERRUPTED");
      });
    });

    describe("list", () => {
      test("of 2,500 objects in several folders is complete, with the sizes of head and pins that hold", async () => {
        const names = Array.from({ length: 2500 }, (_, i) => `many/${i % 7}/${i}`);
        for (let i = 0; i < names.length; i += 50) {
          await Promise.all(names.slice(i, i + 50).map((name) => put(name, name)));
        }
        const objects = new Map<string, StoredObject>();
        for await (const object of store.list(`${prefix}many/`, ctx)) objects.set(object.key, object);
        expect([...objects.keys()].sort()).toEqual(names.map((n) => key(n)).sort());
        for (const name of names.slice(0, 20)) {
          const object = objects.get(key(name));
          expect(object?.size).toBe((await store.head(key(name), ctx))?.size);
          if (object !== undefined) expect(await all(object)).toBe(name);
        }
      });

      test("takes the prefix as a string, not as a folder", async () => {
        for (const name of ["a/b", "a/bc", "a/b.d/e", "a/c", "ab"]) await put(name, "x");
        expect(await listKeys(store, key("a/b"))).toEqual([key("a/b"), key("a/b.d/e"), key("a/bc")]);
        expect(await listKeys(store, `${prefix}a/b.d/`)).toEqual([key("a/b.d/e")]);
        expect(await listKeys(store, key("a"))).toHaveLength(5);
        expect(await listKeys(store, key("a/x"))).toEqual([]);
        expect(await listKeys(store, `${prefix}x/y/z/`)).toEqual([]);
        expect(await listKeys(store, `${key("a/c")}/`)).toEqual([]);
      });

      test("stops when the signal fires and when the reader has enough", async () => {
        await put("a", "x");
        await put("b", "x");
        const abort = new AbortController();
        const reading = (async () => {
          for await (const object of store.list(prefix, testContext(abort.signal))) abort.abort(object.key);
        })();
        await expectCode(reading, "ERR_INTERRUPTED");
        for await (const object of store.list(prefix, ctx)) {
          expect(object.size).toBe(1);
          break;
        }
      });
    });

    describe("copy", () => {
      test("makes an object of its own from that pin, or says that it cannot", async () => {
        const { object } = await put("from", "to be copied");
        const copied = await store.copy(object, key("dir/to"), ctx);
        if (copied === undefined) {
          expect(await store.head(key("dir/to"), ctx)).toBeUndefined();
          return;
        }
        expect(copied.outcome).toBe("created");
        await store.put(key("from"), { source: sourceOf("changed after"), overwrite: true }, ctx);
        expect(await all(copied.object)).toBe("to be copied");
        // A store that keeps versions still copies the pinned one; no store copies another.
        const late = await store.copy(object, key("late"), ctx).catch((error: unknown) => error);
        const there = await store.head(key("late"), ctx);
        if (there === undefined) expect(late).toMatchObject({ code: "ERR_PIN_CHANGED" });
        else expect(await all(there)).toBe("to be copied");
      });

      test("over the same bytes is exists-same, over others a conflict, of nothing ERR_PIN_CHANGED", async () => {
        const { object } = await put("from", "bytes");
        await put("same", "bytes");
        await put("other", "other");
        const again = await store.copy(object, key("same"), ctx);
        if (again === undefined) return;
        expect(again.outcome).toBe("exists-same");
        await expectCode(store.copy(object, key("other"), ctx), "ERR_STORE_CONFLICT");
        await expectCode(store.copy({ ...object, key: key("none") }, key("x"), ctx), "ERR_PIN_CHANGED");
      });
    });

    test("every method refuses to begin once the signal has fired", async () => {
      const { object } = await put("a", "x");
      const stopped = testContext(AbortSignal.abort());
      await expectCode(store.put(key("b"), { source: sourceOf("x") }, stopped), "ERR_INTERRUPTED");
      await expectCode(store.head(key("a"), stopped), "ERR_INTERRUPTED");
      await expectCode(store.copy(object, key("b"), stopped), "ERR_INTERRUPTED");
      await expectCode(store.diagnose(stopped), "ERR_INTERRUPTED");
      expect(await listKeys(store, prefix)).toEqual([key("a")]);
    });

    test("digestPlan asks for sha256", () => {
      expect(store.digestPlan(0).algorithms).toContain("sha256");
      expect(store.digestPlan(1_000_000_000).algorithms).toContain("sha256");
    });

    test("diagnose finds nothing dangerous in a fresh place and leaves nothing behind", async () => {
      await put("a", "x");
      const findings = await store.diagnose(ctx);
      expect(findings.length).toBeGreaterThan(0);
      expect(findings.filter((f) => f.severity === "dangerous")).toEqual([]);
      expect(await listKeys(store, prefix)).toEqual([key("a")]);
    });
  });
}
