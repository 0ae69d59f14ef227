// SPDX-License-Identifier: Apache-2.0
// `child.mjs put|get URL PATH…`: transfers as the library does them, nothing signed. put: one hashing pass and the
// upload, for each file at PATH or below it, under its name below URL. get: the object below URL that PATH is called
// after, to that file, hashed on the way.
import { createHash } from "node:crypto";
import { open, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { argv, env } from "node:process";
import { type Context, digestFile, type FilePlan, LIMITS } from "@kiteseal/core";
import { type Ahead, parseKey, type Unhashed } from "@kiteseal/core/store";
import { openStore } from "@kiteseal/storage-adapters";

/** As `kiteseal publish` has in flight. */
const LANES = 32;
const ctx: Context = { now: () => new Date() };
const [action = "", url = "", path = ""] = argv.slice(2);
const { store, prefix } = await openStore(url, { env, now: () => ctx.now() });

if (action === "put") await put();
else if (action === "get") await get();
else throw new Error(`${action}: expected put or get`);

async function put(): Promise<void> {
  const isFolder = (await stat(path)).isDirectory();
  const names = isFolder ? await readdir(path) : [basename(path)];
  const remaining = names.values();
  const lane = async (): Promise<void> => {
    for (const name of remaining) {
      const file = isFolder ? join(path, name) : path;
      const key = parseKey(prefix + name);
      let ahead: Ahead | undefined;
      const plan = (unhashed: Unhashed): FilePlan => {
        ahead = store.ahead?.(key, unhashed, ctx);
        // The one large file; the many are small.
        const inThread = unhashed.size >= LIMITS.threadFileBytes;
        return { ...store.digestPlan(unhashed.size), onPart: (part) => ahead?.add(part), inThread };
      };
      const source = await digestFile(file, plan, ctx);
      await (ahead?.put(source, ctx) ?? store.put(key, { source }, ctx));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function get(): Promise<void> {
  const object = await store.head(parseKey(prefix + basename(path)), ctx);
  if (object === undefined) throw new Error("nothing is there");
  const hash = createHash("sha256");
  const file = await open(path, "w");
  for await (const chunk of store.get(object, { maxBytes: object.size }, ctx)) {
    hash.update(chunk);
    await file.writeFile(chunk);
  }
  await file.close();
  console.log(hash.digest("hex"));
}
