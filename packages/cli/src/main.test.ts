// SPDX-License-Identifier: Apache-2.0
// Command lines: refusals and outages, secrets, signals, bugs, the sandbox command. Each exit code.
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256Hex } from "@kiteseal/core";
import { describe, expect, test } from "vitest";
import { useFixture } from "./fixture.testkit.ts";
import type { SpawnRequest } from "./io.ts";

const fixture = useFixture();
const { cli, verify, published } = fixture;

describe("refusals and outages while signing", () => {
  test("other bytes at the destination are a conflict, and the same bytes are not", async () => {
    const store = await published();
    const argv = ["publish", "dist/*", "--to", `file://${store}/{build}`];
    expect(await cli(argv, { env: fixture.sandbox.jobEnv() })).toMatchObject({ code: 0 });
    await writeFile(join(store, "1", "dist", "app.tgz"), "the applicatioN");
    const ran = await cli(argv, { env: fixture.sandbox.jobEnv() });
    expect(ran.code).toBe(20);
    expect(ran.stderr).toContain("[ERR_STORE_CONFLICT]");
  });

  test("a conflict names both digests and the job that attested the first, and nothing is signed", async () => {
    const store = await published();
    const { jobId } = fixture.sandbox.job;
    await writeFile(join(fixture.root, "dist", "app.tgz"), "rebuilt");
    const { certificates } = fixture.sandbox.stats;
    const argv = ["publish", "dist/*", "--to", `file://${store}/{build}`];
    const ran = await cli(argv, { env: fixture.sandbox.jobEnv() });
    await writeFile(join(fixture.root, "dist", "app.tgz"), "the application");
    expect(ran.code).toBe(20);
    expect(ran.stderr).toContain("[ERR_STORE_CONFLICT]");
    for (const told of [sha256Hex("rebuilt"), sha256Hex("the application"), `job ${jobId}`]) {
      expect(ran.stderr).toContain(told);
    }
    expect(fixture.sandbox.stats.certificates).toBe(certificates);
  });

  test("an environment that disagrees with the token signs nothing", async () => {
    const ran = await cli(["publish", "dist/*", "--to", `file://${fixture.root}/liar`], {
      env: fixture.sandbox.jobEnv({ BUILDKITE_BRANCH: "release" }),
    });
    expect(ran.code).toBe(20);
    expect(ran.stderr).toContain("[ERR_JOB_MISMATCH]");
    expect(await readdir(fixture.root)).not.toContain("liar");
  });

  test("a store that cannot be read is undetermined", async () => {
    const store = await published();
    await rm(join(store, ".kiteseal", "bundles"), { recursive: true });
    expect(await verify([join(store, "1", "dist", "app.tgz")])).toMatchObject({ code: 30 });
  });
});

describe("secrets", () => {
  const SECRET = "hunter2-hunter2-hunter2";

  test("a planted secret and the job's tokens appear in no output, also with --debug", async () => {
    const env = fixture.sandbox.jobEnv({ DEPLOY_TOKEN: SECRET });
    const store = join(fixture.root, `store-${fixture.next()}`);
    const runs = [
      await cli(["publish", "dist/*", "--to", `file://${store}`, "--debug", "--format", "json"], { env }),
      await cli(["publish", "dist/*", "--to", `file://${store}/${SECRET}/{colour}`, "--debug"], { env }),
      await cli(["publish", `${SECRET}-*`, "--to", `file://${store}`, "--debug"], { env }),
      await verify([SECRET, "--debug"], { env: { DEPLOY_TOKEN: SECRET } }),
      await cli([SECRET, "--debug"], { env }),
    ];
    expect(runs.map(({ code }) => code)).toStrictEqual([0, 2, 2, 2, 2]);
    const access = env["BUILDKITE_AGENT_ACCESS_TOKEN"] ?? "";
    for (const { stdout, stderr } of runs) {
      for (const secret of [SECRET, access, Buffer.from(SECRET).toString("hex")])
        expect(stdout + stderr).not.toContain(secret);
    }
  });

  test("a secret in what would be signed is refused unless its variable is allowed by name", async () => {
    const env = fixture.sandbox.jobEnv({ DEPLOY_TOKEN: SECRET, BUILDKITE_COMMAND: `deploy ${SECRET}` });
    const argv = ["attest", "dist/app.tgz", "--bundle", "leak.json"];
    const ran = await cli(argv, { env });
    expect(ran.code).toBe(20);
    expect(ran.stderr).toContain("DEPLOY_TOKEN");
    expect(ran.stderr).not.toContain(SECRET);
    expect(await readdir(fixture.root)).not.toContain("leak.json");
    expect(await cli([...argv, "--leak-allow", "DEPLOY_TOKEN"], { env })).toMatchObject({ code: 0 });
  });
});

