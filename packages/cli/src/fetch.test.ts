// SPDX-License-Identifier: Apache-2.0
// The directory is there exactly when everything that was asked for may be released; otherwise nothing is left of it.
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { type Report, useFixture, WHO } from "./fixture.testkit.ts";
import type { Ran, RunOptions } from "./io.testkit.ts";

const fixture = useFixture();
const { cli, published } = fixture;

interface Fetched extends Ran {
  /** Where the directory should be; nothing else should be beside it. */
  readonly output: string;
  /** In the directory that holds it. */
  readonly beside: readonly string[];
  readonly files: readonly string[];
}

type Given = Partial<RunOptions> & { readonly who?: readonly string[]; readonly output?: string };

async function fetch(argv: readonly string[], o: Given = {}): Promise<Fetched> {
  const parent = join(fixture.root, `fetched-${fixture.next()}`);
  const output = o.output ?? join(parent, "out");
  await mkdir(parent);
  const ran = await cli(["fetch", ...argv, "--output", output, ...fixture.roots(), ...(o.who ?? WHO)], o);
  return { ...ran, output, beside: await readdir(parent), files: await filesBelow(output) };
}

async function filesBelow(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .toSorted();
}

const NOTHING = { beside: [], files: [], stdout: "" };

test("keeps one object under its own name, for its owner only", async () => {
  const store = await published();
  const ran = await fetch([`file://${store}/1/dist/app.tgz`]);
  expect(ran).toMatchObject({ code: 0, beside: ["out"], files: ["app.tgz"], stdout: "" });
  expect(await readFile(join(ran.output, "app.tgz"), "utf8")).toBe("the application");
  expect((await stat(ran.output)).mode & 0o777).toBe(0o700);
  expect((await stat(join(ran.output, "app.tgz"))).mode & 0o777).toBe(0o600);
  expect(ran.stderr.trimEnd().split("\n").at(-1)).toBe(`fetched 1 to ${ran.output}`);
});

test("keeps everything below an address, without its attestations, under the paths below it", async () => {
  const store = await published("--sidecar");
  expect(await fetch([`file://${store}/`, "--recursive"])).toMatchObject({
    code: 0,
    files: ["1/dist/app.tgz", "1/dist/notes.txt"],
  });
});

test("keeps what pins name, under their names", async () => {
  await published("--pins", "fetch-pins.json");
  const ran = await fetch(["--pins", "fetch-pins.json"]);
  expect(ran).toMatchObject({ code: 0, files: ["dist/app.tgz", "dist/notes.txt"] });
});

test("a pinned object that was replaced is refused, also by its own bytes again", async () => {
  const store = await published("--pins", "fetch-pins.json");
  const path = join(store, "1", "dist", "app.tgz");
  await cp(path, `${path}.new`);
  await rename(`${path}.new`, path);
  const ran = await fetch(["--pins", "fetch-pins.json"]);
  expect(ran).toMatchObject({ code: 20, ...NOTHING });
  expect(ran.stderr).toContain("ERR_PIN_CHANGED");
});

test("with the bundles beside them, files verify again without the store", async () => {
  const store = await published();
  const ran = await fetch([`file://${store}/1/`, "--recursive", "--with-bundle"]);
  const names = ["dist/app.tgz", "dist/app.tgz.sigstore.json", "dist/notes.txt", "dist/notes.txt.sigstore.json"];
  expect(ran).toMatchObject({ code: 0, files: names });
  await rm(store, { recursive: true });
  expect(await cli(["verify", ".", ...fixture.roots(), ...WHO], { cwd: ran.output })).toMatchObject({ code: 0 });
  await writeFile(join(ran.output, "dist", "app.tgz"), "other");
  expect(await cli(["verify", ".", ...fixture.roots(), ...WHO], { cwd: ran.output })).toMatchObject({ code: 20 });
});

test("--bundle-only keeps what attests, and verifies the same", async () => {
  const store = await published("--sha512");
  const ran = await fetch([`file://${store}/1/dist/app.tgz`, "--bundle-only"]);
  expect(ran).toMatchObject({ code: 0, files: ["app.tgz.sigstore.json"] });
  const bundle = join(ran.output, "app.tgz.sigstore.json");
  const verified = await cli(["verify", "dist/app.tgz", "--bundle", bundle, ...fixture.roots(), ...WHO]);
  expect(verified).toMatchObject({ code: 0 });
  await writeFile(join(store, "1", "dist", "app.tgz"), "tampered");
  expect(await fetch([`file://${store}/1/dist/app.tgz`, "--bundle-only"])).toMatchObject({ code: 21, ...NOTHING });
});

