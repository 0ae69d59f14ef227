// SPDX-License-Identifier: Apache-2.0
// What `doctor` asks of a bucket: who we are to it, what we may do, whether it really creates only once, and which of its
// settings let somebody replace, expose or lose what is published. Abilities are asked for; create-only is tried, on
// scratch objects that are deleted again, or that have fixed names and stay where this identity cannot delete them.
import type { Context, Finding } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { abilities, attempt, finding, unidentified } from "../diagnosis.ts";
import type { Tell, Told } from "../diagnosis.ts";
import { everybodysPermissions, heldPermissions, listObjects, readBucket } from "./metadata.ts";
import { probe } from "./probe.ts";
import type { Target } from "./resource.ts";
import { tellSettings } from "./settings.ts";

const PERMISSIONS = {
  create: "storage.objects.create",
  get: "storage.objects.get",
  list: "storage.objects.list",
  delete: "storage.objects.delete",
  settings: "storage.buckets.get",
} as const;

/**
 * gcs.identity, .endpoint, .permissions, .list, .read, .put, .overwrite, .delete, .abilities, .bucket, .public-access, .versioning,
 * .immutability, .encryption, .uniform-access, .lifecycle, .expiry, .create-only, .copy; fewer where it may not look.
 * Throws AdapterError Transient, Throttled.
 */
export async function diagnose(target: Target, base: string, ctx: Context): Promise<readonly Finding[]> {
  const { connection } = target;
  const findings: Finding[] = [];
  const tell: Tell = (id, told) => void findings.push(finding(`gcs.${id}`, `gs://${connection.bucket}/${base}`, told));
  try {
    await connection.headers(ctx);
    tell("identity", ["ok", `uses ${connection.identity.description}`]);
  } catch (error) {
    tell("identity", unidentified(error));
    return findings;
  }
  if (connection.isCustom) tell("endpoint", ["advice", `the server is ${connection.endpoint}, not Google's`]);
  const held = await attempt(() => heldPermissions(connection, Object.values(PERMISSIONS), ctx));
  const bucket = await attempt(() => readBucket(connection, ctx));
  if (bucket instanceof AdapterError) tell("bucket", unseen(bucket));
  if (findings.some(({ severity }) => severity === "broken")) return findings;
  if (held instanceof AdapterError) {
    tell("permissions", ["advice", `what it may do cannot be asked: ${held.message}`, "nothing: it is tried instead"]);
    tell("list", await listing(target, base, ctx));
  } else {
    tellAbilities(held, tell);
  }
  tell("public-access", await publicAccess(target, bucket, ctx));
  if (!(bucket instanceof AdapterError)) tellSettings(bucket, tell);
  const stays = !(held instanceof AdapterError) && !held.has(PERMISSIONS.delete);
  const refused = await tellCreateOnly(target, { base, bucket, stays, tell }, ctx);
  if (held instanceof AdapterError) tell("put", writing(refused));
  tell("abilities", abilities(findings));
  return findings;
}

type Bucket = Awaited<ReturnType<typeof readBucket>>;

function unseen(error: AdapterError): Told {
  const missing = /bucket does not exist/i.test(error.message);
  if (missing) return ["broken", "the bucket does not exist", "create it, or correct its name"];
  return [
    "advice",
    `could not be looked at: ${error.message}`,
    "let the identity that runs doctor see the bucket (storage.buckets.get)",
  ];
}

async function listing({ connection }: Target, base: string, ctx: Context): Promise<Told> {
  const refused = await attempt(async () => {
    for await (const _ of listObjects(connection, { prefix: base, pace: undefined }, ctx)) return undefined;
    return undefined;
  });
  return refused === undefined ? ["ok", "may list"] : ["advice", `may not list: ${refused.message}`, "let it list"];
}

function writing(refused: AdapterError | undefined): Told {
  if (refused === undefined) return ["ok", "may write"];
  return [
    "advice",
    `may not write: ${refused.message}`,
    "nothing if this job only verifies; else let it create objects",
  ];
}