describe("signals and bugs", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])("%s exits with %i", async (name, code) => {
    expect(await verify(["dist"], { signal: AbortSignal.abort(name) })).toMatchObject({ code });
  });

  test("what is no KitesealError exits 1 and shows its stack only with --debug", async () => {
    const now = (): Date => {
      throw new RangeError("clock broke");
    };
    const quiet = await verify(["dist/app.tgz"], { now });
    expect(quiet.code).toBe(1);
    expect(quiet.stderr).not.toMatch(/ at .*\.ts/);
    expect((await verify(["dist/app.tgz", "--debug"], { now })).stderr).toMatch(/at .*\.ts/);
  });

  test("--wait asks again until the attestation is there", async () => {
    const bytes = join(fixture.root, "late.bin");
    await writeFile(bytes, "late");
    const waiting = verify(["late.bin", "--wait", "20s"]);
    expect(await cli(["attest", "late.bin", "--sidecar"], { env: fixture.sandbox.jobEnv() })).toMatchObject({
      code: 0,
    });
    expect(await waiting).toMatchObject({ code: 0 });
  });
});

describe("kiteseal sandbox", () => {
  test("runs a command as its job, ends with its exit code and says how to verify", async () => {
    const state = join(fixture.root, "own-sandbox");
    const shape = ["--org", "other", "--pipeline", "lib", "--branch", "dev", "--build", "7", "--state", state];
    const env = { BUILDKITE_BRANCH: "real", BUILDKITE_PARALLEL_JOB: "3", KITESEAL_POLICY: "x" };
    const ran = await cli(
      ["sandbox", ...shape, "--", "kiteseal", "publish", "dist/*", "--to", `file://${fixture.root}/own/{build}`],
      { env },
    );
    expect(ran.code).toBe(0);
    const line =
      /kiteseal (verify .*)$/m.exec(ran.stderr.split("\n").findLast((l) => l.startsWith("sandbox:")) ?? "")?.[1] ?? "";
    expect(await cli(line.split(" "))).toMatchObject({ code: 0 });
    expect(await cli(["sandbox", "--", "kiteseal", "verify"])).toMatchObject({ code: 2 });
  });

  test("nothing of a job around it reaches its command", async () => {
    const seen: Record<string, string | undefined>[] = [];
    const spawn = ({ env }: SpawnRequest): Promise<number> => {
      seen.push({ ...env });
      return Promise.resolve(0);
    };
    const env = { BUILDKITE_PARALLEL_JOB: "3", SIGSTORE_ID_TOKEN: "real", KITESEAL_POLICY: "x", HOME: "/home" };
    expect(await cli(["sandbox", "--", "true"], { env, spawn })).toMatchObject({ code: 0 });
    expect(seen[0]).toMatchObject({ HOME: "/home", BUILDKITE_PIPELINE_SLUG: "app" });
    expect(Object.keys(seen[0] ?? {})).not.toContain("BUILDKITE_PARALLEL_JOB");
    expect(Object.keys(seen[0] ?? {})).not.toContain("SIGSTORE_ID_TOKEN");
    expect(Object.keys(seen[0] ?? {})).not.toContain("KITESEAL_POLICY");
  });

  test("a program that is not there is an error of use", async () => {
    const spawn = (): Promise<number> => Promise.reject(Object.assign(new Error("spawn"), { code: "ENOENT" }));
    expect(await cli(["sandbox", "--", "no-such-program"], { spawn })).toMatchObject({ code: 2 });
  });

  test("without a command it stays until a signal", async () => {
    const controller = new AbortController();
    const ran = await cli(["sandbox"], { signal: controller.signal, onStderr: () => controller.abort("SIGINT") });
    expect(ran.code).toBe(130);
    expect(ran.stderr).toContain("job.env");
  });
});
