// SPDX-License-Identifier: Apache-2.0
// What the bundled command loads at run time: verifying by flags loads nothing that signs, and no reader of human formats.
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "@kiteseal/sandbox";
import { runProgram, STUB } from "./support/program.ts";

const RECORDER = new URL("support/record-modules.ts", import.meta.url).href;

let work: string;
let sandbox: Sandbox;

beforeAll(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-modules-")));
  sandbox = await startSandbox({ job: { organization: "acme", pipeline: "app", branch: "main" } });
  await writeFile(join(work, "app"), "app");
});

afterAll(async () => {
  await sandbox.close();
  await rm(work, { recursive: true });
});

/** Source files in what the command loaded: esbuild names each above its part of a chunk. */
async function loadedBy(args: readonly string[], env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const record = join(work, "modules.txt");
  const ended = await runProgram(process.execPath, {
    args: ["--import", RECORDER, STUB, ...args],
    cwd: work,
    env: { PATH: process.env["PATH"] ?? "", ...env, RECORD_MODULES: record },
  });
  expect(ended.code, ended.stderr).toBe(0);
  const urls = (await readFile(record, "utf8")).split("\n").filter(Boolean);
  const chunks = urls.filter((url) => url.startsWith("file:") && url.endsWith(".mjs") && url.includes("/dist/"));
  const texts = await Promise.all(chunks.map((url) => readFile(fileURLToPath(url), "utf8")));
  const inputs = texts.flatMap((text) =>
    [...text.matchAll(/^\/\/ ((?:\.\.\/|src\/)\S+)$/gm)].map(([, path = ""]) => path),
  );
  return [...inputs, ...urls.filter((url) => url.includes("/node_modules/"))];
}

describe("the bundle", () => {
  const SIGNING =
    /core\/(?:src|dist)\/(?:signing\/|operations\/(?:attest|publish|sign-)|buildkite\/(?:token-source|agent-api))/;
  const FETCHING = /core\/(?:src|dist)\/(?:operations\/fetch|artifact\/staging|store\/receive)/;
  const HUMAN_FORMATS = /node_modules\/(?:zod|yaml)\//;
  const NEVER =
    /\/(?:tuf-js|@tufjs|@sigstore\/(?:tuf|sign)|@aws-sdk|@smithy|@google-cloud|@azure)\/|sandbox\/(?:src|dist)\//;

  test("publish loads what signs, so that the absence of it means something", async () => {
    const publish = await loadedBy(["publish", "app", "--to", `file://${work}/S`], sandbox.jobEnv());
    expect(publish.filter((path) => SIGNING.test(path))).not.toEqual([]);
    expect(publish.filter((path) => NEVER.test(path))).toEqual([]);
    expect(publish.filter((path) => HUMAN_FORMATS.test(path))).toEqual([]);
  });

  test("verify by flags loads no signing code, TUF, zod, yaml, sandbox or SDK", async () => {
    const rule = ["--org", "acme", "--pipeline", "app", "--branch", "main"];
    const args = [
      "verify",
      "app",
      "--attestations",
      `file://${work}/S/.kiteseal`,
      "--trusted-root",
      sandbox.trustedRootPath,
    ];
    const loaded = await loadedBy([...args, ...rule], {});
    expect(loaded.filter((path) => path.includes("verification/"))).not.toEqual([]);
    for (const pattern of [SIGNING, FETCHING, HUMAN_FORMATS, NEVER]) {
      expect(
        loaded.filter((path) => pattern.test(path)),
        pattern.source,
      ).toEqual([]);
    }
  });

  test("fetch loads what fetches, and nothing that signs", async () => {
    const rule = ["--org", "acme", "--pipeline", "app", "--branch", "main"];
    const args = ["fetch", `file://${work}/S/app`, "--output", "fetched", "--trusted-root", sandbox.trustedRootPath];
    const loaded = await loadedBy([...args, ...rule], {});
    expect(loaded.filter((path) => FETCHING.test(path))).not.toEqual([]);
    for (const pattern of [SIGNING, HUMAN_FORMATS, NEVER])
      expect(
        loaded.filter((path) => pattern.test(path)),
        pattern.source,
      ).toEqual([]);
  });

  test("verify by a policy file loads what reads it", async () => {
    const policy =
      "version: 1\nrules:\n  app:\n    artifacts: app\n    builder: { organization: acme, pipeline: app }\n    source: { branch: main }\n";
    await writeFile(join(work, "policy.yaml"), policy);
    const args = [
      "verify",
      "app",
      "--attestations",
      `file://${work}/S/.kiteseal`,
      "--trusted-root",
      sandbox.trustedRootPath,
    ];
    const loaded = await loadedBy([...args, "--policy", "policy.yaml", "--policy-from-checkout"], {});
    expect(loaded.filter((path) => HUMAN_FORMATS.test(path))).not.toEqual([]);
    expect(loaded.filter((path) => SIGNING.test(path))).toEqual([]);
  });
});
