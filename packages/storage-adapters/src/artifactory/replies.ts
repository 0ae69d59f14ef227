// SPDX-License-Identifier: Apache-2.0
// What Artifactory's replies say, decoded: untrusted JSON of which only the fields below are read.
import { quote } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";

const SHA256 = /^[0-9a-f]{64}$/;
const SIZE = /^\d{1,15}$/;

export interface FileInfo {
  readonly size: number;
  readonly sha256: string;
}

/** Throws Unavailable for what is not JSON. */
export function parseReply(text: string, subject: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AdapterError("Unavailable", `the reply for ${quote(subject)} is not JSON`);
  }
}

function members(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}

export function isFolder(reply: unknown): boolean {
  return members(reply).has("children");
}

/** Storage information of a file, and what a deployment answers. Sizes are strings there. Throws Unavailable. */
export function fileInfo(reply: unknown, subject: string): FileInfo {
  const info = members(reply);
  const size = info.get("size");
  const sha256 = members(info.get("checksums")).get("sha256");
  const digits = typeof size === "number" ? String(size) : size;
  if (typeof sha256 === "string" && SHA256.test(sha256) && typeof digits === "string" && SIZE.test(digits)) {
    return { size: Number(digits), sha256 };
  }
  throw new AdapterError("Unavailable", `the reply for ${quote(subject)} has no size or no sha256`, {
    hint: "artifacts stored before Artifactory 5.5 have no sha256 until it is migrated",
  });
}

export interface ListedFile {
  /** Below the listed folder, starting with "/". */
  readonly path: string;
  readonly size: number;
  /** Older files have none. */
  readonly sha256: string | undefined;
}

/** Throws Unavailable for a listing that is not one. */
export function listedFiles(reply: unknown, subject: string): readonly ListedFile[] {
  const files = members(reply).get("files");
  if (!Array.isArray(files)) throw new AdapterError("Unavailable", `the listing of ${quote(subject)} has no files`);
  const entries: readonly unknown[] = files;
  return entries.flatMap((entry) => {
    const file = members(entry);
    if (file.get("folder") === true) return [];
    const [path, size, sha256] = [file.get("uri"), file.get("size"), file.get("sha2")];
    if (typeof path !== "string" || !path.startsWith("/") || typeof size !== "number" || !Number.isSafeInteger(size)) {
      throw new AdapterError("Unavailable", `the listing of ${quote(subject)} has an entry without path or size`);
    }
    return [{ path, size, sha256: typeof sha256 === "string" && SHA256.test(sha256) ? sha256 : undefined }];
  });
}

/** A text member of a reply, or undefined. */
export function textField(reply: unknown, name: string): string | undefined {
  const value = members(reply).get(name);
  return typeof value === "string" ? value : undefined;
}

/** A yes or no of a reply, or undefined. */
export function flagField(reply: unknown, name: string): boolean | undefined {
  const value = members(reply).get(name);
  return typeof value === "boolean" ? value : undefined;
}
