// SPDX-License-Identifier: Apache-2.0
// One object written: temporary file beside it, fsync, link under its name (create-only, decided by the file system),
// fsync of the directory. Killed at any step it leaves the whole object or none, and at most a temporary,
// which a later put in that directory sweeps after a day.
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { link, lstat, open, opendir, rename, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { quote } from "@kiteseal/core/store";
import type { Context, Pin } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { Directory } from "./directory.ts";
import { errnoOf, fileError, irregular, linkError } from "./errors.ts";
import { isTemporary, pinOf, temporaryName } from "./names.ts";

const CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Without O_NONBLOCK opening a planted FIFO would wait for ever. */
export const READ: number = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Narrowed by the umask; what is published is meant to be read. */
const MODE = 0o644;
const LEFTOVER_MS = 24 * 60 * 60 * 1000;
/** Entries looked at before the sweep of one directory gives up: a put stays cheap in a directory of a million files. */
const SWEEP_ENTRIES = 1000;

export interface WriteRequest {
  readonly name: string;
  readonly body: AsyncIterable<Uint8Array>;
  readonly ifAbsent: boolean;
  /** Sees the complete temporary before it gets its name; what it throws stops the write. */
  readonly check?: (handle: FileHandle) => Promise<void>;
}

export interface WrittenFile {
  readonly size: number;
  readonly pin: Pin;
}

/** Throws AlreadyExists (what is there is durable then), Unsupported, Irregular, and what `body` threw; leaves nothing then. */
export async function writeFile(directory: Directory, request: WriteRequest, ctx: Context): Promise<WrittenFile> {
  if (directory.unseen) await sweep(directory, ctx);
  const temporary = `${directory.path}/${temporaryName(randomBytes(16).toString("hex"))}`;
  const final = { path: `${directory.path}/${request.name}`, name: `${directory.name}/${request.name}` };
  const handle = await create(temporary, final.name);
  let written: WrittenFile;
  try {
    written = await fill(handle, request, final.name);
    ctx.signal?.throwIfAborted();
    if (request.ifAbsent) await linkNew(temporary, final);
    else await replace(temporary, final);
  } catch (error) {
    await discard(handle, temporary);
    if (error instanceof AdapterError && error.kind === "AlreadyExists") {
      // The other writer may not have come to its own fsync: "exists" must be as durable as "created".
      await syncExisting(final);
      await directory.sync();
    }
    throw error;
  }
  await handle.close();
  if (request.ifAbsent) await remove(temporary, final.name);
  await directory.sync();
  return written;
}

/** What stopped the write matters more than what stops the tidying: the sweep comes back for it. */
async function discard(handle: FileHandle, temporary: string): Promise<void> {
  try {
    await handle.close();
    await unlink(temporary);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}

async function create(path: string, name: string): Promise<FileHandle> {
  try {
    return await open(path, CREATE, MODE);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw fileError(error, "creating", name);
    throw new AdapterError("Transient", `the directory of ${quote(name)} was removed while it was used`, {
      cause: error,
    });
  }
}

async function fill(handle: FileHandle, request: WriteRequest, name: string): Promise<WrittenFile> {
  for await (const chunk of request.body) await writeChunk(handle, chunk, name);
  try {
    await handle.sync();
    await request.check?.(handle);
    const stat = await handle.stat({ bigint: true });
    return { size: Number(stat.size), pin: pinOf(stat) };
  } catch (error) {
    throw fileError(error, "writing", name);
  }
}

async function writeChunk(handle: FileHandle, chunk: Uint8Array, name: string): Promise<void> {
  try {
    let offset = 0;
    while (offset < chunk.length) offset += (await handle.write(chunk, offset)).bytesWritten;
  } catch (error) {
    throw fileError(error, "writing", name);
  }
}

async function linkNew(temporary: string, final: { path: string; name: string }): Promise<void> {
  try {
    await link(temporary, final.path);
  } catch (error) {
    throw linkError(error, final.name);
  }
}

async function replace(temporary: string, final: { path: string; name: string }): Promise<void> {
  try {
    await rename(temporary, final.path);
  } catch (error) {
    throw fileError(error, "replacing", final.name);
  }
}

async function syncExisting(final: { path: string; name: string }): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(final.path, READ);
  } catch (error) {
    // Gone again, or not ours to open: what is there is for `head` to say.
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "EACCES") return;
    throw fileError(error, "opening", final.name);
  }
  try {
    const stat = await handle.stat();
    if (stat.isDirectory()) {
      throw new AdapterError("KeyRejected", `${quote(final.name)} is a directory: expected a file or nothing`, {
        hint: "a file system cannot hold both a file X and a file X/Y: choose another destination or name",
      });
    }
    if (!stat.isFile()) throw irregular(final.name, "a special file");
    await handle.sync();
  } catch (error) {
    throw fileError(error, "syncing", final.name);
  } finally {
    await handle.close();
  }
}

async function remove(temporary: string, name: string): Promise<void> {
  try {
    await unlink(temporary);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw fileError(error, "removing the temporary of", name);
  }
}

/** Removes temporaries older than a day. Never fails a put: leftovers waste space and are not objects. */
async function sweep(directory: Directory, ctx: Context): Promise<void> {
  const before = ctx.now().getTime() - LEFTOVER_MS;
  let looked = 0;
  try {
    for await (const entry of await opendir(directory.path)) {
      looked += 1;
      if (looked > SWEEP_ENTRIES) return;
      if (!isTemporary(entry.name)) continue;
      const path = `${directory.path}/${entry.name}`;
      const stat = await lstat(path);
      if (stat.isFile() && stat.mtimeMs < before) await unlink(path);
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}
