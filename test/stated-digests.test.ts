// SPDX-License-Identifier: Apache-2.0
// What a store wants to know of the bytes beside their sha256 (MD5, digests of parts) is not stated of the artifact.
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startGcsDouble } from "./doubles/gcs/server.ts";
import { startJob } from "./support/job.ts";
import { runInProcess } from "./support/main.ts";

test.each([
  [[], ["sha256"]],
  [["--sha512"], ["sha256", "sha512"]],
])("a large artifact at Google, published with %j, is stated by %j", async (flags, stated) => {
  const work = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-stated-")));
  const job = await startJob([], join(work, "state"));
  const double = await startGcsDouble();
  await writeFile(join(work, "app"), Buffer.alloc(9 * 1_048_576, 7));
  const env = { ...job.env, KITESEAL_GCS_ENDPOINT: double.url };
  const ended = await runInProcess({ args: ["publish", "app", "--to", "gs://bucket/S", ...flags], cwd: work, env });
  expect(ended.code, ended.stderr).toBe(0);
  const name = double.bucket.names().find((key) => key.includes("/bundles/")) ?? "";
  await writeFile(join(work, "bundle.json"), double.bucket.get(name, undefined).bytes ?? "");
  const inspected = await runInProcess({ args: ["inspect", "bundle.json", "--format", "json"], cwd: work, env: {} });
  const [digest = "{}"] = /"digest": (\{[^}]*\})/.exec(inspected.stdout)?.slice(1) ?? [];
  expect(Object.keys(JSON.parse(digest) as object)).toEqual(stated);
  await double.close();
  await job.close();
  await rm(work, { recursive: true });
});
