// SPDX-License-Identifier: Apache-2.0
// Faults of a directory that no wire shows. Links, killed writers and permissions: adapter.test.ts, crash.test.ts.
import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, realpath, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestStream, parseKey } from "@kiteseal/core/store";
import type { Key, Store } from "@kiteseal/core/store";
import { expectCode, readAll, sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { createFileAdapter } from "./adapter.ts";

const run = promisify(execFile);
const CHILD = fileURLToPath(new URL("full-child.testkit.ts", import.meta.url));
const ctx = testContext();

describe("a directory under faults", () => {
  let root: string;
  let base: string;
  let store: Store;
  const key = (relative: string): Key => parseKey(`${base.slice(1)}/${relative}`);
  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-faults-")));
    base = `${root}/base`;
    await mkdir(base);
    store = createStore(createFileAdapter(base), {});
  });
  afterEach(() => rm(root, { recursive: true }));

  test("a write that the disk does not take leaves nothing, and the same run again completes", async () => {
    await mkdir(`${base}/d`);
    await writeFile(`${base}/d/foreign`, "not ours");
    const limited = await run("sh", ["-c", 'ulimit -f 1; exec "$0" "$@"', process.execPath, CHILD, base]);
    expect(limited.stdout).toBe("ERR_STORE_UNAVAILABLE");
    expect(await readdir(`${base}/d`)).toEqual(["foreign"]);
    expect((await run(process.execPath, [CHILD, base])).stdout).toBe("created");
    expect(await readFile(`${base}/d/foreign`, "utf8")).toBe("not ours");
  });

  test("a name that differs only in case from another is an object of its own, or a conflict; never a replacement", async () => {
    await store.put(key("Main"), { source: sourceOf("first") }, ctx);
    const second = await store.put(key("main"), { source: sourceOf("other") }, ctx).catch((error: unknown) => error);
    const first = await store.head(key("Main"), ctx);
    if (first === undefined) throw new Error("the first is gone");
    expect(await readAll(store.get(first, { maxBytes: first.size }, ctx))).toBe("first");
    const foldsCase = (await readdir(base)).length === 1;
    expect(second).toMatchObject(foldsCase ? { code: "ERR_STORE_CONFLICT" } : { outcome: "created" });
  });

  test.each([
    ["a NUL", "a\u0000b"],
    ["a control", "a\u001fb"],
    ["DEL", "a\u007fb"],
    ["half a surrogate pair", "a\ud800"],
    ["a component of 256 bytes", "k".repeat(256)],
    ["the name of a temporary", `.kiteseal-tmp-${"0".repeat(32)}`],
    ["two slashes", "a//b"],
    ["a step up", "a/../b"],
  ])("a key with %s is refused, and nothing is written", async (_, name) => {
    const bad = `${base.slice(1)}/${name}` as Key;
    await expectCode(store.put(bad, { source: sourceOf("x") }, ctx), "ERR_KEY_INVALID");
    expect(await readdir(base)).toEqual([]);
  });

  test("a large sparse file is copied in without being held in memory", async () => {
    const size = 256 * 1_048_576;
    await writeFile(`${root}/sparse`, "");
    await truncate(`${root}/sparse`, size);
    const open = (): AsyncIterable<Uint8Array> => createReadStream(`${root}/sparse`);
    const { digests } = await digestStream(open(), store.digestPlan(size), ctx);
    const source = { size, digests, open };
    const before = process.memoryUsage().rss;
    const { object } = await store.put(key("sparse"), { source }, ctx);
    let read = 0;
    for await (const chunk of store.get(object, { maxBytes: size }, ctx)) read += chunk.length;
    expect(read).toBe(size);
    expect(process.memoryUsage().rss - before).toBeLessThan(size / 2);
  });
});
