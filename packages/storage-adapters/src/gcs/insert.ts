// SPDX-License-Identifier: Apache-2.0
// One object in one request: resource and bytes as multipart/related. The server compares the MD5 before anything is visible.
// https://cloud.google.com/storage/docs/uploading-objects-from-memory
import { randomBytes } from "node:crypto";
import { quote } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { decodeObject } from "./object.ts";
import type { GcsObject } from "./object.ts";
import { objectResource, uploadUrl } from "./resource.ts";
import type { NewObject, Target } from "./resource.ts";
import { exchange, replyJson } from "./wire.ts";

/** Throws AlreadyExists, ChecksumRejected and what else the service refuses. */
export async function insertObject(
  target: Target,
  request: { readonly object: NewObject; readonly bytes: Uint8Array },
  ctx: Context,
): Promise<GcsObject> {
  const { object, bytes } = request;
  const what = `writing ${quote(object.key)}`;
  const boundary = randomBytes(24).toString("hex");
  const head = `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${objectResource(target, object, ctx)}`;
  const type = object.contentType ?? "application/octet-stream";
  const body = Buffer.concat([
    Buffer.from(`${head}\r\n--${boundary}\r\ncontent-type: ${type}\r\n\r\n`),
    bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  const headers = {
    ...(await target.connection.headers(ctx)),
    "content-type": `multipart/related; boundary=${boundary}`,
  };
  const url = uploadUrl(target, "multipart", object.ifAbsent);
  const { idleMs } = target.connection;
  const reply = await exchange({ what, method: "POST", url, headers, body, idleMs }, ctx);
  return decodeObject(await replyJson(reply, { what }, ctx));
}
