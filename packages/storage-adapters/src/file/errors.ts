// SPDX-License-Identifier: Apache-2.0
// errno → AdapterErrorKind. Only ENOENT and ENOTDIR prove absence; a code not listed proves nothing.
import { quote } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { AdapterErrorKind } from "../adapter.ts";

const KINDS: ReadonlyMap<string, AdapterErrorKind> = new Map([
  ["ENOENT", "NotFound"],
  ["ENOTDIR", "NotFound"],
  ["EEXIST", "AlreadyExists"],
  ["EACCES", "Denied"],
  ["EPERM", "Denied"],
  ["EROFS", "Denied"],
  ["ENXIO", "Irregular"],
  ["ENAMETOOLONG", "KeyRejected"],
  ["EILSEQ", "KeyRejected"],
  ["EINVAL", "KeyRejected"],
  ["EISDIR", "KeyRejected"],
  ["EAGAIN", "Transient"],
  ["EBUSY", "Transient"],
  ["EINTR", "Transient"],
  ["EMFILE", "Transient"],
  ["ENFILE", "Transient"],
  ["ESTALE", "Transient"],
  ["ETIMEDOUT", "Transient"],
]);

const NO_ROOM = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** What link(2) answers on file systems that have no hard links. */
const NO_HARD_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EXDEV", "EMLINK"]);

/** The errno name of a system error, else undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** `error` of doing `action` (a gerund) at `path` as AdapterError; anything but a system error as it is. */
export function fileError(error: unknown, action: string, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  if (errno === "ELOOP") return irregular(path, "or leads through a symbolic link");
  return new AdapterError(KINDS.get(errno) ?? "Unavailable", `${action} ${quote(path)} failed: ${errno}`, {
    cause: error,
    hint: NO_ROOM.has(errno)
      ? "make room for a file of this size there, then run it again: what is complete stays"
      : undefined,
  });
}

/** `error` of link(2) as AdapterError. */
export function linkError(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined || !NO_HARD_LINKS.has(errno)) return fileError(error, "linking", path);
  return new AdapterError("Unsupported", `the file system of ${quote(path)} refuses hard links: ${errno}`, {
    cause: error,
    hint: "use a file system with hard links (ext4, xfs, btrfs, zfs, apfs, nfs): without them nothing can be created whole and only once",
  });
}

/** What stands where a file or directory of the store should be is something else. */
export function irregular(path: string, found: string): AdapterError {
  return new AdapterError("Irregular", `${quote(path)} is ${found}: expected a regular file or directory`, {
    hint: "symbolic links are followed only in the fixed part of the destination, which you wrote; look who made this one, and remove it",
  });
}
