// SPDX-License-Identifier: Apache-2.0
// What is needed to go on with a multipart upload after this process was killed: the store's name of the upload, filed
// under the object's address, its beginning and how it is to be kept. Mode 0600 in a directory of this user; holds no secret
// (a session that is one is never filed) and decides nothing: the store says which parts it holds, and their checksums say
// whether they are ours. One run at a time has an upload: two that begin alike must not send their parts into one.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isKitesealError, KitesealError, quote, readSmallFile } from "@kiteseal/core/store";
import type { Key } from "@kiteseal/core/store";
import { keyOf } from "../objects.ts";
import type { Runs } from "./plan.ts";

const MAX_BYTES = 16_384;
const VERSION = 2;
const ENTRY = /^[0-9a-f]{64}-[0-9a-f]{16}\.json$/;
/** More are looked at by later runs. */
const MAX_ENTRIES = 1000;
/** Of an upload that no run has. */
const NOBODY = "";

/** Of which upload an entry speaks. */
export interface JournalSubject {
  /** Store.url of the key; holds no credentials. */
  readonly url: string;
  /** Its sha256: all that is known of the bytes when an upload begins while they are hashed. */
  readonly firstPart: string;
  readonly size: number;
  readonly partSize: number;
  /** See Multipart.settings. */
  readonly settings: string;
}

export interface Unfinished {
  readonly key: Key;
  readonly id: string;
  readonly begun: Date;
}

/** An entry that this run has. */
export interface Noted {
  readonly name: string;
  readonly id: string;
}

export interface Journal {
  /** What a run that has ended, or gave it back, left of this very upload; from then on it is this run's alone. */
  take(subject: JournalSubject): Promise<Noted | undefined>;
  /** undefined: nothing is kept, so no later process can go on with it. */
  keep(subject: JournalSubject, upload: Unfinished): Promise<Noted | undefined>;
  /** A later run may take it. */
  giveBack(noted: Noted): Promise<void>;
  forget(noted: Noted): Promise<void>;
  /** Of every store that this machine's runs wrote to; none that a run has now. */
  begunBefore(before: Date): Promise<readonly (Entry & Noted)[]>;
}

interface Entry extends Unfinished {
  readonly subject: JournalSubject;
  /** See Runs. */
  readonly run: string;
}

/** A journal that cannot be read or written costs a resume, never an upload: file system errors are not thrown. */
export function createJournal(stateDirectory: string | undefined, runs?: Runs): Journal {
  if (stateDirectory === undefined) {
    return {
      take: () => Promise.resolve(undefined),
      keep: () => Promise.resolve(undefined),
      giveBack: () => Promise.resolve(),
      forget: () => Promise.resolve(),
      begunBefore: () => Promise.resolve([]),
    };
  }
  const directory = join(stateDirectory, "uploads");
  const held = new Set<string>();
  const own = runs?.own ?? NOBODY;
  const isFree = ({ name, run }: Entry & Noted): boolean =>
    !held.has(name) && (run === NOBODY || runs?.isRunning(run) !== true);
  const free = async (prefix: string): Promise<readonly (Entry & Noted)[]> =>
    ((await quietly(() => readAll(directory, prefix))) ?? []).filter(isFree);
  const hold = async (name: string, entry: Entry): Promise<Noted> => {
    held.add(name);
    await quietly(() => write(directory, name, entry));
    return { name, id: entry.id };
  };
  return {
    take: async (subject) => {
      const prefix = prefixOf(subject);
      const newestFirst = (await free(prefix)).toSorted((a, b) => b.begun.getTime() - a.begun.getTime());
      for (const entry of newestFirst) {
        const name = newName(prefix);
        // Of all that try, one finds it under its old name.
        if (await isRenamed(join(directory, entry.name), join(directory, name)))
          return await hold(name, { ...entry, run: own });
      }
      return undefined;
    },
    keep: (subject, upload) => hold(newName(prefixOf(subject)), { ...upload, subject, run: own }),
    giveBack: async ({ name }) => {
      const entry = await quietly(() => read(directory, name));
      if (entry !== undefined) await quietly(() => write(directory, name, { ...entry, run: NOBODY }));
      held.delete(name);
    },
    forget: async ({ name }) => {
      await quietly(() => unlink(join(directory, name)));
      held.delete(name);
    },
    begunBefore: async (before) => (await free("")).filter(({ begun }) => begun.getTime() < before.getTime()),
  };
}

/** By all that makes it this upload, so that one with other settings has entries of its own. */
function prefixOf({ url, firstPart, size, partSize, settings }: JournalSubject): string {
  const text = JSON.stringify([url, firstPart, size, partSize, settings]);
  return `${createHash("sha256").update(text).digest("hex")}-`;
}

function newName(prefix: string): string {
  return `${prefix}${randomBytes(8).toString("hex")}.json`;
}

async function quietly<T>(operation: () => Promise<T>): Promise<T | undefined> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return undefined;
    throw error;
  }
}

async function isRenamed(from: string, to: string): Promise<boolean> {
  return (
    (await quietly(async () => {
      await rename(from, to);
      return true;
    })) ?? false
  );
}

async function readAll(directory: string, prefix: string): Promise<readonly (Entry & Noted)[]> {
  const entries: (Entry & Noted)[] = [];
  const names = (await readdir(directory)).filter((name) => name.startsWith(prefix) && ENTRY.test(name));
  for (const name of names.slice(0, MAX_ENTRIES)) {
    const entry = await quietly(() => read(directory, name));
    if (entry !== undefined) entries.push({ ...entry, name });
  }
  return entries;
}

/** undefined for what is no entry, or one of another upload than its name says. */
async function read(directory: string, name: string): Promise<Entry | undefined> {
  const entry = decoded(await readText(join(directory, name)));
  return entry !== undefined && name.startsWith(prefixOf(entry.subject)) ? entry : undefined;
}

/** What cannot be read, or is no small file, has no text. */
async function readText(path: string): Promise<string> {
  const fail = (why: string): KitesealError => new KitesealError("ERR_UNREADABLE", `${quote(path)} ${why}`);
  try {
    const { bytes } = await readSmallFile({ path, maxBytes: MAX_BYTES, fail });
    return Buffer.from(bytes).toString("utf8");
  } catch (error) {
    if (isKitesealError(error)) return "";
    throw error;
  }
}

function decoded(text: string): Entry | undefined {
  const value = parsed(text);
  if (typeof value !== "object" || value === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  const field = (name: string): string => {
    const found = fields.get(name);
    return typeof found === "string" ? found : "";
  };
  const [size, partSize] = [fields.get("size"), fields.get("partSize")];
  const key = keyOf(field("key"));
  const begun = new Date(field("begun"));
  if (fields.get("version") !== VERSION || typeof size !== "number" || typeof partSize !== "number") return undefined;
  if (key === undefined || field("id") === "" || Number.isNaN(begun.getTime())) return undefined;
  const subject = { url: field("url"), firstPart: field("firstPart"), size, partSize, settings: field("settings") };
  return { subject, key, id: field("id"), begun, run: field("run") };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function write(directory: string, name: string, { subject, key, id, begun, run }: Entry): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, name);
  const temporary = `${path}.${randomBytes(8).toString("hex")}`;
  const handle = await open(temporary, "wx", 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ version: VERSION, ...subject, key, id, begun, run })}\n`);
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}
