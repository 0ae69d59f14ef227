// SPDX-License-Identifier: Apache-2.0
// kill -9 before every file system call of a put; and the order of the calls that durability rests on.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import { openStore } from "../index.ts";
import { listKeys, testContext } from "../store-contract.testkit.ts";
import { CONTENT, sourceOf } from "./crash-source.testkit.ts";

const CHILD = fileURLToPath(new URL("crash-child.testkit.ts", import.meta.url));
const KEY = "new/dist/app";

interface Ended {
  readonly signal: string | undefined;
  readonly outcome: string | undefined;
  readonly calls: readonly string[];
}

function runChild(base: string, dieBefore: number, killAfterMs?: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [CHILD, base, KEY, String(dieBefore)], (error, stdout, stderr) => {
      clearTimeout(timer);
      const [outcome, ...calls] = stdout.trim().split("\n");
      if (error !== null && error.signal !== "SIGKILL") reject(new Error(stderr, { cause: error }));
      else resolve({ signal: error?.signal ?? undefined, outcome, calls });
    });
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs);
  });
}

describe("a put that is killed", () => {
  let base: string;
  beforeEach(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-crash-")));
  });
  afterEach(() => rm(base, { recursive: true }));

  /** Whole under its name or not there; nothing else but temporaries; and the same put completes it. */
  async function expectWholeOrNothing(): Promise<"whole" | "nothing"> {
    const { store, prefix } = await openStore(`file://${base}`, { env: {}, now: () => new Date(0) });
    const ctx = testContext();
    const before = await store.head(parseKey(prefix + KEY), ctx);
    expect(await listKeys(store, prefix)).toEqual(before === undefined ? [] : [prefix + KEY]);
    if (before !== undefined) expect(Buffer.compare(await readFile(`${base}/${KEY}`), CONTENT)).toBe(0);
    const again = await store.put(parseKey(prefix + KEY), { source: sourceOf() }, ctx);
    expect(again.outcome).toBe(before === undefined ? "created" : "exists-same");
    expect(Buffer.compare(await readFile(`${base}/${KEY}`), CONTENT)).toBe(0);
    return before === undefined ? "nothing" : "whole";
  }

  test("before any of its file system calls leaves the whole object or none, and can be repeated", async () => {
    const { calls } = await runChild(base, 0);
    expect(calls.at(-1)).toBe("done");
    const found: string[] = [];
    for (let n = 1; n <= calls.length; n += 1) {
      await rm(`${base}/new`, { recursive: true });
      const ended = await runChild(base, n);
      expect(ended.signal, `call ${n}: ${calls[n - 1]}`).toBe("SIGKILL");
      found.push(await expectWholeOrNothing());
    }
    const linked = calls.findIndex((call) => call.startsWith("link "));
    expect(found).toEqual(calls.map((_, i) => (i <= linked ? "nothing" : "whole")));
  });

  test("at any moment leaves the whole object or none", async () => {
    for (let run = 0; run < 8; run += 1) {
      await rm(`${base}/new`, { recursive: true, force: true });
      await runChild(base, 0, Math.random() * 150);
      await expectWholeOrNothing();
    }
  });

  test("is durable when it returns: file before link, name and each new directory after it was made", async () => {
    const { outcome, calls } = await runChild(base, 0);
    expect(outcome).toBe("created");
    const at = (call: string, from = 0): number => {
      const index = calls.indexOf(call, from);
      expect(index, call).toBeGreaterThanOrEqual(0);
      return index;
    };
    const temporary = "/new/dist/TEMPORARY";
    expect(at(`sync ${temporary}`)).toBeGreaterThan(calls.lastIndexOf(`write ${temporary}`));
    expect(at(`link ${temporary} /${KEY}`)).toBeGreaterThan(at(`sync ${temporary}`));
    expect(at("sync /new/dist", at(`link ${temporary} /${KEY}`))).toBeGreaterThan(at(`unlink ${temporary}`));
    expect(at("sync ", at("mkdir /new"))).toBeLessThan(at("mkdir /new/dist"));
    expect(at("sync /new", at("mkdir /new/dist"))).toBeLessThan(at(`open ${temporary}`));
  });

  test("does not keep exists-same from being durable: the file and its name are synced before it is said", async () => {
    await runChild(base, 0);
    const { outcome, calls } = await runChild(base, 0);
    expect(outcome).toBe("exists-same");
    const refused = calls.findIndex((call) => call.startsWith("link "));
    expect(calls.indexOf(`sync /${KEY}`, refused)).toBeGreaterThan(refused);
    expect(calls.indexOf("sync /new/dist", refused)).toBeGreaterThan(refused);
    expect(await readdir(`${base}/new/dist`)).toEqual(["app"]);
  });
});
