// SPDX-License-Identifier: Apache-2.0
// Small files that the user named, read whole and with a bound. Their bytes are as trusted as the flag that named them.
import { resolve } from "node:path";
import {
  type BundleHandle,
  bundleHandles,
  type ErrorCode,
  KitesealError,
  LIMITS,
  quote,
  readSmallFile,
} from "@kiteseal/core";

export interface InputFile {
  readonly path: string;
  /** What it is, for messages: "the policy". */
  readonly what: string;
  readonly maxBytes: number;
  /** Of a file that cannot be opened or is none; also of one that is too large, unless `limitCode` is given. */
  readonly code: ErrorCode;
  readonly limitCode?: ErrorCode;
}

/** Throws `code`, `limitCode`. */
export async function readInput({ path, what, maxBytes, code, limitCode }: InputFile): Promise<Uint8Array> {
  const fail = (why: string, { cause, tooLarge }: { cause?: unknown; tooLarge?: boolean }): KitesealError =>
    new KitesealError(tooLarge === true ? (limitCode ?? code) : code, `${what} ${quote(path)} ${why}`, { cause });
  return (await readSmallFile({ path, maxBytes, fail })).bytes;
}

/** The attestations of a file: one (.json) or one a line (.jsonl). Throws ERR_UNREADABLE, ERR_LIMIT_EXCEEDED, ERR_BUNDLE_INVALID. */
export async function readBundles(path: string, cwd: string): Promise<readonly BundleHandle[]> {
  const limits = { maxBytes: LIMITS.bundleFileBytes, code: "ERR_UNREADABLE", limitCode: "ERR_LIMIT_EXCEEDED" } as const;
  return bundleHandles(path, await readInput({ path: resolve(cwd, path), what: "the bundle", ...limits }));
}
