// SPDX-License-Identifier: Apache-2.0
// kill -9 at each step of publish to a file store. What is visible afterwards is attested and whole, a second run ends
// what the first began, and then everything verifies.
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createLookup,
  digestFile,
  flagPolicy,
  inlineCompute,
  STATEMENTS_ONLY,
  loadTrust,
  SHA256_PLAN,
  verify,
} from "@kiteseal/core";
import { parseKey } from "@kiteseal/core/store";
import { type Sandbox, startSandbox } from "@kiteseal/sandbox";
import { openStore } from "@kiteseal/storage-adapters";
import { type Ended, runBundle, runProgram, STUB } from "../support/program.ts";

const CHILD = join(import.meta.dirname, "publish-child.ts");
const ctx = { now: () => new Date() };
const CONTENTS: Readonly<Record<string, Buffer>> = {
  app: Buffer.alloc(300_000, "a"),
  empty: Buffer.alloc(0),
  notes: Buffer.from("notes"),
};
const NAMES = Object.keys(CONTENTS).toSorted();
const TEMPORARY = /^\.kiteseal-tmp-/;

let work: string;
let files: string;
let sandbox: Sandbox;

beforeAll(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-crash-")));
  sandbox = await startSandbox({ job: { organization: "acme", pipeline: "app", branch: "main" } });
  files = await mkdtemp(join(work, "files-"));
  for (const [name, content] of Object.entries(CONTENTS)) await writeFile(join(files, name), content);
});

afterAll(async () => {
  await sandbox.close();
  await rm(work, { recursive: true });
});

function environment(): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", ...sandbox.jobEnv() };
}

function runChild(store: string, dieAt: number): Promise<Ended> {
  return runProgram(process.execPath, { args: [CHILD, files, store, String(dieAt)], cwd: work, env: environment() });
}

/** Names of the artifacts that a reader of the store sees. */
async function visible(store: string): Promise<readonly string[]> {
  const entries = await readdir(store, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !TEMPORARY.test(entry.name))
    .map((entry) => relative(store, join(entry.parentPath, entry.name)))
    .filter((name) => !name.startsWith(".kiteseal/"))
    .toSorted();
}

/** Every visible artifact is whole and verifies from the store alone; every bundle there is the one its name says. */
async function expectSound(store: string): Promise<readonly string[]> {
  const names = await visible(store);
  const trust = await loadTrust({ kind: "file", path: sandbox.trustedRootPath }, ctx);
  const opened = await openStore(`file://${store}`, { env: {}, now: () => new Date() });
  const compute = await inlineCompute(trust, STATEMENTS_ONLY);
  for (const name of names) {
    const path = join(store, name);
    expect(await readFile(path), name).toEqual(CONTENTS[name]);
    const { digests } = await digestFile(path, SHA256_PLAN, ctx);
    const lookup = createLookup({ locate: () => ({ store: opened.store, key: parseKey(opened.prefix + name) }) });
    const policy = flagPolicy({ organization: ["acme"], pipeline: ["app"], branch: ["main"] }, { env: {} });
    const artifact = { name, digest: { sha256: digests.sha256 }, origin: { kind: "file" as const, path } };
    const verified = await verify(artifact, { policy, compute, lookup }, ctx);
    expect(verified.outcome).toBe("verified");
  }
  await expectWholeBundles(store);
  return names;
}

async function expectWholeBundles(store: string): Promise<void> {
  const bundles = await readdir(join(store, ".kiteseal/bundles"), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  for (const entry of bundles.filter((e) => e.isFile() && !TEMPORARY.test(e.name))) {
    const bytes = await readFile(join(entry.parentPath, entry.name));
    expect(entry.name).toBe(`${createHash("sha256").update(bytes).digest("hex")}.sigstore.json`);
  }
}

describe("publish that is killed", () => {
  test("before or after any call of the store leaves nothing visible that is not attested, and can be repeated", async () => {
    const reference = await mkdtemp(join(work, "store-"));
    const moments = Number((await runChild(reference, 0)).stdout);
    expect(moments).toBeGreaterThan(2 * NAMES.length);
    expect(await expectSound(reference)).toEqual(NAMES);
    const seen = new Set<number>();
    for (let dieAt = 1; dieAt <= moments; dieAt += 1) {
      const store = await mkdtemp(join(work, "store-"));
      expect((await runChild(store, dieAt)).code, `moment ${dieAt}`).toBe(137);
      seen.add((await expectSound(store)).length);
      expect((await runChild(store, 0)).code).toBe(0);
      expect(await expectSound(store), `rerun after moment ${dieAt}`).toEqual(NAMES);
    }
    expect(seen).toEqual(new Set([0, 1, 2, 3]));
  });

  test("at any moment of the real command leaves the same", async () => {
    const args = ["publish", ...NAMES, "--to", "file://"];
    for (let run = 0; run < 8; run += 1) {
      const store = await mkdtemp(join(work, "store-"));
      await killed([...args.slice(0, -1), `file://${store}`], 100 + Math.random() * 500);
      await expectSound(store);
      const again = await runBundle({
        args: [...args.slice(0, -1), `file://${store}`],
        cwd: files,
        env: environment(),
      });
      expect(again.code, again.stderr).toBe(0);
      expect(await expectSound(store)).toEqual(NAMES);
    }
  });

  async function killed(args: readonly string[], afterMs: number): Promise<void> {
    const child = spawn(process.execPath, [STUB, ...args], { cwd: files, env: environment(), stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("close", resolve));
    await Promise.race([after(afterMs), ended]);
    child.kill("SIGKILL");
    await ended;
  }
});
