// SPDX-License-Identifier: Apache-2.0
// kill -9 at each step of fetch, and a disk that is full at each size. The directory is not there, or it is whole and
// verifies without the store; beside it lies at most a leftover that says what it is; a second run does what the first began.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "@kiteseal/sandbox";
import { expectFetched } from "../support/fetched.ts";
import { type Ended, runBundle, runProgram, STUB } from "../support/program.ts";

const DIE_AT = pathToFileURL(join(import.meta.dirname, "die-at.ts")).href;
const CONTENTS: ReadonlyMap<string, Buffer> = new Map([
  ["dist/app", Buffer.alloc(300_000, "a")],
  ["dist/empty", Buffer.alloc(0)],
  ["notes", Buffer.from("notes")],
]);

let work: string;
let sandbox: Sandbox;
let rule: readonly string[];
const env = { PATH: process.env["PATH"] ?? "" };

beforeAll(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-crash-fetch-")));
  sandbox = await startSandbox({ job: { organization: "acme", pipeline: "app", branch: "main" } });
  rule = ["--trusted-root", sandbox.trustedRootPath, "--org", "acme", "--pipeline", "app", "--branch", "main"];
  await mkdir(join(work, "files/dist"), { recursive: true });
  for (const [name, content] of CONTENTS) await writeFile(join(work, "files", name), content);
  const args = ["publish", "dist/*", "notes", "--to", `file://${work}/store`];
  const ended = await runBundle({ args, cwd: join(work, "files"), env: { ...env, ...sandbox.jobEnv() } });
  expect(ended.code, ended.stderr).toBe(0);
});

afterAll(async () => {
  await sandbox.close();
  await rm(work, { recursive: true });
});

function fetchArgs(folder: string): readonly string[] {
  const what = [`file://${work}/store/`, "--recursive", "--with-bundle", "--output", join(folder, "out")];
  return ["fetch", ...what, ...rule];
}

async function fetchDyingAt(folder: string, moment: number): Promise<Ended & { moments: number }> {
  const count = join(work, "moments");
  const ended = await runProgram(process.execPath, {
    args: ["--import", DIE_AT, STUB, ...fetchArgs(folder)],
    cwd: work,
    env: { ...env, DIE_BELOW: folder, DIE_AT: String(moment), DIE_COUNT: count },
  });
  return { ...ended, moments: ended.code === 0 ? Number(await readFile(count, "utf8")) : 0 };
}

const expectSound = async (folder: string): Promise<boolean> =>
  (await expectFetched(folder, { contents: CONTENTS, rule, env })) > 0;

const newFolder = (): Promise<string> => mkdtemp(join(work, "folder-"));

describe("fetch that is killed", () => {
  test("before any step leaves no directory, or all of it", async () => {
    const { moments } = await fetchDyingAt(await newFolder(), 0);
    expect(moments).toBeGreaterThan(30);
    const seen = new Set<boolean>();
    for (let moment = 1; moment <= moments; moment += 1) {
      const folder = await newFolder();
      const ended = await fetchDyingAt(folder, moment);
      // Files are received at once: a run may have fewer steps left than the one that was counted.
      expect([137, 0], `moment ${moment}: ${ended.stderr}`).toContain(ended.code);
      const isThere = await expectSound(folder);
      seen.add(isThere);
      if (moment % 8 !== 0 || isThere) continue;
      const again = await runBundle({ args: fetchArgs(folder), cwd: work, env });
      expect(again.code, again.stderr).toBe(0);
      expect(await expectSound(folder)).toBe(true);
    }
    expect(seen).toEqual(new Set([true, false]));
  });

  test("at any time of the real command leaves the same", async () => {
    for (let run = 0; run < 8; run += 1) {
      const folder = await newFolder();
      const child = spawn(process.execPath, [STUB, ...fetchArgs(folder)], { cwd: work, env, stdio: "ignore" });
      const ended = new Promise((resolve) => child.once("close", resolve));
      await Promise.race([after(100 + Math.random() * 400), ended]);
      child.kill("SIGKILL");
      await ended;
      await expectSound(folder);
    }
  });
});

describe("a disk that is full", () => {
  test.each([0, 4, 64, 512])("after %d blocks: no verdict, and nothing is left", async (blocks) => {
    const folder = await newFolder();
    const limited = 'ulimit -f "$0" && exec "$@"';
    const args = ["-c", limited, String(blocks), process.execPath, STUB, ...fetchArgs(folder)];
    const ended = await runProgram("sh", { args, cwd: work, env });
    expect(ended.code, ended.stderr).toBe(2);
    expect(ended.stderr).toContain("ERR_OUTPUT");
    expect(await readdir(folder)).toEqual([]);
  });

  test("that has room enough is no obstacle", async () => {
    const folder = await newFolder();
    const args = ["-c", 'ulimit -f "$0" && exec "$@"', "1024", process.execPath, STUB, ...fetchArgs(folder)];
    expect(await runProgram("sh", { args, cwd: work, env })).toMatchObject({ code: 0 });
    expect(await expectSound(folder)).toBe(true);
  });
});
