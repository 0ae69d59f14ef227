// SPDX-License-Identifier: Apache-2.0
// What lies beside a file as its attestation: one (.sigstore.json), or several in lines (.sigstore.jsonl). Whoever writes the
// store writes these.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { onlyBundle, useFixture } from "./fixture.testkit.ts";

const { published, verify } = useFixture();

/** Exit code for an artifact with nothing but these files beside it; `good` stands for a bundle that passes. */
async function beside(files: Readonly<Record<string, (good: string) => string>>): Promise<readonly [number, string]> {
  const store = await published();
  const good = await readFile(await onlyBundle(store), "utf8");
  await rm(join(store, ".kiteseal"), { recursive: true });
  const path = join(store, "1", "dist", "app.tgz");
  for (const [suffix, content] of Object.entries(files)) await writeFile(path + suffix, content(good));
  const { code, stderr } = await verify([path]);
  return [code, stderr];
}

const LINES = ".sigstore.jsonl";
const ONE = ".sigstore.json";

test("one of several is enough, and junk among them hides nothing", async () => {
  expect((await beside({ [LINES]: (good) => `{}\n${good.trim()}\n{"a":1}\n` }))[0]).toBe(0);
  expect((await beside({ [LINES]: (good) => good }))[0]).toBe(0);
});

test("junk alone is refused, nothing is nothing, and what may hide more is no verdict", async () => {
  expect((await beside({ [LINES]: () => "{}\n{}\n" }))[0]).toBe(20);
  expect((await beside({ [LINES]: () => "" }))[0]).toBe(20);
  expect((await beside({}))[0]).toBe(21);
  expect((await beside({ [LINES]: (good) => `${"{}\n".repeat(100)}${good}` }))[0]).toBe(30);
});

test("the one that other clients look for goes first", async () => {
  expect((await beside({ [ONE]: (good) => good, [LINES]: () => "{}\n" }))[0]).toBe(0);
  const [code, stderr] = await beside({ [ONE]: () => "{}", [LINES]: (good) => good });
  expect(code).toBe(20);
  expect(stderr).toContain("ERR_BUNDLE_INVALID");
});

test("a directory of that name is no attestation", async () => {
  const store = await published();
  await rm(join(store, ".kiteseal"), { recursive: true });
  const path = join(store, "1", "dist", "app.tgz");
  await mkdir(path + LINES);
  expect((await verify([path])).code).toBe(21);
});
