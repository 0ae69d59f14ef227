// SPDX-License-Identifier: Apache-2.0
// Command lines against the real sandbox and real files: what is signed is what passes.
import { createHash } from "node:crypto";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Report, useFixture } from "./fixture.testkit.ts";

const fixture = useFixture();
const { cli, verify, published, report } = fixture;

describe("the round trip", () => {
  test("what publish stores, verify passes: files, directories, addresses, prefixes", async () => {
    const store = await published();
    for (const targets of [
      [join(store, "1", "dist", "app.tgz")],
      [`file://${store}/1/dist/app.tgz`],
      [store],
      [`file://${store}`, "--recursive"],
    ]) {
      expect(await verify(targets)).toMatchObject({ code: 0, stdout: "" });
    }
    expect((await report([`file://${store}`, "--recursive"])).tally).toMatchObject({ verified: 2, rejected: 0 });
  });

  test("with pins, exactly the objects and bundles of that run are verified", async () => {
    const pins = join(fixture.root, "pins.json");
    const store = await published("--pins", pins);
    expect((await report(["--pins", pins])).tally).toMatchObject({ verified: 2 });
    expect(await verify([join(store, "1", "dist", "app.tgz"), "--pins", pins])).toMatchObject({ code: 0 });
    const path = join(store, "1", "dist", "notes.txt");
    await rm(path);
    await writeFile(path, "the notes");
    const changed = await report(["--pins", pins]);
    expect(changed).toMatchObject({ exitCode: 20, tally: { verified: 1, rejected: 1 } });
    expect(changed.artifacts[1]).toMatchObject({ outcome: "rejected", code: "ERR_PIN_CHANGED" });
  });

  test("with a sidecar, the artifact can be moved without its store", async () => {
    const store = await published("--sidecar");
    const moved = join(fixture.root, "moved");
    await cp(join(store, "1"), moved, { recursive: true });
    expect(await report([moved])).toMatchObject({ exitCode: 0, tally: { verified: 2 }, attestationsLeftOut: 2 });
  });

  test("attest to standard output, a file, a sidecar; verify and inspect what it made", async () => {
    const ran = await cli(["attest", "dist/app.tgz", "--bundle", "-"], { env: fixture.sandbox.jobEnv() });
    expect(ran.code).toBe(0);
    await writeFile(join(fixture.root, "bundle.json"), ran.stdout);
    expect(await verify(["dist/app.tgz", "--bundle", "bundle.json"])).toMatchObject({ code: 0 });
    const inspected = await cli(["inspect", "bundle.json"]);
    expect(inspected.code).toBe(0);
    expect(inspected.stdout.split("\n")[0]).toContain("NOT VERIFIED");
    expect(inspected.stdout.trimEnd().split("\n").at(-1)).toContain("NOT VERIFIED");
    expect(JSON.parse((await cli(["inspect", "bundle.json", "--format", "json"])).stdout)).toMatchObject({
      verified: false,
    });
    const work = join(fixture.root, "work");
    await cp(join(fixture.root, "dist"), join(work, "dist"), { recursive: true });
    expect(await cli(["attest", "dist/*", "--sidecar"], { env: fixture.sandbox.jobEnv(), cwd: work })).toMatchObject({
      code: 0,
    });
    expect(await verify(["dist"], { cwd: work })).toMatchObject({ code: 0 });
    const many = await cli(["attest", "dist/*", "--statement", "per-artifact", "--bundle", "all.jsonl"], {
      env: fixture.sandbox.jobEnv(),
    });
    expect(many.code).toBe(0);
    expect((await readFile(join(fixture.root, "all.jsonl"), "utf8")).trimEnd().split("\n")).toHaveLength(2);
    expect(await verify(["dist/*", "--bundle", "all.jsonl"])).toMatchObject({ code: 0 });
  });

  test("a digest that is elsewhere is attested and verified by name", async () => {
    const sha256 = createHash("sha256").update("elsewhere").digest("hex");
    const store = `file://${fixture.root}/elsewhere`;
    const argv = ["--digest", `sha256:${sha256}`, "--name", "images/app"];
    expect(await cli(["attest", ...argv, "--to", store], { env: fixture.sandbox.jobEnv() })).toMatchObject({ code: 0 });
    const where = ["--attestations", `${store}/.kiteseal`];
    expect(await verify([...argv, ...where])).toMatchObject({ code: 0 });
    expect(await verify(["--digest", `sha256:${sha256}`, "--any-name", ...where])).toMatchObject({ code: 0 });
    expect(await verify(["--digest", `sha256:${sha256}`, "--name", "images/other", ...where])).toMatchObject({
      code: 20,
    });
  });

  test("another predicate is signed and verified by its type", async () => {
    await writeFile(join(fixture.root, "sbom.json"), `{"bomFormat":"CycloneDX"}`);
    const made = [
      "attest",
      "dist/app.tgz",
      "--type",
      "cyclonedx",
      "--predicate",
      "sbom.json",
      "--bundle",
      "sbom.sigstore.json",
    ];
    expect(await cli(made, { env: fixture.sandbox.jobEnv() })).toMatchObject({ code: 0 });
    const bundle = ["dist/app.tgz", "--bundle", "sbom.sigstore.json"];
    expect(await verify([...bundle, "--type", "cyclonedx"])).toMatchObject({ code: 0 });
    expect((await report(bundle)).artifacts[0]).toMatchObject({ outcome: "rejected", code: "ERR_PREDICATE_TYPE" });
  });

  test("a checksum file names what is verified, and each file has to equal its line", async () => {
    const store = await published();
    const folder = join(store, "1", "dist");
    const line = (text: string, name: string): string =>
      `${createHash("sha256").update(text).digest("hex")}  ${name}\n`;
    await writeFile(join(folder, "SHA256SUMS"), line("the application", "app.tgz"));
    expect((await report(["--checksums", join(folder, "SHA256SUMS")])).tally).toMatchObject({ verified: 1 });
    await writeFile(join(folder, "SHA256SUMS"), line("other", "app.tgz") + line("the notes", "notes.txt"));
    const mismatch = await report(["--checksums", join(folder, "SHA256SUMS")]);
    expect(mismatch).toMatchObject({ exitCode: 20, tally: { verified: 1, rejected: 1 } });
    expect(mismatch.artifacts[0]).toMatchObject({ name: "app.tgz", code: "ERR_CHECKSUM_MISMATCH" });
  });

  test("a policy file decides by the requested name", async () => {
    const store = await published();
    const policy = join(fixture.root, "policy.yaml");
    const rule = `version: 1\nrules:\n  app:\n    artifacts: ["dist/*.tgz"]\n    builder: { organization: acme, pipeline: app }\n    source: { branch: main }\n`;
    await writeFile(policy, rule);
    const argv = ["verify", store, "--policy", policy, ...fixture.roots(), "--format", "json"];
    const ran = await cli(argv);
    expect(ran.code).toBe(20);
    const { artifacts } = JSON.parse(ran.stdout) as Report;
    expect(artifacts.map(({ name, outcome, code }) => [name.slice(-9), outcome, code])).toStrictEqual([
      ["t/app.tgz", "verified", undefined],
      ["notes.txt", "rejected", "ERR_NO_RULE"],
    ]);
  });
});
