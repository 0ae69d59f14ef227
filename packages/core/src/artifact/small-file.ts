// SPDX-License-Identifier: Apache-2.0
// Small files that somebody named, read whole and with a bound.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { KitesealError } from "../errors.ts";

export interface SmallFile {
  readonly path: string;
  readonly maxBytes: number;
  /** The error of what is wrong with it: `why` continues "the policy P …". */
  readonly fail: (why: string, o: { readonly cause?: unknown; readonly tooLarge?: boolean }) => KitesealError;
}

/** Never waits for a FIFO's writer. Throws what `fail` makes. */
export async function readSmallFile({
  path,
  maxBytes,
  fail,
}: SmallFile): Promise<{ bytes: Uint8Array; modified: Date }> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw fail(`cannot be opened: ${failureName(cause)}`, { cause });
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw fail("is not a file", {});
    // One byte more than allowed tells a file that is too large, or that grows.
    const buffer = Buffer.alloc(Math.min(stats.size, maxBytes) + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > maxBytes) throw fail(`is larger than ${maxBytes} bytes`, { tooLarge: true });
    if (length > stats.size) throw fail("grew while it was read", {});
    return { bytes: new Uint8Array(buffer.subarray(0, length)), modified: stats.mtime };
  } finally {
    await handle.close();
  }
}

/** The system's name of a failure, or a word where there is none. */
export function failureName(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "failed";
}
