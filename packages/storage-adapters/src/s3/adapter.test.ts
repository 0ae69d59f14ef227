// SPDX-License-Identifier: Apache-2.0
// The S3 adapter against the double: the contracts, and what a lenient server cannot show (test/peers has a real one).
import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { ErrorCode, Key, Store } from "@kiteseal/core/store";
import { ACCESS_KEY, startS3Double } from "../../../../test/doubles/s3/server.ts";
import type { S3Double, S3DoubleOptions } from "../../../../test/doubles/s3/server.ts";
import type { WriteSettings } from "../adapter.ts";
import { expectCode, listKeys, readAll, sha256, sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import type { TransferOptions } from "../transfer/plan.ts";
import { createS3Adapter } from "./adapter.ts";
import { discoverRegion, openPlace } from "./client.ts";
import { ADDRESS, adapterOf, pace, SMALL } from "./double.testkit.ts";
import { S3_SIZES } from "./multipart.ts";
import type { MultipartSizes } from "./multipart.ts";

const ctx = testContext();

describe("the S3 adapter", () => {
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

  describe("on the way", () => {
    test.each([
      ["a reset before the request", { method: "PUT", contains: "/base/a", times: 2, does: "reset" }],
      ["a reset in the body", { method: "PUT", contains: "/base/a", times: 2, does: "reset-in-body" }],
      [
        "503 with Retry-After",
        {
          method: "PUT",
          contains: "/base/a",
          times: 2,
          does: { status: 503, code: "SlowDown", headers: { "retry-after": "0" } },
        },
      ],
      ["429", { method: "PUT", contains: "/base/a", times: 2, does: { status: 429, code: "TooManyRequests" } }],
      ["500", { method: "PUT", contains: "/base/a", times: 2, does: { status: 500, code: "InternalError" } }],
      [
        "409, another writer at the same moment",
        { method: "PUT", contains: "/base/a", times: 2, does: { status: 409, code: "ConditionalRequestConflict" } },
      ],
      ["a damaged body", { method: "PUT", contains: "/base/a", times: 2, does: { status: 400, code: "BadDigest" } }],
    ] as const)("%s does not stop a put", async (_, fault) => {
      await start();
      double.fail(fault);
      expect(await put("a", "x".repeat(600_000))).toMatchObject({ outcome: "created", verifiedBy: "server-sha256" });
      expect(stored("a")).toHaveLength(600_000);
    });

    test("a lost reply to a put that worked is success", async () => {
      await start();
      double.fail({ method: "PUT", contains: "/base/a", times: 1, does: "lose-reply" });
      expect(await put("a", "abc")).toMatchObject({ outcome: "exists-same", verifiedBy: "read-back" });
    });

    test.each<[string, { status: number; code: string }, ErrorCode]>([
      ["403", { status: 403, code: "AccessDenied" }, "ERR_STORE_DENIED"],
      ["503 for ever", { status: 503, code: "SlowDown" }, "ERR_STORE_UNAVAILABLE"],
      ["an expired token", { status: 400, code: "ExpiredToken" }, "ERR_STORE_DENIED"],
      ["another region", { status: 301, code: "PermanentRedirect" }, "ERR_STORE_URL"],
      ["a bucket that no service can have", { status: 400, code: "InvalidBucketName" }, "ERR_STORE_URL"],
    ])("%s on put is what it is", async (_, does, code) => {
      await start();
      double.fail({ method: "PUT", contains: "/base/a", times: 99, does });
      const error = await expectCode(put("a", "abc"), code);
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain("double-secret");
    });

    test.each([403, 500, 503])("%i on head is never absence", async (status) => {
      await start();
      double.fail({ method: "HEAD", times: 99, does: { status, code: "" } });
      await expectCode(store.head(key("a"), ctx), status === 403 ? "ERR_STORE_DENIED" : "ERR_STORE_UNAVAILABLE");
    });

    test.each(["constructor", "__proto__"])("a code named %s is unknown, as others", async (code) => {
      await start();
      double.fail({ method: "PUT", contains: "/base/a", times: 99, does: { status: 400, code } });
      const error = await expectCode(put("a", "abc"), "ERR_STORE_UNAVAILABLE");
      expect(error).toHaveProperty("hint", undefined);
    });

    test.each([
      ["ahead", 3_600_000],
      ["behind", -3_600_000],
    ])("the clock of a server that is %s is learned from any refusal, also of HEAD", async (_, skewMs) => {
      await start({ skewMs });
      expect(await store.head(key("a"), ctx)).toBeUndefined();
      expect(await put("a", "x".repeat(600_000))).toMatchObject({ outcome: "created" });
    });

    test("a refusal in a reply of another date stays one", async () => {
      await start();
      const headers = { date: "Thu, 01 Jan 2026 00:00:00 GMT" };
      double.fail({ method: "HEAD", times: 99, does: { status: 403, code: "AccessDenied", headers } });
      await expectCode(store.head(key("a"), ctx), "ERR_STORE_DENIED");
    });

    test.each([0, 3_600_000])("a missing bucket is never absence of a key, %i ms away", async (skewMs) => {
      await start({ skewMs });
      const place = openPlace(
        { ...ADDRESS, bucket: "another" },
        {
          env: { AWS_ENDPOINT_URL_S3: double.endpoint, AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: "s" },
          now: () => ctx.now(),
        },
      );
      const other = createStore(createS3Adapter(place, S3_SIZES), { pace });
      await expectCode(other.head(key("a"), ctx), "ERR_STORE_URL");
      await expectCode(listKeys(other, "base/"), "ERR_STORE_URL");
      await expectCode(other.put(key("a"), { source: sourceOf("abc") }, ctx), "ERR_STORE_URL");
    });

    test("a download that breaks off goes on where it ended", async () => {
      await start();
      const { object } = await put("a", "0123456789".repeat(100));
      double.fail({ method: "GET", contains: "/base/a", times: 2, does: "truncate" });
      expect(await readAll(store.get(object, { maxBytes: 1000 }, ctx))).toBe("0123456789".repeat(100));
      expect(double.requests.filter((line) => line.startsWith("GET"))).toHaveLength(3);
    });

    test("a server that hangs is left when the signal fires", async () => {
      await start();
      double.fail({ method: "HEAD", times: 1, does: "hang" });
      const abort = new AbortController();
      const asked = store.head(key("a"), testContext(abort.signal));
      setTimeout(() => abort.abort(), 20);
      await expectCode(asked, "ERR_INTERRUPTED");
    });

    test("a server that ignores If-Match does not pass another version for the pinned one", async () => {
      await start({ ignores: ["if-match"] });
      const { object } = await put("a", "pinned");
      await store.put(key("a"), { source: sourceOf("others"), overwrite: true }, ctx);
      await expectCode(readAll(store.get(object, { maxBytes: 6 }, ctx)), "ERR_PIN_CHANGED");
    });

    test("a server that ignores ranges is refused", async () => {
      await start({ ignores: ["ranges"] });
      const { object } = await put("a", "0123456789");
      const part = store.get(object, { range: { start: 2, end: 4 }, maxBytes: 10 }, ctx);
      await expectCode(readAll(part), "ERR_STORE_URL");
    });
  });

  test.each([
    ["whole", "abc"],
    ["in parts", "x".repeat(2000)],
  ])("a server that says nothing of the checksum of an object sent %s has not checked it", async (_, content) => {
    await start({ statesNoChecksum: true, minPart: 1, sizes: SMALL });
    expect(await put("a", content)).toMatchObject({ outcome: "created", verifiedBy: "server-other" });
  });

  test("a copy of which nothing is known is an outage", async () => {
    await start();
    const { object } = await put("a", "x");
    await store.copy(object, key("tried"), ctx);
    double.fail({ method: "PUT", contains: "/b", times: 99, does: { status: 412, code: "PreconditionFailed" } });
    double.fail({ method: "HEAD", contains: "/b", times: 99, does: { status: 503, code: "" } });
    await expectCode(store.copy(object, key("b"), ctx), "ERR_STORE_UNAVAILABLE");
  });

  describe("listing", () => {
    test.each(["no-continuation", "same-continuation"] as const)(
      "with %s fails instead of ending early or never",
      async (does) => {
        await start({ pageSize: 2 });
        for (const name of ["a", "b", "c", "d", "e"]) await put(name, name);
        double.fail({ method: "GET", contains: "continuation-token", times: 99, does });
        await expectCode(listKeys(store, "base/"), "ERR_STORE_UNAVAILABLE");
      },
    );

    test("tries a page again", async () => {
      await start({ pageSize: 2 });
      for (const name of ["a", "b", "c", "d", "e"]) await put(name, name);
      double.fail({ method: "GET", contains: "continuation-token", times: 1, does: "reset" });
      expect(await listKeys(store, "base/")).toEqual(["a", "b", "c", "d", "e"].map((name) => `base/${name}`));
    });
  });

  describe("a server that does not keep S3's promises", () => {
    test("of create-only gets nothing", async () => {
      await start({ ignores: ["if-none-match"] });
      await expectCode(put("a", "abc"), "ERR_STORE_URL");
      expect(() => stored("a")).toThrow();
    });

    test("of checksums gets nothing", async () => {
      await start({ ignores: ["checksums"] });
      await expectCode(put("a", "abc"), "ERR_STORE_URL");
      expect(() => stored("a")).toThrow();
    });

    test("of create-only completion gets small objects, and no large one", async () => {
      await start({ ignores: ["if-none-match-on-complete"], minPart: 1, sizes: SMALL });
      expect(await put("a", "abc")).toMatchObject({ outcome: "created" });
      await expectCode(put("b", "x".repeat(2000)), "ERR_STORE_URL");
      expect(double.bucket.uploads.size).toBe(0);
    });

    test("whose policy knows no conditional copies is not made to: the bytes are streamed", async () => {
      await start();
      const { object } = await store.put(key("a"), { source: sourceOf("x") }, ctx);
      await store.copy(object, key("tried"), ctx);
      double.fail({ method: "PUT", contains: "/b", times: 1, does: { status: 501, code: "NotImplemented" } });
      expect(await store.copy(object, key("b"), ctx)).toBeUndefined();
    });

    test("of create-only copies is not asked to copy", async () => {
      await start({ ignores: ["if-none-match-on-copy"] });
      const { object } = await put("a", "abc");
      expect(await store.copy(object, key("b"), ctx)).toBeUndefined();
    });

    test("is probed once, and its scratch objects are not listed", async () => {
      await start();
      await put("a", "abc");
      const before = double.requests.length;
      await put("b", "abc");
      expect(double.requests.slice(before)).toEqual(["PUT /artifacts/base/b"]);
      expect(await listKeys(store, "base/")).toEqual(["base/a", "base/b"]);
    });
  });

  test("keys over 1,024 bytes are refused before anything is sent", async () => {
    await start();
    await expectCode(put("x".repeat(1020), "abc"), "ERR_KEY_INVALID");
    expect(double.requests).toEqual([]);
  });

  test("sends no ACL, and what was asked for of encryption, retention, legal hold and owner, in parts too", async () => {
    const write: WriteSettings = {
      encryptionKey: "arn:aws:kms:eu-central-1:123456789012:key/1",
      retention: { mode: "compliance", days: 2 },
      legalHold: true,
      bucketOwner: "123456789012",
    };
    await start({ write, minPart: 1, sizes: SMALL });
    await put("whole", "abc");
    await put("parts", "x".repeat(2000));
    for (const name of ["whole", "parts"]) {
      const { headers } = double.bucket.current(`base/${name}`);
      expect(headers).toMatchObject({
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": write.encryptionKey,
        "x-amz-server-side-encryption-bucket-key-enabled": "true",
        "x-amz-object-lock-mode": "COMPLIANCE",
        "x-amz-object-lock-legal-hold": "ON",
        "x-amz-expected-bucket-owner": "123456789012",
      });
      expect(new Date(headers["x-amz-object-lock-retain-until-date"] ?? "")).toEqual(new Date("2026-11-23T12:00:00Z"));
      expect(Object.keys(headers).filter((header) => header.includes("acl"))).toEqual([]);
    }
  });

  test("hints are kept in ASCII", async () => {
    await start();
    const metadata = { branch: "größe/x y" };
    await store.put(key("a"), { source: sourceOf("abc"), contentType: "text/plain", metadata }, ctx);
    expect(double.bucket.current("base/a").headers["x-amz-meta-branch"]).toBe("gr%C3%B6%C3%9Fe/x y");
  });

  describe("diagnose", () => {
    const severities = async (): Promise<Record<string, string>> =>
      Object.fromEntries((await store.diagnose(ctx)).map(({ id, severity }) => [id, severity]));

    test("of a good bucket finds the promises kept", async () => {
      await start();
      expect(await severities()).toMatchObject({
        "s3.bucket": "ok",
        "s3.create-only": "ok",
        "s3.checksums": "ok",
        "s3.multipart": "ok",
        "s3.copy": "ok",
        "s3.lifecycle": "advice",
      });
    });

    test("of a badly configured one says what is dangerous", async () => {
      const xml = "<PolicyStatus><IsPublic>true</IsPublic></PolicyStatus>";
      await start({ ignores: ["if-none-match"], settings: { policyStatus: { status: 200, xml } } });
      expect(await severities()).toMatchObject({ "s3.create-only": "dangerous", "s3.public-access": "dangerous" });
    });

    test("of a lifecycle that may not be read says so once", async () => {
      const xml = "<Error><Code>AccessDenied</Code></Error>";
      await start({ settings: { lifecycle: { status: 403, xml } } });
      const found = await store.diagnose(ctx);
      expect(found.filter(({ id }) => /lifecycle|expiry/.test(id))).toMatchObject([
        { id: "s3.lifecycle", severity: "advice" },
      ]);
      expect(found.find(({ id }) => id === "s3.lifecycle")?.remedy).toContain("s3:GetLifecycleConfiguration");
    });

    test.each([
      [{ status: 403, code: "AccessDenied" }, "ok"],
      [{ status: 400, code: "InvalidRequest" }, "advice"],
      [{ status: 501, code: "NotImplemented" }, "advice"],
    ])("takes %j for a refusal, or not", async (does, severity) => {
      await start();
      double.fail({ method: "DELETE", contains: "probe/overwrite", times: 99, does });
      expect(await severities()).toMatchObject({ "s3.overwrite": "advice", "s3.delete": severity });
      const { headers } = double.bucket.current("base/.kiteseal/probe/overwrite");
      expect(headers).toHaveProperty("x-amz-checksum-sha256");
      double.fail({ method: "PUT", contains: "probe/overwrite", times: 99, does });
      const found = (await store.diagnose(ctx)).find(({ id }) => id === "s3.overwrite");
      expect(found).toMatchObject({ severity });
      // Without a remedy for a right that it is not known to have.
      expect(found).not.toHaveProperty("remedy");
    });

    test("of one that may not be written to is no danger", async () => {
      await start();
      double.fail({ method: "PUT", times: 99, does: { status: 403, code: "AccessDenied" } });
      expect(await severities()).toMatchObject({ "s3.put": "advice", "s3.list": "ok" });
    });
  });

  test("the region is the one that S3 names, also to those who may not see the bucket", async () => {
    await start();
    expect(await discoverRegion(double.endpoint, double.bucketName, { now: () => ctx.now() })).toBe("eu-central-1");
  });

  test("what is hashed is what is stored", async () => {
    await start();
    await put("a", "abc");
    expect(Buffer.from(double.bucket.current("base/a").content.sha256, "base64").toString("hex")).toBe(sha256("abc"));
  });
});
