// SPDX-License-Identifier: Apache-2.0
// Static credentials from `buildkite-agent secret get`, with an agent of this test's own and a double of S3: asked for once
// and only where they are needed, redacted before they are used, and nowhere but in this process's memory.
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isObject } from "../packages/cli/src/report/json-schema.testkit.ts";
import { ACCESS_KEY, type S3Double, startS3Double } from "./doubles/s3/server.ts";
import { type RunningJob, startJob } from "./support/job.ts";
import { runInProcess } from "./support/main.ts";
import type { Ended } from "./support/program.ts";

const VALUE = "planted/agent+secret/6b1f0c9d2e";
const NAMES = "AWS_ACCESS_KEY_ID=s3-key-id, AWS_SECRET_ACCESS_KEY=s3-secret-key";

let work: string;
let job: RunningJob;
let double: S3Double;

beforeEach(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-agent-")));
  await mkdir(join(work, "bin"));
  await writeFile(join(work, "app"), "app");
  job = await startJob([], join(work, "state"));
  double = await startS3Double();
  await agent(`case "$3" in s3-key-id) echo ${ACCESS_KEY};; s3-secret-key) echo '${VALUE}';; *) exit 1;; esac`);
});

afterEach(async () => {
  await double.close();
  await job.close();
  await rm(work, { recursive: true });
});

/** A `buildkite-agent` that notes its arguments and environment, then runs `script`. */
async function agent(script: string): Promise<void> {
  const path = join(work, "bin", "buildkite-agent");
  await writeFile(path, `#!/bin/sh\necho "$@" >> '${work}/asked'\nenv > '${work}/env'\n${script}\n`);
  await chmod(path, 0o755);
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const given = {
    ...job.env,
    PATH: "/usr/bin:/bin",
    BUILDKITE_BIN_PATH: join(work, "bin"),
    AWS_ENDPOINT_URL_S3: double.endpoint,
    KITESEAL_AGENT_SECRETS: NAMES,
    ...env,
  };
  return runInProcess({ args: [...args, "--debug"], cwd: work, env: given });
}

