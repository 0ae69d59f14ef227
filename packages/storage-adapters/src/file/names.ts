// SPDX-License-Identifier: Apache-2.0
// Keys and paths. The bucket is the root of the file system: a key is a path without its leading "/".
import type { BigIntStats } from "node:fs";
import { parseKey, quote } from "@kiteseal/core/store";
import type { Key, Pin } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";

const TEMPORARY = /^\.kiteseal-tmp-/;

/** The name of a file that is being written; `random` is lower-case hex. */
export function temporaryName(random: string): string {
  return `.kiteseal-tmp-${random}`;
}

export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}

/** Directory segments and file name. Throws KeyRejected for the name of a temporary. */
export function splitKey(key: Key): { directories: readonly string[]; name: string } {
  const directories = key.split("/");
  const name = directories.pop() ?? "";
  if ([...directories, name].some(isTemporary)) {
    throw new AdapterError("KeyRejected", `the key ${quote(key)} has the name of a temporary file`);
  }
  return { directories, name };
}

/** undefined for names that no key can have (controls, not UTF-8): such files are not objects. */
export function keyFromPath(text: string): Key | undefined {
  try {
    return parseKey(text);
  } catch {
    return undefined;
  }
}

/** "device:inode:size:mtime in ns". */
export function pinOf(stat: BigIntStats): Pin {
  return `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}`;
}
