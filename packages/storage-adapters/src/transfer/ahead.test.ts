// SPDX-License-Identifier: Apache-2.0
// Parts that leave while their file is hashed, on the S3 double: what is asked when, and what is left behind.
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
const key = parseKey("base/a");
const outage = new KitesealError("ERR_STORE_UNAVAILABLE", "another service was not there");

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
    await expect.poll(heldBytes).toBe(2000);
    const since = double.requests.length;
    expect(await ahead?.put(source, ctx)).toMatchObject({ outcome: "created", verifiedBy: "server-sha256" });
    expect(double.requests.slice(since)).toEqual([expect.stringMatching(/^POST \/artifacts\/base\/a\?uploadId=/)]);
    expect(double.bucket.current("base/a").content.bytes).toEqual(Buffer.from(content(1)));
    expect(await journal()).toEqual([]);
  });

  test("tell of their progress once they are put", async () => {
    const { ahead, source } = hashAhead(open(), key, { bytes: content(1) });
    await expect.poll(heldBytes).toBe(2000);
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
    double.fail({ method: "POST", contains: "/base/a?uploads", times: 1, does: { status: 403, code: "AccessDenied" } });
    const { ahead } = hashAhead(open(), key, { bytes: content(1) });
    await expect(ahead?.begun(ctx)).rejects.toMatchObject({ code: "ERR_STORE_DENIED" });
    await ahead?.abandon(undefined);
  });

  test.each([
    ["for a refusal", new KitesealError("ERR_STORE_CONFLICT", "no")],
    ["by the user", new KitesealError("ERR_INTERRUPTED", "no")],
    ["by a mistake", new TypeError("no")],
  ])("given up %s are removed", async (_, reason) => {
    const { ahead } = hashAhead(open(), key, { bytes: content(1) });
    await expect.poll(heldBytes).toBe(2000);
    await ahead?.abandon(reason);
    expect(double.bucket.uploads.size).toBe(0);
    expect(await journal()).toEqual([]);
  });

  test("given up for an outage are found again, and sent no second time", async () => {
    const { ahead } = hashAhead(open(), key, { bytes: content(1) });
    await expect.poll(heldBytes).toBe(2000);
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
    await expect.poll(heldBytes).toBe(2000);
    await ahead?.abandon(outage);
    const again = hashAhead(open(), key, { bytes: content(1, 3) });
    await again.ahead?.put(again.source, ctx);
    expect(sentParts()).toBe(6);
    expect(double.bucket.current("base/a").content.bytes).toEqual(Buffer.from(content(1, 3)));
  });

  test("without a journal are removed after an outage too", async () => {
    const { ahead } = hashAhead(open({ stateDirectory: undefined }), key, { bytes: content(1) });
    await expect.poll(heldBytes).toBe(2000);
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
    await expect.poll(heldBytes).toBeGreaterThan(0);
    stop.abort();
    await expect(ahead?.put(source, testContext(stop.signal))).rejects.toMatchObject({ code: "ERR_INTERRUPTED" });
    await ahead?.abandon(undefined);
    expect([...double.bucket.uploads.values()].map((upload) => upload.key)).toEqual([]);
  });
});
