// SPDX-License-Identifier: Apache-2.0
// Large objects on the S3 double: parts, completion, what is left and found again.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { Context, Key, Store } from "@kiteseal/core/store";
import { startFaultProxy } from "../../../../test/doubles/proxy.ts";
import type { Reply } from "../../../../test/doubles/proxy.ts";
import { startS3Double } from "../../../../test/doubles/s3/server.ts";
import type { S3Double, S3DoubleOptions } from "../../../../test/doubles/s3/server.ts";
import type { WriteSettings } from "../adapter.ts";
import { expectCode, sha256, sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import type { TransferOptions } from "../transfer/plan.ts";
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
    settings: TransferOptions = { pace },
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

    describe("that an earlier run left", () => {
      let stateDirectory: string;
      const sleepless = { pace: { ...pace, attempts: 1 } };
      const noon = new Date("2026-11-21T12:00:00Z");
      const at = (time: string): Context => ({ now: () => new Date(time) });
      const open = (write: WriteSettings = {}, endpoint = double.endpoint): Store =>
        createStore(adapterOf(double, { ...parts, write, env: { AWS_ENDPOINT_URL_S3: endpoint } }), {
          ...sleepless,
          stateDirectory,
        });
      /** Everything is there but the completion. */
      const leave = async (name: string, write: WriteSettings = {}, context = ctx): Promise<void> => {
        const path = `/base/${name}?uploadId=`;
        double.fail({ method: "POST", contains: path, times: 1, does: { status: 503, code: "SlowDown" } });
        const run = open(write).put(key(name), { source: sourceOf(content) }, context);
        await expectCode(run, "ERR_STORE_UNAVAILABLE");
      };
      const keysOfUploads = (): string[] => [...double.bucket.uploads.values()].map((upload) => upload.key);
      const settingsOf = (name: string): [string, string][] =>
        Object.entries(double.bucket.current(`base/${name}`).headers).filter(([header]) =>
          /^x-amz-(?:object-lock|server-side-encryption)/.test(header),
        );
      const entries = async (): Promise<string[]> => readdir(join(stateDirectory, "uploads"));

      beforeEach(async () => {
        stateDirectory = await mkdtemp(join(tmpdir(), "kiteseal-journal-"));
        await start(parts);
      });
      afterEach(() => rm(stateDirectory, { recursive: true }));

      const lock = { mode: "governance", days: 400 } as const;
      test.each<[string, WriteSettings, WriteSettings]>([
        ["without a lock", {}, { retention: lock }],
        ["with a shorter lock", { retention: { ...lock, days: 1 } }, { retention: lock }],
        ["with a weaker lock", { retention: lock }, { retention: { ...lock, mode: "compliance" } }],
        ["without a hold", {}, { legalHold: true }],
        ["under another key", { encryptionKey: "one" }, { encryptionKey: "other" }],
      ])("%s is not gone on with", async (_, before, asked) => {
        await leave("a", before);
        await open(asked).put(key("a"), { source: sourceOf(content) }, ctx);
        await open(asked).put(key("fresh"), { source: sourceOf(content) }, ctx);
        const kept = settingsOf("a");
        expect(kept).not.toEqual([]);
        expect(kept).toEqual(settingsOf("fresh"));
        // The other one is still noted, and goes when its time has come.
        expect(keysOfUploads()).toEqual(["base/a"]);
        expect(await entries()).toHaveLength(1);
      });

      test("on another day, so that its lock would end earlier, is not gone on with", async () => {
        await leave("a", { retention: lock }, at("2026-11-21T23:59:00Z"));
        await open({ retention: lock }).put(key("a"), { source: sourceOf(content) }, at("2026-11-22T00:01:00Z"));
        const until = double.bucket.current("base/a").headers["x-amz-object-lock-retain-until-date"];
        expect(new Date(until ?? "")).toEqual(new Date("2027-12-27T00:01:00Z"));
      });

      test("on the same day is gone on with", async () => {
        await leave("a", { retention: lock });
        double.partBytes = 0;
        const { object } = await open({ retention: lock }).put(
          key("a"),
          { source: sourceOf(content) },
          at("2026-11-21T18:00:00Z"),
        );
        expect(object.size).toBe(2000);
        expect(double.partBytes).toBeLessThan(400);
      });

      test("more than a week ago is removed, by this machine's journal; what others began is not", async () => {
        await leave("old", {}, at("2026-11-14T11:59:00Z"));
        await leave("young", {}, at("2026-11-14T12:01:00Z"));
        double.bucket.begin("base/theirs", {});
        double.bucket.begin("base//theirs", {});
        expect(await open().put(key("a"), { source: sourceOf(content) }, { now: () => noon })).toMatchObject({
          outcome: "created",
        });
        expect(keysOfUploads()).toEqual(["base/young", "base/theirs", "base//theirs"]);
        expect(await entries()).toHaveLength(1);
      });

      test.each(["AccessDenied", "InternalError", "NotImplemented"])(
        "and cannot be removed (%s) stays noted, and stops nothing",
        async (code) => {
          await leave("old", {}, at("2026-11-01T00:00:00Z"));
          const status = { AccessDenied: 403, InternalError: 500, NotImplemented: 501 }[code] ?? 500;
          double.fail({ method: "DELETE", contains: "/base/old?uploadId=", times: 9, does: { status, code } });
          expect(await open().put(key("a"), { source: sourceOf(content) }, ctx)).toMatchObject({ outcome: "created" });
          expect(keysOfUploads()).toEqual(["base/old"]);
          expect(await entries()).toHaveLength(1);
        },
      );

      test("in another bucket is left alone", async () => {
        await leave("old", {}, at("2026-11-01T00:00:00Z"));
        const other = await startS3Double({ minPart: 1 });
        const adapter = adapterOf(other, parts);
        const elsewhere = { ...adapter, url: (name: Key) => `s3://other/${name}` };
        await createStore(elsewhere, { pace, stateDirectory }).put(key("a"), { source: sourceOf(content) }, ctx);
        expect(other.requests.filter((line) => line.startsWith("DELETE") && line.includes("/old"))).toEqual([]);
        expect(await entries()).toHaveLength(1);
        await other.close();
      });

      /** `n`: of the page. */
      test.each<[string, (n: number) => { part: number; next: string }]>([
        ["goes round in circles", (n) => ({ part: n, next: String(n % 2) })],
        ["never ends", (n) => ({ part: n, next: String(n) })],
        ["repeats a page", (n) => ({ part: 7, next: String(n) })],
        ["says that there is more and not where", (n) => ({ part: n, next: "" })],
      ])("and whose list of parts %s is sent anew", async (_, page) => {
        await leave("a");
        const proxy = await startFaultProxy(double.endpoint);
        let pages = 0;
        const change = (reply: Reply): Reply => {
          pages += 1;
          // Ends by itself only if the client does not.
          if (pages > 100) return reply;
          const { part: first, next } = page(pages);
          const held = Array.from(
            { length: 200 },
            (_, i) => `<Part><PartNumber>${first + 200 * i}</PartNumber></Part>`,
          );
          const body = `<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>${next}</NextPartNumberMarker>${held.join("")}</ListPartsResult>`;
          return { ...reply, body };
        };
        proxy.add(({ method, url }) => method === "GET" && url.includes("uploadId="), { change }, Infinity);
        const stored = await open({}, proxy.url).put(key("a"), { source: sourceOf(content) }, ctx);
        await proxy.close();
        expect(stored).toMatchObject({ outcome: "created" });
        expect(pages).toBeLessThan(60);
      });
    });
  });
});
