// SPDX-License-Identifier: Apache-2.0
// What `doctor` asks of a bucket: who we are to it, what we may do, whether it really creates only once, and which of its
// settings let somebody replace, expose or lose what is published. Abilities are asked for; create-only is tried, on
// scratch keys that are removed again, and only where nothing would keep them.
import type { Context, Finding } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { finding as findingOf } from "../diagnosis.ts";
import type { Told } from "../diagnosis.ts";
import { heldPermissions, readBucket } from "./metadata.ts";
import { isRecord } from "./object.ts";
import { probe } from "./probe.ts";
import type { Target } from "./resource.ts";
type BucketResource = Readonly<Record<string, unknown>>;

const PERMISSIONS = {
  create: "storage.objects.create",
  get: "storage.objects.get",
  list: "storage.objects.list",
  delete: "storage.objects.delete",
  settings: "storage.buckets.get",
} as const;

/**
 * Findings gcs.identity, gcs.endpoint, gcs.permissions, gcs.overwrite, gcs.bucket, gcs.versioning, gcs.retention,
 * gcs.encryption, gcs.public-access, gcs.uniform-access, gcs.create-only; fewer where it may not look.
 * Throws AdapterError Transient, Throttled.
 */
export async function diagnose(target: Target, base: string, ctx: Context): Promise<readonly Finding[]> {
  const { connection } = target;
  const subject = `gs://${connection.bucket}`;
  const finding: Make = (id, found) => findingOf(id, subject, found);
  const identity = finding("gcs.identity", ["ok", `used as ${connection.identity.description}`]);
  try {
    await connection.headers(ctx);
  } catch (error) {
    return [finding("gcs.identity", broken(error))];
  }
  const held = await orDenied(heldPermissions(connection, Object.values(PERMISSIONS), ctx));
  const bucket = await orDenied(readBucket(connection, ctx));
  const about = bucket instanceof AdapterError ? [finding("gcs.bucket", unseen(bucket))] : settings(bucket, finding);
  return [
    identity,
    ...(connection.isCustom
      ? [finding("gcs.endpoint", ["advice", `the server is ${connection.endpoint}, not Google's`])]
      : []),
    ...(held instanceof AdapterError ? [finding("gcs.permissions", unseen(held))] : abilities(held, finding)),
    ...about,
    await createOnly(target, { base, bucket, finding }, ctx),
  ];
}

type Make = (id: string, told: Told) => Finding;

/** Denied and what a lesser server lacks say something about the bucket; an outage does not. */
async function orDenied<T>(asked: Promise<T>): Promise<T | AdapterError> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof AdapterError && error.kind !== "Transient" && error.kind !== "Throttled") return error;
    throw error;
  }
}

function broken(error: unknown): Told {
  if (!(error instanceof AdapterError) || error.kind !== "Denied") throw error;
  return ["broken", error.message, error.hint];
}

function unseen(error: AdapterError): Told {
  const missing = /bucket does not exist/i.test(error.message);
  if (missing) return ["broken", "the bucket does not exist", "create it, or correct its name"];
  return [
    "advice",
    `could not be looked at: ${error.message}`,
    "let the identity that runs doctor see the bucket (storage.buckets.get)",
  ];
}

function abilities(held: ReadonlySet<string>, finding: Make): Finding[] {
  const may = (permission: string): boolean => held.has(permission);
  const verbs = Object.entries(PERMISSIONS).filter(([, permission]) => may(permission));
  const listed = verbs.length === 0 ? "nothing" : verbs.map(([verb]) => verb).join(", ");
  const remedy = "grant storage.objects.get and storage.objects.list on the bucket";
  const read = (): Told => {
    if (!may(PERMISSIONS.get)) return ["broken", `may ${listed}: nothing can be read`, remedy];
    if (may(PERMISSIONS.list)) return ["ok", `may ${listed}`];
    const unproven = "what is missing is then answered with 403, so nothing is ever proven absent";
    return ["advice", `may ${listed}, not list: ${unproven}`, remedy];
  };
  return [
    finding("gcs.permissions", read()),
    may(PERMISSIONS.create) && may(PERMISSIONS.delete)
      ? finding("gcs.overwrite", [
          "advice",
          "this identity can replace and delete what was published: only Kiteseal's own precondition stands between",
          "give publishers roles/storage.objectCreator and viewer: without storage.objects.delete nothing can be overwritten",
        ])
      : finding("gcs.overwrite", ["ok", "this identity cannot replace or delete what was published"]),
  ];
}

