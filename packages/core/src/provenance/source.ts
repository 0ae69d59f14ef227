// SPDX-License-Identifier: Apache-2.0
// The commit that a checkout stands at, read from git's own files: running git would run what the checkout configures.
// A claim of the job, recorded because a symbolic commit (HEAD) says nothing. Anything unexpected is "unknown".
import { dirname, join, resolve } from "node:path";
import { openRegularFile } from "../artifact/file.ts";
import { isFullCommit } from "../buildkite/facts.ts";
import { isKitesealError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

const SMALL_BYTES = 4096;
const MAX_PARENTS = 64;
const MAX_SYMBOLIC = 5;

/** The full commit id that HEAD of the checkout around `directory` stands for; undefined where that cannot be told. */
export async function readCheckoutCommit(directory: string): Promise<string | undefined> {
  const gitDirectory = await findGitDirectory(resolve(directory));
  if (gitDirectory === undefined) return undefined;
  const common = (await readText(join(gitDirectory, "commondir"), SMALL_BYTES))?.trim();
  const places = { own: gitDirectory, common: common === undefined ? gitDirectory : resolve(gitDirectory, common) };
  let value = (await readText(join(gitDirectory, "HEAD"), SMALL_BYTES))?.trim();
  for (let hop = 0; hop < MAX_SYMBOLIC && value?.startsWith("ref: ") === true; hop++) {
    value = await resolveRef(value.slice("ref: ".length).trim(), places);
  }
  return value !== undefined && isFullCommit(value) ? value : undefined;
}

/** `.git` is a directory, or in worktrees and submodules a file that names one. */
async function findGitDirectory(start: string): Promise<string | undefined> {
  let directory = start;
  for (let level = 0; level < MAX_PARENTS; level++) {
    const candidate = join(directory, ".git");
    if ((await readText(join(candidate, "HEAD"), SMALL_BYTES)) !== undefined) return candidate;
    const pointer = /^gitdir: (.+)$/m.exec((await readText(candidate, SMALL_BYTES)) ?? "")?.[1];
    if (pointer !== undefined) return resolve(directory, pointer.trim());
    if (dirname(directory) === directory) return undefined;
    directory = dirname(directory);
  }
  return undefined;
}

async function resolveRef(ref: string, places: { own: string; common: string }): Promise<string | undefined> {
  if (!ref.startsWith("refs/") || ref.split("/").includes("..")) return undefined;
  for (const place of [places.own, places.common]) {
    const loose = await readText(join(place, ref), SMALL_BYTES);
    if (loose !== undefined) return loose.trim();
  }
  const packed = (await readText(join(places.common, "packed-refs"), LIMITS.lockFileBytes)) ?? "";
  const at = `\n${packed}`.indexOf(` ${ref}\n`);
  if (at < 0) return undefined;
  return packed.slice(packed.lastIndexOf("\n", at - 2) + 1, at - 1);
}

/** undefined if there is no such regular file, or one of more than `maxBytes`. */
async function readText(path: string, maxBytes: number): Promise<string | undefined> {
  try {
    const file = await openRegularFile(path);
    try {
      const size = Number(file.identity.size);
      if (size > maxBytes) return undefined;
      const buffer = Buffer.alloc(size);
      return buffer.toString("utf8", 0, await file.read(buffer, size, 0));
    } finally {
      file.close();
    }
  } catch (error) {
    if (isKitesealError(error)) return undefined;
    throw error;
  }
}
