// SPDX-License-Identifier: Apache-2.0
// Looking at one artifact: its storage information, which tells files from folders and absence from a proxy's error page.
import { quote } from "@kiteseal/core/store";
import type { Context, Key, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { ask, itemPath } from "./client.ts";
import type { ArtifactoryClient } from "./client.ts";
import { fileInfo, isFolder, parseReply } from "./replies.ts";

const INFO_BYTES = 1_048_576;

/** Throws NotFound for absence and for folders. */
export async function head(client: ArtifactoryClient, key: Key, ctx: Context): Promise<StoredObject> {
  const action = `looking at ${quote(key)}`;
  const reply = await ask(client, { method: "GET", path: `api/storage/${itemPath(client, key)}`, action }, ctx);
  const info = parseReply(await reply.text(INFO_BYTES), key);
  if (isFolder(info)) throw new AdapterError("NotFound", `${quote(key)} is a folder: expected a file`);
  const { size, sha256 } = fileInfo(info, key);
  return { key, size, pin: sha256 };
}

/** Throws AlreadyExists if something is at `key`. */
export async function requireAbsent(client: ArtifactoryClient, key: Key, ctx: Context): Promise<void> {
  try {
    await head(client, key, ctx);
  } catch (error) {
    if (error instanceof AdapterError && error.kind === "NotFound") return;
    throw error;
  }
  throw new AdapterError("AlreadyExists", `${quote(key)} exists`);
}
