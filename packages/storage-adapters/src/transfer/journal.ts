// SPDX-License-Identifier: Apache-2.0
// What is needed to go on with a multipart upload after this process was killed: the store's name of the upload, filed
// under the object's address, its beginning and how it is to be kept. Mode 0600 in a directory of this user; holds no secret (a session that is one
// is never filed) and decides nothing: the store says which parts it holds, and their checksums say whether they are ours.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Key } from "@kiteseal/core/store";
import { keyOf } from "../objects.ts";

const MAX_BYTES = 16_384;
const VERSION = 2;
const ENTRY = /^[0-9a-f]{64}\.json$/;
/** More are looked at by later runs. */
const MAX_ENTRIES = 1000;

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

export interface Journal {
  /** False: nothing is kept, so nothing can be gone on with by a later process. */
  readonly isKept: boolean;
  /** The upload's id; undefined if there is no entry that speaks of this very upload. */
  find(subject: JournalSubject): Promise<string | undefined>;
  keep(subject: JournalSubject, upload: Unfinished): Promise<void>;
  forget(subject: JournalSubject): Promise<void>;
  /** Of every store that this machine's runs wrote to. */
  begunBefore(before: Date): Promise<readonly Entry[]>;
}

interface Entry extends Unfinished {
  readonly subject: JournalSubject;
}

/** A journal that cannot be read or written costs a resume, never an upload: file system errors are not thrown. */
export function createJournal(stateDirectory: string | undefined): Journal {
  if (stateDirectory === undefined) {
    return {
      isKept: false,
      find: () => Promise.resolve(undefined),
      keep: () => Promise.resolve(),
      forget: () => Promise.resolve(),
      begunBefore: () => Promise.resolve([]),
    };
  }
  const directory = join(stateDirectory, "uploads");
  return {
    isKept: true,
    find: async (subject) => {
      const name = nameOf(subject);
      return (await quietly(() => read(directory, name)))?.id;
    },
    keep: (subject, upload) => quietly(() => write(directory, { subject, ...upload })),
    forget: (subject) => quietly(() => unlink(join(directory, nameOf(subject)))),
    begunBefore: async (before) => (await quietly(() => readAll(directory, before))) ?? [],
  };
}

/** By all that makes it this upload, so that one with other settings has an entry of its own. */
function nameOf({ url, firstPart, size, partSize, settings }: JournalSubject): string {
  const text = JSON.stringify([url, firstPart, size, partSize, settings]);
  return `${createHash("sha256").update(text).digest("hex")}.json`;
}

async function quietly<T>(operation: () => Promise<T>): Promise<T | undefined> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return undefined;
    throw error;
  }
}

async function readAll(directory: string, before: Date): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  const names = (await readdir(directory)).filter((name) => ENTRY.test(name));
  for (const name of names.slice(0, MAX_ENTRIES)) {
    const entry = await quietly(() => read(directory, name));
    if (entry !== undefined && entry.begun.getTime() < before.getTime()) entries.push(entry);
  }
  return entries;
}

/** undefined for what is no entry, or one of another upload than its name says. */
async function read(directory: string, name: string): Promise<Entry | undefined> {
  const bytes = await readFile(join(directory, name));
  if (bytes.length > MAX_BYTES) return undefined;
  const entry = decoded(bytes.toString("utf8"));
  return entry !== undefined && nameOf(entry.subject) === name ? entry : undefined;
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
  return { subject, key, id: field("id"), begun };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function write(directory: string, { subject, key, id, begun }: Entry): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, nameOf(subject));
  const temporary = `${path}.${randomBytes(8).toString("hex")}`;
  const handle = await open(temporary, "wx", 0o600);
  try {
    await handle.writeFile(`${JSON.stringify({ version: VERSION, ...subject, key, id, begun })}\n`);
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}
