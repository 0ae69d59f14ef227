// SPDX-License-Identifier: Apache-2.0
// What `doctor` asks of a directory: is it there, who else may write to it, and does its file system do what
// create-only writing needs. Tried, not deduced; what is made for that is removed again.
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { access, link, lstat, open, realpath, stat, unlink } from "node:fs/promises";
import { userInfo } from "node:os";
import { quote } from "@kiteseal/core/store";
import type { Context, Finding } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { abilities, finding } from "../diagnosis.ts";
import type { Tell, Told } from "../diagnosis.ts";
import { errnoOf, fileError } from "./errors.ts";
import { temporaryName } from "./names.ts";

const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;

/**
 * In this order: file.identity, file.base, file.permissions, file.public-access, file.list, file.read, file.put,
 * file.create-only, file.names, file.durability, file.overwrite, file.delete, file.abilities, file.versioning,
 * file.immutability, file.encryption, file.lifecycle. What cannot be reached is left out.
 */
export async function diagnose(base: string, ctx: Context): Promise<readonly Finding[]> {
  const path = base === "" ? "/" : base;
  const { username, uid } = userInfo();
  const findings: Finding[] = [finding("file.identity", path, ["ok", `uses the user ${quote(username)} (${uid})`])];
  const tell: Tell = (id, told) => void findings.push(finding(`file.${id}`, path, told));
  const real = await findBase(path, tell);
  if (real === undefined) return findings;
  ctx.signal?.throwIfAborted();
  findings.push(...(await permissions(real)));
  tell("public-access", await publicAccess(real));
  tell("list", await readable(real));
  tell("read", await readable(real));
  const writes = await probe(real, tell);
  if (writes) {
    tell("overwrite", ["advice", "may replace what is there: other programs of this user can, Kiteseal does not"]);
    tell("delete", ["advice", "may delete", "let only the user that publishes write here"]);
  }
  tell("abilities", abilities(findings));
  tellLimits(tell);
  return findings;
}

/** undefined: there is nothing to go on with. */
async function findBase(path: string, tell: Tell): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    if (!(await stat(real)).isDirectory()) {
      tell("base", ["broken", "is not a directory", "name a directory in the destination"]);
      return undefined;
    }
    tell("base", ["ok", real === path ? "exists" : `exists and is ${real}`]);
    return real;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      tell("base", ["advice", "does not exist yet", "nothing: the first publish makes it"]);
      return undefined;
    }
    const failed = fileError(error, "looking at", path);
    if (!(failed instanceof AdapterError) || failed.kind === "Transient") throw failed;
    tell("base", ["broken", failed.message, "give this user access to it"]);
    return undefined;
  }
}

/** What a directory has not, or what cannot be seen from here. */
function tellLimits(tell: Tell): void {
  const gone = "keeps no versions: what is replaced or deleted is gone";
  tell("versioning", ["advice", gone, "take snapshots of the file system"]);
  const kept = "keeps nothing against its owner's will";
  tell("immutability", ["advice", kept, "publish to a store with retention if releases must be kept"]);
  tell("encryption", ["ok", "encryption is a matter of the file system and cannot be seen from here"]);
  tell("lifecycle", ["ok", "what a killed publish leaves is removed by the first one a day later"]);
}

async function publicAccess(real: string): Promise<Told> {
  const { mode } = await stat(real);
  if ((mode & OTHERS_READ) === 0) return ["ok", "other users of this machine cannot list it"];
  return ["advice", "every user of this machine can list it", `chmod o-rx ${real} if artifacts are secret`];
}

async function readable(real: string): Promise<Told> {
  try {
    await access(real, constants.R_OK | constants.X_OK);
    return ["ok", "may be listed and read"];
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    return ["advice", `may not be listed and read (${errno})`, "a job that verifies needs to"];
  }
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

/** Whether it can be written to. */
async function probe(real: string, tell: Tell): Promise<boolean> {
  const stem = `${real === "/" ? "" : real}/${temporaryName(randomBytes(16).toString("hex"))}`;
  const made: string[] = [];
  try {
    await (await open(stem, "wx")).close();
    made.push(stem);
    tell("put", ["ok", "may be written to"]);
    tell("create-only", await createOnly(stem, made));
    tell("names", await names(stem));
    tell("durability", await durability(real));
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined || made.length > 0) throw error;
    const remedy = "nothing if this job only verifies; else give this user the right to write";
    tell("put", ["advice", `cannot be written to by this user (${errno})`, remedy]);
    return false;
  } finally {
    for (const path of made) await unlink(path);
  }
}

async function createOnly(stem: string, made: string[]): Promise<Told> {
  try {
    await link(stem, `${stem}-link`);
    made.push(`${stem}-link`);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    const told = `has no hard links (${errno}): nothing can be published here`;
    return ["dangerous", told, "use a file system with hard links"];
  }
  try {
    await link(stem, `${stem}-link`);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    return ["ok", "creates a name only once"];
  }
  const told = "let a name be created twice: two jobs can replace each other's artifacts";
  return ["dangerous", told, "use another file system"];
}

async function names(stem: string): Promise<Told> {
  const cut = stem.lastIndexOf("/") + 1;
  try {
    await lstat(stem.slice(0, cut) + stem.slice(cut).toUpperCase());
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    return ["ok", "tells upper from lower case"];
  }
  const told = "does not tell upper from lower case: names that differ only in that are conflicts";
  return ["advice", told, "keep artifact names lower case"];
}

async function durability(real: string): Promise<Told> {
  const handle = await open(real, "r");
  try {
    await handle.sync();
    return ["ok", "makes new names durable when asked"];
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    const told = `cannot make new names durable when asked (${errno}): a power cut may lose what was just published`;
    return ["advice", told, "use another file system"];
  } finally {
    await handle.close();
  }
}
