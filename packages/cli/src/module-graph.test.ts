// SPDX-License-Identifier: Apache-2.0
// What `verify --org … --trusted-root F FILE` loads, from the bundler's own graph: everything imported statically from the
// program, the command, its text report and the file store.
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import { beforeAll, expect, test } from "vitest";

const SOURCES = fileURLToPath(new URL(".", import.meta.url));
const UNWANTED =
  /core\/dist\/(?:signing|sign\.js)|operations\/(?:attest|publish)|sandbox\/|node_modules\/(?:zod|yaml|tuf-js|@sigstore\/tuf|@aws-sdk|@google-cloud|@azure|@peculiar)\//;
let graph: Metafile["inputs"];

beforeAll(async () => {
  const result = await build({
    entryPoints: [`${SOURCES}bin.ts`],
    absWorkingDir: SOURCES,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    outdir: "out",
    write: false,
    metafile: true,
  });
  graph = result.metafile.inputs;
});

function loaded(...starts: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const queue = starts.map((end) => Object.keys(graph).find((path) => path.endsWith(end)) ?? `no ${end}`);
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const { path: next, kind, external } of graph[path]?.imports ?? []) {
      if (kind !== "dynamic-import" && external !== true) queue.push(next);
    }
  }
  return seen;
}

test("verify loads nothing that signs, and no TUF, zod, yaml, SDK or sandbox", () => {
  const modules = [
    ...loaded("bin.ts", "commands/verify.ts", "report/text.ts", "storage-adapters/dist/file/adapter.js"),
  ];
  expect(modules.length).toBeGreaterThan(50);
  expect(modules.filter((path) => UNWANTED.test(path))).toStrictEqual([]);
});

test.each(["promote", "find"])("%s loads nothing that signs, and no TUF, zod, yaml, SDK or sandbox", (name) => {
  const modules = [...loaded("bin.ts", `commands/${name}.ts`, "storage-adapters/dist/file/adapter.js")];
  expect(modules.some((path) => path.includes("core/dist/operations/"))).toBe(true);
  expect(modules.filter((path) => UNWANTED.test(path))).toStrictEqual([]);
});

test("verify loads nothing that fetches, which fetch does", () => {
  const fetching = /core\/dist\/(?:operations\.js|operations\/fetch|artifact\/staging|store\/receive)/;
  const wanted = (...starts: readonly string[]): boolean => [...loaded(...starts)].some((path) => fetching.test(path));
  expect(wanted("bin.ts", "commands/verify.ts", "report/text.ts")).toBe(false);
  expect(wanted("bin.ts", "commands/policy-explain.ts")).toBe(false);
  expect(wanted("commands/fetch.ts")).toBe(true);
});

test("fetch loads nothing that signs", () => {
  const signing = /core\/dist\/(?:signing|sign\.js)|operations\/(?:attest|publish)/;
  expect([...loaded("bin.ts", "commands/fetch.ts")].filter((path) => signing.test(path))).toStrictEqual([]);
});

test("the program itself loads no command", () => {
  expect([...loaded("bin.ts")].filter((path) => /commands\/(?!table|command\b)/.test(path))).toStrictEqual([]);
});

test("signing commands do load what signs, so that this test can tell", () => {
  expect([...loaded("commands/publish.ts")].some((path) => path.includes("core/dist/signing/"))).toBe(true);
});
