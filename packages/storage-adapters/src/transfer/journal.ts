// SPDX-License-Identifier: Apache-2.0
// What is needed to go on with a multipart upload after this process was killed: the store's name of the upload, filed
// under the object's address and digest. Mode 0600 in a directory of this user; holds no secret (a session that is one
// is never filed) and decides nothing: the store says which parts it holds, and their checksums say whether they are ours.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";

const MAX_BYTES = 16_384;

/** Of which upload an entry speaks. */
export interface JournalSubject {
  /** Store.url of the key; holds no credentials. */
  readonly url: string;
  readonly sha256: string;
  readonly size: number;
  readonly partSize: number;
}

export interface Journal {
  /** False: nothing is kept, so nothing can be gone on with by a later process. */
  readonly isKept: boolean;
  /** The upload's id; undefined if there is no entry that speaks of this very upload. */
  find(subject: JournalSubject): Promise<string | undefined>;
  keep(subject: JournalSubject, id: string): Promise<void>;
  forget(subject: JournalSubject): Promise<void>;
}

/** A journal that cannot be read or written costs a resume, never an upload: file system errors are not thrown. */
export function createJournal(stateDirectory: string | undefined): Journal {
  if (stateDirectory === undefined) {
    return {
      isKept: false,
      find: () => Promise.resolve(undefined),
      keep: () => Promise.resolve(),
      forget: () => Promise.resolve(),
    };
  }
  const directory = join(stateDirectory, "uploads");
  const path = (subject: JournalSubject): string =>
    join(directory, `${createHash("sha256").update(`${subject.url}\n${subject.sha256}`).digest("hex")}.json`);
  return {
    isKept: true,
    find: (subject) => quietly(() => read(path(subject), subject)),
    keep: (subject, id) => quietly(() => write(directory, path(subject), { version: 1, ...subject, id })),
    forget: (subject) => quietly(() => unlink(path(subject))),
  };
}

async function quietly<T>(operation: () => Promise<T>): Promise<T | undefined> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return undefined;
    throw error;
  }
}

async function read(path: string, subject: JournalSubject): Promise<string | undefined> {
  const bytes = await readFile(path);
  if (bytes.length > MAX_BYTES) return undefined;
  const entry = parsed(bytes.toString("utf8"));
  if (typeof entry !== "object" || entry === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(entry));
  const isSame = Object.entries({ version: 1, ...subject }).every(([name, value]) => fields.get(name) === value);
  const id = fields.get("id");
  return isSame && typeof id === "string" ? id : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function write(directory: string, path: string, entry: object): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(8).toString("hex")}`;
  const handle = await open(temporary, "wx", 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(entry)}\n`);
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}
