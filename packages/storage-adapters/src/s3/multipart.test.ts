// SPDX-License-Identifier: Apache-2.0
// Large objects on the S3 double: parts, completion, what is left and found again.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { Key, Store } from "@kiteseal/core/store";
import { startS3Double } from "../../../../test/doubles/s3/server.ts";
import type { S3Double, S3DoubleOptions } from "../../../../test/doubles/s3/server.ts";
import type { WriteSettings } from "../adapter.ts";
import { expectCode, sha256, sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import type { StoreSettings } from "../transfer/store.ts";
import { adapterOf, pace, SMALL } from "./double.testkit.ts";
import type { MultipartSizes } from "./multipart.ts";

const ctx = testContext();

describe("uploads to S3", () => {
  let double: S3Double;
  let store: Store;
  afterEach(() => double.close());

  const key = (name: string): Key => parseKey(`base/${name}`);
  const start = async (
    options: S3DoubleOptions & { sizes?: MultipartSizes; write?: WriteSettings } = {},
    settings: StoreSettings = { pace },
  ): Promise<void> => {
    double = await startS3Double(options);
    store = createStore(adapterOf(double, options), settings);
  };
  const put = (name: string, content: string | Uint8Array) => store.put(key(name), { source: sourceOf(content) }, ctx);
  const stored = (name: string): string => double.bucket.current(`base/${name}`).content.bytes.toString();

  describe("in parts", () => {
    const content = Array.from({ length: 2000 }, (_, i) => String(i % 10)).join("");
    const parts = { minPart: 1, sizes: SMALL };

    test("asks for the digests of parts, sends each once, and leaves no upload", async () => {
      await start(parts);
      expect(store.digestPlan(2000)).toEqual({ algorithms: ["sha256"], partSize: 400 });
      const done: number[] = [];
      const result = await store.put(
        key("a"),
        { source: sourceOf(content) },
        testContext(undefined, (p) => done.push(p.done)),
      );
      expect(result).toMatchObject({ outcome: "created", object: { size: 2000 }, verifiedBy: "server-sha256" });
      expect(stored("a")).toBe(content);
      expect(done.at(-1)).toBe(2000);
      expect(double.partBytes).toBe(2000 + 2 * "kiteseal tries here whether this store keeps its promises\n".length);
      expect(double.bucket.uploads.size).toBe(0);
    });

    test("409 on completion begins a new upload", async () => {
      await start(parts);
      await put("probe", "x".repeat(1500));
      double.fail({
        method: "POST",
        contains: "/base/a?uploadId=",
        times: 1,
        does: { status: 409, code: "ConditionalRequestConflict" },
      });
      expect(await put("a", content)).toMatchObject({ outcome: "created" });
      expect(double.requests.filter((line) => line.startsWith("POST /artifacts/base/a?uploads"))).toHaveLength(2);
      expect(double.bucket.uploads.size).toBe(0);
    });

    test("a lost reply to the completion is success", async () => {
      await start(parts);
      double.fail({ method: "POST", contains: "/base/a?uploadId=", times: 1, does: "lose-reply" });
      expect(await put("a", content)).toMatchObject({ outcome: "exists-same" });
    });

    test("over other bytes is a conflict, and its parts are removed", async () => {
      await start(parts);
      await put("a", "theirs");
      await expectCode(put("a", content), "ERR_STORE_CONFLICT");
      expect(stored("a")).toBe("theirs");
      expect(double.bucket.uploads.size).toBe(0);
    });

    test.each([
      ["reset", "reset"],
      ["reset in the body", "reset-in-body"],
      ["503", { status: 503, code: "SlowDown" }],
      ["lost", "lose-reply"],
    ] as const)("a part that is %s is sent again", async (_, does) => {
      await start(parts);
      double.fail({ method: "PUT", contains: "partNumber", times: 2, does });
      expect(await put("a", content)).toMatchObject({ outcome: "created" });
      expect(stored("a")).toBe(content);
    });

    test("a source that changed between hashing and sending is noticed by the server's checksums, and named", async () => {
      await start(parts);
      const source = sourceOf(content);
      const other = sourceOf(content.replaceAll("7", "8"));
      const digests = {
        ...source.digests,
        parts: { size: 400, sha256: [0, 1, 2, 3, 4].map((i) => sha256(content.slice(i * 400, i * 400 + 400))) },
      };
      const changed = { ...other, digests };
      await expectCode(store.put(key("a"), { source: changed }, ctx), "ERR_FILE_CHANGED");
      expect(() => stored("a")).toThrow();
      expect(double.bucket.uploads.size).toBe(0);
    });

    test("that could not be finished stays, is filed, and is gone on with by the next try", async () => {
      const stateDirectory = await mkdtemp(join(tmpdir(), "kiteseal-journal-"));
      await start(parts, { pace, stateDirectory });
      double.fail({ method: "POST", contains: "/base/a?uploadId=", times: 4, does: { status: 503, code: "SlowDown" } });
      const lasting = createStore(adapterOf(double, parts), { pace: { ...pace, attempts: 1 }, stateDirectory });
      await expectCode(lasting.put(key("a"), { source: sourceOf(content) }, ctx), "ERR_STORE_UNAVAILABLE");
      const entries = await readdir(join(stateDirectory, "uploads"));
      expect(entries).toHaveLength(1);
      expect(await readFile(join(stateDirectory, "uploads", entries[0] ?? ""), "utf8")).not.toContain("double-secret");
      double.partBytes = 0;
      expect(await put("a", content)).toMatchObject({ outcome: "created" });
      expect(double.partBytes).toBeLessThan(400);
      expect(await readdir(join(stateDirectory, "uploads"))).toEqual([]);
      await rm(stateDirectory, { recursive: true });
    });

    test("of what is there by now sends none of it, and removes what an unfinished upload left", async () => {
      const stateDirectory = await mkdtemp(join(tmpdir(), "kiteseal-journal-"));
      await start(parts, { pace, stateDirectory });
      double.fail({ method: "POST", contains: "/base/a?uploadId=", times: 4, does: { status: 503, code: "SlowDown" } });
      await expectCode(put("a", content), "ERR_STORE_UNAVAILABLE");
      expect(double.bucket.uploads.size).toBe(1);
      await createStore(adapterOf(double), { pace }).put(key("a"), { source: sourceOf(content) }, ctx);
      double.partBytes = 0;
      expect(await put("a", content)).toMatchObject({ outcome: "exists-same" });
      expect(double.bucket.uploads.size).toBe(0);
      expect(await readdir(join(stateDirectory, "uploads"))).toEqual([]);
      expect(await put("a", content)).toMatchObject({ outcome: "exists-same" });
      expect(double.partBytes).toBe(0);
      await rm(stateDirectory, { recursive: true });
    });

    test("whose parts on the server are not ours sends them again", async () => {
      const stateDirectory = await mkdtemp(join(tmpdir(), "kiteseal-journal-"));
      await start(parts, { pace, stateDirectory });
      const once = createStore(adapterOf(double, parts), { pace: { ...pace, attempts: 1 }, stateDirectory });
      double.fail({ method: "POST", contains: "/base/a?uploadId=", times: 1, does: { status: 503, code: "SlowDown" } });
      await expectCode(once.put(key("a"), { source: sourceOf(content) }, ctx), "ERR_STORE_UNAVAILABLE");
      const [upload] = double.bucket.uploads.values();
      const second = upload?.parts.get(2);
      if (second === undefined) expect.fail("no parts");
      const foreign = { ...second.content, sha256: Buffer.alloc(32).toString("base64"), bytes: Buffer.alloc(400) };
      upload?.parts.set(2, { ...second, content: foreign });
      double.partBytes = 0;
      expect(await put("a", content)).toMatchObject({ outcome: "created" });
      // That part, and the probe of a new process; not the others.
      expect(double.partBytes).toBeLessThan(800);
      expect(stored("a")).toBe(content);
      await rm(stateDirectory, { recursive: true });
    });

    test("whose id alone allows writing is never filed, and removed when it cannot be finished", async () => {
      const stateDirectory = await mkdtemp(join(tmpdir(), "kiteseal-journal-"));
      await start(parts);
      const adapter = adapterOf(double, parts);
      const { multipart } = adapter;
      if (multipart === undefined) expect.fail("no multipart");
      const begin: typeof multipart.begin = async (...call) => ({
        ...(await multipart.begin(...call)),
        isPublic: false,
      });
      const secretive = createStore(
        { ...adapter, multipart: { ...multipart, begin } },
        { pace: { ...pace, attempts: 1 }, stateDirectory },
      );
      double.fail({ method: "POST", contains: "/base/a?uploadId=", times: 1, does: { status: 503, code: "SlowDown" } });
      await expectCode(secretive.put(key("a"), { source: sourceOf(content) }, ctx), "ERR_STORE_UNAVAILABLE");
      expect(await readdir(stateDirectory)).toEqual([]);
      expect(double.bucket.uploads.size).toBe(0);
      await rm(stateDirectory, { recursive: true });
    });

    test("leftovers of a week below the root are removed, younger and other ones are not", async () => {
      const begun = { now: new Date("2026-11-01T00:00:00Z") };
      await start({ ...parts, now: () => begun.now }, { pace, base: "base/" });
      double.bucket.begin("base/old", {}, begun.now);
      double.bucket.begin("other/old", {}, begun.now);
      double.bucket.begin("base/young", {}, new Date("2026-11-20T00:00:00Z"));
      await put("a", content);
      expect([...double.bucket.uploads.values()].map((upload) => upload.key)).toEqual(["other/old", "base/young"]);
    });
  });
});
