// SPDX-License-Identifier: Apache-2.0
// Looking at one artifact: its storage information, which tells files from folders and absence from a proxy's error page.
import { quote } from "@kiteseal/core/store";
import type { Context, Key, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { ask, itemPath } from "./client.ts";
import type { ArtifactoryClient } from "./client.ts";
import { fileInfo, isFolder, parseReply } from "./replies.ts";

const INFO_BYTES = 1_048_576;

/** Throws NotFound for absence and for folders, Unsupported where there is no such repository. */
export async function head(client: ArtifactoryClient, key: Key, ctx: Context): Promise<StoredObject> {
  const action = `looking at ${quote(key)}`;
  const info = await itemInfo(client, { path: itemPath(client, key), action, key }, ctx);
  if (isFolder(info)) throw new AdapterError("NotFound", `${quote(key)} is a folder: expected a file`);
  const { size, sha256 } = fileInfo(info, key);
  return { key, size, pin: sha256 };
}

async function itemInfo(
  client: ArtifactoryClient,
  { path, action, key }: { path: string; action: string; key: string },
  ctx: Context,
): Promise<unknown> {
  try {
    const reply = await ask(client, { method: "GET", path: `api/storage/${path}`, action }, ctx);
    return parseReply(await reply.text(INFO_BYTES), key);
  } catch (error) {
    if (error instanceof AdapterError && error.kind === "NotFound") await requireRepository(client, ctx);
    throw error;
  }
}

/** The same words are said of a missing item as of one in a repository that is missing; only the former is absence. */
export async function requireRepository(client: ArtifactoryClient, ctx: Context): Promise<void> {
  const { repository } = client;
  if (client.seen.has(repository)) return;
  try {
    const path = `api/storage/${encodeURIComponent(repository)}`;
    (await ask(client, { method: "GET", path, action: `looking for ${quote(repository)}` }, ctx)).discard();
  } catch (error) {
    if (!(error instanceof AdapterError) || error.kind !== "NotFound") throw error;
    throw new AdapterError("Unsupported", `there is no repository ${quote(repository)}`, {
      hint: "create the repository, or correct its name",
    });
  }
  client.seen.add(repository);
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
