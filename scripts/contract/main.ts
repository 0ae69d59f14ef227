// SPDX-License-Identifier: Apache-2.0
// npm run contract-table: runs the contract suites on every double and every real server and writes what came out to
// docs/reference/contract.md.
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { env, execPath } from "node:process";
import { installPeers, peersDirectory } from "../../test/peers/programs.ts";
import { contractDocument, type Report } from "./document.ts";

const ROOT = join(import.meta.dirname, "../..");
await installPeers((text) => console.error(text));
const files = [
  ...globSync("packages/storage-adapters/src/*/contract.test.ts", { cwd: ROOT }).toSorted(),
  ...["s3", "gcs", "azure", "moto"].map((name) => `test/peers/${name}.test.ts`),
];
const scratch = mkdtempSync(join(tmpdir(), "kiteseal-contract-"));
try {
  const output = join(scratch, "results.json");
  const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${output}`];
  // Not the test that holds the document against the suites: it is right only once the document is written.
  const args = [vitest, "run", ...files, ...reporters, "--testNamePattern", "keeps the|gaps of"];
  const { status } = spawnSync(execPath, args, {
    cwd: ROOT,
    env: { ...env, KITESEAL_PEERS_DIR: peersDirectory() },
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("the suites failed: nothing was written");
  const report = JSON.parse(readFileSync(output, "utf8")) as Report;
  writeFileSync(join(ROOT, "docs/reference/contract.md"), contractDocument(report));
} finally {
  rmSync(scratch, { recursive: true });
}
