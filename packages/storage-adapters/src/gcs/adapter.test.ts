// SPDX-License-Identifier: Apache-2.0
// The adapter against the DOUBLE: what the contract suites cannot see, and faults on the wire.
import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { Store, StoredObject } from "@kiteseal/core/store";
import type { GcsDouble, GcsDoubleOptions } from "../../../../test/doubles/gcs/server.ts";
import { expectKind, putRequest } from "../adapter-contract.testkit.ts";
import type { Adapter, AdapterOptions } from "../adapter.ts";
import { expectCode, readAll, sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { openGcsAdapter } from "./adapter.ts";
import { gcsAddress, gcsOptions, openDouble, patternBytes, plannedSource } from "./double.testkit.ts";

const ctx = testContext();
const key = parseKey("base/a");
const MIB = 1_048_576;
const FAST = { pace: { attempts: 4, baseMs: 1, maxWaitMs: 5 } };
const DATA = /[?&]upload_id=/;

describe("the Google Cloud Storage adapter", () => {
  let double: GcsDouble;
  let adapter: Adapter;
  let store: Store;
  const start = async (options: GcsDoubleOptions = {}, changes: Partial<AdapterOptions> = {}): Promise<void> => {
    ({ double, adapter } = await openDouble(options, changes));
    store = createStore(adapter, FAST);
  };
  /** Past the probe, with the log empty. */
  const warm = async (): Promise<void> => {
    await adapter.putWhole(putRequest(parseKey("base/warm"), "x"), ctx);
    double.requests.length = 0;
  };
  const putLarge = (bytes: Uint8Array, context = ctx, at = key) =>
    store.put(at, { source: plannedSource(bytes, store.digestPlan(bytes.length)) }, context);
  const sent = (): number =>
    double.requests.filter(({ url }) => DATA.test(url)).reduce((sum, { bytes }) => sum + bytes, 0);
  const listed = async (): Promise<StoredObject[]> => {
    const objects: StoredObject[] = [];
    for await (const object of adapter.list("base/", ctx)) objects.push(object);
    return objects;
  };
  afterEach(() => double.close());

  describe("writing", () => {
    test("sends the MD5, and bytes that were damaged on the way are refused and not visible", async () => {
      await start();
      await warm();
      const wrong = putRequest(key, "abc", { digests: { ...putRequest(key, "abc").digests, md5: "0".repeat(32) } });
      await expectKind(adapter.putWhole(wrong, ctx), "ChecksumRejected");
      await expectKind(adapter.head(key, ctx), "NotFound");
    });

    test("in parts sends the MD5 as well", async () => {
      await start();
      const source = plannedSource(patternBytes(9 * MIB), store.digestPlan(9 * MIB));
      const damaged = { ...source, digests: { ...source.digests, md5: "0".repeat(32) } };
      await expectCode(store.put(key, { source: damaged }, ctx), "ERR_STORE_UNAVAILABLE");
      expect(double.bucket.peek(key)).toBeUndefined();
    });

    test("asks for key, retention and hold, in inserts and sessions", async () => {
      await start(
        {},
        { write: { encryptionKey: "projects/p/key", retention: { mode: "compliance", days: 30 }, legalHold: true } },
      );
      await adapter.putWhole(putRequest(key, "abc"), ctx);
      await putLarge(patternBytes(9 * MIB), ctx, parseKey("base/large"));
      for (const name of ["base/a", "base/large"]) {
        expect(double.bucket.peek(name)).toMatchObject({
          kmsKeyName: "projects/p/key",
          metadata: { temporaryHold: true, retention: { mode: "Locked", retainUntilTime: "2026-12-21T12:00:00.000Z" } },
        });
      }
      await expectKind(adapter.putWhole(putRequest(key, "new", { ifAbsent: false }), ctx), "Immutable");
    });

    test("keeps content type and metadata, and asks for no access rule", async () => {
      await start();
      await adapter.putWhole(putRequest(key, "abc", { contentType: "text/x", metadata: { job: "1" } }), ctx);
      expect(double.bucket.peek(key)?.metadata).toMatchObject({ contentType: "text/x", metadata: { job: "1" } });
      expect(double.requests.some(({ url }) => /acl/i.test(url))).toBe(false);
    });

    test("by 20 writers of large objects at once has one winner", async () => {
      await start({ discard: false });
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => putLarge(patternBytes(9 * MIB, i + 1))),
      );
      const outcomes = results.map((r) => (r.status === "fulfilled" ? r.value.outcome : "refused"));
      expect(outcomes.filter((outcome) => outcome === "created")).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === "refused")).toHaveLength(19);
      for (const r of results)
        if (r.status === "rejected") expect(r.reason).toMatchObject({ code: "ERR_STORE_CONFLICT" });
      expect(double.sessions.count()).toBe(0);
    });

    test("a key over 1,024 bytes is refused before anything is sent", async () => {
      await start();
      await expectKind(adapter.putWhole(putRequest(parseKey("k".repeat(1025)), "x"), ctx), "KeyRejected");
      expect(double.requests).toEqual([]);
    });
  });

  describe("faults while writing", () => {
    test("the connection cut in mid-body: what the store kept is not sent again", async () => {
      await start();
      await warm();
      const bytes = patternBytes(40 * MIB);
      double.faults.add({ path: DATA, method: "PUT", effect: "reset-mid-body", times: 1 });
      expect(await putLarge(bytes)).toMatchObject({ outcome: "created", verifiedBy: "server-other" });
      expect(Buffer.from(double.bucket.peek(key)?.bytes ?? []).equals(bytes)).toBe(true);
      expect(sent()).toBeLessThan(42 * MIB);
    });

    test.each(["reset", "lost-reply"] as const)(
      "each of three data requests ends in %s: the object is whole",
      async (effect) => {
        await start();
        await warm();
        const bytes = patternBytes(40 * MIB);
        double.faults.add({ path: DATA, method: "PUT", effect, times: 3 });
        const stored = await putLarge(bytes);
        expect(stored.object.size).toBe(bytes.length);
        expect(Buffer.from(double.bucket.peek(key)?.bytes ?? []).equals(bytes)).toBe(true);
        expect(double.sessions.count()).toBe(0);
      },
    );

    test("the reply to an insert is lost: exists-same", async () => {
      await start();
      await warm();
      double.faults.add({ path: /uploadType=multipart/, effect: "lost-reply", times: 1 });
      expect(await store.put(key, { source: sourceOf("abc") }, ctx)).toMatchObject({ outcome: "exists-same" });
    });

    test("429 and 503 with Retry-After are waited out", async () => {
      await start();
      await warm();
      for (const status of [429, 503])
        double.faults.add({ path: /\/o\?/, method: "POST", effect: "status", status, retryAfter: "0", times: 1 });
      expect(await store.put(key, { source: sourceOf("abc") }, ctx)).toMatchObject({ outcome: "created" });
      double.faults.add({ path: /./, effect: "status", status: 429, retryAfter: "9", times: 1 });
      await expect(adapter.head(key, ctx)).rejects.toMatchObject({ kind: "Throttled", afterMs: 9000 });
    });

    test("a slow server is waited for", async () => {
      await start();
      await warm();
      double.faults.add({ path: /uploadType=multipart/, effect: "slow", delayMs: 300 });
      expect(await store.put(key, { source: sourceOf("abc") }, ctx)).toMatchObject({ outcome: "created" });
    });

    test("a session that has gone is begun again", async () => {
      await start();
      await warm();
      double.faults.add({ path: DATA, method: "PUT", effect: "status", status: 410, reason: "gone", times: 1 });
      expect(await putLarge(patternBytes(9 * MIB))).toMatchObject({ outcome: "created" });
    });

    test("a session at another origin is refused, and nothing is sent there", async () => {
      await start();
      await warm();
      const elsewhere = await openDouble();
      double.faults.add({
        path: /uploadType=resumable/,
        effect: "status",
        status: 200,
        body: "",
        location: `${elsewhere.double.url}/?upload_id=1`,
      });
      await expectCode(putLarge(patternBytes(9 * MIB)), "ERR_STORE_UNAVAILABLE");
      expect(elsewhere.double.requests).toEqual([]);
      await elsewhere.double.close();
    });

    test("no right to create, and to replace, is denied", async () => {
      await start({ permissions: ["storage.objects.get"] });
      await expectKind(adapter.putWhole(putRequest(key, "x"), ctx), "Denied");
    });
  });

  describe("a session", () => {
    const begin = async (bytes: Uint8Array) => {
      const { multipart } = adapter;
      if (multipart === undefined) throw new Error("no multipart");
      // Smaller than what the adapter asks for, so that there are several.
      const partSize = 16 * MIB;
      const source = plannedSource(bytes, { algorithms: ["sha256", "md5"], partSize });
      const request = {
        key,
        size: bytes.length,
        digests: source.digests,
        partSize,
        ifAbsent: true,
        contentType: undefined,
        metadata: {},
      };
      const part = (index: number) => {
        const range = { start: index * partSize, end: Math.min(bytes.length, (index + 1) * partSize) };
        const body = (skip: number) => source.open({ start: range.start + skip, end: range.end });
        return {
          index,
          range,
          sha256: source.digests.parts?.sha256[index] ?? "",
          isLast: range.end === bytes.length,
          body,
        };
      };
      return { multipart, request, part, handle: await multipart.begin(request, ctx) };
    };

    test("is a secret: never public, and its data requests carry no access token", async () => {
      await start();
      const { handle } = await begin(patternBytes(40 * MIB));
      expect(handle.isPublic).toBe(false);
      double.faults.add({ path: DATA, effect: "status", status: 403, body: `no: ${handle.id}` });
      const { multipart, part } = await begin(patternBytes(40 * MIB));
      const error: unknown = await multipart.putPart(handle, part(0), ctx).catch((e: unknown) => e);
      expect(error).toMatchObject({ kind: "Denied" });
      const id = new URL(handle.id).searchParams.get("upload_id") ?? "";
      expect(id.length).toBeGreaterThan(30);
      expect(inspect(error, { depth: 9 })).not.toContain(id);
    });

    test("is gone on with by whoever kept its address", async () => {
      await start();
      const bytes = patternBytes(40 * MIB);
      const { multipart, request, part, handle } = await begin(bytes);
      await multipart.putPart(handle, part(0), ctx);
      const later = (await openGcsAdapter(gcsAddress(), gcsOptions(double.url))).multipart;
      const resumed = await later?.resume(request, handle.id, ctx);
      if (later === undefined || resumed === undefined) throw new Error("there is nothing to go on with");
      expect([0, 1, 2].map((index) => resumed.receiptOf(part(index)))).toEqual(["", undefined, undefined]);
      const parts = [{ index: 0, receipt: "" }];
      for (const index of [1, 2]) parts.push(await later.putPart(resumed.handle, part(index), ctx));
      const written = await later.complete({ request, digests: request.digests, handle: resumed.handle, parts }, ctx);
      expect(written.object).toMatchObject({ key, size: bytes.length });
      expect(Buffer.from(double.bucket.peek(key)?.bytes ?? []).equals(bytes)).toBe(true);
    });

    test("of another origin is not gone on with", async () => {
      await start();
      const { multipart, request } = await begin(patternBytes(9 * MIB));
      expect(await multipart.resume(request, "https://elsewhere.example/?upload_id=1", ctx)).toBeUndefined();
    });

    test("aborted is gone, twice aborted as well", async () => {
      await start();
      const { multipart, handle, part } = await begin(patternBytes(9 * MIB));
      await multipart.abort(handle, ctx);
      await multipart.abort(handle, ctx);
      expect(double.sessions.count()).toBe(0);
      await expectKind(multipart.putPart(handle, part(0), ctx), "UploadGone");
    });

    test("is cancelled when the signal fires", async () => {
      await start();
      await warm();
      const abort = new AbortController();
      double.faults.add({ path: DATA, method: "PUT", effect: "slow", delayMs: 50 });
      const context = testContext(abort.signal, (p) => {
        if (p.done >= MIB) abort.abort();
      });
      await expectCode(putLarge(patternBytes(40 * MIB), context), "ERR_INTERRUPTED");
      expect(double.sessions.count()).toBe(0);
      expect(double.bucket.peek(key)).toBeUndefined();
    });
  });

  describe("reading", () => {
    const put = async (content: string): Promise<StoredObject> =>
      (await adapter.putWhole(putRequest(key, content), ctx)).object;

    test("a download cut short is an outage", async () => {
      await start();
      const object = await put("0123456789");
      double.faults.add({ path: /alt=media/, effect: "truncate" });
      await expectCode(readAll(store.get(object, { maxBytes: 10 }, ctx)), "ERR_STORE_UNAVAILABLE");
    });

    test("an object replaced between head and get is noticed; with versions the pinned one is read", async () => {
      await start();
      const object = await put("first");
      await adapter.putWhole(putRequest(key, "other", { ifAbsent: false }), ctx);
      await expectKind(readAll(adapter.get({ object, range: { start: 0, end: 5 } }, ctx)), "PinChanged");
      await double.close();
      await start({ versioning: true });
      const kept = await put("first");
      await adapter.putWhole(putRequest(key, "other", { ifAbsent: false }), ctx);
      expect(await readAll(adapter.get({ object: kept, range: { start: 0, end: 5 } }, ctx))).toBe("first");
    });

    test("an empty range still asks for the pin", async () => {
      await start();
      const object = await put("");
      const range = { start: 0, end: 0 };
      expect(await readAll(adapter.get({ object, range }, ctx))).toBe("");
      await adapter.putWhole(putRequest(key, "x", { ifAbsent: false }), ctx);
      await expectKind(readAll(adapter.get({ object, range }, ctx)), "PinChanged");
    });

    test("the SDK tries nothing again by itself", async () => {
      await start();
      double.faults.add({ path: /./, effect: "status", status: 503 });
      await expectKind(adapter.head(key, ctx), "Transient");
      expect(double.requests).toHaveLength(1);
    });

    test("403 on head, list and get is Denied; a missing bucket and a proxy's 404 are no absence", async () => {
      await start();
      const object = await put("abc");
      double.deny("base/");
      await expectKind(adapter.head(key, ctx), "Denied");
      await expectKind(readAll(adapter.get({ object, range: { start: 0, end: 3 } }, ctx)), "Denied");
      await expectKind(listed(), "Denied");
      const elsewhere = await openGcsAdapter({ ...gcsAddress(), bucket: "missing" }, gcsOptions(double.url));
      await expectKind(elsewhere.head(key, ctx), "Unsupported");
      double.faults.add({ path: /./, effect: "status", status: 404, body: "<html>blocked</html>" });
      await expectKind(adapter.head(key, ctx), "Unavailable");
    });

    test("a listing that names its own page as the next fails", async () => {
      await start({ pageSize: 1, endlessListing: true });
      for (const name of ["base/a", "base/b"]) await adapter.putWhole(putRequest(parseKey(name), "x"), ctx);
      await expectKind(listed(), "Unavailable");
    });

    test("the empty marker of a folder is no object, any other name that no key can have fails the listing", async () => {
      await start();
      await put("x");
      const received = { size: 0, md5Hash: "", crc32c: "", bytes: new Uint8Array() };
      const plant = (name: string) => double.bucket.put({ name, received, metadata: {}, kmsKeyName: undefined }, {});
      plant("base/folder/");
      expect((await listed()).map((object) => object.key)).toEqual(["base/a"]);
      plant("base//b");
      await expectKind(listed(), "Irregular");
    });
  });

  describe("copying", () => {
    test("carries the precondition in every call", async () => {
      await start();
      const { object } = await adapter.putWhole(putRequest(key, "abc"), ctx);
      await adapter.copy({ from: object, to: parseKey("base/warm") }, ctx);
      double.requests.length = 0;
      const copied = await adapter.copy({ from: object, to: parseKey("base/b") }, ctx);
      expect(copied).toMatchObject({ verifiedBy: "server-other", object: { size: 3 } });
      const calls = double.requests.filter(({ url }) => url.includes("/rewriteTo/"));
      expect(calls.map(({ url }) => url.includes("ifGenerationMatch=0"))).toEqual([true, true]);
    });

    test("whose reply is lost is settled by reading", async () => {
      await start();
      const { object } = await adapter.putWhole(putRequest(key, "abc"), ctx);
      await adapter.copy({ from: object, to: parseKey("base/warm") }, ctx);
      double.faults.add({ path: /rewriteToken=/, effect: "lost-reply", times: 1 });
      expect(await store.copy(object, parseKey("base/b"), ctx)).toMatchObject({ outcome: "exists-same" });
    });
  });

  describe("a server that imitates the service", () => {
    test.each([
      ["keeps no precondition", { ignorePreconditions: true }, "gcs.create-only"],
      ["compares no checksum", { ignoreChecksums: true }, "gcs.checksums"],
    ])("and %s is not written to", async (_, lacks, finding) => {
      await start(lacks);
      await expectKind(adapter.putWhole(putRequest(key, "x"), ctx), "Unsupported");
      await expectCode(putLarge(patternBytes(9 * MIB)), "ERR_STORE_URL");
      expect(double.bucket.names()).toEqual([]);
      expect((await adapter.diagnose(ctx)).find(({ id }) => id === finding)).toMatchObject({
        severity: "dangerous",
      });
    });

    test("is no longer waited for when the signal fires", async () => {
      await start();
      double.faults.add({ path: /./, effect: "slow", delayMs: 300 });
      const abort = new AbortController();
      const writing = adapter.putWhole(putRequest(key, "x"), testContext(abort.signal));
      setTimeout(() => abort.abort(), 20);
      const error: unknown = await writing.catch((e: unknown) => e);
      expect(error).toBe(abort.signal.reason);
      expect(double.requests.length).toBeLessThan(2);
    });

    test("is asked again if the probe found out nothing", async () => {
      await start();
      double.faults.add({ path: /./, effect: "status", status: 503, times: 1 });
      await expectKind(adapter.putWhole(putRequest(key, "x"), ctx), "Transient");
      expect(await adapter.putWhole(putRequest(key, "x"), ctx)).toMatchObject({ object: { key } });
      expect(double.bucket.names()).toEqual([key]);
    });
  });

  describe("opening", () => {
    test("refuses STORAGE_EMULATOR_HOST, which would redirect the SDK", async () => {
      await start();
      process.env["STORAGE_EMULATOR_HOST"] = "http://127.0.0.1:1";
      try {
        await expectCode(openGcsAdapter(gcsAddress(), gcsOptions(double.url)), "ERR_CONFIG_INVALID");
      } finally {
        delete process.env["STORAGE_EMULATOR_HOST"];
      }
    });

    test.each([
      "http://storage.example",
      "https://storage.example/path",
      "https://user:pw@storage.example",
      "nonsense",
    ])("refuses the endpoint %s", async (url) => {
      await start();
      await expectCode(openGcsAdapter(gcsAddress(), gcsOptions(url)), "ERR_CONFIG_INVALID");
    });

    test("refuses a bucket owner, which nothing here would check", async () => {
      await start();
      const options = gcsOptions(double.url, { write: { bucketOwner: "123" } });
      await expectCode(openGcsAdapter(gcsAddress(), options), "ERR_STORE_URL");
    });
  });
});
