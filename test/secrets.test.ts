// SPDX-License-Identifier: Apache-2.0
// A secret that was planted appears in nothing that a command prints or writes: not with --debug, not in errors, pins,
// bundles or the logs of the services, in no encoding that is easily undone.
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "@kiteseal/sandbox";
import { expectNoneOf } from "./support/planted.ts";
import { type Ended, runBundle } from "./support/program.ts";

const PLANTED: Readonly<Record<string, string>> = {
  DEPLOY_TOKEN: "planted-env-token-7f3a91",
  // The user's own mistake: this one is seen in the list of processes.
  TYPED_TOKEN: "planted-typed-token-b30e57",
  AWS_SECRET_ACCESS_KEY: "planted/store+credential/5d20c8b1e9",
  ARTIFACTORY_PASSWORD: 'planted "quoted" pass\\word',
  DATABASE_URL: "postgres://app:planted-url-password@db.internal/app",
};
/** Written by the sandbox for itself and for the job: keys, and the job's own environment. */
const SANDBOX_OWN = /^state\/(?:keys\/|job\.env$)/;

let work: string;
let sandbox: Sandbox;

async function start(command: string): Promise<void> {
  sandbox = await startSandbox({
    stateDir: join(work, "state"),
    job: { organization: "acme", pipeline: "app", command },
  });
}

beforeEach(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-secrets-")));
  await writeFile(join(work, "app"), "app");
});

afterEach(async () => {
  await sandbox.close();
  await rm(work, { recursive: true });
});

function run(...args: readonly string[]): Promise<Ended> {
  const env = { PATH: process.env["PATH"] ?? "", ...sandbox.jobEnv(PLANTED) };
  return runBundle({ args: [...args, "--debug"], cwd: work, env });
}

/** Everything that must stay inside: what was planted, and what the platform gave the job. */
function secrets(): readonly string[] {
  const { BUILDKITE_AGENT_ACCESS_TOKEN: agent = "", BUILDKITE_AGENT_JOB_API_TOKEN: jobApi = "" } = sandbox.jobEnv();
  const { DATABASE_URL: _, ...whole } = PLANTED;
  const parts = sandbox.redactions.flatMap((token) => token.split(".").slice(1));
  return [...Object.values(whole), "planted-url-password", agent, jobApi, ...sandbox.redactions, ...parts];
}

function expectNoSecret(text: string, where: string): void {
  expectNoneOf(secrets(), text, where);
}

async function expectNoSecretAnywhere(ended: Ended): Promise<void> {
  expectNoSecret(ended.stdout, "standard output");
  expectNoSecret(ended.stderr, "standard error");
  const entries = await readdir(work, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((e) => e.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(work.length + 1);
    if (!SANDBOX_OWN.test(name)) expectNoSecret(await readFile(path, "latin1"), name);
  }
  for (const [name, value] of [...sandbox.annotations, ...sandbox.metaData])
    expectNoSecret(JSON.stringify(value), name);
}

test("the search finds what was planted, in every encoding", async () => {
  await start("make");
  for (const secret of secrets()) {
    for (const form of [
      secret,
      Buffer.from(`{"a":"x","b":${JSON.stringify(secret)},"c":"and a few more bytes"}`).toString("base64"),
    ]) {
      expect(() => expectNoSecret(`before ${form} after`, "twin")).toThrow();
    }
  }
});

describe("no secret is in what is printed or written", () => {
  test("by publish, with pins, sidecars and a bundle", async () => {
    await start("make");
    const ended = await run("publish", "app", "--to", `file://${work}/S`, "--pins", "pins.json", "--sidecar");
    expect(ended.code, ended.stderr).toBe(0);
    expect(sandbox.redactions).not.toEqual([]);
    await expectNoSecretAnywhere(ended);
    const verified = await run(
      "verify",
      "--pins",
      "pins.json",
      "--trusted-root",
      sandbox.trustedRootPath,
      "--org",
      "acme",
      "--pipeline",
      "app",
      "--any-ref",
    );
    expect(verified.code, verified.stderr).toBe(0);
    await expectNoSecretAnywhere(verified);
    const attested = await run("attest", "app", "--bundle", "app.json");
    expect(attested.code, attested.stderr).toBe(0);
    await expectNoSecretAnywhere(await run("inspect", "app.json"));
  });

  test.each(Object.keys(PLANTED))("when the step's command holds %s", async (name) => {
    const value = name === "DATABASE_URL" ? "planted-url-password" : (PLANTED[name] ?? "");
    await start(`deploy --with '${value}'`);
    const ended = await run("publish", "app", "--to", `file://${work}/S`);
    expect(ended.code, ended.stderr).toBe(20);
    expect(ended.stderr).toContain("ERR_SECRET_FOUND");
    await expectNoSecretAnywhere(ended);
  });

  test("when a service answers with the token it was sent", async () => {
    await start("make");
    for (const path of ["/api/v2/signingCert", "/agent/v3"]) {
      sandbox.faults.clear();
      sandbox.faults.add({
        path,
        effect: "status",
        status: 400,
        body: JSON.stringify({ message: secrets().join(" ") }),
      });
      const ended = await run("publish", "app", "--to", `file://${work}/S`);
      expect(ended.code).not.toBe(0);
      await expectNoSecretAnywhere(ended);
    }
  });

  test("when an argument holds one and is refused", async () => {
    await start("make");
    const password = PLANTED["TYPED_TOKEN"] ?? "";
    for (const args of [
      ["publish", "app", "--to", `nowhere://user:${password}@host/S`],
      ["publish", password, "--to", `file://${work}/S`],
      ["verify", "app", `--${password}`],
      [password],
    ]) {
      const ended = await run(...args);
      expect(ended.code).toBe(2);
      await expectNoSecretAnywhere(ended);
    }
  });

  test("when the identity token is given and unusable", async () => {
    await start("make");
    const token = sandbox.mintToken({ audience: "elsewhere" });
    await writeFile(join(work, "state", "keys", "token"), token);
    const ended = await run(
      "publish",
      "app",
      "--to",
      `file://${work}/S`,
      "--identity-token-file",
      join(work, "state/keys/token"),
    );
    expect(ended.code).toBe(2);
    for (const part of token.split(".").slice(1)) expect(ended.stderr + ended.stdout).not.toContain(part);
    await expectNoSecretAnywhere(ended);
  });
});
