// SPDX-License-Identifier: Apache-2.0
// The S3 adapter against a real server, versitygw v1.8.0 on a directory; KITESEAL_PEERS_DIR holds its executable.
// What the server does not enforce is asserted as its gap, so that a better version breaks the test.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";
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
import { createStore } from "../../packages/storage-adapters/src/transfer/store.ts";

const MIB = 1_048_576;
const executable = join(process.env["KITESEAL_PEERS_DIR"] ?? "", "versitygw");
const isHere = process.env["KITESEAL_PEERS_DIR"] !== undefined && existsSync(executable);
const CREDENTIALS = { AWS_ACCESS_KEY_ID: "peer-key", AWS_SECRET_ACCESS_KEY: "peer-secret-of-the-test" };
const PARTS: MultipartSizes = { threshold: 6 * MIB, partSize: 5 * MIB };
const ctx = testContext();

interface Peer {
  readonly endpoint: string;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function startVersitygw(): Promise<Peer> {
  const root = await mkdtemp(join(tmpdir(), "kiteseal-versitygw-"));
  for (const name of ["data/plain", "data/versioned", "versions"]) await mkdir(join(root, name), { recursive: true });
  const port = await freePort();
  const env = {
    PATH: process.env["PATH"],
    ROOT_ACCESS_KEY: CREDENTIALS.AWS_ACCESS_KEY_ID,
    ROOT_SECRET_KEY: CREDENTIALS.AWS_SECRET_ACCESS_KEY,
  };
  const flags = [
    "--port",
    `127.0.0.1:${port}`,
    "posix",
    "--versioning-dir",
    join(root, "versions"),
    join(root, "data"),
  ];
  const child: ChildProcess = spawn(executable, flags, { env, stdio: "ignore" });
  const endpoint = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`versitygw ended with ${child.exitCode}`);
    const answered = await fetch(endpoint).catch(() => undefined);
    if (answered !== undefined) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const client = new S3Client({
    endpoint,
    forcePathStyle: true,
    region: "us-east-1",
    credentials: { accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID, secretAccessKey: CREDENTIALS.AWS_SECRET_ACCESS_KEY },
  });
  const VersioningConfiguration = { Status: "Enabled" } as const;
  await client.send(new PutBucketVersioningCommand({ Bucket: "versioned", VersioningConfiguration }));
  return {
    endpoint,
    stop: async () => {
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGKILL");
      await ended;
      await rm(root, { recursive: true, force: true });
    },
  };
}

describe.skipIf(!isHere)("versitygw", () => {
  let peer: Peer;
  let count = 0;
  beforeAll(async () => {
    peer = await startVersitygw();
  });
  afterAll(() => peer.stop());

  const adapterOf = (
    bucket: string,
    path: string,
    options: { sizes?: MultipartSizes; env?: Record<string, string> } = {},
  ): Adapter => {
    const address = { scheme: "s3", origin: "", bucket, path, isDirectory: true } as const;
    const env = { AWS_ENDPOINT_URL_S3: peer.endpoint, ...CREDENTIALS, ...options.env };
    return createS3Adapter(openPlace(address, { env, now: () => ctx.now() }), options.sizes ?? S3_SIZES);
  };
  /** An adapter whose identity can be taken from it: the server then answers 403 to everything. */
  const switchable = (bucket: string, path: string, sizes: MultipartSizes) => {
    const allowed = adapterOf(bucket, path, { sizes });
    const denied = adapterOf(bucket, path, { sizes, env: { AWS_SECRET_ACCESS_KEY: "wrong" } });
    let current = allowed;
    const adapter: Adapter = {
      ...allowed,
      head: (...call) => current.head(...call),
      list: (...call) => current.list(...call),
    };
    return {
      adapter,
      deny: async () => {
        current = denied;
        return async () => {
          current = allowed;
        };
      },
    };
  };

  for (const bucket of ["plain", "versioned"]) {
    describeStoreContract(`S3 (versitygw, bucket ${bucket})`, async () => {
      count += 1;
      const path = `store-${count}`;
      const { adapter, deny } = switchable(bucket, path, PARTS);
      return { location: { store: createStore(adapter, {}), prefix: `${path}/x/` }, deny, close: async () => {} };
    });

    describeAdapterContract(`S3 (versitygw, bucket ${bucket})`, async () => {
      count += 1;
      const path = `adapter-${count}`;
      return { adapter: adapterOf(bucket, path), prefix: `${path}/x/`, close: async () => {} };
    });
  }

  const storeAt = (path: string, bucket = "plain"): Store => createStore(adapterOf(bucket, path, { sizes: PARTS }), {});

  test("declared gap: copies ignore If-None-Match, so none are made", async () => {
    const store = storeAt("gap-copy");
    const { object } = await store.put(parseKey("gap-copy/a"), { source: sourceOf("abc") }, ctx);
    expect(await store.copy(object, parseKey("gap-copy/b"), ctx)).toBeUndefined();
  });

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
    });
  });

  test("declared gap: an unknown access key is 404 instead of 403, and still never absence", async () => {
    const store = createStore(adapterOf("plain", "unknown", { env: { AWS_ACCESS_KEY_ID: "nobody" } }), {});
    await expectCode(store.head(parseKey("unknown/a"), ctx), "ERR_STORE_URL");
    await expectCode(listKeys(store, "unknown/"), "ERR_STORE_UNAVAILABLE");
  });

  test("a wrong secret is denied, never absence", async () => {
    const store = createStore(adapterOf("plain", "secret", { env: { AWS_SECRET_ACCESS_KEY: "wrong" } }), {});
    await expectCode(store.head(parseKey("secret/a"), ctx), "ERR_STORE_DENIED");
    await expectCode(store.put(parseKey("secret/a"), { source: sourceOf("abc") }, ctx), "ERR_STORE_DENIED");
  });

  test("by 20 writers of large objects at once, in parts: one creates, the others are refused", async () => {
    const content = (i: number): Uint8Array => new Uint8Array(7 * MIB).fill(i);
    const store = storeAt("race");
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => store.put(parseKey("race/a"), { source: sourceOf(content(i)) }, ctx)),
    );
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "ERR_STORE_CONFLICT" });
    }
  });

  test("a killed upload is gone on with", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kiteseal-peer-resume-"));
    const file = join(directory, "large");
    const handle = await open(file, "w");
    await handle.truncate(64 * MIB);
    await handle.close();
    const child = join(import.meta.dirname, "../doubles/s3/upload-child.ts");
    const run = (options: object, killAt: number): Promise<string> => {
      const env = { AWS_ENDPOINT_URL_S3: peer.endpoint, ...CREDENTIALS };
      const job = {
        env,
        bucket: "plain",
        key: "base/large",
        file,
        stateDirectory: join(directory, "state"),
        ...PARTS,
        ...options,
      };
      const running = spawn(process.execPath, [child, JSON.stringify(job)], { stdio: ["ignore", "pipe", "inherit"] });
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
});
