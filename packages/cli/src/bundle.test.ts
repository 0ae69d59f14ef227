// SPDX-License-Identifier: Apache-2.0
// The program as it is shipped: bundled, in a process of its own, with the streams and exit codes of a real one.
import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { useFixture, WHO } from "./fixture.testkit.ts";
import type { Ran } from "./io.testkit.ts";

const fixture = useFixture();
let program: string;

function node(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { cwd: fixture.root, env: { PATH: process.env["PATH"] ?? "", ...env } };
    const child = execFile(process.execPath, [...argv], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

beforeAll(async () => {
  const directory = join(fixture.root, "program");
  await mkdir(directory);
  expect(await node([fileURLToPath(new URL("../build.mjs", import.meta.url)), directory])).toMatchObject({
    code: 0,
    stderr: "",
  });
  program = join(directory, "bin.mjs");
});

test("publishes and verifies by flags, by a policy, with a configuration file", async () => {
  const store = `file://${fixture.root}/bundled`;
  const made = await node([program, "publish", "dist/*", "--to", `${store}/{build}`], fixture.sandbox.jobEnv());
  expect(made).toMatchObject({ code: 0, stdout: "" });
  const target = [program, "verify", store, "--recursive", ...fixture.roots(), "--format", "json"];
  expect(await node([...target, ...WHO])).toMatchObject({ code: 0, stderr: "" });
  await writeFile(
    join(fixture.root, "policy.yaml"),
    "version: 1\nrules:\n  all:\n    artifacts: ['**']\n    builder: { organization: acme, pipeline: app }\n    source: { branch: main }\n",
  );
  await writeFile(join(fixture.root, "kiteseal.yaml"), "format: json\n");
  expect(await node([...target, "--policy", "policy.yaml"])).toMatchObject({ code: 0, stderr: "" });
  await writeFile(join(fixture.root, "kiteseal.yaml"), "policy: policy.yaml\n");
  expect(await node([...target, ...WHO])).toMatchObject({ code: 2 });
  await rm(join(fixture.root, "kiteseal.yaml"));
});

test("has Google's federation in it", async () => {
  const env = {
    ...fixture.sandbox.jobEnv(),
    KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER: "projects/1/locations/global/workloadIdentityPools/p/providers/b",
    KITESEAL_GCP_TOKEN_URL: "http://127.0.0.1:1/token",
    KITESEAL_GCS_ENDPOINT: "http://127.0.0.1:1",
  };
  expect(await node([program, "verify", "gs://bucket/app.tgz", ...fixture.roots(), ...WHO], env)).toMatchObject({
    code: 30,
  });
});

test("a proxy that is none is said to be, without its address", async () => {
  const ran = await node([program, "--version"], { HTTPS_PROXY: "hunter2-garbage" });
  expect(ran.code).toBe(2);
  expect(ran.stderr).not.toContain("hunter2");
});

test("authenticates in threads of its own, beside the program", async () => {
  await mkdir(join(fixture.root, "parts"));
  for (let i = 0; i < 48; i++) await writeFile(join(fixture.root, "parts", `f${i}`), `part ${i}`);
  const store = `file://${fixture.root}/parts-store`;
  const made = ["publish", "parts/*", "--statement", "per-artifact", "--to", store];
  expect(await node([program, ...made], fixture.sandbox.jobEnv())).toMatchObject({ code: 0 });
  const ran = await node([program, "verify", store, "--recursive", ...fixture.roots(), ...WHO, "--format", "json"]);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(ran.stdout)).toMatchObject({ tally: { verified: 48 } });
});

test("a sandbox runs a command with its own exit code", async () => {
  const command = [process.execPath, "-e", "process.exit(process.env.BUILDKITE_PIPELINE_SLUG === 'lib' ? 7 : 8)"];
  expect(await node([program, "sandbox", "--pipeline", "lib", "--", ...command])).toMatchObject({ code: 7 });
});
