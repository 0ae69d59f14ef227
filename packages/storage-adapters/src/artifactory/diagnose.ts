// SPDX-License-Identifier: Apache-2.0
// What `doctor` asks of an Artifactory repository: who this is, what it may do, whether "not replaced" really holds (it
// rests on permissions alone here), whether wrong checksums are refused, and what everybody may read. Tried on an artifact
// of its own, which is deleted again where this identity may delete.
import { createHash, randomBytes } from "node:crypto";
import { parseKey, quote } from "@kiteseal/core/store";
import type { Context, Finding, Key } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { attempt, finding, told } from "../diagnosis.ts";
import type { Told } from "../diagnosis.ts";
import { ask, itemPath } from "./client.ts";
import type { ArtifactoryClient } from "./client.ts";
import { parseReply, textField } from "./replies.ts";

/**
 * Findings: artifactory.identity, .repository, .public-access, .list, .put, .create-only, .checksum, .delete, .versioning,
 * .immutability, .encryption; what was not reached is left out.
 */
export async function diagnose(client: ArtifactoryClient, path: string, ctx: Context): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const tell = (id: string, found: Told): void => {
    findings.push(finding(`artifactory.${id}`, `${client.repository}/${path}`, found));
  };
  try {
    await client.access.authorization(ctx);
    tell("identity", ["ok", client.access.identity]);
  } catch (error) {
    tell("identity", ["broken", told(error), "see the guide of stores for each way to name an identity"]);
    return findings;
  }
  const repository = await repositoryFinding(client, ctx);
  tell("repository", repository);
  if (repository[0] === "broken") return findings;
  tell("public-access", await publicAccess(client, ctx));
  tell("list", await listing(client, path, ctx));
  for (const [id, found] of await probe(client, path, ctx)) tell(id, found);
  tell("versioning", [
    "advice",
    "keeps no versions: what is replaced or deleted is gone",
    "give Delete to administrators only",
  ]);
  tell("immutability", [
    "advice",
    "has no retention of single artifacts",
    "exclude the repository from clean-up policies",
  ]);
  tell("encryption", ["ok", "encryption at rest is a setting of the server's file store and cannot be seen from here"]);
  return findings;
}

async function repositoryFinding(client: ArtifactoryClient, ctx: Context): Promise<Told> {
  const reply = await attempt(() =>
    ask(
      client,
      {
        method: "GET",
        path: `api/repositories/${encodeURIComponent(client.repository)}`,
        action: "looking at the repository",
      },
      ctx,
    ),
  );
  if (reply instanceof AdapterError) {
    const isUnknown = reply.kind === "Denied" || reply.kind === "Unavailable";
    return isUnknown
      ? ["advice", `its settings may not be read: ${told(reply)}`, "nothing"]
      : ["broken", told(reply), "name an existing repository"];
  }
  const settings = parseReply(await reply.text(1_048_576), client.repository);
  const [kind, type] = [textField(settings, "rclass"), textField(settings, "packageType")];
  if (kind !== "local") {
    return [
      "dangerous",
      `is a ${quote(kind ?? "unknown")} repository`,
      "name a local repository: others serve what somebody else decides",
    ];
  }
  if (type !== "generic")
    return [
      "advice",
      `has the package type ${quote(type ?? "unknown")}`,
      "use a generic repository: others have rules for names",
    ];
  return ["ok", "is a local generic repository"];
}

async function publicAccess(client: ArtifactoryClient, ctx: Context): Promise<Told> {
  const path = `api/storage/${encodeURIComponent(client.repository)}`;
  const reply = await attempt(() =>
    ask(client, { method: "GET", path, action: "looking without credentials", asNobody: true }, ctx),
  );
  if (reply instanceof AdapterError) return ["ok", "nothing can be read without an identity"];
  reply.discard();
  return ["dangerous", "everybody can read it", "turn off anonymous access to this repository"];
}

async function listing(client: ArtifactoryClient, path: string, ctx: Context): Promise<Told> {
  const folder = path === "" ? encodeURIComponent(client.repository) : itemPath(client, path);
  const reply = await attempt(() =>
    ask(client, { method: "GET", path: `api/storage/${folder}?list&deep=0`, action: "listing" }, ctx),
  );
  if (!(reply instanceof AdapterError)) {
    reply.discard();
    return ["ok", "may list: attestations are found by digest"];
  }
  if (reply.kind === "NotFound") return ["ok", "may list; the folder does not exist yet"];
  return ["advice", `may not list: ${told(reply)}`, "to verify without sidecars, give the right to read"];
}

async function probe(
  client: ArtifactoryClient,
  path: string,
  ctx: Context,
): Promise<readonly (readonly [string, Told])[]> {
  const key = parseKey(`${path === "" ? "" : `${path}/`}.kiteseal-probe-${randomBytes(16).toString("hex")}`);
  const first = await write(client, { key, text: "1", of: "1" }, ctx);
  if (first instanceof AdapterError) {
    return [
      [
        "put",
        [
          "advice",
          `may not write: ${told(first)}`,
          "nothing if this job only verifies; else give this identity Deploy",
        ],
      ],
    ];
  }
  const second = await write(client, { key, text: "2", of: "2" }, ctx);
  const other = parseKey(`${key}-checksum`);
  const wrong = await write(client, { key: other, text: "3", of: "something else" }, ctx);
  const leftovers = wrong instanceof AdapterError ? [key] : [key, other];
  return [
    ["put", ["ok", "may write"]],
    ["create-only", createOnly(second)],
    ["checksum", checksum(wrong)],
    ["delete", await remove(client, leftovers, ctx)],
  ];
}

async function write(
  client: ArtifactoryClient,
  { key, text, of }: { key: Key; text: string; of: string },
  ctx: Context,
): Promise<AdapterError | undefined> {
  const headers = {
    "content-length": String(text.length),
    "x-checksum-sha256": createHash("sha256").update(of).digest("hex"),
  };
  const body = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield Buffer.from(text);
  };
  const reply = await attempt(() =>
    ask(client, { method: "PUT", path: itemPath(client, key), headers, body, action: "deploying" }, ctx),
  );
  if (reply instanceof AdapterError) return reply;
  reply.discard();
  return undefined;
}

async function remove(client: ArtifactoryClient, keys: readonly Key[], ctx: Context): Promise<Told> {
  for (const key of keys) {
    const reply = await attempt(() =>
      ask(client, { method: "DELETE", path: itemPath(client, key), action: "deleting" }, ctx),
    );
    if (reply instanceof AdapterError)
      return ["ok", `may not delete; the artifact ${quote(key)} of this test stays`, "delete it with another identity"];
    reply.discard();
  }
  return ["advice", "may delete", "for jobs that only publish or verify, take Delete/Overwrite away"];
}

function createOnly(second: AdapterError | undefined): Told {
  if (second === undefined) {
    return [
      "dangerous",
      "may replace what is there: two jobs that write one name in the same moment can replace each other's artifacts",
      "give this identity Deploy/Cache without Delete/Overwrite",
    ];
  }
  return second.kind === "Denied"
    ? ["ok", "creates a name only once, as this identity may not replace"]
    : ["dangerous", `a second create was refused for another reason: ${told(second)}`, "run doctor again"];
}

function checksum(wrong: AdapterError | undefined): Told {
  if (wrong !== undefined) return ["ok", "refuses bytes that are not those of their checksum"];
  return [
    "dangerous",
    "stored bytes under a wrong checksum: damage on the way goes unnoticed until verification",
    "set the repository's checksum policy to verify against client checksums",
  ];
}
