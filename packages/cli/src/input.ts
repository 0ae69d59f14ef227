// SPDX-License-Identifier: Apache-2.0
// Small files that the user named, read whole and with a bound. Their bytes are as trusted as the flag that named them.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { type ErrorCode, KitesealError, quote } from "@kiteseal/core";

export interface InputFile {
  readonly path: string;
  /** What it is, for messages: "the policy". */
  readonly what: string;
  readonly maxBytes: number;
  /** Of a file that cannot be opened or is none; also of one that is too large, unless `limitCode` is given. */
  readonly code: ErrorCode;
  readonly limitCode?: ErrorCode;
}

/** Never waits for a FIFO's writer. Throws `code`, `limitCode`. */
export async function readInput({ path, what, maxBytes, code, limitCode }: InputFile): Promise<Uint8Array> {
  const fail = (why: string, o: { cause?: unknown; as?: ErrorCode } = {}): KitesealError =>
    new KitesealError(o.as ?? code, `${what} ${quote(path)} ${why}`, { cause: o.cause });
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw fail(`cannot be opened: ${systemCode(cause)}`, { cause });
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw fail("is not a file");
    // One byte more than allowed tells a file that is too large, or that grows.
    const buffer = Buffer.alloc(Math.min(stats.size, maxBytes) + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > maxBytes) throw fail(`is larger than ${maxBytes} bytes`, { as: limitCode ?? code });
    if (length > stats.size) throw fail("grew while it was read");
    return new Uint8Array(buffer.subarray(0, length));
  } finally {
    await handle.close();
  }
}

/** The system's name of a failure, or a word where there is none. */
export function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "failed";
}
