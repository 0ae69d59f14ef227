// SPDX-License-Identifier: Apache-2.0
// How a bucket is kept: versions, locks, encryption, who else may look, what becomes of old and unfinished things. What this
// identity may not read is reported as not known, never as good.
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyStatusCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import type { LifecycleRule } from "@aws-sdk/client-s3";
import { isKitesealError, request } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { attempt } from "../diagnosis.ts";
import type { Tell, Told } from "../diagnosis.ts";
import { codeOf } from "./errors.ts";
import { bucketOf, signalOf } from "./request.ts";
import type { S3 } from "./request.ts";

const LOOK_MS = 10_000;
const REPLY_BYTES = 1_048_576;

/** In this order: versioning, immutability, encryption, public-access, lifecycle, expiry. */
export async function tellSettings(s3: S3, tell: Tell, ctx: Context): Promise<void> {
  tell("versioning", await versioning(s3, ctx));
  tell("immutability", await lock(s3, ctx));
  tell("encryption", await encryption(s3, ctx));
  tell("public-access", await publicAccess(s3, ctx));
  const rules = await lifecycleRules(s3, ctx);
  tell("lifecycle", "told" in rules ? rules.told : unfinished(rules.rules));
  if ("rules" in rules) tell("expiry", expiry(rules.rules));
}

type Answer<T> = { readonly answer: T | undefined } | { readonly unknown: string };

/** `answer` is undefined for the codes that say that nothing is set. */
async function ask<T>(
  s3: S3,
  question: { send: () => Promise<T>; none: readonly string[] },
  ctx: Context,
): Promise<Answer<T>> {
  const { place } = s3;
  let isNone = false;
  const send = async (): Promise<T | undefined> => {
    try {
      return await question.send();
    } catch (error) {
      isNone = question.none.includes(codeOf(error));
      if (isNone) return undefined;
      throw error;
    }
  };
  const found = await attempt(() => place.call({ doing: "looking at", subject: place.bucket }, ctx, send));
  return found instanceof AdapterError ? { unknown: found.message } : { answer: found };
}

function notKnown(what: string, why: string, permission: string): Told {
  return ["advice", `${what} is not known: ${why}`, `allow ${permission} to the identity that runs doctor`];
}

async function versioning(s3: S3, ctx: Context): Promise<Told> {
  const send = () => s3.place.client.send(new GetBucketVersioningCommand(bucketOf(s3.place)), signalOf(ctx));
  const found = await ask(s3, { send, none: ["VersioningNotConfigured"] }, ctx);
  if ("unknown" in found) return notKnown("versioning", found.unknown, "s3:GetBucketVersioning");
  if (found.answer?.Status === "Enabled") {
    return ["ok", "keeps versions: pins name a version, replaced objects can be restored"];
  }
  return ["advice", "keeps no versions: what is replaced or deleted is lost", "enable versioning"];
}

async function lock(s3: S3, ctx: Context): Promise<Told> {
  const send = () => s3.place.client.send(new GetObjectLockConfigurationCommand(bucketOf(s3.place)), signalOf(ctx));
  const none = [
    "ObjectLockConfigurationNotFoundError",
    "ObjectLockConfigurationNotFound",
    "NoSuchObjectLockConfiguration",
  ];
  const found = await ask(s3, { send, none }, ctx);
  if ("unknown" in found) return notKnown("Object Lock", found.unknown, "s3:GetBucketObjectLockConfiguration");
  const rule = found.answer?.ObjectLockConfiguration?.Rule?.DefaultRetention;
  if (rule !== undefined) {
    const time = rule.Days === undefined ? `${rule.Years} years` : `${rule.Days} days`;
    return ["ok", `locks new objects for ${time} (${rule.Mode})`];
  }
  return [
    "advice",
    "locks no objects by default",
    "enable Object Lock with a default retention if releases must outlive an administrator's mistake",
  ];
}

async function encryption(s3: S3, ctx: Context): Promise<Told> {
  const send = () => s3.place.client.send(new GetBucketEncryptionCommand(bucketOf(s3.place)), signalOf(ctx));
  const found = await ask(s3, { send, none: ["ServerSideEncryptionConfigurationNotFoundError"] }, ctx);
  if ("unknown" in found) return notKnown("encryption", found.unknown, "s3:GetEncryptionConfiguration");
  const rules = found.answer?.ServerSideEncryptionConfiguration?.Rules;
  const kind = rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm;
  if (kind !== undefined) return ["ok", `encrypts new objects (${kind})`];
  return ["advice", "encrypts nothing by default", "set a default encryption"];
}

