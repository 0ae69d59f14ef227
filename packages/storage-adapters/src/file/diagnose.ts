// SPDX-License-Identifier: Apache-2.0
// What `doctor` asks of a directory: is it there, who else may write to it, and does its file system do what
// create-only writing needs. Tried, not deduced; what is made for that is removed again.
import { randomBytes } from "node:crypto";
import { link, lstat, open, realpath, stat, unlink } from "node:fs/promises";
import type { Context, Finding } from "@kiteseal/core/store";
import { finding } from "../diagnosis.ts";
import { errnoOf } from "./errors.ts";
import { temporaryName } from "./names.ts";

const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;

/** Findings about the base directory, in this order: file.base, file.permissions, file.create-only, file.names, file.durability. */
export async function diagnose(base: string, ctx: Context): Promise<readonly Finding[]> {
  const path = base === "" ? "/" : base;
  let real: string;
  try {
    real = await realpath(path);
    if (!(await stat(real)).isDirectory()) {
      return [finding("file.base", path, ["dangerous", "is not a directory", "name a directory in the destination"])];
    }
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    if (errno === "ENOENT") {
      return [finding("file.base", path, ["advice", "does not exist yet", "nothing: the first publish makes it"])];
    }
    return [finding("file.base", path, ["dangerous", `cannot be looked at (${errno})`, "give this user access to it"])];
  }
  ctx.signal?.throwIfAborted();
  const found = real === path ? "exists" : `exists and is ${real}`;
  return [finding("file.base", path, ["ok", found]), ...(await permissions(real)), ...(await probe(real))];
}

/** Whoever may write to an ancestor without sticky bit can put another directory in the base's place. */
async function permissions(real: string): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (let path = real; ; path = path.slice(0, path.lastIndexOf("/")) || "/") {
    const { mode } = await stat(path);
    const open = (mode & OTHERS_WRITE) !== 0 && (path === real || (mode & STICKY) === 0);
    if (open) {
      const what =
        path === real ? "can be written to by everybody" : "is above the store and can be written to by everybody";
      findings.push(finding("file.permissions", path, ["dangerous", what, `chmod o-w ${path}`]));
    }
    if (path === "/") break;
  }
  if (findings.length > 0) return findings;
  return [finding("file.permissions", real, ["ok", "only its owner and group can write to it"])];
}

async function probe(real: string): Promise<readonly Finding[]> {
  const stem = `${real === "/" ? "" : real}/${temporaryName(randomBytes(16).toString("hex"))}`;
  const made: string[] = [];
  try {
    await (await open(stem, "wx")).close();
    made.push(stem);
    return [await createOnly(real, stem, made), await names(real, stem), await durability(real)];
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    const remedy = "nothing if this job only verifies; else give this user the right to write";
    return [finding("file.create-only", real, ["advice", `cannot be written to by this user (${errno})`, remedy])];
  } finally {
    for (const path of made) await unlink(path);
  }
}

async function createOnly(real: string, stem: string, made: string[]): Promise<Finding> {
  try {
    await link(stem, `${stem}-link`);
    made.push(`${stem}-link`);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    const told = `has no hard links (${errno}): nothing can be published here`;
    return finding("file.create-only", real, ["dangerous", told, "use a file system with hard links"]);
  }
  try {
    await link(stem, `${stem}-link`);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    return finding("file.create-only", real, ["ok", "creates a name only once"]);
  }
  const told = "let a name be created twice: two jobs can replace each other's artifacts";
  return finding("file.create-only", real, ["dangerous", told, "use another file system"]);
}

async function names(real: string, stem: string): Promise<Finding> {
  const cut = stem.lastIndexOf("/") + 1;
  try {
    await lstat(stem.slice(0, cut) + stem.slice(cut).toUpperCase());
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    return finding("file.names", real, ["ok", "tells upper from lower case"]);
  }
  const told = "does not tell upper from lower case: names that differ only in that are conflicts";
  return finding("file.names", real, ["advice", told, "keep artifact names lower case"]);
}

async function durability(real: string): Promise<Finding> {
  const handle = await open(real, "r");
  try {
    await handle.sync();
    return finding("file.durability", real, ["ok", "makes new names durable when asked"]);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    const told = `cannot make new names durable when asked (${errno}): a power cut may lose what was just published`;
    return finding("file.durability", real, ["advice", told, "use another file system"]);
  } finally {
    await handle.close();
  }
}
