// SPDX-License-Identifier: Apache-2.0
// Adapters that fail, lie and lose replies, made of the real file adapter.
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { ErrorCode, Key, Store } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Adapter, AdapterErrorKind } from "../adapter.ts";
import { createFileAdapter } from "../file/adapter.ts";
import { bytesOf, expectCode, listKeys, sha256, sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "./store.ts";

const ctx = testContext();
const settings = { pace: { attempts: 3, baseMs: 1, maxWaitMs: 1 } };

/** An iterable whose first step fails. */
function failingList(error: Error): AsyncIterable<never> {
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        throw error;
      },
    }),
  };
}

describe("the transfer layer", () => {
  let root: string;
  let file: Adapter;
  const key = (relative: string): Key => parseKey(`${root.slice(1)}/${relative}`);
  const over = (changes: Partial<Adapter>): Store => createStore({ ...file, ...changes }, settings);
  const lost = (): AdapterError => new AdapterError("Transient", "the reply was lost");

  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-transfer-")));
    file = createFileAdapter(root);
  });
  afterEach(() => rm(root, { recursive: true }));

  describe("a lost reply", () => {
    const losing = (): Store =>
      over({
        putWhole: async (...call) => {
          await file.putWhole(...call);
          throw lost();
        },
        copy: async (...call) => {
          await file.copy(...call);
          throw lost();
        },
      });

    test("to a put that worked is success", async () => {
      const stored = await losing().put(key("a"), { source: sourceOf("abc") }, ctx);
      expect(stored).toMatchObject({ outcome: "exists-same", verifiedBy: "read-back", object: { size: 3 } });
    });

    test("to a copy that worked is success", async () => {
      const { object } = await createStore(file, settings).put(key("a"), { source: sourceOf("abc") }, ctx);
      expect(await losing().copy(object, key("b"), ctx)).toMatchObject({
        outcome: "exists-same",
        object: { key: key("b") },
      });
    });

    test("to an overwrite that worked is success", async () => {
      await createStore(file, settings).put(key("a"), { source: sourceOf("old") }, ctx);
      const stored = await losing().put(key("a"), { source: sourceOf("new"), overwrite: true }, ctx);
      expect(stored.outcome).toBe("exists-same");
    });

    const failing = (): Store => over({ putWhole: () => Promise.reject(lost()), copy: () => Promise.reject(lost()) });

    test("to a put or a copy that did nothing is an outage", async () => {
      const { object } = await createStore(file, settings).put(key("a"), { source: sourceOf("abc") }, ctx);
      await expectCode(failing().put(key("b"), { source: sourceOf("abc") }, ctx), "ERR_STORE_UNAVAILABLE");
      await expectCode(failing().copy(object, key("b"), ctx), "ERR_STORE_UNAVAILABLE");
    });

    test("to a copy is followed by another try, and by reading neither end where nothing came of it", async () => {
      const { object } = await createStore(file, settings).put(key("a"), { source: sourceOf("abc") }, ctx);
      let tries = 0;
      const copy: Adapter["copy"] = (...call) => {
        tries += 1;
        return tries === 2 ? file.copy(...call) : Promise.reject(lost());
      };
      const get: Adapter["get"] = () => {
        throw new Error("was read");
      };
      expect(await over({ copy, get }).copy(object, key("b"), ctx)).toMatchObject({ outcome: "created" });
      await expectCode(over({ copy, get }).copy(object, key("c"), ctx), "ERR_STORE_UNAVAILABLE");
      expect(tries).toBe(2 + settings.pace.attempts);
    });

    test("while other bytes are there is a conflict, under overwrite an outage", async () => {
      await createStore(file, settings).put(key("a"), { source: sourceOf("theirs") }, ctx);
      await expectCode(failing().put(key("a"), { source: sourceOf("ours") }, ctx), "ERR_STORE_CONFLICT");
      await expectCode(
        failing().put(key("a"), { source: sourceOf("ours"), overwrite: true }, ctx),
        "ERR_STORE_UNAVAILABLE",
      );
    });

    test("that cannot be settled is an outage", async () => {
      const store = over({ putWhole: () => Promise.reject(lost()), head: () => Promise.reject(lost()) });
      await expectCode(store.put(key("a"), { source: sourceOf("abc") }, ctx), "ERR_STORE_UNAVAILABLE");
    });
  });

  test("an object deleted between the refusal and the look at it is written again", async () => {
    let refused = 0;
    const store = over({
      putWhole: (...call) => {
        refused += 1;
        if (refused === 1) return Promise.reject(new AdapterError("AlreadyExists", "there"));
        return file.putWhole(...call);
      },
    });
    expect(await store.put(key("a"), { source: sourceOf("abc") }, ctx)).toMatchObject({ outcome: "created" });
  });

  test("an object that is always there and never seen is an outage, in bounded time", async () => {
    const store = over({ putWhole: () => Promise.reject(new AdapterError("AlreadyExists", "there")) });
    await expectCode(store.put(key("a"), { source: sourceOf("abc") }, ctx), "ERR_STORE_UNAVAILABLE");
  });

  test("an object that changes at each look is an outage, in bounded time", async () => {
    await createStore(file, settings).put(key("a"), { source: sourceOf("abc") }, ctx);
    const store = over({
      head: async (...call) => {
        const object = await file.head(...call);
        await createStore(file, settings).put(key("a"), { source: sourceOf("abc"), overwrite: true }, ctx);
        return object;
      },
    });
    await expectCode(store.put(key("a"), { source: sourceOf("abc") }, ctx), "ERR_STORE_UNAVAILABLE");
  });

  test("the metadata of a store is not believed: bytes of the right size are read back", async () => {
    await createStore(file, settings).put(key("a"), { source: sourceOf("abc") }, ctx);
    await expectCode(createStore(file, settings).put(key("a"), { source: sourceOf("abd") }, ctx), "ERR_STORE_CONFLICT");
  });

  test("an enormous object in the way is a conflict without being read", async () => {
    const store = over({
      putWhole: () => Promise.reject(new AdapterError("AlreadyExists", "there")),
      head: (k) => Promise.resolve({ key: k, size: 2 ** 40, pin: "1" }),
      get: () => {
        throw new Error("was read");
      },
    });
    const error = await expectCode(store.put(key("a"), { source: sourceOf("abc") }, ctx), "ERR_STORE_CONFLICT");
    expect(error).toMatchObject({ details: { expected: { sha256: sha256("abc") }, found: { size: 2 ** 40 } } });
  });

  test.each<[AdapterErrorKind, ErrorCode]>([
    ["ChecksumRejected", "ERR_STORE_UNAVAILABLE"],
    ["Denied", "ERR_STORE_DENIED"],
    ["Immutable", "ERR_STORE_CONFLICT"],
    ["Throttled", "ERR_STORE_UNAVAILABLE"],
    ["Transient", "ERR_STORE_UNAVAILABLE"],
    ["Unavailable", "ERR_STORE_UNAVAILABLE"],
    ["KeyRejected", "ERR_KEY_INVALID"],
    ["Irregular", "ERR_STORE_TAMPERED"],
    ["Unsupported", "ERR_STORE_URL"],
    ["NotFound", "ERR_STORE_UNAVAILABLE"],
  ])("%s of an adapter is %s of the store, with its hint and cause", async (kind, code) => {
    const cause = new AdapterError(kind, "why", { hint: "what to do" });
    const store = over({ putWhole: () => Promise.reject(cause) });
    const error = await expectCode(store.put(key("a"), { source: sourceOf("abc") }, ctx), code);
    expect(error).toMatchObject({ hint: "what to do", cause });
  });

  test("what is no AdapterError is a bug and stays what it is", async () => {
    const bug = new TypeError("of ours");
    const store = over({ head: () => Promise.reject(bug), list: () => failingList(bug) });
    await expect(store.head(key("a"), ctx)).rejects.toBe(bug);
    await expect(listKeys(store, "")).rejects.toBe(bug);
  });

  test("a failure after the signal has fired is an interruption", async () => {
    const abort = new AbortController();
    const store = over({
      head: () => {
        abort.abort();
        return Promise.reject(lost());
      },
    });
    await expectCode(store.head(key("a"), testContext(abort.signal)), "ERR_INTERRUPTED");
  });

  test("a listing that fails after its first object throws instead of ending", async () => {
    await createStore(file, settings).put(key("a"), { source: sourceOf("abc") }, ctx);
    const store = over({
      async *list(...call) {
        yield* file.list(...call);
        throw lost();
      },
    });
    await expectCode(listKeys(store, `${root.slice(1)}/`), "ERR_STORE_UNAVAILABLE");
  });

  test("a listing with a key from elsewhere is refused", async () => {
    const store = over({
      async *list() {
        yield await Promise.resolve({ key: parseKey("elsewhere/a"), size: 1, pin: "1" });
      },
    });
    await expectCode(listKeys(store, `${root.slice(1)}/`), "ERR_STORE_TAMPERED");
  });

  test.each([
    ["ends early", "ab", "ERR_STORE_UNAVAILABLE"],
    ["does not end", "abcd", "ERR_PIN_CHANGED"],
  ] as const)("a get that %s is an error and yields no more than was asked for", async (_, content, code) => {
    const { object } = await createStore(file, settings).put(key("a"), { source: sourceOf("abc") }, ctx);
    const store = over({
      async *get({ range }) {
        for (const byte of bytesOf(content.slice(range.start))) yield await Promise.resolve(Uint8Array.of(byte));
      },
    });
    let yielded = 0;
    const reading = (async () => {
      for await (const chunk of store.get(object, { maxBytes: 3 }, ctx)) yielded += chunk.length;
    })();
    await expectCode(reading, code);
    expect(yielded).toBe(Math.min(3, content.length));
  });

  test("a server that hangs is left when the signal fires, and told to finish", async () => {
    const { object } = await createStore(file, settings).put(key("a"), { source: sourceOf("abc") }, ctx);
    const abort = new AbortController();
    const store = over({
      async *get() {
        yield bytesOf("a");
        await new Promise<never>(() => {});
      },
    });
    const reading = (async () => {
      for await (const _ of store.get(object, { maxBytes: 3 }, testContext(abort.signal))) {
        setImmediate(() => abort.abort());
      }
    })();
    await expectCode(reading, "ERR_INTERRUPTED");
  });

  test("a reader that has enough closes what it reads from", async () => {
    const { object } = await createStore(file, settings).put(key("a"), { source: sourceOf("abc") }, ctx);
    let closed = false;
    const store = over({
      async *get() {
        try {
          for (const byte of bytesOf("abc")) yield await Promise.resolve(Uint8Array.of(byte));
        } finally {
          closed = true;
        }
      },
    });
    for await (const chunk of store.get(object, { maxBytes: 3 }, ctx)) {
      expect(chunk.length).toBe(1);
      break;
    }
    expect(closed).toBe(true);
  });

  test("asks for the next chunk only after the last one is written", async () => {
    let written = 0;
    let ahead = 0;
    const store = over({
      putWhole: (request, context) =>
        file.putWhole(
          {
            ...request,
            async *body() {
              for await (const chunk of request.body()) {
                await new Promise((resolve) => setImmediate(resolve));
                yield chunk;
                written += chunk.length;
              }
            },
          },
          context,
        ),
    });
    let handed = 0;
    const source = sourceOf("x".repeat(100), (chunk) => {
      ahead = Math.max(ahead, handed - written);
      handed += chunk.length;
      return chunk;
    });
    await store.put(key("a"), { source: source }, ctx);
    expect(ahead).toBe(0);
    expect(written).toBe(100);
  });
});