const doctor = (env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  run(["doctor", "--store", `s3://${double.bucketName}/`, "--format", "json"], env);

async function asked(): Promise<readonly string[]> {
  return (await readFile(join(work, "asked"), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
}

function codeOf({ stdout }: Ended): unknown {
  const report: unknown = JSON.parse(stdout);
  return isObject(report) && isObject(report["error"]) ? report["error"]["code"] : undefined;
}

describe("credentials from the agent's secrets", () => {
  test("are asked for once, used, redacted, and in no environment, argument or file", async () => {
    const before = JSON.stringify(process.env);
    const ended = await run(["publish", "app", "--to", `s3://${double.bucketName}/{build}/`, "--format", "json"]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(await asked()).toEqual([
      "secret get s3-key-id --format default --skip-redaction",
      "secret get s3-secret-key --format default --skip-redaction",
    ]);
    expect(job.sandbox.redactions).toEqual(expect.arrayContaining([ACCESS_KEY, VALUE]));
    expect(JSON.stringify(process.env)).toBe(before);
    expect(ended.stdout + ended.stderr).not.toContain(VALUE);
    expect(await readFile(join(work, "env"), "utf8")).not.toMatch(/KITESEAL_AGENT_SECRETS|AWS_/);
    for (const entry of await readdir(work, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || path.startsWith(join(work, "bin"))) continue;
      expect(await readFile(path, "latin1"), path).not.toContain(VALUE);
    }
  });

  test("are not asked for where no store reads them", async () => {
    const ended = await run(["publish", "app", "--to", `file://${work}/S/`]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(await asked()).toEqual([]);
  });

  test("are not signed", async () => {
    await job.close();
    job = await startJob(["--command", `deploy '${VALUE}'`], join(work, "other"));
    const ended = await run(["publish", "app", "--to", `s3://${double.bucketName}/{build}/`, "--format", "json"]);
    expect([ended.code, codeOf(ended)]).toEqual([20, "ERR_SECRET_FOUND"]);
    expect(ended.stdout + ended.stderr).not.toContain(VALUE);
  });

  test("are redacted before they are used", async () => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(...job.sandbox.redactions);
      request.resume();
      response.writeHead(403).end();
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("no address");
    await doctor({ AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${address.port}` });
    await new Promise<void>((resolve) => void server.close(() => resolve()));
    expect(seen.slice(0, 2)).toEqual([ACCESS_KEY, VALUE]);
  });

  test("that the agent cannot redact are used with a warning", async () => {
    const ended = await doctor({ BUILDKITE_AGENT_JOB_API_SOCKET: "" });
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stderr).toContain("AWS_SECRET_ACCESS_KEY");
  });
});

describe("no credentials", () => {
  test.each([
    ["an item that is none", "AWS_SECRET_ACCESS_KEY"],
    ["a variable that no store reads", "PATH=a"],
    ["a variable twice", "AWS_SECRET_ACCESS_KEY=a,AWS_SECRET_ACCESS_KEY=b"],
    ["an empty item", "AWS_SECRET_ACCESS_KEY=a,"],
    ["a name that begins like an option", "AWS_SECRET_ACCESS_KEY=--format"],
    ["a credential in place of a name", `AWS_SECRET_ACCESS_KEY=${VALUE}`],
    ["more than anybody writes", `AWS_SECRET_ACCESS_KEY=${"a".repeat(5000)}`],
  ])("for %s: exit 2", async (_, names) => {
    const ended = await doctor({ KITESEAL_AGENT_SECRETS: names });
    expect([ended.code, codeOf(ended)]).toEqual([2, "ERR_CONFIG_INVALID"]);
    expect(ended.stdout + ended.stderr).not.toContain(VALUE);
    expect(await asked()).toEqual([]);
  });

  test("where the variable is set as well: exit 2", async () => {
    const ended = await doctor({ AWS_ACCESS_KEY_ID: ACCESS_KEY });
    expect([ended.code, codeOf(ended)]).toEqual([2, "ERR_CONFIG_INVALID"]);
  });

  test("outside of a job: exit 2", async () => {
    const ended = await doctor({ BUILDKITE_JOB_ID: "" });
    expect([ended.code, codeOf(ended)]).toEqual([2, "ERR_NOT_IN_JOB"]);
  });

  test.each(["", "relative/bin", "/nowhere"])("without an agent (BUILDKITE_BIN_PATH=%s): exit 2", async (path) => {
    const ended = await doctor({ BUILDKITE_BIN_PATH: path });
    expect([ended.code, codeOf(ended)]).toEqual([2, "ERR_CONFIG_INVALID"]);
  });

  test.each([
    ["fails, with words of its own", `echo 'fatal: no such secret' >&2; exit 1`],
    ["fails after it printed the value", `echo '${VALUE}'; exit 1`],
    ["writes too much", "head -c 40000 /dev/zero | tr '\\0' a"],
  ])("from an agent that %s: exit 30", async (_, script) => {
    await agent(script);
    const ended = await doctor();
    expect(ended.code, ended.stderr).toBe(30);
    expect(ended.stdout).toContain("ERR_SECRET_UNAVAILABLE");
    expect(ended.stdout).toContain("AWS_ACCESS_KEY_ID");
    expect(ended.stdout).toContain("s3-key-id");
  });

  test("from an agent that fails after it printed the value, which is not shown", async () => {
    await agent(`echo '${VALUE}'; exit 1`);
    const ended = await doctor();
    expect(ended.stdout + ended.stderr).not.toContain(VALUE);
  });

  test.each([
    ["empty", "echo"],
    ["too short to be kept out of logs", "echo short"],
    ["no text", "printf 'abc\\000defghijk'"],
  ])("from a value that is %s: exit 2", async (_, script) => {
    await agent(script);
    const ended = await doctor();
    expect([ended.code, codeOf(ended)]).toEqual([2, "ERR_CONFIG_INVALID"]);
  });
});
