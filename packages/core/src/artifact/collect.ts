// SPDX-License-Identifier: Apache-2.0
// From what the user typed to the files that are meant. Nothing is skipped without being listed, nothing is guessed:
// a pattern that matches no file, a directory and two files of one name are errors. Only the directories in which a
// pattern can match are read, one entry at a time.
import type { Dirent, Stats } from "node:fs";
import { opendir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Context } from "../context.ts";
import { KitesealError, quote } from "../errors.ts";
import { globProblem, isGlob, pathGlob, type GlobState, type PathGlob } from "../glob.ts";
import { fileOperation, isDirectory, systemCode, throwIfInterrupted } from "./file.ts";
import { sortByName, subjectName } from "./names.ts";
import { artifactBeside, ATTESTATIONS_FOLDER } from "./attestation-names.ts";

export interface CollectOptions {
  /** Absolute; relative patterns start here. */
  readonly cwd: string;
  /** Absolute; names are relative to it. */
  readonly base: string;
  /** For verifying: globs enter `.git`, and a link to a directory is refused instead of passed over. */
  readonly everything?: boolean;
}

export interface CollectedFile {
  /** Absolute. */
  readonly path: string;
  /** The subject name: relative to the base, `/`-separated, in normal form C. */
  readonly name: string;
}

export interface Collection {
  /** Each file once, sorted by the bytes of its name. */
  readonly files: readonly CollectedFile[];
  /** Absolute paths that a glob met and left out: bundles beside the file that they are about; with `everything` also folders of attestations. */
  readonly sidecars: readonly string[];
}

/** Kiteseal's own attestations and git's database are never meant by a glob; named literally, they are files like others. */
const GIT = ".git";

/**
 * The files that `patterns` name. A pattern that is an existing file is that file, whatever characters it has; others
 * are globs of glob.ts. Symbolic links to files are followed, to directories only where a pattern names them literally.
 * Errors: ERR_NO_MATCH for each pattern without a file, ERR_IS_DIRECTORY, ERR_UNREADABLE (also a FIFO, a device, a
 * dangling link), ERR_NAME_INVALID, ERR_DUPLICATE_NAME, ERR_USAGE for a pattern of another grammar, ERR_INTERRUPTED.
 */
export async function collectArtifacts(
  patterns: readonly string[],
  options: CollectOptions,
  ctx: Context,
): Promise<Collection> {
  const files = new Map<string, CollectedFile>();
  const sidecars = new Set<string>();
  const add = (path: string): void => {
    const name = subjectName(path, options.base);
    const known = files.get(name);
    if (known !== undefined && known.path !== path) {
      throw new KitesealError(
        "ERR_DUPLICATE_NAME",
        `${quote(known.path)} and ${quote(path)} would both be named ${quote(name)}`,
        {
          hint: "attest them in two calls, each with its own --base",
        },
      );
    }
    files.set(name, { path, name });
  };
  for (const pattern of patterns) {
    throwIfInterrupted(ctx);
    const literal = resolve(options.cwd, pattern);
    if (await isNamedFile(literal, pattern)) {
      add(literal);
      continue;
    }
    let matched = false;
    for await (const path of globFiles(pattern, { ...options, leftOut: (path) => void sidecars.add(path) }, ctx)) {
      if (await isSidecar(path)) sidecars.add(path);
      else {
        matched = true;
        add(path);
      }
    }
    if (!matched) throw noMatch(pattern);
  }
  return { files: sortByName([...files.values()]), sidecars: [...sidecars].sort() };
}

function noMatch(pattern: string): KitesealError {
  const what = isGlob(pattern) ? "no file matches" : "there is no file";
  return new KitesealError("ERR_NO_MATCH", `${what} ${quote(pattern)}`, {
    hint: "every path and pattern has to name a file: a build that made nothing is not attested",
  });
}

