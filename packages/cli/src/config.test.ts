// SPDX-License-Identifier: Apache-2.0
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { attestationRoot, checkDecidingEnvironment, type Config, loadConfig } from "./config.ts";
import { Options } from "./flags.ts";
import type { Io } from "./io.ts";
import { temporaryDirectory } from "./io.testkit.ts";

interface Setup {
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Io["env"];
  readonly checkout?: string;
  readonly machine?: string;
}

/** The configuration as a command run two folders below the git root sees it. */
async function load({ flags = {}, env = {}, checkout, machine }: Setup): Promise<Config> {
  await using directory = await temporaryDirectory();
  const cwd = join(directory.path, "repo", "sub");
  await mkdir(join(directory.path, "repo", ".git"), { recursive: true });
  await mkdir(cwd);
  if (checkout !== undefined) await writeFile(join(directory.path, "repo", "kiteseal.yaml"), checkout);
  const machineConfig = join(directory.path, "machine.yaml");
  if (machine !== undefined) await writeFile(machineConfig, machine);
  const sink = { isTty: false, write: (): Promise<void> => Promise.resolve() };
  const io: Io = {
    stdout: sink,
    stderr: sink,
    env,
    cwd,
    now: () => new Date(0),
    signal: new AbortController().signal,
    machineConfig,
    spawn: () => Promise.resolve(0),
  };
  return await loadConfig(new Options(flags), io);
}

const YAML = "store: file:///yaml\n";

test("a flag outranks the environment, that the checkout's file, that the machine's", async () => {
  const machine = "store: file:///machine\n";
  const env = { KITESEAL_STORE: "file:///env" };
  expect((await load({ flags: { to: "file:///flag" }, env, checkout: YAML, machine })).store).toStrictEqual({
    value: "file:///flag",
    origin: "--to",
  });
  expect((await load({ env, checkout: YAML, machine })).store).toStrictEqual({
    value: "file:///env",
    origin: "KITESEAL_STORE",
  });
  expect((await load({ checkout: YAML, machine })).store?.value).toBe("file:///yaml");
  expect((await load({ machine })).store?.value).toBe("file:///machine");
});

test("paths in a file are relative to that file", async () => {
  const { signingConfig } = await load({ checkout: "signing: { config: conf/s.json }\n" });
  expect(signingConfig?.value).toMatch(/\/repo\/conf\/s\.json$/);
});

test.each([
  ["an unknown key", "colour: red\n"],
  ["an unknown signing key", "signing: { key: x }\n"],
  ["a duplicate key", "store: file:///a\nstore: file:///b\n"],
  ["an alias", "store: &a file:///a\nformat: *a\n"],
  ["a value of another type", "store: 3\n"],
  ["consent in other words", "transparency: yes please\n"],
  ["an encryption key that no header can hold", "write: { encryption-key: ключ }\n"],
  ["an owner that is no account", 'write: { bucket-owner: "acme" }\n'],
  ["a list", "- store\n"],
  ["what is not YAML", "store: [\n"],
])("refuses a file with %s", async (_, checkout) => {
  await expect(load({ checkout })).rejects.toMatchObject({ code: "ERR_CONFIG_INVALID" });
});

test.each([
  "policy: p.yaml",
  "trusted-root: r.json",
  "org: acme",
  "branch: main",
  "any-ref: true",
  "locked: [policy]",
  "rules: {}",
])("refuses a checkout's file that decides: %s", async (checkout) => {
  await expect(load({ checkout: `${checkout}\n` })).rejects.toMatchObject({ code: "ERR_CONFIG_DECIDES" });
});

test("the machine's file may decide", async () => {
  const { machine } = await load({ machine: "trusted-root: r.json\npolicy: p.yaml\nlocked: [policy]\n" });
  expect(machine.trustedRoot).toMatch(/\/r\.json$/);
  expect(machine.locked).toStrictEqual(["policy"]);
});

test.each([
  ["a flag", { flags: { to: "file:///flag" } }],
  ["the environment", { env: { KITESEAL_STORE: "file:///env" } }],
  ["the checkout", { checkout: YAML }],
])("what the machine locks, %s cannot set", async (_, setup) => {
  await expect(load({ ...setup, machine: "store: file:///machine\nlocked: [store]\n" })).rejects.toMatchObject({
    code: "ERR_USAGE",
  });
});

test("an environment that would decide is refused and named", () => {
  const env = { KITESEAL_POLICY: "x", KITESEAL_BRANCH: "main", KITESEAL_STORE: "file:///s", KITESEAL_TRUSTED_ROOT: "" };
  expect(() => checkDecidingEnvironment(env)).toThrow(
    expect.objectContaining({
      code: "ERR_CONFIG_DECIDES",
      details: { variables: ["KITESEAL_POLICY", "KITESEAL_BRANCH"] },
    }),
  );
});

test("other tools' variables are listed and nothing more", () => {
  const env = {
    SIGSTORE_ROOT_FILE: "r",
    TUF_ROOT: "t",
    COSIGN_EXPERIMENTAL: "1",
    SIGSTORE_ID_TOKEN: "t",
    PATH: "/bin",
  };
  expect(checkDecidingEnvironment(env)).toStrictEqual(["COSIGN_EXPERIMENTAL", "SIGSTORE_ROOT_FILE", "TUF_ROOT"]);
});

test("the longest prefix names the attestation root", () => {
  const roots = new Map([
    ["file:///s", "file:///a"],
    ["file:///s/deep/", "file:///b"],
  ]);
  expect(attestationRoot(roots, "file:///s/deep/x")).toBe("file:///b");
  expect(attestationRoot(roots, "file:///s/x")).toBe("file:///a");
  expect(attestationRoot(roots, "file:///sx")).toBeUndefined();
});

test("a machine configuration that cannot be read is not taken for none", async () => {
  await using directory = await temporaryDirectory();
  await symlink("machine.yaml", join(directory.path, "machine.yaml"));
  const sink = { isTty: false, write: (): Promise<void> => Promise.resolve() };
  const io: Io = {
    stdout: sink,
    stderr: sink,
    env: {},
    cwd: directory.path,
    now: () => new Date(0),
    signal: new AbortController().signal,
    machineConfig: join(directory.path, "machine.yaml"),
    spawn: () => Promise.resolve(0),
  };
  await expect(loadConfig(new Options({}), io)).rejects.toMatchObject({ code: "ERR_CONFIG_INVALID" });
});