test("statements of further digests are compared with the bytes that were received", async () => {
  const store = await published("--sha512");
  expect(await fetch([`file://${store}/1/`, "--recursive"])).toMatchObject({ code: 0 });
});

test("bundles that a rule requires together are kept together", async () => {
  const env = fixture.sandbox.jobEnv();
  const store = await published();
  await writeFile(join(fixture.root, "sbom.json"), '{"SPDXID": "SPDXRef-DOCUMENT"}');
  const sbom = ["attest", "dist/*", "--type", "spdxjson", "--predicate", "sbom.json", "--to", `file://${store}`];
  expect(await cli(sbom, { env })).toMatchObject({ code: 0 });
  const policy = join(fixture.root, `fetch-policy-${fixture.next()}.yaml`);
  await writeFile(
    policy,
    'version: 1\nrules:\n  app:\n    artifacts: "**"\n    builder: { organization: acme, pipeline: app }\n' +
      "    source: { branch: main }\n    also-required: [{ type: spdxjson }]\n",
  );
  const who = ["--policy", policy];
  const ran = await fetch([`file://${store}/1/dist/app.tgz`, "--with-bundle"], { who });
  expect(ran).toMatchObject({ code: 0, files: ["app.tgz", "app.tgz.sigstore.jsonl"] });
  expect(await cli(["verify", "app.tgz", ...fixture.roots(), ...who], { cwd: ran.output })).toMatchObject({ code: 0 });
  const lines = (await readFile(join(ran.output, "app.tgz.sigstore.jsonl"), "utf8")).trimEnd().split("\n");
  expect(lines).toHaveLength(2);
  await rm(join(ran.output, "app.tgz.sigstore.jsonl"));
  await writeFile(join(ran.output, "app.tgz.sigstore.json"), lines[0] ?? "");
  expect(await cli(["verify", "app.tgz", ...fixture.roots(), ...who], { cwd: ran.output })).toMatchObject({ code: 20 });
});

test("one bad artifact among good ones: every no is said, and nothing is kept", async () => {
  const store = await published();
  await writeFile(join(store, "1", "dist", "notes.txt"), "tampered");
  const ran = await fetch([`file://${store}/1/`, "--recursive"]);
  expect(ran).toMatchObject({ code: 21, ...NOTHING });
  expect(ran.stderr).toMatch(/✓ verified .*app\.tgz/);
  expect(ran.stderr).toMatch(/✗ unattested .*notes\.txt/);
  const bundles = join(store, ".kiteseal", "bundles", "sha256");
  const [bundle = ""] = (await readdir(bundles, { recursive: true })).filter((name) => name.endsWith(".json"));
  const judged = await fetch([`file://${store}/1/`, "--recursive", "--bundle", join(bundles, bundle)]);
  expect(judged).toMatchObject({ code: 20, ...NOTHING });
  expect(judged.stderr).toContain("ERR_SUBJECT_DIGEST");
});

test("another pipeline's artifact, nothing there, a place that cannot be looked at", async () => {
  const store = await published();
  const url = `file://${store}/1/dist/app.tgz`;
  const other = ["--org", "acme", "--pipeline", "other", "--branch", "main"];
  expect(await fetch([url], { who: other })).toMatchObject({ code: 20, ...NOTHING });
  expect(await fetch([`${url}.not`])).toMatchObject({ code: 2, ...NOTHING });
  expect(await fetch([`file://${store}/none/`, "--recursive"])).toMatchObject({ code: 2, ...NOTHING });
  await rm(join(store, ".kiteseal", "bundles"), { recursive: true });
  expect(await fetch([url])).toMatchObject({ code: 30, ...NOTHING });
  await rm(join(store, ".kiteseal"), { recursive: true });
  expect(await fetch([url])).toMatchObject({ code: 21, ...NOTHING });
});

test("--require-all-subjects and --fail-fast stop it as they stop verify", async () => {
  const store = await published();
  const part = await fetch([`file://${store}/1/dist/app.tgz`, "--require-all-subjects"]);
  expect(part).toMatchObject({ code: 20, ...NOTHING });
  expect(part.stderr).toContain("ERR_SET_INCOMPLETE");
  await writeFile(join(store, "1", "dist", "app.tgz"), "tampered");
  const fast = await fetch([`file://${store}/1/`, "--recursive", "--fail-fast"]);
  expect(fast).toMatchObject({ code: 21, ...NOTHING });
  expect(fast.stderr).not.toMatch(/verified .*notes\.txt/);
});

