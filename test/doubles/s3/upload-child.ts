// SPDX-License-Identifier: Apache-2.0
// Publishes one file to an S3 endpoint in a process of its own, to be killed or measured. Argument: JSON; endpoint and
// credentials are in its environment. Prints each progress as a line, then the result with the peak memory. Imports no test runner.
import { digestFile } from "@kiteseal/core";
import { stat } from "node:fs/promises";
import { parseKey } from "@kiteseal/core/store";
import { createS3Adapter } from "../../../packages/storage-adapters/src/s3/adapter.ts";
import { openPlace } from "../../../packages/storage-adapters/src/s3/client.ts";
import { S3_SIZES } from "../../../packages/storage-adapters/src/s3/multipart.ts";
import { createStore } from "../../../packages/storage-adapters/src/transfer/store.ts";
import { ownPeakBytes } from "../../support/own-peak.ts";

interface Job {
  readonly bucket: string;
  readonly key: string;
  readonly file: string;
  readonly stateDirectory?: string;
  readonly bytesPerSecond?: number;
  readonly threshold?: number;
  readonly partSize?: number;
}

const job = JSON.parse(process.argv[2] ?? "{}") as Job;
const ctx = {
  now: () => new Date(),
  progress: (p: { stage: string; done: number }) => {
    if (p.stage === "upload") process.stdout.write(`${JSON.stringify({ done: p.done })}\n`);
  },
};
const address = { scheme: "s3", origin: "", bucket: job.bucket, path: "base", isDirectory: true } as const;
const sizes = { threshold: job.threshold ?? S3_SIZES.threshold, partSize: job.partSize ?? S3_SIZES.partSize };
const store = createStore(createS3Adapter(openPlace(address, { env: process.env, now: ctx.now }), sizes), {
  stateDirectory: job.stateDirectory,
  bytesPerSecond: job.bytesPerSecond,
});
const begun = performance.now();
const { size } = await stat(job.file);
const source = await digestFile(job.file, store.digestPlan(size), ctx);
const hashed = performance.now();
const stored = await store.put(parseKey(job.key), { source }, ctx);
const seconds = { hash: (hashed - begun) / 1000, put: (performance.now() - hashed) / 1000 };
process.stdout.write(`${JSON.stringify({ stored, seconds, peakMiB: ownPeakBytes() / 1_048_576 })}\n`);
