// SPDX-License-Identifier: Apache-2.0
// What is sent beside the bytes: the object resource with the checksum that makes the server refuse damaged bytes, and
// the query with the precondition that makes it refuse a second object. Nothing about access: objects are private as
// far as the bucket is.
import type { Context, Key } from "@kiteseal/core/store";
import type { WriteSettings } from "../adapter.ts";
import type { Connection } from "./connection.ts";

export interface NewObject {
  readonly key: Key;
  /** Lower-case hex. Undefined: the caller compares what the service computed. */
  readonly md5: string | undefined;
  readonly ifAbsent: boolean;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Where and how new objects are written. */
export interface Target {
  readonly connection: Connection;
  readonly settings: WriteSettings;
}

const DAY_MS = 86_400_000;

export function uploadUrl(
  { connection, settings }: Target,
  type: "multipart" | "resumable",
  ifAbsent: boolean,
): string {
  const query = new URLSearchParams({ uploadType: type });
  if (ifAbsent) query.set("ifGenerationMatch", "0");
  if (settings.encryptionKey !== undefined) query.set("kmsKeyName", settings.encryptionKey);
  return `${connection.endpoint}/upload/storage/v1/b/${encodeURIComponent(connection.bucket)}/o?${query.toString()}`;
}

export function objectsUrl({ endpoint, bucket }: Connection): string {
  return `${endpoint}/storage/v1/b/${encodeURIComponent(bucket)}/o`;
}

export function objectUrl(connection: Connection, name: string): string {
  return `${objectsUrl(connection)}/${encodeURIComponent(name)}`;
}

/** JSON. */
export function objectResource(target: Target, object: NewObject, ctx: Context): string {
  return JSON.stringify({
    name: object.key,
    contentType: object.contentType ?? "application/octet-stream",
    ...(object.md5 === undefined ? {} : { md5Hash: Buffer.from(object.md5, "hex").toString("base64") }),
    ...(Object.keys(object.metadata).length === 0 ? {} : { metadata: object.metadata }),
    ...protection(target.settings, ctx),
  });
}

/** Retention from now on, and a temporary hold, as `settings` ask. */
export function protection(settings: WriteSettings, ctx: Context): Readonly<Record<string, unknown>> {
  const { retention, legalHold } = settings;
  const until = new Date(ctx.now().getTime() + (retention?.days ?? 0) * DAY_MS).toISOString();
  return {
    ...(retention === undefined
      ? {}
      : { retention: { mode: retention.mode === "compliance" ? "Locked" : "Unlocked", retainUntilTime: until } }),
    ...(legalHold === true ? { temporaryHold: true } : {}),
  };
}
