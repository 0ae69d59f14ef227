// SPDX-License-Identifier: Apache-2.0
// Bad input that is a matter of the moment or of the machine: a file replaced while it is published, an old Node, a signal.
import { mkdtemp, readdir, realpath, rename, rm, writeFile } from "node:fs/promises";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "@kiteseal/sandbox";
import { runBundle, runProgram, STUB } from "./support/program.ts";

let work: string;
let sandbox: Sandbox;

beforeEach(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-moments-")));
  sandbox = await startSandbox({ job: { organization: "acme", pipeline: "app", branch: "main" } });
  await writeFile(join(work, "app"), "app");
});

afterEach(async () => {
  await sandbox.close();
  await rm(work, { recursive: true });
});

const publish = (): readonly string[] => ["publish", "app", "--to", `file://${work}/S`];
const environment = (): Record<string, string> => ({ PATH: process.env["PATH"] ?? "", ...sandbox.jobEnv() });

/** Resolves once the certificate authority was asked, which is after the files were hashed; its answer is slow. */
async function signingHasBegun(): Promise<void> {
  while (!Object.keys(sandbox.stats.requests).some((route) => route.startsWith("fulcio"))) await turn();
}

function slowDown(delayMs: number): void {
  sandbox.faults.add({ path: "/api/v2/signingCert", effect: "delay", delayMs });
}

async function artifactsInStore(): Promise<readonly string[]> {
  const names = await readdir(join(work, "S"), { recursive: true }).catch(() => []);
  return names.filter((name) => !name.startsWith(".kiteseal"));
}

describe("a file that is not the one that was hashed", () => {
  test.each([
    [
      "replaced",
      () => writeFile(join(work, "other"), "ape").then(() => rename(join(work, "other"), join(work, "app"))),
    ],
    ["overwritten", () => writeFile(join(work, "app"), "ape")],
    ["extended", () => writeFile(join(work, "app"), "app, and more")],
  ])("%s during the run: exit 30, and nothing under its name", async (_, change) => {
    slowDown(500);
    const ended = runBundle({ args: publish(), cwd: work, env: environment() });
    await signingHasBegun();
    await change();
    const { code, stderr } = await ended;
    expect(code, stderr).toBe(30);
    expect(stderr).toContain("ERR_FILE_CHANGED");
    expect(await artifactsInStore()).toEqual([]);
  });
});

describe("a signal", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends the run with %i and leaves no artifact", async (signal, code) => {
    slowDown(20_000);
    const child = spawn(process.execPath, [STUB, ...publish()], { cwd: work, env: environment(), stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("close", resolve));
    await signingHasBegun();
    child.kill(signal);
    expect(await ended).toBe(code);
    expect(await artifactsInStore()).toEqual([]);
  });
});

test.each(["20.20.2", "22.22.2", "24.14.9", "25.9.0"])(
  "Node %s is refused in one sentence, exit 2",
  async (version) => {
    const pretend = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } })`;
    const args = ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`, STUB, "--version"];
    const { code, stdout, stderr } = await runProgram(process.execPath, { args, cwd: work, env: environment() });
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(version);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  },
);