test("what an exception lets through is kept, loudly, and has no bundle", async () => {
  const store = await published();
  const sha256 = createHash("sha256").update("the application").digest("hex");
  const policy = join(fixture.root, `fetch-policy-${fixture.next()}.yaml`);
  await writeFile(
    policy,
    'version: 1\nrules:\n  app:\n    artifacts: "**"\n    builder: { organization: acme, pipeline: release }\n' +
      `    source: { branch: main }\nexceptions:\n  - { sha256: ${sha256}, rule: app, reason: x, owner: sam, expires: 2999-01-31 }\n`,
  );
  const who = ["--policy", policy];
  const ran = await fetch([`file://${store}/1/dist/app.tgz`, "--with-bundle"], { who });
  expect(ran).toMatchObject({ code: 0, files: ["app.tgz"] });
  expect(ran.stderr).toContain("NOT VERIFIED");
  expect(await fetch([`file://${store}/1/`, "--recursive"], { who })).toMatchObject({ code: 20, ...NOTHING });
});

test.each([
  ["a directory", (path: string) => mkdir(path)],
  ["a file", (path: string) => writeFile(path, "mine")],
  ["a link to somewhere else", (path: string) => mkdir(`${path}-target`).then(() => symlink(`${path}-target`, path))],
])("%s where the directory should be is exit 2 before anything is downloaded", async (_, plant) => {
  const store = await published();
  const output = join(fixture.root, `planted-${fixture.next()}`);
  await plant(output);
  const before = await stat(output);
  // Reading it would be another answer.
  await writeFile(join(store, "1", "dist", "app.tgz"), "tampered");
  const ran = await fetch([`file://${store}/1/dist/app.tgz`], { output });
  expect(ran.code).toBe(2);
  expect(ran.stderr).toContain("ERR_OUTPUT");
  expect((await stat(output)).mtimeMs).toBe(before.mtimeMs);
});

test.each([
  ["letter case", ["App.tgz", "app.tgz"], "ERR_DUPLICATE_NAME"],
  ["letter case of a folder", ["Bin/a", "bin/b"], "ERR_DUPLICATE_NAME"],
  ["a backslash", ["..\\..\\evil"], "ERR_KEY_INVALID"],
  ["a drive", ["c:evil"], "ERR_KEY_INVALID"],
  ["a device", ["NUL.txt"], "ERR_KEY_INVALID"],
  ["another normal form", ["u\u0308.txt"], "ERR_KEY_INVALID"],
  ["an attestation's name", ["x.sigstore.json"], "ERR_KEY_INVALID"],
])("keys that cannot stand as files: %s", async (_, keys, code) => {
  const store = join(fixture.root, `hostile-${fixture.next()}`);
  for (const key of keys) {
    await mkdir(join(store, key, ".."), { recursive: true });
    await writeFile(join(store, key), key);
  }
  const ran = await fetch([`file://${store}/`, "--recursive"]);
  expect(ran).toMatchObject({ code: 2, ...NOTHING });
  expect(ran.stderr).toContain(code);
});

test("of two runs to one place one makes the directory, and the other says that it is there", async () => {
  const store = await published();
  const parent = join(fixture.root, `shared-${fixture.next()}`);
  await mkdir(parent);
  const o = { output: join(parent, "out") };
  const runs = await Promise.all([1, 2, 3].map(() => fetch([`file://${store}/1/`, "--recursive"], o)));
  expect(runs.map(({ code }) => code).toSorted((a, b) => a - b)).toStrictEqual([0, 2, 2]);
  expect(await readdir(parent)).toStrictEqual(["out"]);
  expect(await filesBelow(o.output)).toStrictEqual(["dist/app.tgz", "dist/notes.txt"]);
});

test("two addresses of one name are exit 2", async () => {
  const store = await published();
  const url = `file://${store}/1/dist/app.tgz`;
  const ran = await fetch([url, url]);
  expect(ran).toMatchObject({ code: 2, ...NOTHING });
  expect(ran.stderr).toContain("ERR_DUPLICATE_NAME");
});

