// SPDX-License-Identifier: Apache-2.0
// Credentials that the store calls expired in the middle of an upload, while this machine's clock still believes in them.
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startFaultProxy } from "../../../../test/doubles/proxy.ts";
import type { FaultProxy } from "../../../../test/doubles/proxy.ts";
import { ACCESS_KEY, startS3Double } from "../../../../test/doubles/s3/server.ts";
import type { S3Double } from "../../../../test/doubles/s3/server.ts";
import { key, pattern, recordedPace, source } from "../faults/wire.testkit.ts";
import { expectCode, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { createS3Adapter } from "./adapter.ts";
import { openPlace } from "./client.ts";
import { ADDRESS, SMALL } from "./double.testkit.ts";

const ctx = testContext();
const BYTES = pattern(1500);
const EXPIRED = { status: 400, body: "<Error><Code>ExpiredToken</Code><Message>expired</Message></Error>" };

describe("credentials that expire in mid-upload", () => {
  let double: S3Double;
  let proxy: FaultProxy;
  let sts: Server;
  let stateDirectory: string;
  let minted: number;
  let isTrusted: boolean;
  let isSilent: boolean;
  /** Of credentials. */
  let lifetimeMs: number;

  beforeEach(async () => {
    minted = 0;
    isTrusted = true;
    isSilent = false;
    lifetimeMs = 3_600_000;
    stateDirectory = await mkdtemp(join(tmpdir(), "kiteseal-expiry-"));
    double = await startS3Double({ minPart: 1 });
    proxy = await startFaultProxy(double.endpoint);
    sts = createServer((request, response) => {
      request.resume();
      if (isSilent) return;
      const expires = new Date(Date.now() + lifetimeMs).toISOString();
      if (isTrusted)
        response.end(
          `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${ACCESS_KEY}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${expires}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
        );
      else response.writeHead(403).end("<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
    });
    await new Promise<void>((resolve) => void sts.listen(0, "127.0.0.1", resolve));
  });
  afterEach(async () => {
    await proxy.close();
    await double.close();
    sts.closeAllConnections();
    await new Promise<void>((resolve) => void sts.close(() => resolve()));
    await rm(stateDirectory, { recursive: true });
  });

  const open = () => {
    const env = {
      AWS_ENDPOINT_URL_S3: proxy.url,
      AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${(sts.address() as AddressInfo).port}`,
      AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/publish",
    };
    const tokens = async (): Promise<string> => `token-${(minted += 1)}`;
    const place = openPlace(
      { ...ADDRESS, bucket: double.bucketName },
      { env, tokens, now: () => ctx.now(), write: undefined },
    );
    const { pace } = recordedPace();
    return createStore(createS3Adapter(place, SMALL), { pace, stateDirectory });
  };
  const isPart = ({ method, url }: { method: string; url: string }): boolean =>
    method === "PUT" && url.includes(`uploadId=`) && !url.includes("/.kiteseal/");

  test("are renewed with a fresh token of the job, and the upload goes on", async () => {
    const store = open();
    let parts = 0;
    proxy.add((request) => isPart(request) && (parts += 1) === 2, { reply: EXPIRED });
    await store.put(key("a"), { source: source(store, BYTES) }, ctx);
    expect(minted).toBe(2);
    expect(double.bucket.objects.has(key("a"))).toBe(true);
    expect(double.bucket.uploads.size).toBe(0);
  });

  test("are renewed where HEAD, which has no words, is refused", async () => {
    const store = open();
    proxy.add((request) => minted < 2 && request.url.startsWith("/artifacts/base/a"), { reply: EXPIRED }, Infinity);
    expect(await store.head(key("a"), ctx)).toBeUndefined();
    expect(minted).toBe(2);
  });

  test("a STS that is silent is left when the signal fires", async () => {
    const expiring = open();
    lifetimeMs = -1;
    await expiring.head(key("a"), ctx);
    isSilent = true;
    const store = open();
    for (const ask of [
      (signal: AbortSignal) => store.head(key("a"), testContext(signal)),
      (signal: AbortSignal) => store.diagnose(testContext(signal)),
      (signal: AbortSignal) => expiring.head(key("a"), testContext(signal)),
    ]) {
      const abort = new AbortController();
      const asked = ask(abort.signal);
      setTimeout(() => abort.abort(), 20);
      await expectCode(asked, "ERR_INTERRUPTED");
    }
  });

  test("and are not renewed: undetermined, nothing is visible, the next run sends only the rest", async () => {
    const store = open();
    let parts = 0;
    proxy.add(
      (request) => {
        if (isPart(request)) parts += 1;
        if (parts >= 2) isTrusted = false;
        return parts >= 2;
      },
      { reply: EXPIRED },
      Infinity,
    );
    await expectCode(store.put(key("a"), { source: source(store, BYTES) }, ctx), "ERR_STORE_DENIED");
    expect(double.bucket.objects.has(key("a"))).toBe(false);
    expect(await readdir(join(stateDirectory, "uploads"))).toHaveLength(1);
    proxy.heal();
    isTrusted = true;
    proxy.requests.length = 0;
    const later = open();
    await later.put(key("a"), { source: source(later, BYTES) }, ctx);
    expect(proxy.requests.filter(isPart).reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(BYTES.length);
    expect(double.bucket.uploads.size).toBe(0);
    expect(await readdir(join(stateDirectory, "uploads"))).toEqual([]);
  });
});
