// SPDX-License-Identifier: Apache-2.0
// A directory that appears whole or not at all. Files are received into a fresh directory beside it (0700, unguessable
// name, same file system); when all of them may stay it is renamed. Killed at any moment, a run leaves the directory as it
// should be or none, and at most a leftover of the name below, which a later run to the same place removes after a day.
// Whoever may write the directory that holds it can remove or replace it afterwards; nobody else reaches into it before.
import { createHash, randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  opendir,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { forEachLimited } from "../concurrency.ts";
import type { Context } from "../context.ts";
import { isKitesealError, KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { digestStream, type StreamDigest } from "./digest.ts";
import { systemCode } from "./file.ts";
import type { DigestPlan } from "./source.ts";

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const LEFTOVER_MS = 24 * 60 * 60 * 1000;

/** Relative paths are `/`-separated, portable and no two of them the same (store/file-paths.ts). */
export interface Staging {
  /** Writes a new file while it is hashed; durable when it returns, gone if it throws. Throws ERR_OUTPUT and what `bytes` throws. */
  receive(path: string, o: { bytes: AsyncIterable<Uint8Array>; plan: DigestPlan }, ctx: Context): Promise<StreamDigest>;
  /** Where a received file is until `publish`, for reading it again. */
  pathOf(path: string): string;
  /**
   * Gives the directory its name, once, for good. Throws ERR_OUTPUT; it then has none, unless `details.placed`: it stands
   * there whole, and only the disk will not say that it still will after a power failure.
   */
  publish(): Promise<void>;
  /** Removes what was not published. Nothing may be receiving any more. */
  remove(): Promise<void>;
}

/** `output` is absolute and names nothing yet; its parent is there. Throws ERR_OUTPUT. */
export async function createStaging(output: string, ctx: Context): Promise<Staging> {
  await refuseExisting(output, output);
  const parent = await attempt(output, () => realpath(dirname(output)));
  const path = join(parent, leftoverPrefix(output) + randomBytes(16).toString("hex"));
  await attempt(output, () => mkdir(path, DIRECTORY_MODE));
  const handle = await attempt(output, () => open(path, DIRECTORY));
  const own = await attempt(output, () => handle.stat());
  await sweep(parent, { output, own }, ctx);
  const root = await anchor(own, { path, descriptor: `/proc/self/fd/${handle.fd}` });
  return openStaging({ output, target: join(parent, basename(output)), parent, path, root, handle, own });
}

interface Place {
  /** As the user said it, for messages. */
  readonly output: string;
  readonly target: string;
  readonly parent: string;
  readonly path: string;
  /** A path that means the open directory whatever becomes of its name, where the system has one. */
  readonly root: string;
  readonly handle: FileHandle;
  readonly own: Stats;
}

function openStaging(place: Place): Staging {
  const { output, root } = place;
  const directories = new Map<string, Promise<void>>();
  let published = false;
  const folder = (path: string): Promise<void> => {
    if (path === ".") return Promise.resolve();
    const made = directories.get(path) ?? makeFolder(path);
    directories.set(path, made);
    return made;
  };
  const makeFolder = async (path: string): Promise<void> => {
    await folder(dirname(path));
    await attempt(output, () => mkdir(join(root, path), DIRECTORY_MODE));
  };
  return {
    pathOf: (path) => join(root, path),
    async receive(path, { bytes, plan }, ctx) {
      await folder(dirname(path));
      const full = join(root, path);
      const handle = await attempt(output, () => open(full, CREATE, FILE_MODE));
      try {
        const digest = await digestStream(written(bytes, { handle, output }), plan, ctx);
        await attempt(output, () => handle.sync());
        await attempt(output, () => handle.close());
        return digest;
      } catch (error) {
        await tidy(() => handle.close());
        await tidy(() => rm(full, { force: true }));
        throw error;
      }
    },
    async publish() {
      await forEachLimited([...directories.keys()], LIMITS.parallelFiles, (path) =>
        syncDirectory(output, join(root, path)),
      );
      // Opened before: who may not do that finds out while nothing stands there.
      const parent = await attempt(output, () => open(place.parent, DIRECTORY));
      try {
        await giveName(place);
        published = true;
        await tidy(() => place.handle.close());
        await syncEntries(output, parent).catch((error: unknown) => {
          throw notDurable(output, error);
        });
      } finally {
        await tidy(() => parent.close());
      }
    },
    async remove() {
      if (published) return;
      await tidy(async () => {
        // Through the open directory: what stands under its name by now may be something else.
        for (const name of await readdir(root)) await rm(join(root, name), { recursive: true, force: true });
        await rmdir(place.path);
      });
      await tidy(() => place.handle.close());
    },
  };
}

async function* written(
  bytes: AsyncIterable<Uint8Array>,
  { handle, output }: { handle: FileHandle; output: string },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length;) {
      const from = at;
      at += (await attempt(output, () => handle.write(chunk, from))).bytesWritten;
    }
    yield chunk;
  }
}

