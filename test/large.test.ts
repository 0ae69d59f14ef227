// SPDX-License-Identifier: Apache-2.0
// Sizes at the edges: 1,000 files of one build, an artifact of no bytes, one that is larger than the memory allowed.
// KITESEAL_LARGE=1 makes the last one 5 GiB instead of 300 MiB; it is sparse either way.
import { mkdir, open, readdir, stat, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isVerified, LIMITS, type Verdict } from "@kiteseal/core";
import { runMeasured } from "./bench/peak.ts";
import { openWorld, publishFolder, RULE_FLAGS, verifyFolder, type World } from "./bench/world.ts";
import { runBundle } from "./support/program.ts";

const COUNT = 1000;
const PEAK_BYTES = 150_000_000;
const LARGE_BYTES = (process.env["KITESEAL_LARGE"] === "1" ? 5120 : 300) * 2 ** 20;

let world: World;

beforeAll(async () => {
  world = await openWorld();
});

afterAll(() => world.close());

/** Every file below `folder`, by its path there. */
async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name).slice(folder.length + 1));
}

async function writeFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, content] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

async function collect(verdicts: AsyncIterable<Verdict>): Promise<readonly Verdict[]> {
  const all: Verdict[] = [];
  for await (const verdict of verdicts) all.push(verdict);
  return all;
}

describe("1,000 files of one build", () => {
  const contents = new Map(
    Array.from({ length: COUNT }, (_, i) => [`lib/${i % 10}/part-${i}.bin`, `the content of part ${i}\n`]),
  );
  const names = [...contents.keys()];
  let store: string;

  beforeAll(async () => {
    const folder = join(world.directory, "thousand");
    store = join(world.directory, "thousand-store");
    await writeFiles(folder, contents);
    await mkdir(store);
    await publishFolder(world, folder, store);
  });

  test("take one token, one certificate, one timestamp and one log entry", () => {
    const { tokens, certificates, timestamps, logEntries } = world.sandbox.stats;
    expect({ tokens, certificates, timestamps, logEntries }).toEqual({
      tokens: 1,
      certificates: 1,
      timestamps: 1,
      logEntries: 1,
    });
  });

  test("leave one bundle and an empty reference for each", async () => {
    const stored = await filesBelow(store);
    const references = stored.filter((name) => name.startsWith(".kiteseal/subjects/"));
    expect(stored.filter((name) => !name.startsWith(".kiteseal/")).toSorted()).toEqual(names.toSorted());
    expect(stored.filter((name) => name.startsWith(".kiteseal/bundles/"))).toHaveLength(1);
    expect(new Set(references.map((name) => name.split("/")[4]))).toEqual(
      new Set([...contents.values()].map((content) => createHash("sha256").update(content).digest("hex"))),
    );
    expect(references).toHaveLength(COUNT);
    for (const name of references) expect((await stat(join(store, name))).size).toBe(0);
    expect(stored).toHaveLength(2 * COUNT + 1);
  });

  test("verify in one run that authenticates the bundle once", async () => {
    let authenticated = 0;
    const counting: World["compute"] = {
      authenticate: (bytes, digest) => {
        authenticated += 1;
        return world.compute.authenticate(bytes, digest);
      },
      close: () => Promise.resolve(),
    };
    const verdicts = await collect(verifyFolder(counting, { store, names }));
    expect(verdicts.map((v) => v.artifact.name)).toEqual(names);
    expect(verdicts.filter((v) => !isVerified(v))).toEqual([]);
    expect(authenticated).toBe(1);
  });

  test("verify --recursive: a row for each, all by one bundle", async () => {
    const args = ["verify", "--recursive", `file://${store}/`, "--trusted-root", world.sandbox.trustedRootPath];
    const ended = await runBundle({
      args: [...args, ...RULE_FLAGS, "--format", "jsonl"],
      cwd: world.directory,
      env: world.outside,
    });
    expect(ended.code, ended.stderr).toBe(0);
    const rows = ended.stdout
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(rows).toHaveLength(COUNT + 1);
    expect(rows.at(-1)).toMatchObject({ exitCode: 0, tally: { verified: COUNT } });
    const verified = rows.slice(0, -1).map((row) => row as { outcome: string; bundleDigest: string });
    expect(new Set(verified.map((row) => row.outcome))).toEqual(new Set(["verified"]));
    expect(new Set(verified.map((row) => row.bundleDigest)).size).toBe(1);
  });
});

