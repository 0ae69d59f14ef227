// SPDX-License-Identifier: Apache-2.0
// Regular files that must stay the same while Kiteseal works with them. Paths are the user's; what stands there may be a
// FIFO, a device or a directory, and may be replaced by a build that is still running.
import { closeSync, constants, fstatSync, open, read, stat } from "node:fs";
import type { BigIntStats } from "node:fs";
import { promisify } from "node:util";
import type { Context } from "../context.ts";
import { KitesealError, quote, type ErrorCode } from "../errors.ts";
import type { ByteRange, Source, SourceDigests, Unhashed } from "./source.ts";

/** Equal before and after means: the same file with the same bytes. Times in ns since the epoch. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** To be closed, and not while a read is under way. */
export interface OpenFile {
  readonly path: string;
  readonly identity: FileIdentity;
  /** Up to `length` bytes into the beginning of `buffer`; how many. `position` null: from where the last such read ended. */
  read(buffer: Uint8Array, length: number, position: number | null): Promise<number>;
  /** Throws ERR_FILE_CHANGED unless it still is what `expected` says. */
  assertUnchanged(expected: FileIdentity): void;
  close(): void;
}

/** Hashed bytes in a file; a copy of it knows where to open it again. */
export interface FileSource extends Source {
  readonly path: string;
}

const READ_BYTES = 1_048_576;

const opening = promisify(open);
const reading = promisify(read);
const looking = promisify<string, { bigint: true }, BigIntStats>(stat);

/**
 * Opens a regular file for reading. Never waits for a FIFO's writer. Errors: ERR_NO_MATCH if there is nothing,
 * ERR_IS_DIRECTORY, ERR_UNREADABLE for everything else that is not a readable regular file.
 * What may wait for a disk is done in a thread; looking at an open file and closing it take less than a thread's waking.
 */
export async function openRegularFile(path: string): Promise<OpenFile> {
  const descriptor = await fileOperation(path, () => opening(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const stats = statOf(path, descriptor);
    if (stats.isDirectory()) throw isDirectory(path);
    if (!stats.isFile()) throw new KitesealError("ERR_UNREADABLE", `${quote(path)} is not a regular file`);
    const { dev, ino, size, mtimeNs, ctimeNs } = stats;
    return {
      path,
      identity: { dev, ino, size, mtimeNs, ctimeNs },
      read: async (buffer, length, position) =>
        (await fileOperation(path, () => reading(descriptor, buffer, 0, length, position))).bytesRead,
      assertUnchanged: (expected) => assertSame(path, statOf(path, descriptor), expected),
      close: () => closeSync(descriptor),
    };
  } catch (error) {
    closeSync(descriptor);
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
    throw fileFailure(path, cause);
  }
}

function fileFailure(path: string, cause: unknown): KitesealError {
  const system = systemCode(cause);
  if (system === "EISDIR") return isDirectory(path);
  const missing = system === "ENOENT" || system === "ENOTDIR";
  const code: ErrorCode = missing ? "ERR_NO_MATCH" : "ERR_UNREADABLE";
  return new KitesealError(code, missing ? `there is no ${quote(path)}` : `cannot read ${quote(path)}: ${system}`, {
    cause,
  });
}

/** The system's name of an I/O failure. Rethrows what is none. */
export function systemCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  throw error;
}

function statOf(path: string, descriptor: number): BigIntStats {
  try {
    return fstatSync(descriptor, { bigint: true });
  } catch (cause) {
    throw fileFailure(path, cause);
  }
}

function assertSame(path: string, now: FileIdentity, expected: FileIdentity): void {
  for (const field of ["dev", "ino", "size", "mtimeNs", "ctimeNs"] as const) {
    if (now[field] === expected[field]) continue;
    throw new KitesealError("ERR_FILE_CHANGED", `${quote(path)} changed while it was in use (${field})`, {
      hint: "let the build finish writing its outputs before they are attested",
      details: { field, expected: String(expected[field]), found: String(now[field]) },
    });
  }
}

/** Throws ERR_INTERRUPTED once the context's signal has fired. */
export function throwIfInterrupted(ctx: Pick<Context, "signal">): void {
  if (ctx.signal?.aborted === true) throw new KitesealError("ERR_INTERRUPTED", "stopped while reading a file");
}

/** A file as it was when it was opened. */
export interface UnhashedFile {
  readonly path: string;
  readonly identity: FileIdentity;
}

export interface HashedFile extends UnhashedFile {
  readonly digests: SourceDigests;
}

/**
 * A Source over a file that was hashed as `file` says. Each `open` re-opens it and checks its identity before and after; of
 * `kept`, which are its bytes, it only checks that the file is still the same.
 */
export function fileSource(file: HashedFile, kept?: Uint8Array): FileSource {
  const { path, digests } = file;
  if (kept === undefined) return { path, digests, ...readable(file) };
  return { path, digests, size: kept.byteLength, open: (range) => readKept(file, kept, range) };
}

function readKept(file: UnhashedFile, kept: Uint8Array, range: ByteRange | undefined): AsyncIterable<Uint8Array> {
  const { start, end } = checkedRange(range, kept.byteLength);
  return (async function* () {
    assertSame(file.path, await restat(file.path), file.identity);
    if (end > start) yield kept.subarray(start, end);
  })();
}

/** The bytes of a file, before it is known what they hash to. `open` as Source.open. */
export function readable(file: UnhashedFile): Unhashed {
  const size = Number(file.identity.size);
  return { size, open: (range) => readRange(file, checkedRange(range, size)) };
}

/** The range itself or the whole. Throws RangeError for one outside the bytes. */
export function checkedRange(range: ByteRange | undefined, size: number): ByteRange {
  const { start, end } = range ?? { start: 0, end: size };
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || start > end || end > size) {
    throw new RangeError(`the range ${start}-${end} is not within ${size} bytes`);
  }
  return { start, end };
}

async function* readRange({ path, identity }: UnhashedFile, range: ByteRange): AsyncGenerator<Uint8Array> {
  const file = await reopenFile({ path, identity });
  try {
    yield* readAhead(file, range);
    file.assertUnchanged(identity);
  } finally {
    file.close();
  }
}

/** The next buffer is read while the reader works with this one, which it must have done with before it asks for more. */
async function* readAhead(file: OpenFile, range: ByteRange): AsyncGenerator<Uint8Array> {
  const length = Math.min(READ_BYTES, range.end - range.start);
  const read = async (buffer: Buffer, position: number): Promise<number> => {
    const wanted = Math.min(length, range.end - position);
    return wanted === 0 ? 0 : await file.read(buffer, wanted, position);
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
      // The buffer and the file are the read's until it ends.
      await ahead.catch(() => undefined);
    }
    bytesRead = await ahead;
    [current, next] = [next, current];
  }
}

/** As it was when it was first opened. Throws ERR_FILE_CHANGED, also if it cannot be opened any more. */
export async function reopenFile({ path, identity }: UnhashedFile): Promise<OpenFile> {
  let file: OpenFile;
  try {
    file = await openRegularFile(path);
  } catch (cause) {
    throw gone(path, cause);
  }
  try {
    file.assertUnchanged(identity);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

async function restat(path: string): Promise<BigIntStats> {
  try {
    return await looking(path, { bigint: true });
  } catch (cause) {
    throw gone(path, cause);
  }
}

function gone(path: string, cause: unknown): KitesealError {
  return new KitesealError("ERR_FILE_CHANGED", `${quote(path)} can no longer be opened`, { cause });
}