function settings(bucket: BucketResource, finding: Make): Finding[] {
  const iam = record(bucket["iamConfiguration"]);
  const retention = record(bucket["retentionPolicy"]);
  const softDelete = Number(record(bucket["softDeletePolicy"])["retentionDurationSeconds"] ?? 0);
  const kms = record(bucket["encryption"])["defaultKmsKeyName"];
  const versioned = record(bucket["versioning"])["enabled"] === true;
  const locked = retention["isLocked"] === true;
  const seconds = Number(retention["retentionPeriod"] ?? 0);
  return [
    finding("gcs.versioning", versioning(versioned, softDelete)),
    finding(
      "gcs.retention",
      seconds > 0
        ? ["ok", `keeps objects for ${days(seconds)}${locked ? ", locked" : ", not locked"}`]
        : [
            "advice",
            "no retention policy: whoever may delete can withhold attestations",
            "set a retention policy at least as long as releases live",
          ],
    ),
    finding("gcs.encryption", [
      "ok",
      typeof kms === "string" ? "encrypts with a key of yours by default" : "encrypts with Google's keys",
    ]),
    finding(
      "gcs.public-access",
      iam["publicAccessPrevention"] === "enforced"
        ? ["ok", "cannot be made public"]
        : ["advice", "could be made public", "enforce public access prevention on the bucket"],
    ),
    finding(
      "gcs.uniform-access",
      record(iam["uniformBucketLevelAccess"])["enabled"] === true
        ? ["ok", "access is decided for the bucket, not object by object"]
        : ["advice", "single objects can have access rules of their own", "turn on uniform bucket-level access"],
    ),
  ];
}

function versioning(versioned: boolean, softDeleteSeconds: number): Told {
  if (versioned) return ["ok", "keeps replaced and deleted generations"];
  if (softDeleteSeconds > 0) return ["ok", `deleted objects can be restored for ${days(softDeleteSeconds)}`];
  return ["advice", "what is deleted is gone at once", "turn on soft delete or object versioning"];
}

function days(seconds: number): string {
  return `${Math.floor(seconds / 86_400)} days`;
}

function record(value: unknown): BucketResource {
  return isRecord(value) ? value : {};
}

async function createOnly(
  target: Target,
  about: { readonly base: string; readonly bucket: BucketResource | AdapterError; readonly finding: Make },
  ctx: Context,
): Promise<Finding> {
  const told = (...words: Told): Finding => about.finding("gcs.create-only", words);
  const { bucket } = about;
  const keeps =
    !(bucket instanceof AdapterError) &&
    (isRecord(bucket["retentionPolicy"]) || bucket["defaultEventBasedHold"] === true);
  if (keeps) return told("ok", "not tried: this bucket would keep the scratch objects; Google documents it");
  const probed = await orDenied(probe(target, about.base, ctx));
  if (probed instanceof AdapterError) {
    return told(
      "advice",
      `could not be tried: ${probed.message}`,
      "nothing if this identity only verifies; else let it create objects",
    );
  }
  const { insertsOnce, sessionsOnce, copiesOnce, comparesChecksums, left } = probed;
  if (!insertsOnce || !sessionsOnce) {
    return told(
      "dangerous",
      "lets an object be created twice: two jobs can replace each other's artifacts",
      "use a server that honours ifGenerationMatch",
    );
  }
  if (!comparesChecksums)
    return told("dangerous", "stores bytes with a wrong MD5", "use a server that compares md5Hash");
  const rest = left.length === 0 ? "" : `; ${left.length} scratch objects (.kiteseal-probe-…) could not be deleted`;
  if (copiesOnce) return told("ok", `creates an object only once and compares checksums${rest}`);
  return told(
    "advice",
    `copies replace what is there, so promote streams instead${rest}`,
    "nothing: it is only slower",
  );
}
