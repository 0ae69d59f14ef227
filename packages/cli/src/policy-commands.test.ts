// SPDX-License-Identifier: Apache-2.0
// `kiteseal policy init`, `check` and `explain` against the real sandbox and real files.
import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { useFixture, WHO } from "./fixture.testkit.ts";

const fixture = useFixture();
const { cli, published } = fixture;

async function written(text: string): Promise<string> {
  const path = join(fixture.root, `policy-${fixture.next()}.yaml`);
  await writeFile(path, text);
  return path;
}

const rule = (pipeline: string, more = ""): string =>
  `version: 1\nrules:\n  app:\n    artifacts: "dist/*"\n    builder: { organization: acme, pipeline: ${pipeline} }\n    source: { branch: main }\n${more}`;

describe("policy init", () => {
  test("writes a policy that the artifact passes, from the artifact or from its bundle", async () => {
    const store = await published();
    const target = join(store, "1", "dist", "app.tgz");
    const made = await cli(["policy", "init", target, ...fixture.roots()]);
    expect(made.code).toBe(0);
    for (const line of ['artifacts: ["dist/*.tgz"]', 'organization: "acme"', 'branch: "main"', "# max-age: 90d"])
      expect(made.stdout).toContain(line);
    const path = await written(made.stdout);
    expect(await cli(["verify", target, ...fixture.roots(), "--policy", path])).toMatchObject({ code: 0 });
    const bundle = await cli(["attest", "dist/app.tgz", "--bundle", "-"], { env: fixture.sandbox.jobEnv() });
    await writeFile(join(fixture.root, "one.sigstore.json"), bundle.stdout);
    expect((await cli(["policy", "init", "one.sigstore.json", ...fixture.roots()])).stdout).toBe(made.stdout);
  });

  test("names the predicate's type where it is not provenance", async () => {
    await writeFile(join(fixture.root, "sbom.json"), `{"bomFormat":"CycloneDX"}`);
    const argv = ["attest", "dist/app.tgz", "--type", "cyclonedx", "--predicate", "sbom.json", "--bundle", "s.json"];
    expect(await cli(argv, { env: fixture.sandbox.jobEnv() })).toMatchObject({ code: 0 });
    const made = await cli(["policy", "init", "s.json", ...fixture.roots()]);
    expect(made.code).toBe(0);
    expect(made.stdout).toContain("type: ");
    const path = await written(made.stdout);
    expect(
      await cli(["verify", "dist/app.tgz", "--bundle", "s.json", ...fixture.roots(), "--policy", path]),
    ).toMatchObject({ code: 0 });
  });

  test("writes nothing from what does not verify, is not there, or is somebody else's", async () => {
    const store = await published("--sidecar");
    const target = join(store, "1", "dist", "app.tgz");
    const roots = fixture.roots();
    expect(await cli(["policy", "init", target, ...roots, ...WHO.with(3, "lib")])).toMatchObject({
      code: 20,
      stdout: "",
    });
    await rm(target);
    await writeFile(target, "tampered");
    expect(await cli(["policy", "init", target, ...roots])).toMatchObject({ code: 20, stdout: "" });
    expect(await cli(["policy", "init", "dist/notes.txt", ...roots])).toMatchObject({ code: 21, stdout: "" });
    expect(await cli(["policy", "init", "nothing.json", ...roots])).toMatchObject({ code: 2, stdout: "" });
  });

  test("--output never replaces a file", async () => {
    const store = await published();
    const argv = ["policy", "init", join(store, "1", "dist", "app.tgz"), ...fixture.roots(), "--output", "new.yaml"];
    expect(await cli(argv)).toMatchObject({ code: 0, stdout: "" });
    const first = await readFile(join(fixture.root, "new.yaml"), "utf8");
    const again = await cli(argv);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("[ERR_OUTPUT]");
    expect(await readFile(join(fixture.root, "new.yaml"), "utf8")).toBe(first);
  });
});

