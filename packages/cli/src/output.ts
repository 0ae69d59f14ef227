// SPDX-License-Identifier: Apache-2.0
// Files that a command writes for its user: under a temporary name beside the final one, made durable, then renamed, so
// that a reader sees the old file or the new one and a failure leaves nothing behind.
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { access, link, open, rename, rm } from "node:fs/promises";
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

const ENOUGH = 4096;

/** An existing file is replaced only by what it already is: an artifact or a trusted root named by mistake stays. */
async function refuseOther(path: string, isOurs: RegExp): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    if (failureName(cause) === "ENOENT") return undefined;
    throw new KitesealError("ERR_OUTPUT", `cannot write ${quote(path)}: ${failureName(cause)}`, { cause });
  });
  if (handle === undefined) return;
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(ENOUGH), 0, ENOUGH, 0);
    const start = buffer.toString("latin1", 0, bytesRead).trimStart();
    if (start === "" || isOurs.test(start)) return;
    throw new KitesealError("ERR_OUTPUT", `${quote(path)} is something else and would be replaced`, {
      hint: "name a file that is not there yet",
    });
  } finally {
    await handle.close();
  }
}

/** What a file that kiteseal wrote begins with. */
export const WRITTEN: Readonly<Record<"pins" | "bundle", RegExp>> = {
  pins: /^\{\s*"version":\s*1,\s*"artifacts":/,
  bundle: /^\{\s*"mediaType":\s*"application\/vnd\.dev\.sigstore\.bundle/,
};

/** Said before anything is signed or stored. Throws ERR_OUTPUT. */
export async function checkOutput(path: string, isOurs: RegExp): Promise<void> {
  await refuseOther(path, isOurs);
  await access(dirname(path), constants.W_OK).catch((cause: unknown) => {
    throw new KitesealError("ERR_OUTPUT", `cannot write ${quote(path)}: ${failureName(cause)}`, { cause });
  });
}
