// SPDX-License-Identifier: Apache-2.0
// The short suite for an Adapter alone: what transfer/ relies on and cannot see through a Store. Design §6, §11.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { Key } from "@kiteseal/core/store";
import { AdapterError } from "./adapter.ts";
import type { Adapter, AdapterErrorKind, PutRequest, Written } from "./adapter.ts";
import { declareGaps } from "./contract-gaps.testkit.ts";
import { bytesOf, readAll, sha256, testContext } from "./store-contract.testkit.ts";
import type { Gaps } from "./contract-gaps.testkit.ts";

export interface AdapterFixture {
  readonly adapter: Adapter;
  /** Empty or ends in "/"; nothing is below it. */
  readonly prefix: string;
  close(): Promise<void>;
}

/** A request for `content`, delivered in single bytes, by `body` if given. */
export function putRequest(key: Key, content: string, options: Partial<PutRequest> = {}): PutRequest {
  const bytes = bytesOf(content);
  return {
    key,
    size: bytes.length,
    digests: { sha256: sha256(bytes) },
    async *body() {
      for (const byte of bytes) yield Uint8Array.of(byte);
    },
    ifAbsent: true,
    contentType: undefined,
    metadata: {},
    ...options,
  };
}

export async function expectKind(operation: Promise<unknown>, kind: AdapterErrorKind): Promise<void> {
  const error = await operation.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(AdapterError);
  expect(error).toMatchObject({ kind });
}

/** `name` as for describeStoreContract. */
export function describeAdapterContract(
  name: string,
  makeAdapter: () => Promise<AdapterFixture>,
  gaps: Gaps = new Map(),
): void {
  describe(`${name} keeps the adapter contract`, () => {
    declareGaps(gaps);
    const ctx = testContext();
    let fixture: AdapterFixture;
    let adapter: Adapter;
    const key = (relative: string): Key => parseKey(fixture.prefix + relative);
    const put = (relative: string, content: string, options: Partial<PutRequest> = {}): Promise<Written> =>
      adapter.putWhole(putRequest(key(relative), content, options), ctx);

    beforeEach(async () => {
      fixture = await makeAdapter();
      adapter = fixture.adapter;
    });
    afterEach(() => fixture.close());

    test("ifAbsent is AlreadyExists for the same bytes as for others: telling them apart is not the adapter's", async () => {
      await put("a", "bytes");
      await expectKind(put("a", "bytes"), "AlreadyExists");
      await expectKind(put("a", "other"), "AlreadyExists");
    });

    test("without ifAbsent it replaces", async () => {
      await put("a", "old");
      const { object } = await put("a", "new", { ifAbsent: false });
      const range = { start: 0, end: 3 };
      expect(await readAll(adapter.get({ object, range }, ctx))).toBe("new");
    });

    test("head and get of nothing are NotFound, get of another pin is PinChanged", async () => {
      const { object } = await put("a", "abc");
      const range = { start: 0, end: 3 };
      await expectKind(adapter.head(key("b"), ctx), "NotFound");
      await expectKind(readAll(adapter.get({ object: { ...object, key: key("b") }, range }, ctx)), "NotFound");
      await expectKind(readAll(adapter.get({ object: { ...object, pin: "0:0:0:0" }, range }, ctx)), "PinChanged");
    });

    test("what the body throws comes out as it is, and nothing is left", async () => {
      // Also one that looks like a failure of the store.
      const failure = Object.assign(new Error("of the body"), { code: "ENOENT", syscall: "read" });
      const body = async function* (): AsyncGenerator<Uint8Array> {
        yield bytesOf("a");
        throw failure;
      };
      await expect(put("a", "abc", { body })).rejects.toBe(failure);
      await expectKind(adapter.head(key("a"), ctx), "NotFound");
    });

    test("a chunk may be reused by its owner once the next is asked for", async () => {
      const body = async function* (): AsyncGenerator<Uint8Array> {
        const chunk = bytesOf("x");
        for (const letter of bytesOf("abc")) {
          chunk[0] = letter;
          yield chunk;
        }
      };
      const { object } = await put("a", "abc", { body });
      expect(await readAll(adapter.get({ object, range: { start: 0, end: 3 } }, ctx))).toBe("abc");
    });

    test("copy, where there is one, is create-only", async () => {
      const { object: from } = await put("a", "abc");
      await put("b", "abc");
      const copied = await adapter.copy({ from, to: key("c") }, ctx);
      if (copied !== undefined) await expectKind(adapter.copy({ from, to: key("b") }, ctx), "AlreadyExists");
    });
  });
}
