// SPDX-License-Identifier: Apache-2.0
// What `fetch --with-bundle` may leave in a folder at any moment: the directory `out`, whole and verifying without the store,
// or none; and beside it only leftovers that say what they are.
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { expect } from "vitest";
import { runBundle } from "./program.ts";

const LEFTOVER = /^\.kiteseal-fetch-[0-9a-f]{12}-[0-9a-f]{32}$/;

export interface ToFetch {
  readonly contents: ReadonlyMap<string, Buffer>;
  /** Flags of `verify`. */
  readonly rule: readonly string[];
  /** Of a machine that knows no store. */
  readonly env: Readonly<Record<string, string>>;
}

/** How many artifacts are in `out`: all of them or, where it is not there, none. */
export async function expectFetched(folder: string, { contents, rule, env }: ToFetch): Promise<number> {
  const beside = await readdir(folder);
  expect(beside.filter((name) => name !== "out" && !LEFTOVER.test(name))).toEqual([]);
  if (!beside.includes("out")) return 0;
  const output = join(folder, "out");
  const entries = await readdir(output, { recursive: true, withFileTypes: true });
  const files = entries.filter((e) => e.isFile()).map((e) => relative(output, join(e.parentPath, e.name)));
  const names = [...contents.keys()].flatMap((name) => [name, `${name}.sigstore.json`]);
  expect(files.toSorted()).toEqual(names.toSorted());
  for (const [name, content] of contents) expect((await readFile(join(output, name))).equals(content), name).toBe(true);
  const verified = await runBundle({ args: ["verify", ".", ...rule], cwd: output, env });
  expect(verified.code, verified.stderr).toBe(0);
  return contents.size;
}