function tellAbilities(held: ReadonlySet<string>, tell: Tell): void {
  const may = (permission: string): boolean => held.has(permission);
  const able = (id: string, permission: string, [what, remedy]: readonly [string, string]): void =>
    tell(id, may(permission) ? ["ok", `may ${what}`] : ["advice", `may not ${what}`, `${remedy} ${permission}`]);
  const unproven = "list: what is missing is answered with 403, so nothing is ever proven absent";
  able("list", PERMISSIONS.list, [may(PERMISSIONS.list) ? "list" : unproven, "a job that verifies needs"]);
  able("read", PERMISSIONS.get, ["read", "a job that verifies needs"]);
  able("put", PERMISSIONS.create, ["write", "nothing if this job only verifies; else it needs"]);
  const only = "only Kiteseal's own precondition stands between";
  tell(
    "overwrite",
    may(PERMISSIONS.create) && may(PERMISSIONS.delete)
      ? [
          "advice",
          `can replace what was published: ${only}`,
          "give publishers roles/storage.objectCreator and viewer: without storage.objects.delete nothing can be overwritten",
        ]
      : ["ok", "cannot replace what was published"],
  );
  tell(
    "delete",
    may(PERMISSIONS.delete)
      ? ["advice", "may delete", "take storage.objects.delete from jobs that publish or verify"]
      : ["ok", "may not delete"],
  );
}

/** Asked as nobody where that can be told from asking as ourselves. */
async function publicAccess(target: Target, bucket: Bucket | AdapterError, ctx: Context): Promise<Told> {
  const { connection } = target;
  const everybody = connection.isAnonymous
    ? new Set<string>()
    : await everybodysPermissions(connection, [PERMISSIONS.get, PERMISSIONS.list, PERMISSIONS.create], ctx);
  if (everybody.size > 0) {
    const verbs = Object.entries(PERMISSIONS).flatMap(([verb, permission]) =>
      everybody.has(permission) ? [verb] : [],
    );
    const remedy = "take allUsers out of the bucket's policy and enforce public access prevention";
    return ["dangerous", `everybody may ${verbs.join(", ")}, without an identity`, remedy];
  }
  const remedy = "enforce public access prevention on the bucket";
  if (bucket instanceof AdapterError) return ["advice", "whether it can be made public is not known", remedy];
  const settings: unknown = bucket["iamConfiguration"];
  const isPrevented = typeof settings === "object" && settings !== null && "publicAccessPrevention" in settings;
  return isPrevented && settings.publicAccessPrevention === "enforced"
    ? ["ok", "cannot be made public"]
    : ["advice", "could be made public", remedy];
}

/** Why it could not be tried, or undefined. */
async function tellCreateOnly(
  target: Target,
  about: { base: string; bucket: Bucket | AdapterError; stays: boolean; tell: Tell },
  ctx: Context,
): Promise<AdapterError | undefined> {
  const { base, bucket, stays, tell } = about;
  const isKept =
    !(bucket instanceof AdapterError) &&
    (typeof bucket["retentionPolicy"] === "object" || bucket["defaultEventBasedHold"] === true);
  if (isKept) {
    tell("create-only", ["ok", "not tried: this bucket would keep the scratch objects; Google documents it"]);
    return undefined;
  }
  const probed = await attempt(() => probe(target, { base, stays }, ctx));
  if (probed instanceof AdapterError) {
    const remedy = "nothing if this identity only verifies; else let it create objects";
    tell("create-only", ["advice", `could not be tried: ${probed.message}`, remedy]);
    return probed;
  }
  const { insertsOnce, sessionsOnce, copiesOnce, comparesChecksums } = probed;
  const twice = "lets an object be created twice: two jobs can replace each other's artifacts";
  tell(
    "create-only",
    insertsOnce && sessionsOnce
      ? ["ok", "creates an object only once"]
      : ["dangerous", twice, "use a server that honours ifGenerationMatch"],
  );
  tell(
    "checksums",
    comparesChecksums
      ? ["ok", "refuses bytes under a wrong checksum"]
      : ["dangerous", "stores bytes with a wrong MD5", "use a server that compares md5Hash"],
  );
  const streams = "copies replace what is there, so promote streams instead";
  tell(
    "copy",
    copiesOnce ? ["ok", "copies only to where nothing is"] : ["advice", streams, "nothing: it is only slower"],
  );
  return undefined;
}