/** Public reading leaks artifacts; public writing lets anybody replace or fill them. Policy status tells "public" for both. */
async function publicAccess(s3: S3, ctx: Context): Promise<Told> {
  const { client } = s3.place;
  const send = () => client.send(new GetBucketPolicyStatusCommand(bucketOf(s3.place)), signalOf(ctx));
  const policy = await ask(s3, { send, none: ["NoSuchBucketPolicy"] }, ctx);
  if ("answer" in policy && policy.answer?.PolicyStatus?.IsPublic === true) {
    const remedy = "remove the public statement from the bucket policy and block public access";
    return ["dangerous", "is open to everybody by its bucket policy", remedy];
  }
  if (await isListedToAnybody(s3, ctx)) {
    return ["dangerous", "can be listed by everybody, without credentials", "block public access"];
  }
  const block = () => client.send(new GetPublicAccessBlockCommand(bucketOf(s3.place)), signalOf(ctx));
  const blocked = await ask(s3, { send: block, none: ["NoSuchPublicAccessBlockConfiguration"] }, ctx);
  if ("unknown" in blocked) return notKnown("public access", blocked.unknown, "s3:GetBucketPublicAccessBlock");
  const settings = blocked.answer?.PublicAccessBlockConfiguration;
  const isBlocked = [
    settings?.BlockPublicAcls,
    settings?.IgnorePublicAcls,
    settings?.BlockPublicPolicy,
    settings?.RestrictPublicBuckets,
  ].every((setting) => setting === true);
  if (isBlocked) return ["ok", "blocks public access"];
  return ["advice", "does not block public access", "turn on all four settings of Block Public Access"];
}

/** Tried, since rights can come from access lists too. False also where nobody can ask that way. */
async function isListedToAnybody({ place }: S3, ctx: Context): Promise<boolean> {
  const origin = place.endpoint ?? `https://s3.${await place.client.config.region()}.amazonaws.com`;
  const address = `${new URL(origin).origin}/${encodeURIComponent(place.bucket)}?list-type=2&max-keys=1`;
  try {
    const reply = await request(
      address,
      { service: "S3", method: "GET", timeoutMs: LOOK_MS, maxBytes: REPLY_BYTES, redirects: "return" },
      ctx,
    );
    return reply.status === 200;
  } catch (error) {
    if (isKitesealError(error) && error.kind !== "interrupted") return false;
    throw error;
  }
}

async function lifecycleRules(
  s3: S3,
  ctx: Context,
): Promise<{ readonly rules: readonly LifecycleRule[] } | { readonly told: Told }> {
  const command = new GetBucketLifecycleConfigurationCommand(bucketOf(s3.place));
  const send = () => s3.place.client.send(command, signalOf(ctx));
  const found = await ask(s3, { send, none: ["NoSuchLifecycleConfiguration"] }, ctx);
  if ("unknown" in found) {
    return { told: notKnown("the lifecycle", found.unknown, "s3:GetLifecycleConfiguration") };
  }
  return { rules: (found.answer?.Rules ?? []).filter((rule) => rule.Status === "Enabled") };
}

function unfinished(rules: readonly LifecycleRule[]): Told {
  const days = rules
    .map((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation)
    .find((value) => value !== undefined);
  if (days !== undefined) return ["ok", `removes unfinished uploads after ${days} days`];
  const remedy = "add the lifecycle rule AbortIncompleteMultipartUpload with 7 days";
  return ["advice", "keeps, and bills, the parts of unfinished uploads for ever", remedy];
}

function expiry(rules: readonly LifecycleRule[]): Told {
  const removes = rules.some(({ Expiration: of }) => of?.Days !== undefined || of?.Date !== undefined);
  if (!removes) return ["ok", "removes no object for its age"];
  return [
    "advice",
    "removes objects for their age, and attestations may go before their artifacts",
    "exclude .kiteseal/ from rules with Expiration, or give both the same age",
  ];
}
