// SPDX-License-Identifier: Apache-2.0
// A directory of this machine, or one mounted from elsewhere, as a store. Not trusted: whoever else may write there
// can delete, replace and replay objects, plant links, devices and FIFOs, and fill the disk; links below the base are
// never followed on writing, and bytes read are only believed under a signed digest. README.md has the life of an object.
import { createHash } from "node:crypto";
import { open, lstat, opendir } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { quote } from "@kiteseal/core/store";
import type { ByteRange, Context, Key, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Adapter, Written } from "../adapter.ts";
import { requirePin } from "../objects.ts";
import { diagnose } from "./diagnose.ts";
import { createDirectoryTree } from "./directory.ts";
import type { DirectoryTree } from "./directory.ts";
import { errnoOf, fileError, irregular } from "./errors.ts";
import { isTemporary, keyFromPath, pinOf, splitKey } from "./names.ts";
import { READ, writeFile } from "./write.ts";
import type { WriteRequest } from "./write.ts";

const CHUNK_BYTES = 262_144;

/** `base`: absolute path without a final "/" ("" is the root); the only place that is written to. */
export function createFileAdapter(base: string): Adapter {
  const tree = createDirectoryTree(base);
  const write = (key: Key, request: Omit<WriteRequest, "name">, ctx: Context): Promise<Written> =>
    writeBelow({ base, tree }, { key, ...request }, ctx);
  return {
    url: (key) => `file:///${key.split("/").map(encodeURIComponent).join("/")}`,
    digestPlan: () => ({ algorithms: ["sha256"] }),
    head: (key) => head(key),
    putWhole: (request, ctx) => write(request.key, { body: request.body(), ifAbsent: request.ifAbsent }, ctx),
    get: ({ object, range }) => read(object, range),
    list: (prefix) => list(prefix),
    copy: ({ from, to }, ctx) => copy(from, (request) => write(to, request, ctx)),
    diagnose: (ctx) => diagnose(base, ctx),
  };
}

async function writeBelow(
  place: { base: string; tree: DirectoryTree },
  request: Omit<WriteRequest, "name"> & { key: Key },
  ctx: Context,
): Promise<Written> {
  const { directories, name } = splitKey(request.key);
  const base = place.base.split("/").slice(1);
  if (base.some((segment, i) => directories[i] !== segment)) {
    throw new AdapterError("KeyRejected", `the key ${quote(request.key)} is not below ${quote(`${place.base}/`)}`);
  }
  const directory = await place.tree.open(directories.slice(base.length));
  try {
    const written = await writeFile(directory, { ...request, name }, ctx);
    return { object: { key: request.key, ...written }, verifiedBy: "local-filesystem" };
  } finally {
    await directory.close();
  }
}

async function head(key: Key): Promise<StoredObject> {
  const { name } = splitKey(key);
  try {
    const stat = await lstat(`/${key}`, { bigint: true });
    if (stat.isFile()) return { key, size: Number(stat.size), pin: pinOf(stat) };
    if (!stat.isDirectory()) throw irregular(`/${key}`, stat.isSymbolicLink() ? "a symbolic link" : "a special file");
  } catch (error) {
    throw fileError(error, "reading", `/${key}`);
  }
  throw new AdapterError("NotFound", `${quote(name)} is a directory: expected a file`);
}

async function openPinned(object: StoredObject): Promise<FileHandle> {
  splitKey(object.key);
  let handle: FileHandle;
  try {
    handle = await open(`/${object.key}`, READ);
  } catch (error) {
    throw fileError(error, "opening", `/${object.key}`);
  }
  try {
    await checkPin(handle, object);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function checkPin(handle: FileHandle, object: StoredObject): Promise<void> {
  const stat = await handle.stat({ bigint: true });
  if (!stat.isFile()) throw irregular(`/${object.key}`, "a directory or a special file");
  requirePin(object, pinOf(stat));
}

/** The pin is compared before and after, so that a file rewritten meanwhile does not end like a whole one. */
async function* read(object: StoredObject, range: ByteRange): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await openPinned(object);
  try {
    let position = range.start;
    while (position < range.end) {
      const buffer = new Uint8Array(Math.min(CHUNK_BYTES, range.end - position));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    await checkPin(handle, object);
  } catch (error) {
    throw fileError(error, "reading", `/${object.key}`);
  } finally {
    await handle.close();
  }
}

/**
 * String prefix, as object stores have it. What is no object (a link, a FIFO, a name that no key can have) makes the
 * listing fail with Irregular, because a caller that is told "all" must get all. What vanishes while the listing runs,
 * a file or a whole directory, counts as deleted before it; what cannot be read makes the listing fail.
 */
async function* list(prefix: string): AsyncGenerator<StoredObject, void, undefined> {
  const cut = prefix.lastIndexOf("/") + 1;
  const nameStart = prefix.slice(cut);
  const pending = [prefix.slice(0, cut)];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const filter = directory.length === cut ? nameStart : "";
    try {
      for await (const entry of await opendir(`/${directory}`, { bufferSize: 256 })) {
        if (!entry.name.startsWith(filter) || isTemporary(entry.name)) continue;
        const key = keyFromPath(directory + entry.name);
        // Left out without a word, it would be taken for verified with the rest.
        if (key === undefined || entry.isSymbolicLink()) throw notAnObject(directory + entry.name);
        if (entry.isDirectory()) pending.push(`${key}/`);
        else yield* regularFile(key);
      }
    } catch (error) {
      if (!isGone(error)) throw fileError(error, "listing", `/${directory}`);
    }
  }
}

function notAnObject(path: string): AdapterError {
  return new AdapterError("Irregular", `/${path} is no regular file with a name that a key can have`, {
    hint: "remove it from the store, or name its objects one by one",
  });
}

async function* regularFile(key: Key): AsyncGenerator<StoredObject, void, undefined> {
  try {
    const stat = await lstat(`/${key}`, { bigint: true });
    if (!stat.isFile()) throw notAnObject(key);
    yield { key, size: Number(stat.size), pin: pinOf(stat) };
  } catch (error) {
    if (!isGone(error)) throw fileError(error, "listing", `/${key}`);
  }
}

function isGone(error: unknown): boolean {
  return errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR";
}

/** A copy with an inode of its own (a hard link would change with the original), read back before it gets its name. */
async function copy(
  from: StoredObject,
  write: (request: Omit<WriteRequest, "name">) => Promise<Written>,
): Promise<Written> {
  const hash = createHash("sha256");
  const written = await write({
    body: hashed(read(from, { start: 0, end: from.size }), (chunk) => hash.update(chunk)),
    ifAbsent: true,
    check: async (handle) => {
      const expected = hash.digest("hex");
      const found = await hashFile(handle);
      if (found === expected) return;
      throw new AdapterError(
        "ChecksumRejected",
        `the copy of ${quote(from.key)} differs: expected sha256:${expected}, found sha256:${found}`,
      );
    },
  });
  return { ...written, verifiedBy: "read-back" };
}

async function* hashed(
  body: AsyncIterable<Uint8Array>,
  update: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    update(chunk);
    yield chunk;
  }
}

async function hashFile(handle: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(CHUNK_BYTES);
  let position = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
