// SPDX-License-Identifier: Apache-2.0
// Parts that leave while their file is hashed, on the S3 double: what is asked when, and what is left behind.
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KitesealError, parseKey } from "@kiteseal/core/store";
import type { Store } from "@kiteseal/core/store";
import { startS3Double } from "../../../../test/doubles/s3/server.ts";
import type { S3Double } from "../../../../test/doubles/s3/server.ts";
import { hashAhead } from "../ahead.testkit.ts";
import { adapterOf, pace, SMALL } from "../s3/double.testkit.ts";
import { testContext } from "../store-contract.testkit.ts";
import { createStore } from "./store.ts";
import type { TransferOptions } from "./plan.ts";

const ctx = testContext();
const PATIENCE = { timeout: 20_000 };
const key = parseKey("base/a");
const denied = { status: 403, code: "AccessDenied" };
const outage = new KitesealError("ERR_SERVICE_UNAVAILABLE", "the log did not answer");

describe("parts that leave while their file is hashed", () => {
  let double: S3Double;
  let stateDirectory: string;
  beforeEach(async () => {
    double = await startS3Double({ minPart: 1 });
    stateDirectory = await mkdtemp(join(tmpdir(), "kiteseal-ahead-"));
  });
  afterEach(async () => {
    await double.close();
    await rm(stateDirectory, { recursive: true });
  });

  const open = (settings: TransferOptions = {}): Store =>
    createStore(adapterOf(double, { sizes: SMALL }), { pace, stateDirectory, ...settings });
  const content = (first: number, last = first): Uint8Array =>
    new Uint8Array(2000).map((_, i) => (i < 1600 ? first : last));
  const heldBytes = (): number =>
    [...double.bucket.uploads.values()]
      .flatMap(({ parts }) => [...parts.values()])
      .reduce((sum, part) => sum + part.content.size, 0);
  const sentParts = (): number => double.requests.filter((line) => line.includes("/base/a?partNumber=")).length;
  const journal = (): Promise<string[]> => readdir(join(stateDirectory, "uploads"));

  test("are at the store before anything else is asked of it", async () => {
    const { ahead, source } = hashAhead(open(), key, { bytes: content(1) });
    await expect.poll(heldBytes, PATIENCE).toBe(2000);
    const since = double.requests.length;
    expect(await ahead?.put(source, ctx)).toMatchObject({ outcome: "created", verifiedBy: "server-sha256" });
    expect(double.requests.slice(since)).toEqual([expect.stringMatching(/^POST \/artifacts\/base\/a\?uploadId=/)]);
    expect(double.bucket.current("base/a").content.bytes).toEqual(Buffer.from(content(1)));
    expect(await journal()).toEqual([]);
  });

  test("tell of their progress once they are put", async () => {
    const { ahead, source } = hashAhead(open(), key, { bytes: content(1) });
    await expect.poll(heldBytes, PATIENCE).toBe(2000);
    const done: number[] = [];
    await ahead?.put(
      source,
      testContext(undefined, (p) => done.push(p.done)),
    );
    expect(done).toEqual([2000]);
  });

  test("do not begin where something is already", async () => {
    const first = hashAhead(open(), key, { bytes: content(1) });
    await first.ahead?.put(first.source, ctx);
    const { ahead } = hashAhead(open(), key, { bytes: content(2) });
    await ahead?.begun(ctx);
    expect(sentParts()).toBe(5);
    expect(double.bucket.uploads.size).toBe(0);
  });

  test("that the store does not let begin say so before they are put", async () => {
    await open().prepare(2000, ctx);
    double.fail({ method: "POST", contains: "/base/a?uploads", times: 1, does: denied });
    const { ahead } = hashAhead(open(), key, { bytes: content(1) });
    await expect(ahead?.begun(ctx)).rejects.toMatchObject({ code: "ERR_STORE_DENIED" });
    await ahead?.abandon(undefined);
  });

  test("of which the store refuses the first say so before they are put", async () => {
    const store = open();
    await store.prepare(2000, ctx);
    double.fail({ method: "PUT", contains: "base/a?partNumber=1", times: 9, does: denied });
    const { ahead } = hashAhead(store, key, { bytes: content(1) });
    await expect(ahead?.begun(ctx)).rejects.toMatchObject({ code: "ERR_STORE_DENIED" });
    await ahead?.abandon(undefined);
    expect(double.bucket.uploads.size).toBe(0);
  });

  test.each([
    ["with a journal", {}],
    ["without one", { stateDirectory: undefined }],
  ])("that met an outage which is over are sent %s", async (_, settings) => {
    const store = open(settings);
    await store.prepare(2000, ctx);
    const does = { status: 503, code: "SlowDown" };
    double.fail({ method: "PUT", contains: "base/a?partNumber=2", times: pace.attempts, does });
    const { ahead, source } = hashAhead(store, key, { bytes: content(1) });
    await expect.poll(() => sentParts(), PATIENCE).toBeGreaterThanOrEqual(pace.attempts + 3);
    await ahead?.begun(ctx);
    expect(await ahead?.put(source, ctx)).toMatchObject({ outcome: "created" });
    expect(double.bucket.current("base/a").content.bytes).toEqual(Buffer.from(content(1)));
    expect(double.bucket.uploads.size).toBe(0);
  });

  test("stop with the signal of whoever puts them", async () => {
    double.fail({ method: "PUT", contains: "base/a?partNumber=2", times: 1, does: "hang" });
    const { ahead, source } = hashAhead(open(), key, { bytes: content(1) });
    await expect.poll(heldBytes, PATIENCE).toBe(1600);
    const stop = new AbortController();
    const put = ahead?.put(source, testContext(stop.signal));
    stop.abort();
    await expect(put).rejects.toMatchObject({ code: "ERR_INTERRUPTED" });
    expect(double.bucket.uploads.size).toBe(0);
  });

  test("are one run's alone: another that begins alike has an upload of its own", async () => {
    const living = new Set(["one", "two"]);
    const run = (own: string): Store => open({ runs: { own, isRunning: (name) => living.has(name) } });
    const one = hashAhead(run("one"), key, { bytes: content(1, 2) });
    await expect.poll(heldBytes, PATIENCE).toBe(2000);
    const two = hashAhead(run("two"), key, { bytes: content(1, 3) });
    await expect.poll(heldBytes, PATIENCE).toBe(4000);
    expect(double.bucket.uploads.size).toBe(2);
    expect(await journal()).toHaveLength(2);
    await two.ahead?.abandon(undefined);
    expect(await one.ahead?.put(one.source, ctx)).toMatchObject({ outcome: "created" });
    expect(double.bucket.current("base/a").content.bytes).toEqual(Buffer.from(content(1, 2)));
    expect([double.bucket.uploads.size, await journal()]).toEqual([0, []]);
  });

  test("of runs that are over are taken by one of those that come, once", async () => {
    const living = new Set(["killed", "one", "two"]);
    const run = (own: string): Store => open({ runs: { own, isRunning: (name) => living.has(name) } });
    hashAhead(run("killed"), key, { bytes: content(1) });
    await expect.poll(heldBytes, PATIENCE).toBe(2000);
    living.delete("killed");
    const next = ["one", "two"].map((own) => hashAhead(run(own), key, { bytes: content(1) }));
    for (const { ahead } of next) await ahead?.begun(ctx);
    await expect.poll(heldBytes, PATIENCE).toBe(4000);
    expect(double.bucket.uploads.size).toBe(2);
    expect(sentParts()).toBe(10);
    const outcomes: unknown[] = [];
    for (const { ahead, source } of next) outcomes.push((await ahead?.put(source, ctx))?.outcome);
    expect(outcomes).toEqual(["created", "exists-same"]);
    expect(await journal()).toEqual([]);
  });

  test.each([
    ["for a refusal", new KitesealError("ERR_STORE_CONFLICT", "no")],
    ["by the user", new KitesealError("ERR_INTERRUPTED", "no")],
    ["by a mistake", new TypeError("no")],
    ["because there is no token", new KitesealError("ERR_TOKEN_UNAVAILABLE", "no")],
    [
      "because the store is full",
      new KitesealError("ERR_STORE_UNAVAILABLE", "no", { details: { failure: "Unavailable" } }),
    ],
  ])("given up %s are removed", async (_, reason) => {
    const { ahead } = hashAhead(open(), key, { bytes: content(1) });
    await expect.poll(heldBytes, PATIENCE).toBe(2000);
    await ahead?.abandon(reason);
    expect(double.bucket.uploads.size).toBe(0);
    expect(await journal()).toEqual([]);
  });

  test("given up for an outage are found again, and sent no second time", async () => {
    const { ahead } = hashAhead(open(), key, { bytes: content(1) });
    await expect.poll(heldBytes, PATIENCE).toBe(2000);
    await ahead?.abandon(outage);
    expect(heldBytes()).toBe(2000);
    expect(await journal()).toHaveLength(1);
    const again = hashAhead(open(), key, { bytes: content(1) });
    expect(await again.ahead?.put(again.source, ctx)).toMatchObject({ outcome: "created" });
    expect(sentParts()).toBe(5);
    expect(await journal()).toEqual([]);
  });

  test("of other bytes that begin alike are replaced, not mixed", async () => {
    const { ahead } = hashAhead(open(), key, { bytes: content(1, 2) });
    await expect.poll(heldBytes, PATIENCE).toBe(2000);
    await ahead?.abandon(outage);
    const again = hashAhead(open(), key, { bytes: content(1, 3) });
    await again.ahead?.put(again.source, ctx);
    expect(sentParts()).toBe(6);
    expect(double.bucket.current("base/a").content.bytes).toEqual(Buffer.from(content(1, 3)));
  });

  test("are sent although the journal is nonsense, or nothing that can be read", async () => {
    const { ahead } = hashAhead(open(), key, { bytes: content(1) });
    await expect.poll(heldBytes, PATIENCE).toBe(2000);
    await ahead?.abandon(outage);
    const [entry = ""] = await journal();
    const path = join(stateDirectory, "uploads", entry);
    const spoil = [
      () => execFileSync("truncate", ["-s", "3G", path]),
      () => execFileSync("sh", ["-c", 'rm "$1" && mkfifo "$1"', "sh", path]),
      () => execFileSync("sh", ["-c", 'rm "$1" && mkdir "$1"', "sh", path]),
    ];
    for (const [index, how] of spoil.entries()) {
      how();
      const again = hashAhead(open(), parseKey(`base/a-${index}`), { bytes: content(1) });
      expect(await again.ahead?.put(again.source, ctx)).toMatchObject({ outcome: "created" });
      const same = hashAhead(open(), key, { bytes: content(1) });
      await same.ahead?.begun(ctx);
      await same.ahead?.abandon(undefined);
    }
    expect(double.bucket.uploads.size).toBe(1);
  });

  test("without a journal are removed after an outage too", async () => {
    const { ahead } = hashAhead(open({ stateDirectory: undefined }), key, { bytes: content(1) });
    await expect.poll(heldBytes, PATIENCE).toBe(2000);
    await ahead?.abandon(outage);
    expect(double.bucket.uploads.size).toBe(0);
  });

  test("are none of an object that is put already", async () => {
    const { ahead, source } = hashAhead(open(), key, { bytes: content(1) });
    await ahead?.put(source, ctx);
    const since = double.requests.length;
    await ahead?.abandon(undefined);
    expect(double.requests.length).toBe(since);
  });

  test("stop with the signal, and leave nothing", async () => {
    const stop = new AbortController();
    double.fail({ method: "PUT", contains: "partNumber=2", times: 1, does: "hang" });
    const { ahead, source } = hashAhead(open(), key, { bytes: content(1), signal: stop.signal });
    await expect.poll(heldBytes, PATIENCE).toBeGreaterThan(0);
    stop.abort();
    await expect(ahead?.put(source, testContext(stop.signal))).rejects.toMatchObject({ code: "ERR_INTERRUPTED" });
    await ahead?.abandon(undefined);
    expect([...double.bucket.uploads.values()].map((upload) => upload.key)).toEqual([]);
  });
});
