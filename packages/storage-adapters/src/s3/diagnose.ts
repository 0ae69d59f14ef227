// SPDX-License-Identifier: Apache-2.0
// What `doctor` asks of a bucket: who am I, what may I do, does the bucket keep create-only, is it private, what becomes
// of old and unfinished things. Abilities are tried on scratch objects below the root; settings that this identity may
// not read are reported as not known, never as good.
import {
  DeleteObjectCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyStatusCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { Context, Finding } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { finding } from "../diagnosis.ts";
import type { Told } from "../diagnosis.ts";
import { codeOf } from "./errors.ts";
import { bucketOf, signalOf } from "./request.ts";
import type { S3 } from "./request.ts";

/**
 * In this order: s3.bucket, s3.identity, s3.list, s3.put, s3.create-only, s3.checksums, s3.multipart, s3.copy,
 * s3.overwrite, s3.delete, s3.versioning, s3.lock, s3.encryption, s3.public, s3.lifecycle. Only the first if there is no bucket.
 */
export async function diagnose(s3: S3, ctx: Context): Promise<readonly Finding[]> {
  const bucket = await lookAtBucket(s3, ctx);
  // Credentials were asked for by then, so their source is known.
  const identity = say(s3, "s3.identity", ["ok", `uses ${s3.place.identity()}`]);
  if (bucket.severity === "broken") return [bucket, identity];
  const findings = [bucket, identity, await canList(s3, ctx), ...(await promises(s3, ctx))];
  if (findings.some(({ id, severity }) => id === "s3.put" && severity === "ok")) {
    findings.push(await canOverwrite(s3, ctx), await canDelete(s3, ctx));
  }
  for (const setting of SETTINGS) findings.push(await setting(s3, ctx));
  return findings;
}

function say({ place }: S3, id: string, found: Told): Finding {
  return finding(id, `s3://${place.bucket}/${place.base}`, found);
}

/** undefined: it worked; else why not. Outages are thrown: they say nothing about the bucket. */
async function refusal(s3: S3, ctx: Context, send: () => Promise<unknown>): Promise<AdapterError | undefined> {
  try {
    await s3.place.call({ doing: "looking at", subject: s3.place.bucket }, ctx, send);
    return undefined;
  } catch (error) {
    if (!(error instanceof AdapterError) || ["Transient", "Throttled"].includes(error.kind)) throw error;
    return error;
  }
}

async function lookAtBucket(s3: S3, ctx: Context): Promise<Finding> {
  const { client, endpoint } = s3.place;
  const failed = await refusal(s3, ctx, () => client.send(new HeadBucketCommand(bucketOf(s3.place)), signalOf(ctx)));
  const where = endpoint === undefined ? "at AWS" : `at ${new URL(endpoint).origin}`;
  if (failed === undefined) return say(s3, "s3.bucket", ["ok", `is there, ${where}`]);
  if (failed.kind === "Denied") {
    return say(s3, "s3.bucket", ["advice", `${where}, may not be looked at: ${failed.message}`, failed.hint]);
  }
  return say(s3, "s3.bucket", ["broken", `cannot be used, ${where}: ${failed.message}`, failed.hint]);
}

async function canList(s3: S3, ctx: Context): Promise<Finding> {
  const command = new ListObjectsV2Command({ ...bucketOf(s3.place), Prefix: s3.place.base, MaxKeys: 1 });
  const failed = await refusal(s3, ctx, () => s3.place.client.send(command, signalOf(ctx)));
  if (failed === undefined) return say(s3, "s3.list", ["ok", "may be listed: what is absent is known to be absent"]);
  const remedy = `a job that verifies needs s3:ListBucket for the prefix ${s3.place.base}*; one that publishes does not`;
  return say(s3, "s3.list", [
    "advice",
    "may not be listed: nothing can be found by digest, and absence is never proven",
    remedy,
  ]);
}

/** Tried at AWS too: a proxy or a gateway may stand between. */
async function promises(s3: S3, ctx: Context): Promise<Finding[]> {
  let found;
  try {
    found = await s3.probe.findings(ctx);
  } catch (error) {
    if (!(error instanceof AdapterError) || error.kind !== "Denied") throw error;
    const remedy = "nothing if this job only verifies; else allow s3:PutObject";
    return [say(s3, "s3.put", ["advice", "may not be written to by this identity", remedy])];
  }
  const other = "use Amazon S3 or a server that implements conditional writes";
  const row = (id: string, holds: boolean, told: readonly [good: string, bad: Told]): Finding =>
    say(s3, id, holds ? ["ok", told[0]] : told[1]);
  return [
    say(s3, "s3.put", ["ok", "may be written to"]),
    row("s3.create-only", found.createOnly, [
      "creates a key only once",
      ["dangerous", "replaces objects although If-None-Match forbids it: nothing will be published here", other],
    ]),
    row("s3.checksums", found.checksums, [
      "refuses bytes under a wrong checksum",
      ["dangerous", "accepts bytes under a wrong checksum: nothing will be published here", other],
    ]),
    row("s3.multipart", found.createOnlyParts, [
      "completes uploads in parts only once",
      ["dangerous", "replaces objects by uploads in parts: no large object will be published here", other],
    ]),
    row("s3.copy", found.createOnlyCopies, [
      "copies only to keys where nothing is",
      ["advice", "ignores If-None-Match on copies: promotions are streamed through this machine instead"],
    ]),
  ];
}

async function canOverwrite(s3: S3, ctx: Context): Promise<Finding> {
  const where = { ...bucketOf(s3.place), Key: `${s3.probe.folder}overwrite` };
  const command = new PutObjectCommand({ ...where, Body: new Uint8Array(), ContentLength: 0 });
  const failed = await refusal(s3, ctx, () => s3.place.client.send(command, signalOf(ctx)));
  if (failed !== undefined) return say(s3, "s3.overwrite", ["ok", "refuses writes without If-None-Match"]);
  const remedy =
    "require the condition key s3:if-none-match in the bucket policy, so that no job can replace artifacts";
  return say(s3, "s3.overwrite", ["advice", "lets this identity replace objects", remedy]);
}

async function canDelete(s3: S3, ctx: Context): Promise<Finding> {
  const command = new DeleteObjectCommand({ ...bucketOf(s3.place), Key: `${s3.probe.folder}overwrite` });
  const failed = await refusal(s3, ctx, () => s3.place.client.send(command, signalOf(ctx)));
  if (failed !== undefined) return say(s3, "s3.delete", ["ok", "does not let this identity delete"]);
  return say(s3, "s3.delete", [
    "advice",
    "lets this identity delete objects",
    "take s3:DeleteObject from jobs that publish",
  ]);
}

type Setting = (s3: S3, ctx: Context) => Promise<Finding>;

const SETTINGS: readonly Setting[] = [versioning, lock, encryption, publicAccess, lifecycle];

/** The answer, or "none" for the codes that say so, or why it is not known. */
async function ask<T>(
  s3: S3,
  question: { send: () => Promise<T>; none: readonly string[] },
  ctx: Context,
): Promise<{ answer: T } | { none: true } | { unknown: string }> {
  try {
    return { answer: await question.send() };
  } catch (error) {
    if (question.none.includes(codeOf(error))) return { none: true };
    const failed = await refusal(s3, ctx, () => Promise.reject(error));
    return { unknown: failed?.message ?? "" };
  }
}

function notKnown(s3: S3, id: string, told: { what: string; why: string; permission: string }): Finding {
  const remedy = `allow ${told.permission} to the identity that runs doctor`;
  return say(s3, id, ["advice", `${told.what} is not known: ${told.why}`, remedy]);
}

async function versioning(s3: S3, ctx: Context): Promise<Finding> {
  const id = "s3.versioning";
  const send = () => s3.place.client.send(new GetBucketVersioningCommand(bucketOf(s3.place)), signalOf(ctx));
  const found = await ask(s3, { send, none: ["VersioningNotConfigured"] }, ctx);
  if ("unknown" in found) {
    return notKnown(s3, id, { what: "versioning", why: found.unknown, permission: "s3:GetBucketVersioning" });
  }
  if ("answer" in found && found.answer.Status === "Enabled") {
    return say(s3, id, ["ok", "keeps versions: pins name a version, replaced objects can be restored"]);
  }
  return say(s3, id, ["advice", "keeps no versions: what is replaced or deleted is lost", "enable versioning"]);
}

async function lock(s3: S3, ctx: Context): Promise<Finding> {
  const id = "s3.lock";
  const send = () => s3.place.client.send(new GetObjectLockConfigurationCommand(bucketOf(s3.place)), signalOf(ctx));
  const none = [
    "ObjectLockConfigurationNotFoundError",
    "ObjectLockConfigurationNotFound",
    "NoSuchObjectLockConfiguration",
  ];
  const found = await ask(s3, { send, none }, ctx);
  if ("unknown" in found) {
    return notKnown(s3, id, {
      what: "Object Lock",
      why: found.unknown,
      permission: "s3:GetBucketObjectLockConfiguration",
    });
  }
  const rule = "answer" in found ? found.answer.ObjectLockConfiguration?.Rule?.DefaultRetention : undefined;
  if (rule !== undefined) {
    const time = rule.Days === undefined ? `${rule.Years} years` : `${rule.Days} days`;
    return say(s3, id, ["ok", `locks new objects for ${time} (${rule.Mode})`]);
  }
  const remedy = "enable Object Lock with a default retention if releases must outlive an administrator's mistake";
  return say(s3, id, ["advice", "locks no objects by default", remedy]);
}

async function encryption(s3: S3, ctx: Context): Promise<Finding> {
  const id = "s3.encryption";
  const send = () => s3.place.client.send(new GetBucketEncryptionCommand(bucketOf(s3.place)), signalOf(ctx));
  const found = await ask(s3, { send, none: ["ServerSideEncryptionConfigurationNotFoundError"] }, ctx);
  if ("unknown" in found) {
    return notKnown(s3, id, { what: "encryption", why: found.unknown, permission: "s3:GetEncryptionConfiguration" });
  }
  const rules = "answer" in found ? found.answer.ServerSideEncryptionConfiguration?.Rules : undefined;
  const kind = rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm;
  if (kind !== undefined) return say(s3, id, ["ok", `encrypts new objects (${kind})`]);
  return say(s3, id, ["advice", "encrypts nothing by default", "set a default encryption"]);
}

/** Public reading leaks artifacts; public writing lets anybody replace or fill them. Policy status tells "public" for both. */
async function publicAccess(s3: S3, ctx: Context): Promise<Finding> {
  const id = "s3.public";
  const { client } = s3.place;
  const status = () => client.send(new GetBucketPolicyStatusCommand(bucketOf(s3.place)), signalOf(ctx));
  const policy = await ask(s3, { send: status, none: ["NoSuchBucketPolicy"] }, ctx);
  if ("answer" in policy && policy.answer.PolicyStatus?.IsPublic === true) {
    const remedy = "remove the public statement from the bucket policy and block public access";
    return say(s3, id, ["dangerous", "is open to everybody by its bucket policy", remedy]);
  }
  const block = () => client.send(new GetPublicAccessBlockCommand(bucketOf(s3.place)), signalOf(ctx));
  const blocked = await ask(s3, { send: block, none: ["NoSuchPublicAccessBlockConfiguration"] }, ctx);
  if ("unknown" in blocked) {
    return notKnown(s3, id, {
      what: "public access",
      why: blocked.unknown,
      permission: "s3:GetBucketPublicAccessBlock",
    });
  }
  const settings = "answer" in blocked ? blocked.answer.PublicAccessBlockConfiguration : undefined;
  const isBlocked = [
    settings?.BlockPublicAcls,
    settings?.IgnorePublicAcls,
    settings?.BlockPublicPolicy,
    settings?.RestrictPublicBuckets,
  ].every((setting) => setting === true);
  if (isBlocked) return say(s3, id, ["ok", "blocks public access"]);
  return say(s3, id, ["advice", "does not block public access", "turn on all four settings of Block Public Access"]);
}

async function lifecycle(s3: S3, ctx: Context): Promise<Finding> {
  const id = "s3.lifecycle";
  const command = new GetBucketLifecycleConfigurationCommand(bucketOf(s3.place));
  const send = () => s3.place.client.send(command, signalOf(ctx));
  const found = await ask(s3, { send, none: ["NoSuchLifecycleConfiguration"] }, ctx);
  if ("unknown" in found) {
    return notKnown(s3, id, { what: "the lifecycle", why: found.unknown, permission: "s3:GetLifecycleConfiguration" });
  }
  const rules = "answer" in found ? (found.answer.Rules ?? []) : [];
  const days = rules
    .filter((rule) => rule.Status === "Enabled")
    .map((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation)
    .find((value) => value !== undefined);
  if (days !== undefined) return say(s3, id, ["ok", `removes unfinished uploads after ${days} days`]);
  const remedy = "add the lifecycle rule AbortIncompleteMultipartUpload with 7 days";
  return say(s3, id, ["advice", "keeps, and bills, the parts of unfinished uploads for ever", remedy]);
}
