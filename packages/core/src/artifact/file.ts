// SPDX-License-Identifier: Apache-2.0
// Regular files that must stay the same while Kiteseal works with them. Paths are the user's; what stands there may be a
// FIFO, a device or a directory, and may be replaced by a build that is still running.
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import type { Context } from "../context.ts";
import { KitesealError, quote, type ErrorCode } from "../errors.ts";
import type { ByteRange, Source, SourceDigests } from "./source.ts";

/** Equal before and after means: the same file with the same bytes. Times in ns since the epoch. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export interface OpenFile {
  readonly handle: FileHandle;
  readonly identity: FileIdentity;
}

/** Hashed bytes in a file; a copy of it knows where to open it again. */
export interface FileSource extends Source {
  readonly path: string;
}

const READ_BYTES = 1_048_576;

/**
 * Opens a regular file for reading. Never waits for a FIFO's writer. Errors: ERR_NO_MATCH if there is nothing,
 * ERR_IS_DIRECTORY, ERR_UNREADABLE for everything else that is not a readable regular file.
 */
export async function openRegularFile(path: string): Promise<OpenFile> {
  const handle = await fileOperation(path, () => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const stats = await fileOperation(path, () => handle.stat({ bigint: true }));
    if (stats.isDirectory()) throw isDirectory(path);
    if (!stats.isFile()) throw new KitesealError("ERR_UNREADABLE", `${quote(path)} is not a regular file`);
    const { dev, ino, size, mtimeNs, ctimeNs } = stats;
    return { handle, identity: { dev, ino, size, mtimeNs, ctimeNs } };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export function isDirectory(path: string): KitesealError {
  return new KitesealError("ERR_IS_DIRECTORY", `${quote(path)} is a directory, a file is meant`, {
    hint: `name the files in it: ${quote(`${path.replace(/\/+$/, "")}/**`)}`,
  });
}

/** Runs one operation of the file system and gives its failure a code: ERR_NO_MATCH, ERR_IS_DIRECTORY, ERR_UNREADABLE. */
export async function fileOperation<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    const system = systemCode(cause);
    if (system === "EISDIR") throw isDirectory(path);
    const missing = system === "ENOENT" || system === "ENOTDIR";
    const code: ErrorCode = missing ? "ERR_NO_MATCH" : "ERR_UNREADABLE";
    throw new KitesealError(code, missing ? `there is no ${quote(path)}` : `cannot read ${quote(path)}: ${system}`, {
      cause,
    });
  }
}

/** The system's name of an I/O failure. Rethrows what is none. */
export function systemCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  throw error;
}

/** Throws ERR_FILE_CHANGED unless the open file still is what `identity` says. */
export async function assertUnchanged(path: string, handle: FileHandle, identity: FileIdentity): Promise<void> {
  const now = await fileOperation(path, () => handle.stat({ bigint: true }));
  for (const field of ["dev", "ino", "size", "mtimeNs", "ctimeNs"] as const) {
    if (now[field] === identity[field]) continue;
    throw new KitesealError("ERR_FILE_CHANGED", `${quote(path)} changed while it was in use (${field})`, {
      hint: "let the build finish writing its outputs before they are attested",
      details: { field, expected: String(identity[field]), found: String(now[field]) },
    });
  }
}

/** Throws ERR_INTERRUPTED once the context's signal has fired. */
export function throwIfInterrupted(ctx: Context): void {
  if (ctx.signal?.aborted === true) throw new KitesealError("ERR_INTERRUPTED", "stopped while reading a file");
}

export interface HashedFile {
  readonly path: string;
  readonly identity: FileIdentity;
  readonly digests: SourceDigests;
}

/** A Source over a file that was hashed as `file` says. Each `open` re-opens it and checks its identity before and after. */
export function fileSource(file: HashedFile): FileSource {
  const size = Number(file.identity.size);
  return { path: file.path, size, digests: file.digests, open: (range) => readRange(file, checkedRange(range, size)) };
}

/** The range itself or the whole. Throws RangeError for one outside the bytes. */
export function checkedRange(range: ByteRange | undefined, size: number): ByteRange {
  const { start, end } = range ?? { start: 0, end: size };
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || start > end || end > size) {
    throw new RangeError(`the range ${start}-${end} is not within ${size} bytes`);
  }
  return { start, end };
}

async function* readRange(file: HashedFile, range: ByteRange): AsyncGenerator<Uint8Array> {
  const { handle } = await reopen(file.path);
  try {
    await assertUnchanged(file.path, handle, file.identity);
    yield* readAhead(file.path, handle, range);
    await assertUnchanged(file.path, handle, file.identity);
  } finally {
    await handle.close();
  }
}

/** The next buffer is read while the reader works with this one, which it must have done with before it asks for more. */
async function* readAhead(path: string, handle: FileHandle, range: ByteRange): AsyncGenerator<Uint8Array> {
  const length = Math.min(READ_BYTES, range.end - range.start);
  const read = async (buffer: Buffer, position: number): Promise<number> => {
    const wanted = Math.min(length, range.end - position);
    return wanted === 0 ? 0 : (await fileOperation(path, () => handle.read(buffer, 0, wanted, position))).bytesRead;
  };
  let current = Buffer.allocUnsafe(length);
  let next = range.end - range.start > length ? Buffer.allocUnsafe(length) : current;
  let position = range.start;
  let bytesRead = await read(current, position);
  while (bytesRead > 0) {
    position += bytesRead;
    if (next === current && position < range.end) next = Buffer.allocUnsafe(length);
    const ahead = read(next, position);
    // Whoever stops early is not told how the read that nobody waits for ended.
    ahead.catch(() => undefined);
    try {
      yield current.subarray(0, bytesRead);
    } finally {
      // The buffer and the handle are the read's until it ends.
      await ahead.catch(() => undefined);
    }
    bytesRead = await ahead;
    [current, next] = [next, current];
  }
}

async function reopen(path: string): Promise<OpenFile> {
  try {
    return await openRegularFile(path);
  } catch (cause) {
    throw new KitesealError("ERR_FILE_CHANGED", `${quote(path)} was hashed and can no longer be opened`, { cause });
  }
}
