// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { Key, Store } from "@kiteseal/core/store";
import { putRequest } from "../adapter-contract.testkit.ts";
import { bytesOf, expectCode, listKeys, readAll, sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { createFileAdapter } from "./adapter.ts";

const ctx = testContext();
const temporaryDirectory = async (): Promise<string> => realpath(await mkdtemp(join(tmpdir(), "kiteseal-file-")));

describe("the file adapter", () => {
  let root: string;
  let base: string;
  let store: Store;
  const key = (relative: string): Key => parseKey(`${base.slice(1)}/${relative}`);
  const put = (relative: string, content = "x") => store.put(key(relative), { source: sourceOf(content) }, ctx);

  beforeEach(async () => {
    root = await temporaryDirectory();
    base = `${root}/base`;
    await mkdir(base);
    store = createStore(createFileAdapter(base), {});
  });
  afterEach(() => rm(root, { recursive: true }));

  test("leaves exactly the object, readable, with one link and a pin of device, inode, size and time", async () => {
    const { object } = await put("dist/app", "abc");
    expect(await readdir(`${base}/dist`)).toEqual(["app"]);
    const found = await stat(`${base}/dist/app`, { bigint: true });
    expect(found.nlink).toBe(1n);
    expect(Number(found.mode & 0o777n)).toBe(0o644 & ~process.umask());
    expect(object.pin).toBe(`${found.dev}:${found.ino}:3:${found.mtimeNs}`);
  });

  test("makes a base that is not there yet", async () => {
    const deep = `${root}/not/there/yet`;
    const made = createStore(createFileAdapter(deep), {});
    await made.put(parseKey(`${deep.slice(1)}/a`), { source: sourceOf("x") }, ctx);
    expect(await readFile(`${deep}/a`, "utf8")).toBe("x");
  });

  test("follows links in the base, which the operator wrote", async () => {
    await symlink(base, `${root}/link`);
    const linked = createStore(createFileAdapter(`${root}/link/sub`), {});
    await linked.put(parseKey(`${root.slice(1)}/link/sub/a`), { source: sourceOf("x") }, ctx);
    expect(await readFile(`${base}/sub/a`, "utf8")).toBe("x");
    expect(await listKeys(linked, `${root.slice(1)}/link/sub/`)).toEqual([`${root.slice(1)}/link/sub/a`]);
  });

  test("keeps to the directory that the base meant at first", async () => {
    await symlink(base, `${root}/link`);
    const linked = createStore(createFileAdapter(`${root}/link`), {});
    await linked.put(parseKey(`${root.slice(1)}/link/a`), { source: sourceOf("x") }, ctx);
    await mkdir(`${root}/elsewhere`);
    await rm(`${root}/link`);
    await symlink(`${root}/elsewhere`, `${root}/link`);
    await linked.put(parseKey(`${root.slice(1)}/link/b`), { source: sourceOf("x") }, ctx);
    expect((await readdir(base)).sort()).toEqual(["a", "b"]);
    expect(await readdir(`${root}/elsewhere`)).toEqual([]);
  });

  describe("planted things", () => {
    test.each([
      ["a directory", "d", "d/a"],
      ["a directory further down", "x/d", "x/d/e/a"],
      ["nothing", "dangling", "dangling/a"],
      ["itself", "loop", "loop/a"],
    ])("a link to %s below the base is not followed on writing", async (_, name, relative) => {
      await mkdir(`${root}/outside`);
      await mkdir(`${base}/x`);
      const to = { dangling: `${root}/nowhere`, loop: `${base}/loop` }[name] ?? `${root}/outside`;
      await symlink(to, `${base}/${name}`);
      await expectCode(put(relative), "ERR_STORE_TAMPERED");
      expect(await readdir(`${root}/outside`)).toEqual([]);
      expect((await readdir(root)).sort()).toEqual(["base", "outside"]);
    });

    test("a link under the object's name is neither followed, nor written through, nor an object", async () => {
      await writeFile(`${root}/victim`, "x");
      await symlink(`${root}/victim`, `${base}/a`);
      await expectCode(put("a"), "ERR_STORE_TAMPERED");
      await expectCode(store.head(key("a"), ctx), "ERR_STORE_TAMPERED");
      const pinned = { key: key("a"), size: 1, pin: "1:2:3:4" };
      await expectCode(readAll(store.get(pinned, { maxBytes: 1 }, ctx)), "ERR_STORE_TAMPERED");
      await expectCode(listKeys(store, `${base.slice(1)}/`), "ERR_STORE_TAMPERED");
      const replaced = await store.put(key("a"), { source: sourceOf("new"), overwrite: true }, ctx);
      expect(await readAll(store.get(replaced.object, { maxBytes: 3 }, ctx))).toBe("new");
      expect(await readFile(`${root}/victim`, "utf8")).toBe("x");
    });

    test("a link to a directory makes the listing fail", async () => {
      await mkdir(`${root}/outside`);
      await writeFile(`${root}/outside/a`, "x");
      await symlink(`${root}/outside`, `${base}/d`);
      await expectCode(listKeys(store, `${base.slice(1)}/`), "ERR_STORE_TAMPERED");
    });

    test("a FIFO under the object's name does not hang anything", async () => {
      execFileSync("mkfifo", [`${base}/fifo`]);
      const pinned = { key: key("fifo"), size: 1, pin: "1:2:3:4" };
      await expectCode(put("fifo"), "ERR_STORE_TAMPERED");
      await expectCode(store.head(key("fifo"), ctx), "ERR_STORE_TAMPERED");
      await expectCode(readAll(store.get(pinned, { maxBytes: 1 }, ctx)), "ERR_STORE_TAMPERED");
      await expectCode(listKeys(store, `${base.slice(1)}/`), "ERR_STORE_TAMPERED");
    });

    test("a directory under the object's name, and a file where a directory is needed, are usage errors", async () => {
      await put("d/a");
      await expectCode(put("d"), "ERR_KEY_INVALID");
      await expectCode(put("d/a/b"), "ERR_KEY_INVALID");
      await expectCode(store.put(key("d"), { source: sourceOf("x"), overwrite: true }, ctx), "ERR_KEY_INVALID");
      expect(await listKeys(store, `${base.slice(1)}/`)).toEqual([key("d/a")]);
    });

    test("a file whose name no key can have makes the listing fail", async () => {
      await writeFile(`${base}/a\nb`, "x");
      await writeFile(Buffer.concat([Buffer.from(`${base}/`), Buffer.of(0xff, 0xfe)]), "x");
      await expectCode(listKeys(store, `${base.slice(1)}/`), "ERR_STORE_TAMPERED");
    });
  });

  test("writes nowhere but below its base", async () => {
    for (const outside of [`${root}/a`, `${root}/base2/a`, base, "/etc/kiteseal-test"]) {
      await expectCode(store.put(parseKey(outside.slice(1)), { source: sourceOf("x") }, ctx), "ERR_KEY_INVALID");
    }
    const { object } = await put("a");
    await expectCode(store.copy(object, parseKey(`${root.slice(1)}/a`), ctx), "ERR_KEY_INVALID");
    expect(await readdir(root)).toEqual(["base"]);
  });

  describe("temporaries", () => {
    const aged = async (path: string, hours: number): Promise<void> => {
      await writeFile(path, "partial");
      const then = new Date(ctx.now().getTime() - hours * 3_600_000);
      await utimes(path, then, then);
    };

    test("are not objects: not listed, not readable, not writable", async () => {
      await aged(`${base}/.kiteseal-tmp-00`, 1);
      expect(await listKeys(store, `${base.slice(1)}/`)).toEqual([]);
      expect(await listKeys(store, `${base.slice(1)}/.kiteseal`)).toEqual([]);
      await expectCode(store.head(key(".kiteseal-tmp-00"), ctx), "ERR_KEY_INVALID");
      await expectCode(put(".kiteseal-tmp-01"), "ERR_KEY_INVALID");
    });

    test("older than a day are swept by a put beside them; younger ones, links and other names are not", async () => {
      await mkdir(`${base}/d`);
      for (const directory of [base, `${base}/d`]) {
        await aged(`${directory}/.kiteseal-tmp-old`, 25);
        await aged(`${directory}/.kiteseal-tmp-young`, 23);
        await aged(`${directory}/other`, 25);
        await symlink(`${directory}/other`, `${directory}/.kiteseal-tmp-link`);
      }
      await put("a");
      await put("d/a");
      for (const directory of [base, `${base}/d`]) {
        const names = (await readdir(directory)).filter((n) => n !== "d");
        expect(names.sort()).toEqual([".kiteseal-tmp-link", ".kiteseal-tmp-young", "a", "other"]);
      }
    });
  });

  test("a signal that fires after the last byte and before the name still leaves nothing", async () => {
    const abort = new AbortController();
    const reason = new Error("stop");
    const request = putRequest(key("a"), "abc", {
      async *body() {
        yield bytesOf("abc");
        abort.abort(reason);
      },
    });
    await expect(createFileAdapter(base).putWhole(request, testContext(abort.signal))).rejects.toBe(reason);
    expect(await readdir(base)).toEqual([]);
  });

  test("a file rewritten in place while it is read ends in an error", async () => {
    const content = "a".repeat(1_000_000);
    const { object } = await put("a", content);
    const reading = (async () => {
      for await (const _ of store.get(object, { maxBytes: object.size }, ctx))
        await writeFile(`${base}/a`, "b".repeat(1_000_000));
    })();
    await expectCode(reading, "ERR_PIN_CHANGED");
  });

  test("a path component longer than the file system allows is a usage error, not absence", async () => {
    await expectCode(store.head(key("n".repeat(300)), ctx), "ERR_KEY_INVALID");
    await expectCode(put("n".repeat(300)), "ERR_KEY_INVALID");
  });

  test("a link loop on the way is not absence", async () => {
    await symlink(`${base}/loop`, `${base}/loop`);
    await expectCode(store.head(key("loop/a"), ctx), "ERR_STORE_TAMPERED");
    await expectCode(listKeys(store, `${key("loop")}/`), "ERR_STORE_TAMPERED");
  });
});
