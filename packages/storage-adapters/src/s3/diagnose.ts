// SPDX-License-Identifier: Apache-2.0
// What `doctor` asks of a bucket: who am I, what may I do, does the bucket keep create-only, and how is it kept (settings.ts).
// Abilities are tried on scratch objects below the root; those that prove create-only stay there (probe.ts).
import {
  DeleteObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { Context, Finding } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { abilities, attempt, finding, provenBy, unidentified } from "../diagnosis.ts";
import type { Tell, Told } from "../diagnosis.ts";
import { bucketOf, signalOf } from "./request.ts";
import type { S3 } from "./request.ts";
import { tellSettings } from "./settings.ts";

/**
 * In this order: s3.identity, s3.bucket, s3.list, s3.put, s3.create-only, s3.checksums, s3.multipart, s3.copy,
 * s3.overwrite, s3.delete, s3.read, s3.abilities and the settings. What cannot be reached is left out.
 */
export async function diagnose(s3: S3, ctx: Context): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const subject = `s3://${s3.place.bucket}/${s3.place.base}`;
  const tell: Tell = (id, told) => void findings.push(finding(`s3.${id}`, subject, told));
  tell("identity", await identity(s3, ctx));
  if (findings.some(({ severity }) => severity === "broken")) return findings;
  tell("bucket", await lookAtBucket(s3, ctx));
  if (findings.some(({ severity }) => severity === "broken")) return findings;
  const lists = await canList(s3, ctx);
  tell("list", lists);
  const writes = await tellPromises(s3, tell, ctx);
  if (writes) {
    tell("overwrite", await canOverwrite(s3, ctx));
    tell("delete", await canDelete(s3, ctx));
  }
  tell("read", await canRead(s3, { isThere: writes, lists: lists[0] === "ok" }, ctx));
  tell("abilities", abilities(findings));
  await tellSettings(s3, tell, ctx);
  return findings;
}

async function identity({ place }: S3, ctx: Context): Promise<Told> {
  try {
    await place.call({ doing: "finding credentials for", subject: place.bucket }, ctx, () =>
      place.client.config.credentials(),
    );
    return ["ok", `uses ${place.identity()}`];
  } catch (error) {
    return unidentified(error);
  }
}

/** undefined: it worked; else why not. */
async function refusal({ place }: S3, ctx: Context, send: () => Promise<unknown>): Promise<AdapterError | undefined> {
  const found = await attempt(() => place.call({ doing: "looking at", subject: place.bucket }, ctx, send));
  return found instanceof AdapterError ? found : undefined;
}

async function lookAtBucket(s3: S3, ctx: Context): Promise<Told> {
  const { client, endpoint } = s3.place;
  const failed = await refusal(s3, ctx, () => client.send(new HeadBucketCommand(bucketOf(s3.place)), signalOf(ctx)));
  const where = endpoint === undefined ? "at AWS" : `at ${new URL(endpoint).origin}`;
  if (failed === undefined) return ["ok", `is there, ${where}`];
  if (failed.kind === "Denied") return ["advice", `${where}, may not be looked at: ${failed.message}`, failed.hint];
  return ["broken", `cannot be used, ${where}: ${failed.message}`, failed.hint];
}

async function canList(s3: S3, ctx: Context): Promise<Told> {
  const command = new ListObjectsV2Command({ ...bucketOf(s3.place), Prefix: s3.place.base, MaxKeys: 1 });
  const failed = await refusal(s3, ctx, () => s3.place.client.send(command, signalOf(ctx)));
  if (failed === undefined) return ["ok", "may be listed: what is absent is known to be absent"];
  const remedy = `a job that verifies needs s3:ListBucket for the prefix ${s3.place.base}*; one that publishes does not`;
  return ["advice", "may not be listed: nothing can be found by digest, and absence is never proven", remedy];
}

/** Whether it may be written to. Tried at AWS too: a proxy or a gateway may stand between. */
async function tellPromises(s3: S3, tell: Tell, ctx: Context): Promise<boolean> {
  const found = await attempt(() => s3.probe.findings(ctx));
  if (found instanceof AdapterError) {
    const remedy = "nothing if this job only verifies; else allow s3:PutObject";
    if (found.kind !== "Denied") {
      tell("put", ["broken", `cannot be written to: ${found.message}`, found.hint]);
      return false;
    }
    tell("put", ["advice", `may not be written to by this identity: ${found.message}`, remedy]);
    return false;
  }
  const other = "use Amazon S3 or a server that implements conditional writes";
  const row = (id: string, holds: boolean, [good, bad]: readonly [good: string, bad: Told]): void =>
    tell(id, holds ? ["ok", good] : bad);
  tell("put", ["ok", "may be written to"]);
  row("create-only", found.createOnly, [
    "creates a key only once",
    ["dangerous", "replaces objects although If-None-Match forbids it: nothing will be published here", other],
  ]);
  row("checksums", found.checksums, [
    "refuses bytes under a wrong checksum",
    ["dangerous", "accepts bytes under a wrong checksum: nothing will be published here", other],
  ]);
  row("multipart", found.createOnlyParts, [
    "completes uploads in parts only once",
    ["dangerous", "replaces objects by uploads in parts: no large object will be published here", other],
  ]);
  row("copy", found.createOnlyCopies, [
    "copies only to keys where nothing is",
    ["advice", "ignores If-None-Match on copies: promotions are streamed through this machine instead"],
  ]);
  return true;
}

/** SHA-256. */
const NOTHING = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

async function canOverwrite(s3: S3, ctx: Context): Promise<Told> {
  const where = { ...bucketOf(s3.place), Key: `${s3.probe.folder}overwrite` };
  // With a checksum: buckets with a default lock take no write without one.
  const content = { Body: new Uint8Array(), ContentLength: 0, ChecksumSHA256: NOTHING };
  const command = new PutObjectCommand({ ...where, ...content });
  const failed = await refusal(s3, ctx, () => s3.place.client.send(command, signalOf(ctx)));
  if (failed !== undefined) return provenBy(failed, "refuses writes without If-None-Match");
  const remedy =
    "require the condition key s3:if-none-match in the bucket policy, so that no job can replace artifacts";
  return ["advice", "lets this identity replace objects", remedy];
}

async function canDelete(s3: S3, ctx: Context): Promise<Told> {
  const command = new DeleteObjectCommand({ ...bucketOf(s3.place), Key: `${s3.probe.folder}overwrite` });
  const failed = await refusal(s3, ctx, () => s3.place.client.send(command, signalOf(ctx)));
  if (failed !== undefined) return provenBy(failed, "does not let this identity delete");
  return ["advice", "lets this identity delete objects", "take s3:DeleteObject from jobs that publish"];
}

/** 404 to a key that is not there says that it might have been read. */
async function canRead(s3: S3, known: { isThere: boolean; lists: boolean }, ctx: Context): Promise<Told> {
  const command = new HeadObjectCommand({ ...bucketOf(s3.place), Key: `${s3.probe.folder}create-only` });
  const failed = await refusal(s3, ctx, () => s3.place.client.send(command, signalOf(ctx)));
  if (failed === undefined || failed.kind === "NotFound") return ["ok", "may be read"];
  if (known.isThere || known.lists) {
    return ["advice", "may not be read by this identity", "a job that verifies needs s3:GetObject"];
  }
  return ["advice", "is not known to be readable: 403 is the answer to what is missing, too", "allow s3:ListBucket"];
}