async function isNamedFile(path: string, pattern: string): Promise<boolean> {
  const found = await statOrAbsent(path);
  if (found === undefined) return false;
  if (found.isDirectory()) throw isDirectory(pattern);
  if (!found.isFile()) throw new KitesealError("ERR_UNREADABLE", `${quote(pattern)} is not a regular file`);
  return true;
}

/** undefined only for proven absence. */
async function statOrAbsent(path: string): Promise<Stats | undefined> {
  return fileOperation(path, async () => {
    try {
      return await stat(path);
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(systemCode(error)) || path.includes("\0")) return undefined;
      throw error;
    }
  });
}

async function isSidecar(path: string): Promise<boolean> {
  const artifact = artifactBeside(path);
  return artifact !== undefined && (await statOrAbsent(artifact))?.isFile() === true;
}

/** Reads nothing above the pattern's first segment with a wildcard, which is where the walk starts. */
async function* globFiles(
  pattern: string,
  { cwd, everything = false, leftOut }: GlobRequest,
  ctx: Context,
): AsyncGenerator<string> {
  if (!isGlob(pattern)) return;
  const segments = pattern.replace(/^(?:\.\/+)+/, "").split("/");
  const fixed = segments.findIndex(isGlob);
  const rest = segments.slice(fixed).join("/");
  const problem = globProblem(rest);
  if (problem !== undefined) {
    throw new KitesealError("ERR_USAGE", `${quote(pattern)} is no file, and no pattern: ${problem}`);
  }
  const root = resolve(cwd, `${segments.slice(0, fixed).join("/")}${fixed > 0 ? "/" : ""}`);
  if ((await statOrAbsent(root))?.isDirectory() !== true) return;
  const glob = pathGlob(rest);
  const keptOut = everything ? [ATTESTATIONS_FOLDER] : [ATTESTATIONS_FOLDER, GIT];
  yield* walk({ directory: root, state: glob.start }, { glob, keptOut, everything, leftOut }, ctx);
}

interface GlobRequest extends CollectOptions {
  /** Told of each folder of attestations that is passed over. */
  readonly leftOut: (path: string) => void;
}

interface Place {
  readonly directory: string;
  readonly state: GlobState;
}

interface Walk {
  readonly glob: PathGlob;
  readonly keptOut: readonly string[];
  readonly everything: boolean;
  readonly leftOut: (path: string) => void;
}

async function* walk(start: Place, { glob, keptOut, everything, leftOut }: Walk, ctx: Context): AsyncGenerator<string> {
  const places = [start];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const { directory, state } = place;
    throwIfInterrupted(ctx);
    for await (const entry of entries(directory)) {
      if (everything && entry.name === ATTESTATIONS_FOLDER) leftOut(join(directory, entry.name));
      const next = keptOut.includes(entry.name) ? [] : glob.step(state, entry.name.normalize("NFC"));
      if (next.length === 0) continue;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) places.push({ directory: path, state: next });
      else if (glob.accepts(next) && (await isMatchedFile(path, entry, everything))) yield path;
    }
  }
}

async function* entries(directory: string): AsyncGenerator<Dirent> {
  const opened = await fileOperation(directory, () => opendir(directory));
  try {
    for (;;) {
      const entry = await fileOperation(directory, () => opened.read());
      if (entry === null) return;
      yield entry;
    }
  } finally {
    await opened.close();
  }
}

/** A link to a directory is none of the files meant; what is neither is not passed over. */
async function isMatchedFile(path: string, entry: Dirent, everything: boolean): Promise<boolean> {
  if (entry.isFile()) return true;
  const target = await statOrAbsent(path);
  if (target?.isDirectory() === true && !everything) return false;
  if (target?.isFile() === true) return true;
  const directory = target?.isDirectory() === true ? "a link to a directory" : "not a regular file";
  const what = target === undefined ? "a link to nothing" : directory;
  throw new KitesealError("ERR_UNREADABLE", `${quote(path)} matches a pattern and is ${what}`);
}
