// SPDX-License-Identifier: Apache-2.0
// The S3 adapter against a real server, versitygw v1.8.0 on a directory.
// What the server does not enforce is asserted as its gap, so that a better version breaks the test.
import { spawn } from "node:child_process";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { Store } from "@kiteseal/core/store";
import { describeAdapterContract } from "../../packages/storage-adapters/src/adapter-contract.testkit.ts";
import type { Adapter } from "../../packages/storage-adapters/src/adapter.ts";
import { createS3Adapter } from "../../packages/storage-adapters/src/s3/adapter.ts";
import { openPlace } from "../../packages/storage-adapters/src/s3/client.ts";
import { S3_SIZES } from "../../packages/storage-adapters/src/s3/multipart.ts";
import type { MultipartSizes } from "../../packages/storage-adapters/src/s3/multipart.ts";
import {
  describeStoreContract,
  expectCode,
  listKeys,
  readAll,
  sourceOf,
  testContext,
} from "../../packages/storage-adapters/src/store-contract.testkit.ts";
import { switchable } from "../../packages/storage-adapters/src/contract-gaps.testkit.ts";
import { createStore } from "../../packages/storage-adapters/src/transfer/store.ts";
import { versitygw } from "./versitygw.testkit.ts";
import type { Versitygw } from "./versitygw.testkit.ts";

const MIB = 1_048_576;
const PARTS: MultipartSizes = { threshold: 6 * MIB, partSize: 5 * MIB };
const ctx = testContext();

let peer: Versitygw;
let count = 0;
beforeAll(async () => {
  peer = await versitygw();
  await peer.makeBucket("versioned");
  await peer.keepVersions("versioned");
});
afterAll(() => peer.stop());

const adapterOf = (
  bucket: string,
  path: string,
  options: { sizes?: MultipartSizes; env?: Record<string, string> } = {},
): Adapter => {
  const address = { scheme: "s3", origin: "", bucket, path, isDirectory: true } as const;
  const env = { ...peer.env, ...options.env };
  return createS3Adapter(openPlace(address, { env, now: () => ctx.now() }), options.sizes ?? S3_SIZES);
};
for (const bucket of ["plain", "versioned"]) {
  describeStoreContract(`S3 (versitygw), bucket ${bucket}`, async () => {
    count += 1;
    const path = `store-${count}`;
    const stranger = { sizes: PARTS, env: { AWS_SECRET_ACCESS_KEY: "wrong" } };
    const { adapter, deny } = switchable(adapterOf(bucket, path, { sizes: PARTS }), adapterOf(bucket, path, stranger));
    return {
      location: { store: createStore(adapter, {}), prefix: `${path}/x/` },
      deny,
      bytesInParts: PARTS.threshold + 1,
      whileHashing: true,
      close: async () => {},
    };
  });

  describeAdapterContract(`S3 (versitygw), bucket ${bucket}`, async () => {
    count += 1;
    const path = `adapter-${count}`;
    return { adapter: adapterOf(bucket, path), prefix: `${path}/x/`, close: async () => {} };
  });
}

const storeAt = (path: string, bucket = "plain"): Store => createStore(adapterOf(bucket, path, { sizes: PARTS }), {});

test("diagnose finds the promises kept and names what it cannot know", async () => {
  const findings = await storeAt("diagnose", "versioned").diagnose(ctx);
  expect(Object.fromEntries(findings.map(({ id, severity }) => [id, severity]))).toEqual({
    "s3.bucket": "ok",
    "s3.identity": "ok",
    "s3.list": "ok",
    "s3.read": "ok",
    "s3.abilities": "ok",
    "s3.put": "ok",
    "s3.create-only": "ok",
    "s3.checksums": "ok",
    "s3.multipart": "ok",
    // Declared gaps: the settings below are not implemented by the server.
    "s3.copy": "advice",
    "s3.overwrite": "advice",
    "s3.delete": "advice",
    "s3.versioning": "ok",
    "s3.immutability": "advice",
    "s3.encryption": "advice",
    "s3.public-access": "advice",
    "s3.lifecycle": "advice",
    // It says that there are no rules.
  });
});

test("a wrong secret is denied, never absence", async () => {
  const store = createStore(adapterOf("plain", "secret", { env: { AWS_SECRET_ACCESS_KEY: "wrong" } }), {});
  await expectCode(store.head(parseKey("secret/a"), ctx), "ERR_STORE_DENIED");
  await expectCode(store.put(parseKey("secret/a"), { source: sourceOf("abc") }, ctx), "ERR_STORE_DENIED");
});

describe("gaps of versitygw v1.8.0", () => {
  test("a copy replaces what is there, so none is asked for; promote streams", async () => {
    const store = storeAt("gap-copy");
    const { object } = await store.put(parseKey("gap-copy/a"), { source: sourceOf("abc") }, ctx);
    expect(await store.copy(object, parseKey("gap-copy/b"), ctx)).toBeUndefined();
  });

  test("an unknown access key is 404 instead of 403, and still never absence", async () => {
    const store = createStore(adapterOf("plain", "unknown", { env: { AWS_ACCESS_KEY_ID: "nobody" } }), {});
    await expectCode(store.head(parseKey("unknown/a"), ctx), "ERR_STORE_URL");
    await expectCode(listKeys(store, "unknown/"), "ERR_STORE_UNAVAILABLE");
  });

  test("it has no encryption, public access or lifecycle settings to look at", async () => {
    const findings = await storeAt("settings").diagnose(ctx);
    const severity = (id: string) => findings.find((finding) => finding.id === id)?.severity;
    expect(["s3.encryption", "s3.public-access", "s3.lifecycle"].map(severity)).toEqual(["advice", "advice", "advice"]);
  });
});

test("a killed upload is gone on with", async () => {
  const directory = await mkdtemp(join(tmpdir(), "kiteseal-peer-resume-"));
  const file = join(directory, "large");
  const handle = await open(file, "w");
  await handle.truncate(64 * MIB);
  await handle.close();
  const child = join(import.meta.dirname, "../doubles/s3/upload-child.ts");
  const run = (options: object, killAt: number): Promise<string> => {
    const job = {
      bucket: "plain",
      key: "base/large",
      file,
      stateDirectory: join(directory, "state"),
      ...PARTS,
      ...options,
    };
    const running = spawn(process.execPath, [child, JSON.stringify(job)], {
      env: { PATH: process.env["PATH"], ...peer.env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    running.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      const done = Number(/.*"done":(\d+)\}\n$/s.exec(output)?.[1] ?? 0);
      if (done > killAt) running.kill("SIGKILL");
    });
    return new Promise((resolve) => running.once("close", () => resolve(output)));
  };
  try {
    expect(await run({ bytesPerSecond: 50 * MIB }, 32 * MIB)).not.toContain('"stored"');
    const store = storeAt("base");
    expect(await store.head(parseKey("base/large"), ctx)).toBeUndefined();
    const resumed = await run({}, Infinity);
    // The first progress of the second run is what the server already held.
    const first = Number(/"done":(\d+)/.exec(resumed)?.[1]);
    expect(resumed).toContain('"outcome":"created"');
    expect(first).toBeGreaterThanOrEqual(5 * MIB);
    const object = await store.head(parseKey("base/large"), ctx);
    if (object === undefined) expect.fail("absent");
    expect(await readAll(store.get(object, { range: { start: 0, end: 4 }, maxBytes: 4 }, ctx))).toBe("\0\0\0\0");
    expect(object.size).toBe(64 * MIB);
  } finally {
    await rm(directory, { recursive: true });
  }
});
