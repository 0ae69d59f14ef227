// SPDX-License-Identifier: Apache-2.0
// Google Cloud Storage against a real server of another making, fake-gcs-server v1.56.1. What it does not keep of the
// service's behaviour is asserted as its gap, so that a better version makes this file red.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import {
  describeAdapterContract,
  expectKind,
  putRequest,
} from "../../packages/storage-adapters/src/adapter-contract.testkit.ts";
import { describeStoreContract } from "../../packages/storage-adapters/src/store-contract.testkit.ts";
import { openGcsAdapter } from "../../packages/storage-adapters/src/gcs/adapter.ts";
import { WHOLE_BYTES } from "../../packages/storage-adapters/src/gcs/multipart.ts";
import { createStore } from "../../packages/storage-adapters/src/transfer/store.ts";
import type { Adapter } from "../../packages/storage-adapters/src/adapter.ts";
import { fakeGcs } from "./fake-gcs.testkit.ts";
import type { FakeGcs } from "./fake-gcs.testkit.ts";
import { startFront } from "./front.testkit.ts";
import type { Front } from "./front.testkit.ts";

let peer: FakeGcs;
/** Takes permissions away, which the peer does not know. */
let front: Front;
let buckets = 0;
beforeAll(async () => {
  peer = await fakeGcs();
  front = await startFront(peer.origin);
});
afterAll(async () => {
  await front.close();
  await peer.stop();
});

const open = async (): Promise<{ adapter: Adapter; bucket: string }> => {
  buckets += 1;
  const bucket = `bucket-${buckets}`;
  await peer.makeBucket(bucket);
  const adapter = await openGcsAdapter(
    { scheme: "gs", origin: "", bucket, path: "base", isDirectory: true },
    { env: peer.envBy(front.origin), now: () => new Date("2026-11-21T12:00:00Z") },
  );
  return { adapter, bucket };
};

describeStoreContract("GCS (fake-gcs-server)", async () => {
  const { adapter, bucket } = await open();
  return {
    location: { store: createStore(adapter, {}), prefix: "base/" },
    deny: (key) => {
      const folder = encodeURIComponent(key.slice(0, key.lastIndexOf("/") + 1));
      const allow = front.deny([folder, `/b/${bucket}/o?prefix=base%2F`]);
      return Promise.resolve(() => Promise.resolve(allow()));
    },
    bytesInParts: WHOLE_BYTES + 1,
    close: () => Promise.resolve(),
  };
});

describeAdapterContract("GCS (fake-gcs-server)", async () => {
  const { adapter } = await open();
  return { adapter, prefix: "base/", close: () => Promise.resolve() };
});

describe("gaps of fake-gcs-server v1.56.1", () => {
  const ctx = { now: () => new Date("2026-11-21T12:00:00Z") };
  const key = parseKey("base/a");

  test("a missing bucket is answered like a missing object", async () => {
    const adapter = await openGcsAdapter(
      { scheme: "gs", origin: "", bucket: "missing", path: "", isDirectory: true },
      { env: peer.envBy(front.origin), now: ctx.now },
    );
    await expectKind(adapter.head(key, ctx), "NotFound");
  });

  test("a hold keeps nothing: the object is replaced", async () => {
    const { bucket } = await open();
    const adapter = await openGcsAdapter(
      { scheme: "gs", origin: "", bucket, path: "base", isDirectory: true },
      { env: peer.envBy(front.origin), now: ctx.now, write: { legalHold: true } },
    );
    await adapter.putWhole(putRequest(key, "kept"), ctx);
    const { object } = await adapter.putWhole(putRequest(key, "replaced", { ifAbsent: false }), ctx);
    expect(object.size).toBe(8);
  });

  test("it knows no permissions", async () => {
    const { adapter } = await open();
    const findings = await adapter.diagnose(ctx);
    expect(findings.find((finding) => finding.id === "gcs.permissions")).toMatchObject({ severity: "advice" });
  });

  test("a copy replaces what is there, so none is asked for; promote streams", async () => {
    const { adapter } = await open();
    const findings = await adapter.diagnose({ now: () => new Date("2026-11-21T12:00:00Z") });
    expect(findings.find((finding) => finding.id === "gcs.copy")).toMatchObject({ severity: "advice" });
    const from = { key: parseKey("base/a"), size: 1, pin: "1" };
    expect(await adapter.copy({ from, to: parseKey("base/b") }, { now: () => new Date() })).toBeUndefined();
  });
});
