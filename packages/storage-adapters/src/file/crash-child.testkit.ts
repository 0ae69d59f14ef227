// SPDX-License-Identifier: Apache-2.0
// Run by crash.test.ts in a process of its own: one put through the file adapter with every file system call counted.
// argv: base directory, relative key, the call to die before (SIGKILL; 0 = none). Prints the calls made, one a line.
import fs, { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { argv, kill, pid, stdout } from "node:process";

const [base = "", relative = "", dieBefore = "0"] = argv.slice(2);
const calls: string[] = [];
/** Descriptor → path as opened, so that the trace says what was synced. */
const names = new Map<number, string>();

function shown(path: string): string {
  const anchored = /^\/proc\/self\/fd\/(\d+)(.*)$/.exec(path);
  const full = anchored === null ? path : `${names.get(Number(anchored[1])) ?? "?"}${anchored[2]}`;
  return full.replace(base, "").replace(/\.kiteseal-tmp-[0-9a-f]+/, "TEMPORARY");
}

function step(call: string): void {
  calls.push(call);
  if (calls.length === Number(dieBefore)) kill(pid, "SIGKILL");
}

/** `close` is made anew for each handle, so it is counted there. */
function watch(handle: FileHandle, path: string): void {
  names.set(handle.fd, path);
  const close = handle.close.bind(handle);
  handle.close = () => {
    step(`close ${shown(path)}`);
    return close();
  };
}

const probe = await open(base);
const handlePrototype = Object.getPrototypeOf(probe) as Record<string, (...args: unknown[]) => unknown>;
await probe.close();
for (const method of ["write", "sync", "stat"]) {
  const original = handlePrototype[method];
  if (original === undefined) throw new Error(`no FileHandle.${method}`);
  handlePrototype[method] = function (this: { fd: number }, ...args: unknown[]): unknown {
    step(`${method} ${shown(`/proc/self/fd/${this.fd}`)}`);
    return original.apply(this, args);
  };
}
const promises = fs as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
for (const name of ["open", "mkdir", "link", "rename", "unlink", "lstat", "stat", "realpath", "opendir"]) {
  const original = promises[name];
  if (original === undefined) throw new Error(`no fs.${name}`);
  promises[name] = async (...args) => {
    const paths = args.filter((a) => typeof a === "string").map(shown);
    step(`${name} ${paths.join(" ")}`);
    const result = await original(...args);
    if (name === "open") watch(result as FileHandle, `${base}${paths[0]}`);
    return result;
  };
}
syncBuiltinESMExports();

const { openStore } = await import("../index.ts");
const { parseKey } = await import("@kiteseal/core/store");
const { sourceOf } = await import("./crash-source.testkit.ts");
const { store, prefix } = await openStore(`file://${base}`, { env: {}, now: () => new Date(0) });
const stored = await store.put(parseKey(prefix + relative), { source: sourceOf() }, { now: () => new Date() });
step("done");
stdout.write(`${stored.outcome}\n${calls.join("\n")}\n`);
