// SPDX-License-Identifier: Apache-2.0
// Command lines that cannot be meant: exit 2, one error, nothing signed or written.
import { createHash } from "node:crypto";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { useFixture, WHO } from "./fixture.testkit.ts";

const fixture = useFixture();
const { cli, verify, published } = fixture;

describe("errors of use exit 2, before anything is read or signed", () => {
  test.each([
    ["no target", ["verify"], "ERR_USAGE"],
    ["no such file", ["verify", "nothing-*"], "ERR_NO_MATCH"],
    ["an empty prefix", ["verify", "file:///proc/sys/kernel/keys-none", "--recursive"], undefined],
    ["a digest as a target", ["verify", `sha256:${"a".repeat(64)}`], "ERR_USAGE"],
    ["a digest without a name", ["verify", "--digest", `sha256:${"a".repeat(64)}`, "--bundle", "x"], "ERR_USAGE"],
    [
      "a digest without a place to look in",
      ["verify", "--digest", `sha256:${"a".repeat(64)}`, "--name", "x"],
      "ERR_USAGE",
    ],
    ["an unknown scheme", ["verify", "s9://bucket/x"], undefined],
    ["a folder without --recursive", ["verify", "file:///tmp/"], undefined],
  ])("%s", async (_, argv, code) => {
    const ran = await cli([...argv, ...fixture.roots(), ...WHO]);
    expect(ran.code).toBe(2);
    if (code !== undefined) expect(ran.stderr).toContain(`[${code}]`);
  });

  test.each([
    ["an unknown option", ["verify", "x", "--frobnicate"]],
    ["an unknown command", ["frobnicate"]],
    ["another tool's option", ["verify", "x", "--certificate-identity", "y"]],
    ["an unknown format", ["verify", "x", "--format", "yaml"]],
    ["no command", []],
    ["a missing operand", ["publish"]],
    ["an unknown shell", ["completion", "tcsh"]],
  ])("%s", async (_, argv) => {
    const ran = await cli(argv);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).not.toBe("");
  });

  test("a value on the command line is not repeated in an error", async () => {
    const ran = await cli(["verify", "x", "--identity-token=very-secret-value"]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).not.toContain("very-secret-value");
  });

  test("no trusted fixture.root, or one that is none", async () => {
    expect((await cli(["verify", "dist/app.tgz", ...WHO])).stderr).toContain("[ERR_USAGE]");
    const ran = await cli(["verify", "dist/app.tgz", "--trusted-root", "dist/app.tgz", ...WHO]);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("[ERR_TRUST_ROOT_INVALID]");
  });

  test("a name that is a digest and a file is never guessed about", async () => {
    const name = `sha256:${"b".repeat(64)}`;
    await writeFile(join(fixture.root, name), "x");
    expect(await verify([name])).toMatchObject({ code: 2 });
  });

  test("a policy in the checkout needs its digest or the words for it", async () => {
    const repo = join(fixture.root, "repo");
    await mkdir(join(repo, ".git"), { recursive: true });
    const text =
      "version: 1\nrules:\n  all:\n    artifacts: ['**']\n    builder: { organization: acme, pipeline: app }\n    source: { branch: main }\n";
    await writeFile(join(repo, "policy.yaml"), text);
    await symlink(join(repo, "policy.yaml"), join(fixture.root, "link.yaml"));
    const store = await published();
    const argv = ["verify", store, ...fixture.roots()];
    for (const path of ["policy.yaml", join(fixture.root, "link.yaml")]) {
      const ran = await cli([...argv, "--policy", path], { cwd: repo });
      expect(ran.code).toBe(2);
      expect(ran.stderr).toContain("[ERR_CONFIG_DECIDES]");
    }
    const digest = createHash("sha256").update(text).digest("hex");
    expect(await cli([...argv, "--policy", "policy.yaml", "--policy-sha256", digest], { cwd: repo })).toMatchObject({
      code: 0,
    });
    expect(
      await cli([...argv, "--policy", "policy.yaml", "--policy-sha256", "0".repeat(64)], { cwd: repo }),
    ).toMatchObject({ code: 2 });
    expect(await cli([...argv, "--policy", "policy.yaml", "--policy-from-checkout"], { cwd: repo })).toMatchObject({
      code: 0,
    });
  });

  test("an environment that would decide is refused even beside flags", async () => {
    const ran = await verify(["dist/app.tgz"], { env: { KITESEAL_TRUSTED_ROOT: fixture.sandbox.trustedRootPath } });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("[ERR_CONFIG_DECIDES]");
  });

  test("the machine's trusted root and policy need no flags, and locked ones take none", async () => {
    const store = await published();
    const machineConfig = join(fixture.root, "machine.yaml");
    const policy = join(fixture.root, "machine-policy.yaml");
    await writeFile(
      policy,
      "version: 1\nrules:\n  all:\n    artifacts: ['**']\n    builder: { organization: acme, pipeline: app }\n    source: { branch: main }\n",
    );
    await writeFile(
      machineConfig,
      `trusted-root: ${fixture.sandbox.trustedRootPath}\npolicy: ${policy}\nlocked: [policy]\n`,
    );
    expect(await cli(["verify", store], { machineConfig })).toMatchObject({ code: 0 });
    expect(await cli(["verify", store, ...WHO], { machineConfig })).toMatchObject({ code: 2 });
    expect(
      await cli(["verify", store, "--policy", join(fixture.root, "policy.yaml")], { machineConfig }),
    ).toMatchObject({
      code: 2,
    });
  });

  test("publish outside a job, without services, with a bad placeholder, into a folder that is not there", async () => {
    const env = fixture.sandbox.jobEnv();
    const to = ["--to", `file://${fixture.root}/never`];
    expect((await cli(["publish", "dist/*", ...to])).stderr).toContain("[ERR_NOT_IN_JOB]");
    expect((await cli(["publish", "dist/*"], { env })).stderr).toContain("[ERR_USAGE]");
    expect(
      (await cli(["publish", "dist/*", ...to], { env: { ...env, KITESEAL_SIGNING_CONFIG: "" } })).stderr,
    ).toContain("[ERR_USAGE]");
    expect(
      (await cli(["publish", "dist/*", "--to", `file://${fixture.root}/never/{colour}`], { env })).stderr,
    ).toContain("[ERR_PLACEHOLDER]");
    expect((await cli(["publish", "dist/*", ...to, "--pins", "no/such/folder/p.json"], { env })).stderr).toContain(
      "[ERR_OUTPUT]",
    );
    expect((await cli(["attest", "dist/*"], { env })).stderr).toContain("[ERR_USAGE]");
    expect(await readdir(fixture.root)).not.toContain("never");
  });

  test("for machines, an error is a document too", async () => {
    const ran = await verify(["nothing-*", "--format", "json"]);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      kind: "kiteseal.error",
      exitCode: 2,
      error: { code: "ERR_NO_MATCH" },
    });
  });
});

describe("help and completion", () => {
  test("help lists every command in its group, on standard output", async () => {
    const { code, stdout } = await cli(["--help"]);
    expect(code).toBe(0);
    for (const word of [
      "Everyday:",
      "publish",
      "attest",
      "verify",
      "Look:",
      "inspect",
      "Other:",
      "sandbox",
      "completion",
    ])
      expect(stdout).toContain(word);
    const own = await cli(["help", "verify"]);
    expect(own.code).toBe(0);
    expect(own.stdout).toBe((await cli(["verify", "--help"])).stdout);
    expect(own.stdout).toContain("--trusted-root");
  });

  test.each(["bash", "zsh", "fish"])("completion for %s knows commands and options", async (shell) => {
    const { code, stdout } = await cli(["completion", shell]);
    expect(code).toBe(0);
    for (const word of ["verify", "publish", "trusted-root", "signing-config"]) expect(stdout).toContain(word);
    expect(stdout).not.toContain("provenance-path");
  });
});
