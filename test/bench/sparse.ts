// SPDX-License-Identifier: Apache-2.0
// How much memory one upload takes, by size: nothing, and more than any memory. The large file is sparse, and the double
// of S3 checks its parts and keeps none.
import { rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ACCESS_KEY, startS3Double } from "../doubles/s3/server.ts";
import type { Row } from "./measure.ts";
import { bundleChild } from "./stores/bundle.ts";
import { timed } from "./stores/programs.ts";
import type { World } from "./world.ts";

const PEAK_MB = 250;
const MIB = 1_048_576;

export async function sparse(world: World, largest: number): Promise<readonly Row[]> {
  const { directory: cwd, outside } = world;
  const child = await bundleChild(cwd);
  const path = join(cwd, "sparse.bin");
  const rows: Row[] = [];
  for (const bytes of [0, largest / 16, largest]) {
    await writeFile(path, "");
    await truncate(path, bytes);
    const double = await startS3Double({ keepBytes: false });
    const env = {
      ...outside,
      AWS_ENDPOINT_URL_S3: double.endpoint,
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: "secret-of-the-double",
    };
    try {
      const args = [child, "put", `s3://${double.bucketName}/base/`, path];
      const { peakBytes } = await timed(process.execPath, { args, cwd, env });
      const stored = double.bucket.current("base/sparse.bin").content.size;
      if (stored !== bytes) throw new Error(`the double holds ${stored} of ${bytes} bytes`);
      rows.push({
        section: "sparse",
        work: `peak memory of an upload, ${bytes / MIB} MiB`,
        value: peakBytes / 1e6,
        unit: "MB",
        target: { of: "value", atMost: PEAK_MB },
      });
    } finally {
      await double.close();
    }
  }
  await rm(path);
  return rows;
}