describe("policy check", () => {
  test.each([
    ["a syntax error", "version: 1\nrules: [", /:2:\d+: /],
    ["an unknown key", rule("app", "    branches: main\n"), /:7:15: /],
    ["a wildcard for a builder", rule('"*"'), /:4:5: rule "app"/],
    ["a rule that is none", rule("app", "otherwise: lib\n"), /:7:12: /],
    [
      "an exception for no rule",
      rule(
        "app",
        `exceptions:\n  - { sha256: ${"a".repeat(64)}, rule: x, reason: r, owner: o, expires: 2030-01-01 }\n`,
      ),
      /:8:5: /,
    ],
  ])("%s has a line and a column", async (_, text, place) => {
    const ran = await cli(["policy", "check", await written(text)]);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toMatch(place);
    expect(ran.stderr).toContain("[ERR_POLICY_INVALID]");
  });

  test("says what a valid policy believes without proof", async () => {
    const path = await written(
      rule("app", "    trigger: [ui, webhook]\n").replace("pipeline: app", "pipeline: app, step: s"),
    );
    const ran = await cli(["policy", "check", path, "--format", "json"]);
    expect(ran.code).toBe(0);
    const { warnings } = JSON.parse(ran.stdout) as { warnings: string[] };
    for (const word of [/trigger_job/, /fork/, /step/])
      expect(warnings.filter((w) => word.test(w))).not.toStrictEqual([]);
  });

  test("--against lists whose verdict changes, both ways, in a store or a pins file", async () => {
    const pins = join(fixture.root, "pins.json");
    const store = await published("--pins", pins);
    const old = await written(rule("app"));
    const next = await written(rule("release"));
    const argv = ["--trusted-root", fixture.sandbox.trustedRootPath, "--format", "json"];
    for (const against of [store, `file://${store}`, pins]) {
      const ran = await cli(["policy", "check", next, "--against", against, "--old", old, ...argv]);
      expect(ran.code).toBe(20);
      const { differences } = JSON.parse(ran.stdout) as {
        differences: { before: { outcome: string }; after: { outcome: string } }[];
      };
      expect(differences.map(({ before, after }) => [before.outcome, after.outcome])).toStrictEqual([
        ["verified", "rejected"],
        ["verified", "rejected"],
      ]);
    }
    const back = await cli(["policy", "check", old, "--against", store, "--old", next, ...argv.slice(0, 2)]);
    expect(back.code).toBe(20);
    expect(back.stdout).toContain("newly passes");
    expect(await cli(["policy", "check", old, "--against", store, "--old", old, ...argv])).toMatchObject({ code: 0 });
    await rm(join(store, ".kiteseal", "bundles"), { recursive: true });
    expect(await cli(["policy", "check", next, "--against", store, "--old", old, ...argv])).toMatchObject({ code: 30 });
    expect(await cli(["policy", "check", next, "--against", store, ...argv])).toMatchObject({ code: 2 });
    expect(
      await cli(["policy", "check", next, "--against", join(fixture.root, "state", "none"), "--old", old, ...argv]),
    ).toMatchObject({ code: 2 });
  });
});

describe("policy explain", () => {
  test("shows every row, what to do next, and exits as verify does", async () => {
    const store = await published();
    const target = join(store, "1", "dist", "app.tgz");
    const explain = (...who: readonly string[]): ReturnType<typeof cli> =>
      cli(["policy", "explain", target, ...fixture.roots(), ...who]);
    const passed = await explain(...WHO);
    expect(passed).toMatchObject({ code: 0, stderr: "" });
    expect(passed.stdout.match(/^ {2}✓ /gm)).toHaveLength(12);
    const refused = await explain(...WHO.with(3, "apps"));
    expect(refused.code).toBe(20);
    expect(refused.stdout).toMatch(/^REJECTED .* ERR_IDENTITY$/m);
    for (const label of ["because", "expected", "found", "do next", "✗ identity", "✓ signature"])
      expect(refused.stdout).toContain(label);
    await appendFile(target, "!");
    const unattested = await explain(...WHO);
    expect(unattested.code).toBe(21);
    expect(unattested.stdout).toMatch(/^UNATTESTED /m);
    expect(unattested.stdout).toContain("looked at");
    await rm(join(store, ".kiteseal", "bundles"), { recursive: true });
    await writeFile(target, "the application");
    const outage = await explain(...WHO);
    expect(outage.code).toBe(30);
    expect(outage.stdout).toMatch(/^UNDETERMINED .* ERR_CANDIDATE_UNREADABLE$/m);
  });

  test("the group shows its own help and is completed", async () => {
    const help = await cli(["policy", "--help"]);
    expect(help.code).toBe(0);
    for (const word of ["init", "check", "explain"]) expect(help.stdout).toContain(word);
    expect(await cli(["policy"])).toMatchObject({ code: 2, stdout: "" });
    expect((await cli(["policy"])).stderr).toContain("explain");
    expect((await cli(["policy", "check", "--help"])).stdout).toContain("--against");
    expect((await cli(["help", "policy"])).stdout).toContain("init");
    expect(await cli(["policy", "frobnicate"])).toMatchObject({ code: 2 });
    for (const shell of ["bash", "zsh", "fish"]) expect((await cli(["completion", shell])).stdout).toContain("explain");
  });
});
