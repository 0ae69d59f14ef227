// SPDX-License-Identifier: Apache-2.0
// Directories that are written to. Up to and including the base, which the operator named, links are resolved once;
// below it whoever may write there may have planted one, so each component is opened without following links.
// On Linux the next component is looked up through the open directory, so nothing can be swapped in between;
// where /proc is missing a component is checked and then named by its path, which leaves a moment for a swap.
import { constants } from "node:fs";
import { lstat, mkdir, open, realpath, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { quote } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { errnoOf, fileError, irregular } from "./errors.ts";

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Directories opened before, whose own entry is known to be durable; forgotten all at once when there are this many. */
const REMEMBERED = 100_000;

/** An open directory. `path` is for system calls and valid until `close`; `name` is for messages. */
export interface Directory {
  readonly path: string;
  readonly name: string;
  /** Was there already and is opened for the first time in the life of the tree. */
  readonly unseen: boolean;
  /** Makes its entries durable. Does nothing where the file system refuses that for directories. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface DirectoryTree {
  /** Opens the directory, making those that are missing, each durable in its parent before the next. */
  open(segments: readonly string[]): Promise<Directory>;
}

/** `base` is an absolute path without a final "/" ("" is the root). */
export function createDirectoryTree(base: string): DirectoryTree {
  const seen = new Set<string>();
  let start: { root: string; missing: readonly string[] } | undefined;
  return {
    async open(segments) {
      start ??= await resolveBase(base);
      let directory = await openRoot(start.root, seen);
      for (const name of [...start.missing, ...segments]) {
        const parent = directory;
        try {
          directory = await enter(parent, name, seen);
        } finally {
          await parent.close();
        }
      }
      return directory;
    },
  };
}

/** The nearest existing ancestor of the base with its links resolved, and the names that are to be made below it. */
async function resolveBase(base: string): Promise<{ root: string; missing: readonly string[] }> {
  const missing: string[] = [];
  let path = base;
  for (;;) {
    try {
      return { root: await realpath(path === "" ? "/" : path), missing };
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" || path === "") throw fileError(error, "resolving", path);
    }
    const cut = path.lastIndexOf("/");
    missing.unshift(path.slice(cut + 1));
    path = path.slice(0, cut);
  }
}

async function openRoot(root: string, seen: Set<string>): Promise<Directory> {
  try {
    const handle = await open(root, FLAGS);
    const directory = openDirectory(handle, { path: await anchor(handle, root), name: root, unseen: !seen.has(root) });
    seen.add(root);
    return directory;
  } catch (error) {
    throw fileError(error, "opening", root);
  }
}

/** A path that means the open directory whatever happens to its name, where the system has one. */
async function anchor(handle: FileHandle, path: string): Promise<string> {
  const descriptor = `/proc/self/fd/${handle.fd}`;
  try {
    const [there, here] = await Promise.all([stat(descriptor), handle.stat()]);
    return there.dev === here.dev && there.ino === here.ino ? descriptor : path;
  } catch {
    return path;
  }
}

async function enter(parent: Directory, name: string, seen: Set<string>): Promise<Directory> {
  const path = `${parent.path}/${name}`;
  const fullName = `${parent.name === "/" ? "" : parent.name}/${name}`;
  try {
    let handle = await openExisting(path);
    const made = handle === undefined;
    if (handle === undefined) {
      await makeDirectory(path);
      handle = await open(path, FLAGS);
    }
    try {
      const unseen = !seen.has(fullName);
      // Also when somebody else made it: their fsync may still be to come.
      if (made || unseen) await parent.sync();
      if (seen.size >= REMEMBERED) seen.clear();
      seen.add(fullName);
      const anchored = parent.path.startsWith("/proc/self/fd/");
      return openDirectory(handle, {
        path: anchored ? `/proc/self/fd/${handle.fd}` : path,
        name: fullName,
        unseen: unseen && !made,
      });
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    throw await notADirectory(error, path, fullName);
  }
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, FLAGS);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

async function notADirectory(error: unknown, path: string, fullName: string): Promise<unknown> {
  const errno = errnoOf(error);
  if (errno === "ENOENT") {
    return new AdapterError("Transient", `${quote(fullName)} was removed while it was used`, { cause: error });
  }
  if (errno !== "ENOTDIR" && errno !== "ELOOP") return fileError(error, "opening", fullName);
  try {
    if ((await lstat(path)).isSymbolicLink()) return irregular(fullName, "a symbolic link");
  } catch (lookup) {
    return fileError(lookup, "reading", fullName);
  }
  return new AdapterError("KeyRejected", `${quote(fullName)} is a file: expected a directory`, {
    cause: error,
    hint: "a file system cannot hold both a file X and a file X/Y: choose another destination or name",
  });
}

function openDirectory(handle: FileHandle, described: Pick<Directory, "path" | "name" | "unseen">): Directory {
  return {
    ...described,
    async sync() {
      try {
        await handle.sync();
      } catch (error) {
        const refused = errnoOf(error) === "EINVAL" || errnoOf(error) === "ENOTSUP";
        if (!refused) throw fileError(error, "syncing", described.name);
      }
    },
    close: () => handle.close(),
  };
}