test.each([
  ["no directory named", ["fetch", "file:///x/y"]],
  ["nothing named", ["fetch", "--output", "out-usage"]],
  ["a path", ["fetch", "dist/app.tgz", "--output", "out-usage"]],
  ["an empty address", ["fetch", "", "--output", "out-usage"]],
  ["a folder without --recursive", ["fetch", "file:///x/", "--output", "out-usage"]],
  ["both bundle flags", ["fetch", "file:///x/y", "--output", "out-usage", "--with-bundle", "--bundle-only"]],
  ["--name for several", ["fetch", "file:///x/y", "file:///x/z", "--output", "out-usage", "--name", "n"]],
  ["--name and --any-name", ["fetch", "file:///x/y", "--output", "out-usage", "--name", "n", "--any-name"]],
])("usage: %s", async (_, argv) => {
  const ran = await cli([...argv, ...fixture.roots(), ...WHO]);
  expect(ran).toMatchObject({ code: 2, stdout: "" });
  expect(ran.stderr).toContain("ERR_USAGE");
  expect(await readdir(fixture.root)).not.toContain("out-usage");
});

test("--name says what is asked about, and not what the file is called", async () => {
  const store = await published();
  const url = `file://${store}/1/dist/app.tgz`;
  expect(await fetch([url, "--name", "dist/app.tgz"])).toMatchObject({ code: 0, files: ["app.tgz"] });
  expect(await fetch([url, "--name", "other.tgz"])).toMatchObject({ code: 20, ...NOTHING });
});

test("a signal in the middle leaves nothing", async () => {
  const store = await published();
  const stop = new AbortController();
  const onStderr = (): void => stop.abort("SIGTERM");
  const argv = [`file://${store}/1/`, "--recursive"];
  const ran = await fetch(argv, { signal: stop.signal, onStderr });
  expect(ran).toMatchObject({ code: 143, ...NOTHING });
});

test("a report that cannot be written leaves nothing", async () => {
  const store = await published();
  const ran = await fetch([`file://${store}/1/`, "--recursive", "--format", "jsonl"], { stdoutFails: true });
  expect(ran).toMatchObject({ code: 2, ...NOTHING });
  expect(ran.stderr).toContain("ERR_OUTPUT");
});

test("documents say which file each artifact is, and that there is a directory only if there is", async () => {
  const store = await published();
  const argv = [`file://${store}/1/`, "--recursive", "--with-bundle", "--format", "json"];
  const good = await fetch(argv);
  const report = JSON.parse(good.stdout) as Report & { output?: string };
  expect(report).toMatchObject({ exitCode: 0, output: good.output, tally: { verified: 2 } });
  expect(report.artifacts).toMatchObject([
    { outcome: "verified", files: ["dist/app.tgz", "dist/app.tgz.sigstore.json"] },
    { outcome: "verified", files: ["dist/notes.txt", "dist/notes.txt.sigstore.json"] },
  ]);
  await writeFile(join(store, "1", "dist", "app.tgz"), "tampered");
  const bad = JSON.parse((await fetch(argv)).stdout) as Report & { output?: string };
  expect(bad).toMatchObject({ exitCode: 21, artifacts: [{ files: [] }, { outcome: "verified" }] });
  expect(bad.output).toBeUndefined();
  for (const format of ["jsonl", "junit", "sarif", "markdown"])
    expect(await fetch([...argv.slice(0, -1), format])).toMatchObject({ code: 21, beside: [] });
});

test("many artifacts at once, each once, in the order of their names", async () => {
  const count = 60;
  await mkdir(join(fixture.root, "many"));
  for (let i = 0; i < count; i++)
    await writeFile(join(fixture.root, "many", `f${String(i).padStart(2, "0")}`), `m ${i}`);
  const store = join(fixture.root, "many-store");
  const made = ["publish", "many/*", "--to", `file://${store}`];
  expect(await cli(made, { env: fixture.sandbox.jobEnv() })).toMatchObject({ code: 0 });
  const ran = await fetch([`file://${store}/`, "--recursive", "--format", "json"]);
  expect(ran.code).toBe(0);
  expect(ran.files).toHaveLength(count);
  const { artifacts } = JSON.parse(ran.stdout) as Report;
  const names = artifacts.map(({ name }) => name);
  expect(names).toStrictEqual(names.toSorted());
  for (let i = 0; i < count; i++)
    expect(await readFile(join(ran.output, "many", `f${String(i).padStart(2, "0")}`), "utf8")).toBe(`m ${i}`);
});
