// SPDX-License-Identifier: Apache-2.0
// Where requests about a bucket go: to AWS or to what our variables name, never to what a shared file names.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ACCESS_KEY, startS3Double } from "../../../../test/doubles/s3/server.ts";
import { testContext } from "../store-contract.testkit.ts";
import { openPlace } from "./client.ts";
import type { S3Place } from "./client.ts";
import { createDirect } from "./direct.ts";
import { ADDRESS } from "./double.testkit.ts";

const ctx = testContext();
const KEYS = { AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: "s" };
const open = (env: Readonly<Record<string, string>>): S3Place =>
  openPlace({ ...ADDRESS, bucket: "artifacts" }, { env: { ...KEYS, ...env }, now: () => ctx.now() });

describe("an endpoint of the shared files", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "kiteseal-aws-"));
    vi.stubEnv("AWS_CONFIG_FILE", join(directory, "config"));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true });
  });

  test.each([
    ["of the profile", "[default]\nendpoint_url = http://127.0.0.1:9\n"],
    ["of a service", "[default]\nservices = own\n[services own]\ns3 =\n  endpoint_url = http://127.0.0.1:9\n"],
  ])("%s is not taken for AWS", async (_, config) => {
    await writeFile(join(directory, "config"), config);
    const place = open({ BUILDKITE_S3_DEFAULT_REGION: "eu-central-1" });
    const hosts: unknown[] = [];
    place.client.middlewareStack.add(
      () =>
        async ({ request }) => {
          hosts.push(typeof request === "object" && request !== null && "hostname" in request && request.hostname);
          throw new Error("caught");
        },
      { step: "finalizeRequest", priority: "low" },
    );
    await expect(place.client.send(new HeadBucketCommand({ Bucket: "artifacts" }))).rejects.toThrow("caught");
    expect(place.isCustom).toBe(false);
    expect(hosts).toEqual(["artifacts.s3.eu-central-1.amazonaws.com"]);
  });
});

test.each([
  "http://minio.example:9000",
  "http://0.0.0.0:9000",
  "https://user:password@minio.example",
  "https://minio.example/?a=b",
  "minio.example",
])("the endpoint %j is refused", (endpoint) => {
  expect(() => open({ AWS_ENDPOINT_URL_S3: endpoint })).toThrow(expect.objectContaining({ code: "ERR_STORE_URL" }));
});

test.each(["https://minio.example:9000", "http://127.0.0.1:9000", "http://[::1]:9000"])(
  "the endpoint %j is used",
  (endpoint) => {
    expect(open({ AWS_ENDPOINT_URL_S3: endpoint })).toMatchObject({ isCustom: true, endpoint });
  },
);

test("an IPv6 address is connected to", async () => {
  const double = await startS3Double();
  try {
    const client = new S3Client({
      region: "us-east-1",
      // The listener on 127.0.0.1, as IPv6 calls it.
      endpoint: `http://[::ffff:127.0.0.1]:${new URL(double.endpoint).port}`,
      forcePathStyle: true,
      credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: "s" },
    });
    const direct = createDirect(client, { bucket: double.bucketName, connectMs: 1000, idleMs: 1000 });
    const found = direct.send({ method: "HEAD", key: "absent", headers: {} }, ctx);
    await expect(found).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
  } finally {
    await double.close();
  }
});
