// SPDX-License-Identifier: Apache-2.0
// Many artifacts in one run: every failure named, in the order of the targets, in one thread or several.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { type Report, useFixture } from "./fixture.testkit.ts";

const fixture = useFixture();
const { cli, verify, published, report } = fixture;

async function folder(name: string, count: number): Promise<string> {
  const path = join(fixture.root, name);
  await mkdir(path, { recursive: true });
  for (let i = 0; i < count; i++) await writeFile(join(path, `f${String(i).padStart(4, "0")}`), `${name} ${i}`);
  return path;
}

test("of 1,000 artifacts with 3 bad ones, exactly those are named", async () => {
  const path = await folder("thousand", 1000);
  const env = fixture.sandbox.jobEnv();
  expect(await cli(["attest", "thousand/*", "--bundle", "thousand.json"], { env })).toMatchObject({ code: 0 });
  const bad = ["f0003", "f0500", "f0999"];
  for (const name of bad) await writeFile(join(path, name), "tampered");
  const found = await report(["thousand", "--bundle", "thousand.json"]);
  expect(found.exitCode).toBe(20);
  expect(found.tally).toMatchObject({ verified: 997, rejected: 3 });
  const names = found.artifacts.filter(({ outcome }) => outcome !== "verified").map(({ name }) => name);
  expect(names).toStrictEqual(bad.map((name) => `thousand/${name}`));
  const text = await verify(["thousand", "--bundle", "thousand.json", "--quiet"]);
  expect(text.code).toBe(20);
  expect(text.stderr.match(/^✗ .*$/gm)).toHaveLength(3);
});

test("separate attestations, more than one thread is started for, give the same report", async () => {
  await folder("separate", 60);
  const env = fixture.sandbox.jobEnv();
  const argv = ["attest", "separate/*", "--statement", "per-artifact", "--bundle", "separate.jsonl"];
  expect(await cli(argv, { env })).toMatchObject({ code: 0 });
  const store = join(fixture.root, "separate-store");
  const made = ["publish", "separate/*", "--statement", "per-artifact", "--to", `file://${store}/{build}`];
  expect(await cli(made, { env })).toMatchObject({ code: 0 });
  await writeFile(join(store, "1", "separate", "f0007"), "tampered");
  const first = await report([store]);
  expect(first).toMatchObject({ exitCode: 21, tally: { verified: 59, unattested: 1 } });
  const names = first.artifacts.map(({ name }) => name);
  expect(names).toStrictEqual(names.toSorted());
  expect((await report([store])).artifacts).toStrictEqual(first.artifacts);
});

test("a target that cannot be read keeps its place among the others", async () => {
  const path = await folder("listed", 8);
  expect(await cli(["attest", "listed/*", "--bundle", "listed.json"], { env: fixture.sandbox.jobEnv() })).toMatchObject(
    { code: 0 },
  );
  const lines = Array.from({ length: 8 }, (_, i) => {
    const text = i % 3 === 1 ? "other" : `listed ${i}`;
    return `${createHash("sha256").update(text).digest("hex")}  f000${i}\n`;
  });
  await writeFile(join(path, "SHA256SUMS"), lines.join(""));
  const found = await report(["--checksums", "listed/SHA256SUMS", "--bundle", "listed.json"]);
  expect(found.artifacts.map(({ name, outcome }) => `${name} ${outcome}`)).toStrictEqual(
    lines.map((_, i) => `f000${i} ${i % 3 === 1 ? "rejected" : "verified"}`),
  );
});

test("--fail-fast stops at the first failure and says so", async () => {
  const path = await folder("fast", 6);
  expect(await cli(["attest", "fast/*", "--bundle", "fast.json"], { env: fixture.sandbox.jobEnv() })).toMatchObject({
    code: 0,
  });
  for (const name of ["f0002", "f0004"]) await writeFile(join(path, name), "tampered");
  const ran = await verify(["fast", "--bundle", "fast.json", "--fail-fast", "--format", "json"]);
  expect(ran.code).toBe(20);
  const found = JSON.parse(ran.stdout) as Report & { endedEarly?: boolean };
  expect(found.endedEarly).toBe(true);
  expect(found.artifacts.map(({ name }) => name)).toStrictEqual(["fast/f0000", "fast/f0001", "fast/f0002"]);
  expect((await verify(["fast", "--bundle", "fast.json", "--fail-fast"])).stderr).toContain("not looked at");
});

test("--require-all-subjects rejects a set that lacks one, also while waiting", async () => {
  const store = await published();
  const flags = ["--require-all-subjects", "--wait", "1s"];
  expect(await report([store, ...flags])).toMatchObject({ exitCode: 0, tally: { verified: 2 } });
  const part = await report([join(store, "1", "dist", "app.tgz"), ...flags]);
  expect(part).toMatchObject({ exitCode: 20, tally: { verified: 1, rejected: 1 } });
  expect(part.artifacts[1]).toMatchObject({ name: "dist/notes.txt", code: "ERR_SET_INCOMPLETE" });
  expect(await report([join(store, "1", "dist", "app.tgz")])).toMatchObject({ exitCode: 0 });
});

test("each outcome has its own exit code", async () => {
  const store = await published();
  const target = join(store, "1", "dist", "app.tgz");
  expect(await report([target])).toMatchObject({ exitCode: 0 });
  expect(await report([target, "--max-age", "1s"], { now: () => new Date(Date.now() + 60_000) })).toMatchObject({
    exitCode: 20,
  });
  await rm(join(store, ".kiteseal", "bundles"), { recursive: true });
  expect(await report([target])).toMatchObject({ exitCode: 30, tally: { undetermined: 1 } });
  await rm(join(store, ".kiteseal"), { recursive: true });
  expect(await report([target])).toMatchObject({ exitCode: 21, tally: { unattested: 1 } });
});
