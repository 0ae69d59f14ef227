// SPDX-License-Identifier: Apache-2.0
// What `doctor` asks of a container: who this is, what it may do, whether create-only and checksums really hold, and
// how the container is kept. Tried on scratch blobs with fixed names below the root, which stay there.
import type { BlobGetPropertiesResponse, BlockBlobClient, ContainerGetPropertiesResponse } from "@azure/storage-blob";
import { parseKey } from "@kiteseal/core/store";
import type { Context, Finding } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { abilities, attempt, finding, provenBy, scratchFolder, unidentified } from "../diagnosis.ts";
import type { Tell, Told } from "../diagnosis.ts";
import { blobClient, call, containerClient } from "./container.ts";
import type { AzureContainer } from "./container.ts";

/**
 * azure.identity, .container, .public-access, .immutability, .encryption, .list, .put, .create-only, .checksums, .overwrite,
 * .delete, .read, .versioning, .abilities, .lifecycle; what was not reached is left out.
 */
export async function diagnose(container: AzureContainer, base: string, ctx: Context): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const tell: Tell = (id, told) => void findings.push(finding(`azure.${id}`, `${container.name}/${base}`, told));
  try {
    tell("identity", ["ok", `uses ${(await container.access()).identity}`]);
  } catch (error) {
    tell("identity", unidentified(error));
    return findings;
  }
  await tellSettings(container, tell, ctx);
  if (findings.some((found) => found.severity === "broken")) return findings;
  tell("list", await listing(container, base, ctx));
  await tellAbilities({ container, folder: scratchFolder(base) }, tell, ctx);
  tell("abilities", abilities(findings));
  tell("lifecycle", ["ok", "forgets the blocks of unfinished uploads after a week"]);
  return findings;
}

async function tellSettings(container: AzureContainer, tell: Tell, ctx: Context): Promise<void> {
  const client = await containerClient(container);
  const found = await attempt(() =>
    call(container, { action: "looking at", subject: container.name, ctx }, (signal) => client.getProperties(signal)),
  );
  if (found instanceof AdapterError) {
    const isUnseen = found.kind === "Denied";
    const remedy = isUnseen
      ? "nothing; or give this identity the role Reader on the container"
      : "name an existing container of this account";
    tell("container", [isUnseen ? "advice" : "broken", `cannot be looked at: ${found.message}`, remedy]);
    return;
  }
  tell("container", ["ok", "exists"]);
  tell("public-access", publicAccess(found.blobPublicAccess));
  tell("immutability", immutability(found));
  tell("encryption", encryption(found.defaultEncryptionScope));
}

function encryption(scope: string | undefined): Told {
  return scope === undefined || scope === "$account-encryption-key"
    ? ["ok", "blobs are encrypted with the account's key"]
    : ["ok", `blobs are encrypted in the scope ${scope}`];
}

function publicAccess(level: string | undefined): Told {
  if (level === undefined) return ["ok", "nothing can be read without an identity"];
  const what =
    level === "container" ? "everybody can read and list it" : "everybody who knows a name can read that blob";
  return [
    "dangerous",
    what,
    "set the container's public access level to private, or the account's allowBlobPublicAccess to false",
  ];
}

function immutability(found: ContainerGetPropertiesResponse): Told {
  if (found.isImmutableStorageWithVersioningEnabled === true)
    return ["ok", "blobs can be given a retention of their own"];
  if (found.hasImmutabilityPolicy === true) return ["ok", "the container keeps its blobs for a time"];
  if (found.hasLegalHold === true) return ["ok", "the container has a legal hold"];
  return [
    "advice",
    "who may delete here can delete artifacts and attestations at any time",
    "turn on version-level immutability for the container if releases must be kept",
  ];
}

async function listing(container: AzureContainer, base: string, ctx: Context): Promise<Told> {
  const client = await containerClient(container);
  const found = await attempt(() =>
    call(container, { action: "listing", subject: base, ctx }, (signal) =>
      client
        .listBlobsFlat({ prefix: base, ...signal })
        .byPage({ maxPageSize: 1 })
        .next(),
    ),
  );
  if (!(found instanceof AdapterError)) return ["ok", "may list: attestations are found by digest"];
  return ["advice", `may not list: ${found.message}`, "to verify without sidecars, give the right to list"];
}

interface Place {
  readonly container: AzureContainer;
  /** Of the scratch blobs. */
  readonly folder: string;
}

type WriteOptions = Parameters<BlockBlobClient["upload"]>[2];

