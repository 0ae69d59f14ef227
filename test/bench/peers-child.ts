// SPDX-License-Identifier: Apache-2.0
// `node peers-child.ts ROOT DIRECTORY WORKERS`: verifies each file below DIRECTORY by the bundle beside it (NAME.json), with
// that many worker threads or, with 0, on this one. Prints how many, in how many seconds, the process's CPU
// seconds, and its peak memory in bytes.
import { globSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { argv, cpuUsage } from "node:process";
import {
  askedKinds,
  type Artifact,
  bundleHandles,
  digestFile,
  inlineCompute,
  isVerified,
  loadTrust,
  type Lookup,
  pooledCompute,
  SHA256_PLAN,
  verifyAll,
} from "@kiteseal/core";
import { ctx, POLICY } from "./world.ts";

const IN_FLIGHT = 16;
const [root = "", directory = "", workers = "0"] = argv.slice(2);
const trust = await loadTrust({ kind: "file", path: root }, ctx);
const names = globSync("*/*", { cwd: directory }).filter((name) => !name.endsWith(".json"));

async function* hashed(): AsyncGenerator<Artifact> {
  for (const name of names) {
    const path = join(directory, name);
    const { size, digests } = await digestFile(path, SHA256_PLAN, ctx);
    yield { name, digest: { sha256: digests.sha256 }, size, origin: { kind: "file", path } };
  }
}

const besideIt: Lookup = async function* (artifact) {
  const place = join(directory, `${artifact.name ?? ""}.json`);
  yield { place, outcome: "found", handles: bundleHandles(place, await readFile(place)) };
};

const began = performance.now();
const asked = askedKinds(POLICY);
const compute =
  workers === "0"
    ? await inlineCompute(trust, asked)
    : await pooledCompute(trust, asked, { workers: Number(workers), inlineFirst: 0 });
let verified = 0;
const request = { policy: POLICY, compute, lookup: besideIt, parallel: IN_FLIGHT };
for await (const verdict of verifyAll(hashed(), request, ctx)) {
  if (!isVerified(verdict)) throw new Error(`${verdict.artifact.name ?? ""}: ${verdict.code}`);
  verified += 1;
}
const seconds = (performance.now() - began) / 1000;
const [, peak] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
const { user, system } = cpuUsage();
console.log(`${verified} ${seconds.toFixed(3)} ${((user + system) / 1e6).toFixed(3)} ${Number(peak) * 1024}`);
await compute.close();
