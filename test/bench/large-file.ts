// SPDX-License-Identifier: Apache-2.0
// One large artifact: how fast its bytes are hashed beside `openssl dgst -sha256`, and how much memory attest and verify
// take. The file is sparse: it needs no disk, and its pages come from the cache for both alike.
import { rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestFile, SHA256_PLAN } from "@kiteseal/core";
import { at, compared, processOf, race, type Row } from "./measure.ts";
import { runMeasured } from "./peak.ts";
import { ctx, RULE_FLAGS, type World } from "./world.ts";

const OURS = "digestFile";
const OPENSSL = "openssl dgst -sha256";
const PEAK_MB = 150;
const NAME = "large.bin";

export async function largeFile(world: World, o: { bytes: number; rounds: number }): Promise<readonly Row[]> {
  const path = join(world.directory, NAME);
  await writeFile(path, "");
  await truncate(path, o.bytes);
  try {
    return [await hashing(world, path, o), ...(await memory(world, o.bytes))];
  } finally {
    await rm(path);
  }
}

async function hashing(world: World, path: string, o: { bytes: number; rounds: number }): Promise<Row> {
  const { directory: cwd, outside: env } = world;
  const ours = { name: OURS, run: async () => void (await digestFile(path, SHA256_PLAN, ctx)) };
  const openssl = processOf(OPENSSL, ["openssl", "dgst", "-sha256", path], { cwd, env });
  const times = await race([ours, openssl], o.rounds);
  const speed = (name: string): number => o.bytes / at(times, name) / 1e6;
  return compared({
    section: "large file",
    work: `${OURS}, ${gib(o.bytes)}`,
    value: speed(OURS),
    unit: "GB/s",
    beside: { name: OPENSSL, value: speed(OPENSSL) },
    target: { of: "ratio", atLeast: 0.95 },
  });
}

async function memory(world: World, bytes: number): Promise<readonly Row[]> {
  const { directory: cwd, sandbox } = world;
  const bundle = ["--bundle", "large.json"];
  const verify = ["verify", NAME, ...bundle, "--trusted-root", sandbox.trustedRootPath, ...RULE_FLAGS];
  const rows: Row[] = [];
  for (const [work, args, env] of [
    ["attest", ["attest", NAME, ...bundle], world.env],
    ["verify", verify, world.outside],
  ] as const) {
    const { code, stderr, peakBytes } = await runMeasured({ args, cwd, env });
    if (code !== 0) throw new Error(`${work} ended with exit code ${code}\n${stderr}`);
    rows.push({
      section: "large file",
      work: `peak memory of ${work}, ${gib(bytes)}`,
      value: peakBytes / 1e6,
      unit: "MB",
      target: { of: "value", atMost: PEAK_MB },
    });
  }
  return rows;
}

function gib(bytes: number): string {
  return `${bytes / 2 ** 30} GiB`;
}
