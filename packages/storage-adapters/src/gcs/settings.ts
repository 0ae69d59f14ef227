// SPDX-License-Identifier: Apache-2.0
// How a bucket is kept, as its resource says: versions, retention, keys, access, what becomes of old and unfinished things.
import type { Tell, Told } from "../diagnosis.ts";
import { isRecord } from "./object.ts";

type BucketResource = Readonly<Record<string, unknown>>;

/** In this order: versioning, immutability, encryption, uniform-access, lifecycle, expiry. */
export function tellSettings(bucket: BucketResource, tell: Tell): void {
  const softDelete = Number(record(bucket["softDeletePolicy"])["retentionDurationSeconds"] ?? 0);
  const kms = record(bucket["encryption"])["defaultKmsKeyName"];
  const uniform = record(record(bucket["iamConfiguration"])["uniformBucketLevelAccess"])["enabled"] === true;
  tell("versioning", versioning(record(bucket["versioning"])["enabled"] === true, softDelete));
  tell("immutability", retention(record(bucket["retentionPolicy"])));
  tell("encryption", [
    "ok",
    typeof kms === "string" ? "encrypts with a key of yours by default" : "encrypts with Google's keys",
  ]);
  tell(
    "uniform-access",
    uniform
      ? ["ok", "access is decided for the bucket, not object by object"]
      : ["advice", "single objects can have access rules of their own", "turn on uniform bucket-level access"],
  );
  tell("lifecycle", ["ok", "forgets unfinished uploads after a week"]);
  tell("expiry", expiry(record(bucket["lifecycle"])["rule"]));
}

function versioning(versioned: boolean, softDeleteSeconds: number): Told {
  if (versioned) return ["ok", "keeps replaced and deleted generations"];
  if (softDeleteSeconds > 0) return ["ok", `deleted objects can be restored for ${days(softDeleteSeconds)}`];
  return ["advice", "what is deleted is gone at once", "turn on soft delete or object versioning"];
}

function retention(policy: BucketResource): Told {
  const seconds = Number(policy["retentionPeriod"] ?? 0);
  if (seconds > 0)
    return ["ok", `keeps objects for ${days(seconds)}, ${policy["isLocked"] === true ? "" : "not "}locked`];
  return [
    "advice",
    "no retention policy: whoever may delete can withhold attestations",
    "set a retention policy at least as long as releases live",
  ];
}

function expiry(rules: unknown): Told {
  const removes = Array.isArray(rules) && rules.some((rule) => record(record(rule)["action"])["type"] === "Delete");
  if (!removes) return ["ok", "removes no object for its age"];
  return [
    "advice",
    "has lifecycle rules that delete: attestations may go before their artifacts",
    "exclude .kiteseal/ from them (matchesPrefix), or give both the same age",
  ];
}

function days(seconds: number): string {
  return `${Math.floor(seconds / 86_400)} days`;
}

function record(value: unknown): BucketResource {
  return isRecord(value) ? value : {};
}
