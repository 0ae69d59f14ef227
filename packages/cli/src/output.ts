// SPDX-License-Identifier: Apache-2.0
// Files that a command writes for its user: under a temporary name beside the final one, made durable, then renamed, so
// that a reader sees the old file or the new one and a failure leaves nothing behind.
import { randomBytes } from "node:crypto";
import { link, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { failureName, KitesealError, quote } from "@kiteseal/core";

/** Replaces `path`. Throws ERR_OUTPUT. */
export async function writeOutput(path: string, bytes: Uint8Array): Promise<void> {
  await writeThrough(path, bytes, (temporary) => rename(temporary, path));
}

/** Never replaces what is there. Throws ERR_OUTPUT. */
export async function createOutput(path: string, bytes: Uint8Array): Promise<void> {
  await writeThrough(path, bytes, async (temporary) => {
    await link(temporary, path);
    await rm(temporary);
  });
}

async function writeThrough(
  path: string,
  bytes: Uint8Array,
  name: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const handle = await open(temporary, "wx", 0o666);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await name(temporary);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new KitesealError("ERR_OUTPUT", `cannot write ${quote(path)}: ${failureName(cause)}`, { cause });
  }
}