/** The directory under the temporary name is still ours, nothing has the final one: rename would replace an empty directory. */
async function giveName({ output, target, path, handle, own }: Place): Promise<void> {
  const named = await attempt(output, () => lstat(path));
  if (own.dev !== named.dev || own.ino !== named.ino) {
    throw new KitesealError("ERR_OUTPUT", `cannot write ${quote(output)}: somebody moved what was being written`);
  }
  await syncEntries(output, handle);
  await refuseExisting(output, target);
  await attempt(output, () => rename(path, target));
}

async function refuseExisting(output: string, path: string): Promise<void> {
  const found = await attempt(output, () => lstat(path).catch(absent));
  if (found === undefined) return;
  throw new KitesealError("ERR_OUTPUT", `${quote(output)} is there already: expected the name of a new directory`, {
    hint: "nothing is ever replaced or added to: name another directory, or remove this one first",
  });
}

/** undefined for what is not there. Rethrows anything else. */
function absent(error: unknown): undefined {
  if (systemCode(error) !== "ENOENT") throw error;
}

function leftoverPrefix(output: string): string {
  return `.kiteseal-fetch-${createHash("sha256").update(basename(output)).digest("hex").slice(0, 12)}-`;
}

/**
 * Removes what earlier runs to the same place left, once it is a day old. Only what is this user's and closed to others, as a
 * leftover is: in anything else a name could change while it is removed. Renamed first, in one step: a run that is alive
 * after all then fails, instead of publishing half of a directory. Never fails this run: leftovers only waste space.
 */
async function sweep(parent: string, { output, own }: { output: string; own: Stats }, ctx: Context): Promise<void> {
  const before = ctx.now().getTime() - LEFTOVER_MS;
  const prefix = leftoverPrefix(output);
  const sweepOne = async (path: string): Promise<void> => {
    const { mtimeMs, uid, mode, ino } = await lstat(path);
    if (mtimeMs >= before || ino === own.ino || uid !== own.uid || mode !== own.mode) return;
    const claimed = join(parent, prefix + randomBytes(16).toString("hex"));
    await rename(path, claimed);
    await rm(claimed, { recursive: true, force: true });
  };
  await tidy(async () => {
    for await (const { name } of await opendir(parent))
      if (name.startsWith(prefix)) await tidy(() => sweepOne(join(parent, name)));
  });
}

async function anchor(own: Stats, { path, descriptor }: { path: string; descriptor: string }): Promise<string> {
  const there = await stat(descriptor).catch(() => undefined);
  return there?.dev === own.dev && there.ino === own.ino ? descriptor : path;
}

async function syncDirectory(output: string, path: string): Promise<void> {
  const handle = await attempt(output, () => open(path, DIRECTORY));
  try {
    await syncEntries(output, handle);
  } finally {
    await handle.close();
  }
}

/** Makes the entries of a directory durable; nothing where a file system refuses that for directories. */
async function syncEntries(output: string, handle: FileHandle): Promise<void> {
  try {
    await handle.sync();
  } catch (error) {
    if (!["EINVAL", "ENOTSUP"].includes(systemCode(error))) throw cannotWrite(output, error);
  }
}

/** An operation of the file system whose failure is ERR_OUTPUT. */
async function attempt<T>(output: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw cannotWrite(output, error);
  }
}

function cannotWrite(output: string, cause: unknown): KitesealError {
  const code = systemCode(cause);
  const hint = code === "ENOENT" ? "the directory that it goes into has to be there" : "nothing was kept";
  return new KitesealError("ERR_OUTPUT", `cannot write ${quote(output)}: ${code}`, { cause, hint });
}

function notDurable(output: string, cause: unknown): unknown {
  if (!isKitesealError(cause)) return cause;
  return new KitesealError("ERR_OUTPUT", `${quote(output)} is there and whole, but ${cause.message}`, {
    cause,
    details: { placed: true },
    hint: "a power failure may take it away: look at the disk, remove the directory and fetch again",
  });
}

/** What went wrong before matters more than what stops the tidying: the sweep comes back for it. */
async function tidy(operation: () => Promise<void>): Promise<void> {
  try {
    await operation();
  } catch (error) {
    systemCode(error);
  }
}
