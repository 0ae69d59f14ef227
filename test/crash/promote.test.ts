// SPDX-License-Identifier: Apache-2.0
// kill -9 at each step of promote to a file store: what is visible at the destination verifies from there alone, and
// another run ends what the first began.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NAMES, type Published } from "../attacks/promotion.ts";
import { publishForPromotion } from "../attacks/promotion-published.ts";
import { runInProcess } from "../support/main.ts";
import { type Ended, runProgram } from "../support/program.ts";

const CHILD = join(import.meta.dirname, "promote-child.ts");

let published: Published & AsyncDisposable;

beforeAll(async () => {
  published = await publishForPromotion();
});
afterAll(() => published[Symbol.asyncDispose]());

function runChild(destination: string, dieAt: number): Promise<Ended> {
  const { folder, trustedRoot, work } = published;
  const args = [CHILD, folder, destination, trustedRoot, String(dieAt)];
  return runProgram(process.execPath, { args, cwd: work, env: { PATH: process.env["PATH"] ?? "" } });
}

/** Names of the artifacts that a reader sees: whole, and verified by what lies below the root; sidecars are taken away. */
async function expectSound(destination: string): Promise<readonly string[]> {
  for (const name of NAMES) await rm(join(destination, `${name}.sigstore.json`), { force: true });
  const entries = await readdir(destination, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith(".kiteseal-tmp-"))
    .map((entry) => relative(destination, join(entry.parentPath, entry.name)))
    .filter((name) => !name.startsWith(".kiteseal/"))
    .toSorted();
  const who = ["--trusted-root", published.trustedRoot, "--org", "acme", "--pipeline", "app", "--branch", "main"];
  for (const name of names) {
    expect(await readFile(join(destination, name), "utf8")).toBe(`the bytes of ${name}`);
    const args = [
      "verify",
      `file://${destination}/${name}`,
      "--attestations",
      `file://${destination}/.kiteseal`,
      ...who,
    ];
    expect((await runInProcess({ args, cwd: published.work, env: {} })).code).toBe(0);
  }
  return names;
}

test("promote that is killed before or after any call of the store can be repeated, and shows nothing unattested", async () => {
  const reference = await mkdtemp(join(published.work, "to-"));
  const moments = Number((await runChild(reference, 0)).stdout);
  expect(moments).toBeGreaterThan(4 * NAMES.length);
  expect(await expectSound(reference)).toEqual(NAMES);
  const seen = new Set<number>();
  for (let dieAt = 1; dieAt <= moments; dieAt += 1) {
    const destination = await mkdtemp(join(published.work, "to-"));
    expect((await runChild(destination, dieAt)).code, `moment ${dieAt}`).toBe(137);
    seen.add((await expectSound(destination)).length);
    expect((await runChild(destination, 0)).code, `rerun after moment ${dieAt}`).toBe(0);
    expect(await expectSound(destination), `rerun after moment ${dieAt}`).toEqual(NAMES);
  }
  expect(seen).toEqual(new Set([0, 1, 2]));
});