describe("an artifact of no bytes", () => {
  test("is attested and verified, and only under the digest of no bytes", async () => {
    const folder = join(world.directory, "empty");
    const store = join(world.directory, "empty-store");
    await writeFiles(folder, new Map([["empty.bin", ""]]));
    await mkdir(store);
    const { artifacts } = await publishFolder(world, folder, store);
    expect(artifacts).toMatchObject([{ size: 0, sha256: createHash("sha256").digest("hex") }]);
    const [verdict] = await collect(verifyFolder(world.compute, { store, names: ["empty.bin"] }));
    expect(isVerified(verdict)).toBe(true);
    await writeFile(join(store, "empty.bin"), "\n");
    const [changed] = await collect(verifyFolder(world.compute, { store, names: ["empty.bin"] }));
    expect(changed).toMatchObject({ outcome: "unattested", code: "ERR_UNATTESTED" });
  });
});

describe("files that are large enough for a thread", () => {
  const sparse = async (path: string, bytes: number): Promise<void> => {
    const file = await open(path, "w");
    await file.truncate(bytes);
    await file.close();
  };

  test("are published by the bundled command as they are", async () => {
    const cwd = join(world.directory, "threaded");
    await mkdir(cwd);
    await sparse(join(cwd, "large.bin"), LIMITS.threadFileBytes + 3);
    const to = `file://${join(world.directory, "threaded-store")}`;
    const published = await runBundle({ args: ["publish", "large.bin", "--to", to], cwd, env: world.env });
    expect(published.code, published.stderr).toBe(0);
    const args = ["verify", `${to}/large.bin`, "--trusted-root", world.sandbox.trustedRootPath, ...RULE_FLAGS];
    const verified = await runBundle({ args, cwd, env: world.outside });
    expect(verified.code, verified.stderr).toBe(0);
  });

  test("are given one, one at a time; smaller ones never", async () => {
    const folder = join(world.directory, "several");
    await mkdir(folder);
    await sparse(join(folder, "one.bin"), LIMITS.threadFileBytes);
    await sparse(join(folder, "two.bin"), LIMITS.threadFileBytes + 1);
    await sparse(join(folder, "small.bin"), LIMITS.threadFileBytes - 1);
    let threads = 0;
    const count = (): void => void (threads += 1);
    process.on("worker", count);
    try {
      const { artifacts } = await publishFolder(world, folder, join(world.directory, "several-store"));
      expect(artifacts).toHaveLength(3);
      expect(threads).toBe(1);
      await publishFolder(world, folder, join(world.directory, "several-again"));
      expect(threads).toBe(2);
    } finally {
      process.off("worker", count);
    }
  });
});

describe("an artifact larger than the memory allowed", () => {
  test("is attested and verified in constant memory, and refused when its last byte changes", async () => {
    const cwd = world.directory;
    const file = await open(join(cwd, "large.bin"), "w");
    await file.truncate(LARGE_BYTES);
    const attest = await runMeasured({ args: ["attest", "large.bin", "--bundle", "large.json"], cwd, env: world.env });
    expect(attest.code, attest.stderr).toBe(0);
    expect(attest.peakBytes).toBeLessThan(PEAK_BYTES);
    const args = ["verify", "large.bin", "--bundle", "large.json", "--trusted-root", world.sandbox.trustedRootPath];
    const verify = await runMeasured({ args: [...args, ...RULE_FLAGS], cwd, env: world.outside });
    expect(verify.code, verify.stderr).toBe(0);
    expect(verify.peakBytes).toBeLessThan(PEAK_BYTES);
    await file.write("X", LARGE_BYTES - 1);
    await file.close();
    const changed = await runBundle({ args: [...args, ...RULE_FLAGS, "--format", "json"], cwd, env: world.outside });
    expect(changed.code).toBe(20);
    expect(JSON.parse(changed.stdout)).toMatchObject({ artifacts: [{ code: "ERR_SUBJECT_DIGEST" }] });
  }, 180_000);
});
