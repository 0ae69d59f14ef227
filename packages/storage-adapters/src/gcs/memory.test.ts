// SPDX-License-Identifier: Apache-2.0
// The memory of an upload does not grow with the object. In a process of its own, against the DOUBLE.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startGcsDouble } from "../../../../test/doubles/gcs/server.ts";

const CHILD = fileURLToPath(new URL("upload-child.testkit.ts", import.meta.url));
const GIB = 1_073_741_824;
const MAX_RSS_BYTES = 250_000_000;

test("1 GiB is uploaded in less than 250 MB", async () => {
  const double = await startGcsDouble({ discard: true });
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, [CHILD, double.url, "bucket", String(GIB)]);
  await double.close();
  const result: unknown = JSON.parse(stdout);
  expect(result).toMatchObject({ outcome: "created", size: GIB });
  expect(result).toHaveProperty("maxRssBytes");
  const { maxRssBytes } = result as { maxRssBytes: number };
  expect(maxRssBytes).toBeLessThan(MAX_RSS_BYTES);
}, 180_000);
