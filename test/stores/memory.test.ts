// SPDX-License-Identifier: Apache-2.0
// The memory of an upload does not grow with the object, in any store. Sparse files into servers that keep nothing;
// KITESEAL_LARGE_GIB=20 makes them as large as releases get.
import { execFile } from "node:child_process";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGcsDouble } from "../doubles/gcs/server.ts";
import { ACCESS_KEY, startS3Double } from "../doubles/s3/server.ts";
import { startArtifactorySink, startAzureSink } from "./sink.ts";

const CHILD = join(import.meta.dirname, "memory-child.ts");
const SIZE = Math.round(Number(process.env["KITESEAL_LARGE_GIB"] ?? "0.25") * 1_073_741_824);
const LIMIT = 250_000_000;
const MINUTES = 60_000;

interface Target {
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const TARGETS: Readonly<Record<string, () => Promise<Target>>> = {
  S3: async () => {
    const double = await startS3Double({ keepBytes: false });
    const env = {
      AWS_ENDPOINT_URL_S3: double.endpoint,
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: "double",
    };
    return { url: "s3://artifacts/base", env, close: () => double.close() };
  },
  "Google Cloud Storage": async () => {
    const double = await startGcsDouble({ discard: true });
    return { url: "gs://bucket/base", env: { KITESEAL_GCS_ENDPOINT: double.url }, close: () => double.close() };
  },
  "Azure Blob Storage": async () => {
    const sink = await startAzureSink();
    const key = Buffer.alloc(32, 7).toString("base64");
    const connection = `DefaultEndpointsProtocol=http;AccountName=acc;AccountKey=${key};BlobEndpoint=${sink.url}/acc;`;
    return {
      url: "https://acc.blob.core.windows.net/box/base",
      env: { BUILDKITE_AZURE_BLOB_CONNECTION_STRING: connection },
      close: () => sink.close(),
    };
  },
  Artifactory: async () => {
    const sink = await startArtifactorySink();
    const env = { BUILDKITE_ARTIFACTORY_URL: `${sink.url}/artifactory` };
    return { url: "rt://generic/base", env, close: () => sink.close() };
  },
  "a directory": async () => {
    const base = await mkdtemp(join(tmpdir(), "kiteseal-large-"));
    return { url: `file://${base}/store`, env: {}, close: () => rm(base, { recursive: true }) };
  },
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kiteseal-sparse-"));
  await writeFile(join(directory, "sparse"), "");
  await truncate(join(directory, "sparse"), SIZE);
});
afterAll(() => rm(directory, { recursive: true }));

test.each(Object.keys(TARGETS))(
  "a large object into %s takes less than 250 MB of memory",
  async (name) => {
    const target = await TARGETS[name]?.();
    if (target === undefined) throw new Error("no such store");
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [CHILD, target.url, join(directory, "sparse")], {
        env: { ...target.env },
      });
      const { size, peakBytes } = JSON.parse(stdout) as { size: number; peakBytes: number };
      console.log(`${name}: ${SIZE} bytes, peak ${Math.round(peakBytes / 1e6)} MB`);
      expect(size).toBe(SIZE);
      expect(peakBytes).toBeLessThan(LIMIT);
    } finally {
      await target.close();
    }
  },
  30 * MINUTES,
);
