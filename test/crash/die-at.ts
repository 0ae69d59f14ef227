// SPDX-License-Identifier: Apache-2.0
// Loaded with --import by fetch.test.ts: counts the calls that touch the folder DIE_BELOW, and kills the process before the
// call number DIE_AT (0: never). Writes how many there were to the file DIE_COUNT.
import { writeFileSync } from "node:fs";
import fs, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import process from "node:process";

const { DIE_BELOW: folder = "", DIE_AT = "0", DIE_COUNT: count = "" } = process.env;
let moments = 0;

function moment(): void {
  moments += 1;
  if (moments === Number(DIE_AT)) process.kill(process.pid, "SIGKILL");
}

const isWatched = (path: unknown): boolean =>
  typeof path === "string" && (path.startsWith(folder) || path.startsWith("/proc/self/fd/"));

/** Names of fs.promises whose first argument is a path. */
const CALLS = ["mkdir", "lstat", "rename", "rm", "rmdir", "readdir", "realpath", "opendir"] as const;
const HANDLE_CALLS = ["write", "sync", "close"] as const;

function watched(target: object, name: string, isMeant: (first: unknown) => boolean): void {
  const original: unknown = Reflect.get(target, name);
  if (typeof original !== "function") throw new TypeError(`there is no ${name}`);
  Reflect.set(target, name, function call(this: unknown, ...given: unknown[]): unknown {
    if (isMeant(given[0])) moment();
    const result: unknown = Reflect.apply(original, this, given);
    return result;
  });
}

function watchedHandle(handle: FileHandle): FileHandle {
  for (const name of HANDLE_CALLS) watched(handle, name, () => true);
  return handle;
}

for (const name of CALLS) watched(fs, name, isWatched);
const { open } = fs;
fs.open = async (path, ...more) => {
  if (!isWatched(path)) return open(path, ...more);
  moment();
  return watchedHandle(await open(path, ...more));
};
syncBuiltinESMExports();
process.on("exit", () => writeFileSync(count, String(moments)));
