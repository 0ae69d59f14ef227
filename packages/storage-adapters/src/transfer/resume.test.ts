// SPDX-License-Identifier: Apache-2.0
// Large uploads from a process of their own: killed and gone on with, in bounded memory.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ACCESS_KEY, startS3Double } from "../../../../test/doubles/s3/server.ts";
import type { S3Double } from "../../../../test/doubles/s3/server.ts";

const MIB = 1_048_576;
const CHILD = join(import.meta.dirname, "../../../../test/doubles/s3/upload-child.ts");
const SECRET = "double-secret-that-is-nowhere";

describe("a large upload", () => {
  let directory: string;
  let double: S3Double;
  let file: string;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "kiteseal-resume-"));
    file = join(directory, "large");
    double = await startS3Double({ keepBytes: false });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    await double.close();
    await rm(directory, { recursive: true });
  });

  const sparse = async (bytes: number): Promise<void> => {
    const handle = await open(file, "w");
    for (let at = 0; at < bytes; at += 8 * MIB) await handle.write(Buffer.from(`block ${at}`), 0, undefined, at);
    await handle.truncate(bytes);
    await handle.close();
  };
  /** Runs the upload; `onProgress` sees the bytes that are done. */
  const run = (options: object, onProgress: (done: number, child: ChildProcess) => void = () => {}) => {
    const env = { AWS_ENDPOINT_URL_S3: double.endpoint, AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: SECRET };
    const job = { bucket: double.bucketName, key: "base/large", file, ...options };
    const child = spawn(process.execPath, [CHILD, JSON.stringify(job)], {
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    const ended = Promise.withResolvers<Record<string, unknown> | undefined>();
    let result: Record<string, unknown> | undefined;
    createInterface(child.stdout).on("line", (line) => {
      const said = JSON.parse(line) as Record<string, unknown>;
      if (typeof said["done"] === "number") onProgress(said["done"], child);
      else result = said;
    });
    child.on("close", () => ended.resolve(result));
    return ended.promise;
  };

  test("that was killed sends only what is missing, and its journal holds no secret and is private", async () => {
    await sparse(64 * MIB);
    const stateDirectory = join(directory, "state");
    const sizes = { threshold: 8 * MIB, partSize: 5 * MIB, stateDirectory };
    const killed = await run({ ...sizes, bytesPerSecond: 60 * MIB }, (done, child) => {
      if (done > 32 * MIB) child.kill("SIGKILL");
    });
    expect(killed).toBeUndefined();
    expect(() => double.bucket.current("base/large")).toThrow();
    const [id = ""] = [...double.bucket.uploads.keys()];
    const held = [...(double.bucket.uploads.get(id)?.parts.values() ?? [])].reduce(
      (sum, part) => sum + part.content.size,
      0,
    );
    expect(held).toBeGreaterThanOrEqual(3 * 5 * MIB);

    const [entry = ""] = await readdir(join(stateDirectory, "uploads"));
    const path = join(stateDirectory, "uploads", entry);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "utf8")).not.toContain(SECRET);

    double.partBytes = 0;
    const resumed = await run(sizes);
    expect(resumed).toMatchObject({ stored: { outcome: "created", object: { size: 64 * MIB } } });
    // The probe of create-only completion sends one tiny part.
    expect(double.partBytes).toBeLessThan(64 * MIB - held + 1000);
    expect(double.bucket.uploads.size).toBe(0);
    expect(await readdir(join(stateDirectory, "uploads"))).toEqual([]);
    console.log(`resume: ${held} bytes were there, ${double.partBytes} of ${64 * MIB} were sent again`);
  });

  test("whose upload is gone begins another", async () => {
    await sparse(24 * MIB);
    const stateDirectory = join(directory, "state");
    const sizes = { threshold: 8 * MIB, partSize: 5 * MIB, stateDirectory };
    await run({ ...sizes, bytesPerSecond: 20 * MIB }, (done, child) => {
      if (done > 6 * MIB) child.kill("SIGKILL");
    });
    double.bucket.uploads.clear();
    expect(await run(sizes)).toMatchObject({ stored: { outcome: "created" } });
  });

  test("whose journal is nonsense begins another", async () => {
    await sparse(24 * MIB);
    const stateDirectory = join(directory, "state");
    const sizes = { threshold: 8 * MIB, partSize: 5 * MIB, stateDirectory };
    await run({ ...sizes, bytesPerSecond: 20 * MIB }, (done, child) => {
      if (done > 6 * MIB) child.kill("SIGKILL");
    });
    const [entry = ""] = await readdir(join(stateDirectory, "uploads"));
    await writeFile(join(stateDirectory, "uploads", entry), '{"version":1,');
    expect(await run(sizes)).toMatchObject({ stored: { outcome: "created" } });
  });

  test("of 600 MiB takes less than 250 MiB of memory", async () => {
    await sparse(600 * MIB);
    const result = await run({});
    expect(result).toMatchObject({
      stored: { outcome: "created", verifiedBy: "server-sha256", object: { size: 600 * MIB } },
    });
    expect(result?.["peakMiB"]).toBeLessThan(250);
    console.log(
      `600 MiB in parts: ${JSON.stringify(result?.["seconds"])} s, peak ${JSON.stringify(result?.["peakMiB"])} MiB`,
    );
  });
});