async function write(
  { container, folder }: Place,
  blob: { name: string; options: WriteOptions },
  ctx: Context,
): Promise<AdapterError | undefined> {
  const key = parseKey(folder + blob.name);
  const client = await blobClient(container, key);
  const found = await attempt(() =>
    call(container, { action: "writing", subject: key, condition: "AlreadyExists", ctx }, (signal) =>
      client.upload("1", 1, { ...blob.options, ...signal }),
    ),
  );
  return found instanceof AdapterError ? found : undefined;
}

const ONCE: WriteOptions = { conditions: { ifNoneMatch: "*" } };

/** The blob that proves create-only stays: finding it is the proof the next time, and others may be looking at it. */
async function tellAbilities(place: Place, tell: Tell, ctx: Context): Promise<void> {
  const first = await write(place, { name: "create-only", options: ONCE }, ctx);
  const writes = first === undefined || first.kind === "AlreadyExists";
  if (!writes) {
    const remedy = "nothing if this job only verifies; else give this identity the right to write";
    tell("put", ["advice", `may not write: ${first.message}`, remedy]);
    await tellRead(place, { tell, isThere: false }, ctx);
    return;
  }
  tell("put", ["ok", "may write"]);
  const second = first ?? (await write(place, { name: "create-only", options: ONCE }, ctx));
  tell("create-only", createOnly(second));
  const damaged = { ...ONCE, blobHTTPHeaders: { blobContentMD5: new Uint8Array(16) } };
  tell("checksums", checksums(await write(place, { name: "wrong-checksum", options: damaged }, ctx)));
  await write(place, { name: "overwrite", options: ONCE }, ctx);
  tell("overwrite", overwrite(await write(place, { name: "overwrite", options: {} }, ctx)));
  const found = await tellRead(place, { tell, isThere: true }, ctx);
  tell("delete", await deletion(place, ctx));
  if (found !== undefined) tell("versioning", versioning(found.versionId));
}

async function tellRead(
  { container, folder }: Place,
  { tell, isThere }: { tell: Tell; isThere: boolean },
  ctx: Context,
): Promise<BlobGetPropertiesResponse | undefined> {
  const key = parseKey(`${folder}create-only`);
  const client = await blobClient(container, key);
  const found = await attempt(() =>
    call(container, { action: "looking at", subject: key, ctx }, (signal) => client.getProperties(signal)),
  );
  const isAbsent = found instanceof AdapterError && found.kind === "NotFound" && !isThere;
  if (!(found instanceof AdapterError) || isAbsent) tell("read", ["ok", "may read"]);
  else tell("read", ["advice", `may not read: ${found.message}`, "a job that verifies needs blobs/read"]);
  return found instanceof AdapterError ? undefined : found;
}

function createOnly(second: AdapterError | undefined): Told {
  if (second?.kind === "AlreadyExists") return ["ok", "creates a name only once"];
  const what =
    second === undefined
      ? "lets a name be created twice: two jobs can replace each other's artifacts"
      : `refused a second create for another reason: ${second.message}`;
  return ["dangerous", what, "do not use this endpoint"];
}

function checksums(wrong: AdapterError | undefined): Told {
  if (wrong?.kind === "ChecksumRejected") return ["ok", "refuses bytes that are not those of their checksum"];
  // Something under that name was accepted once: it may be there still.
  if (wrong !== undefined && wrong.kind !== "AlreadyExists")
    return ["ok", "bytes under a wrong checksum were not stored"];
  return [
    "dangerous",
    "stored bytes under a wrong checksum: damage on the way goes unnoticed until verification",
    "do not use this endpoint",
  ];
}

function overwrite(again: AdapterError | undefined): Told {
  if (again !== undefined) return provenBy(again, "may not replace what is there");
  return [
    "advice",
    "may replace what is there: other programs with this identity can, Kiteseal does not",
    "for jobs that only publish, use a role with blobs/add/action in place of blobs/write",
  ];
}

function versioning(versionId: string | undefined): Told {
  if (versionId !== undefined) return ["ok", "keeps versions of replaced and deleted blobs"];
  return [
    "advice",
    "keeps no versions: what is replaced or deleted is gone",
    "turn on blob versioning for the account",
  ];
}

async function deletion({ container, folder }: Place, ctx: Context): Promise<Told> {
  const key = parseKey(`${folder}overwrite`);
  const client = await blobClient(container, key);
  const failed = await attempt(() =>
    call(container, { action: "deleting", subject: key, ctx }, (signal) => client.delete(signal)),
  );
  if (failed instanceof AdapterError) return provenBy(failed, "may not delete");
  return ["advice", "may delete", "for jobs that only publish or verify, use a role without blobs/delete"];
}
