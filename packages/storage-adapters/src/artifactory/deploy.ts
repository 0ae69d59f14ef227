// SPDX-License-Identifier: Apache-2.0
// Writing one artifact: bytes that the server already has are named by their digest, others are streamed with it, and
// the server refuses what does not match. An interrupted deployment leaves nothing. Copies are deployments by digest, so
// they can only ever be the pinned bytes.
import { quote } from "@kiteseal/core/store";
import type { Context, Key, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { PutRequest, Written } from "../adapter.ts";
import { ask, itemPath } from "./client.ts";
import type { ArtifactoryClient } from "./client.ts";
import { head, requireAbsent } from "./head.ts";
import { uploadInParts } from "./parts.ts";
import { fileInfo, parseReply } from "./replies.ts";

/** Below this, sending the bytes is as fast as asking whether they are there. */
const CHECKSUM_DEPLOY_BYTES = 10_240;
const REPLY_BYTES = 1_048_576;
const SHA256 = /^[0-9a-f]{64}$/;
/** Refused by Artifactory in names; ";" would begin properties. */
const FORBIDDEN = /[\\:|?*"<>;]/;

/** Create-only as far as Artifactory can: see adapter.ts. Throws AlreadyExists, KeyRejected, ChecksumRejected, Denied. */
export async function putWhole(client: ArtifactoryClient, request: PutRequest, ctx: Context): Promise<Written> {
  const { key, size, digests } = request;
  requireName(key);
  if (request.ifAbsent) await requireAbsent(client, key, ctx);
  if (size >= CHECKSUM_DEPLOY_BYTES) {
    const known = await deployByChecksum(
      client,
      { key, size, sha256: digests.sha256, ifAbsent: request.ifAbsent },
      ctx,
    );
    if (known !== undefined) return known;
  }
  const merged = size >= client.partsFromBytes ? await uploadInParts(client, request, ctx) : undefined;
  if (merged !== undefined) {
    const headers = {
      "content-length": "0",
      "x-checksum-deploy": "true",
      "x-checksum-deploy-token": merged.token,
      "x-checksum-sha1": merged.sha1,
      "x-checksum-sha256": digests.sha256,
    };
    return await deploy(client, { ...request, sha256: digests.sha256, headers, body: undefined }, ctx);
  }
  const headers = {
    "content-length": String(size),
    "content-type": request.contentType ?? "application/octet-stream",
    "x-checksum-sha256": digests.sha256,
    ...(digests.sha1 === undefined ? {} : { "x-checksum-sha1": digests.sha1 }),
    ...(digests.md5 === undefined ? {} : { "x-checksum-md5": digests.md5 }),
  };
  return await deploy(client, { ...request, sha256: digests.sha256, headers, body: () => request.body() }, ctx);
}

/** undefined: the server has these bytes no longer, or says so. Throws NotFound, PinChanged, AlreadyExists. */
export async function copyByChecksum(
  client: ArtifactoryClient,
  { from, to }: { from: StoredObject; to: Key },
  ctx: Context,
): Promise<Written | undefined> {
  requireName(to);
  const found = await head(client, from.key, ctx);
  if (found.pin !== from.pin || !SHA256.test(from.pin)) {
    throw new AdapterError(
      "PinChanged",
      `${quote(from.key)} was replaced: expected pin ${quote(from.pin)}, found ${quote(found.pin)}`,
    );
  }
  await requireAbsent(client, to, ctx);
  return await deployByChecksum(client, { key: to, size: found.size, sha256: found.pin, ifAbsent: true }, ctx);
}

interface Deployment {
  readonly key: Key;
  readonly size: number;
  readonly sha256: string;
  readonly ifAbsent: boolean;
}

async function deployByChecksum(
  client: ArtifactoryClient,
  deployment: Deployment,
  ctx: Context,
): Promise<Written | undefined> {
  const headers = { "content-length": "0", "x-checksum-deploy": "true", "x-checksum-sha256": deployment.sha256 };
  try {
    return await deploy(client, { ...deployment, headers, body: undefined }, ctx);
  } catch (error) {
    // Also the answer to somebody who may not replace what is there: sending the bytes then gets the true one.
    if (error instanceof AdapterError && error.kind === "NotFound") return undefined;
    throw error;
  }
}

async function deploy(
  client: ArtifactoryClient,
  deployment: Deployment & {
    headers: Readonly<Record<string, string>>;
    body: (() => AsyncIterable<Uint8Array>) | undefined;
  },
  ctx: Context,
): Promise<Written> {
  const { key, size, sha256, headers, body } = deployment;
  const path = itemPath(client, key) + properties(client);
  const action = `deploying ${quote(key)}`;
  try {
    const reply = await ask(
      client,
      { method: "PUT", path, headers, action, ...(body === undefined ? {} : { body }) },
      ctx,
    );
    const stored = fileInfo(parseReply(await reply.text(REPLY_BYTES), key), key);
    if (stored.sha256 !== sha256 || stored.size !== size) {
      throw new AdapterError(
        "ChecksumRejected",
        `${quote(key)} was stored as other bytes: expected sha256:${sha256}, found sha256:${stored.sha256}`,
        { hint: "set the repository's checksum policy to verify against client checksums" },
      );
    }
    return { object: { key, size, pin: stored.sha256 }, verifiedBy: "server-sha256" };
  } catch (error) {
    const denied = error instanceof AdapterError && error.kind === "Denied";
    // What may not be replaced is refused with the same 403 as what may not be written at all.
    if (denied && deployment.ifAbsent) await requireAbsent(client, key, ctx);
    throw error;
  }
}

function properties(client: ArtifactoryClient): string {
  return Object.entries(client.properties)
    .map(([name, value]) => `;${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("");
}

function requireName(key: Key): void {
  const bad = FORBIDDEN.exec(key);
  if (bad !== null)
    throw new AdapterError("KeyRejected", `the key ${quote(key)} holds ${quote(bad[0])}, which Artifactory refuses`);
}
