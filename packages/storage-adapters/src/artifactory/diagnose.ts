// SPDX-License-Identifier: Apache-2.0
// What `doctor` asks of an Artifactory repository: who this is, what it may do, whether "not replaced" really holds (it
// rests on permissions alone here), whether wrong checksums are refused, and what everybody may read. Tried on scratch
// artifacts with fixed names below the root, which stay where this identity may not delete.
import { createHash } from "node:crypto";
import { parseKey, quote } from "@kiteseal/core/store";
import type { Context, Finding } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { abilities, attempt, finding, provenBy, scratchFolder, unidentified } from "../diagnosis.ts";
import type { Tell, Told } from "../diagnosis.ts";
import type { Exchange } from "../exchange.ts";
import { ask, itemPath } from "./client.ts";
import type { ArtifactoryClient, ArtifactoryRequest } from "./client.ts";
import { parseReply, textField } from "./replies.ts";

/**
 * artifactory.identity, .repository, .public-access, .list, .put, .create-only, .checksums, .overwrite, .read, .delete,
 * .abilities, .versioning, .immutability, .encryption, .lifecycle; what was not reached is left out.
 */
export async function diagnose(client: ArtifactoryClient, path: string, ctx: Context): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const tell: Tell = (id, told) =>
    void findings.push(finding(`artifactory.${id}`, `${client.repository}/${path}`, told));
  try {
    await client.access.authorization(ctx);
    tell("identity", ["ok", `uses ${client.access.identity}`]);
  } catch (error) {
    tell("identity", unidentified(error));
    return findings;
  }
  const repository = await repositoryFinding(client, ctx);
  tell("repository", repository);
  if (repository[0] === "broken") return findings;
  tell("public-access", await publicAccess(client, ctx));
  tell("list", await listing(client, path, ctx));
  await tellAbilities({ client, folder: scratchFolder(path === "" ? "" : `${path}/`) }, tell, ctx);
  tell("abilities", abilities(findings));
  tellLimits(tell);
  return findings;
}

/** What no Artifactory does, or what cannot be seen from here. */
function tellLimits(tell: Tell): void {
  const gone = "keeps no versions: what is replaced or deleted is gone";
  tell("versioning", ["advice", gone, "give Delete to administrators only"]);
  const kept = "has no retention of single artifacts";
  tell("immutability", ["advice", kept, "exclude the repository from clean-up policies"]);
  tell("encryption", ["ok", "encryption at rest is a setting of the server's file store and cannot be seen from here"]);
  tell("lifecycle", ["ok", "the parts of unfinished uploads are the server's to remove"]);
}

async function asked(
  client: ArtifactoryClient,
  request: ArtifactoryRequest,
  ctx: Context,
): Promise<Exchange | AdapterError> {
  return attempt(() => ask(client, request, ctx));
}

/** undefined: it worked. */
async function refusal(
  client: ArtifactoryClient,
  request: ArtifactoryRequest,
  ctx: Context,
): Promise<AdapterError | undefined> {
  const reply = await asked(client, request, ctx);
  if (reply instanceof AdapterError) return reply;
  reply.discard();
  return undefined;
}

async function repositoryFinding(client: ArtifactoryClient, ctx: Context): Promise<Told> {
  const path = `api/repositories/${encodeURIComponent(client.repository)}`;
  const reply = await asked(client, { method: "GET", path, action: "looking at the repository" }, ctx);
  if (reply instanceof AdapterError) {
    const isUnknown = reply.kind === "Denied" || reply.kind === "Unavailable";
    return isUnknown
      ? ["advice", `its settings may not be read: ${reply.message}`, "nothing"]
      : ["broken", reply.message, "name an existing repository"];
  }
  const settings = parseReply(await reply.text(1_048_576), client.repository);
  const [kind, type] = [textField(settings, "rclass"), textField(settings, "packageType")];
  if (kind !== "local") {
    const remedy = "name a local repository: others serve what somebody else decides";
    return ["dangerous", `is a ${quote(kind ?? "unknown")} repository`, remedy];
  }
  if (type !== "generic") {
    const remedy = "use a generic repository: others have rules for names";
    return ["advice", `has the package type ${quote(type ?? "unknown")}`, remedy];
  }
  return ["ok", "is a local generic repository"];
}

async function publicAccess(client: ArtifactoryClient, ctx: Context): Promise<Told> {
  const path = `api/storage/${encodeURIComponent(client.repository)}`;
  const refused = await refusal(
    client,
    { method: "GET", path, action: "looking without credentials", asNobody: true },
    ctx,
  );
  if (refused !== undefined) return ["ok", "nothing can be read without an identity"];
  return ["dangerous", "everybody can read it", "turn off anonymous access to this repository"];
}

async function listing(client: ArtifactoryClient, path: string, ctx: Context): Promise<Told> {
  const folder = path === "" ? encodeURIComponent(client.repository) : itemPath(client, path);
  const request = { method: "GET", path: `api/storage/${folder}?list&deep=0`, action: "listing" } as const;
  const refused = await refusal(client, request, ctx);
  if (refused === undefined) return ["ok", "may list: attestations are found by digest"];
  if (refused.kind === "NotFound") return ["ok", "may list; the folder does not exist yet"];
  return ["advice", `may not list: ${refused.message}`, "to verify without sidecars, give the right to read"];
}

interface Place {
  readonly client: ArtifactoryClient;
  /** Of the scratch artifacts. */
  readonly folder: string;
}

/** Fixed names: a run without Delete leaves no more than the one before. */
async function tellAbilities(place: Place, tell: Tell, ctx: Context): Promise<void> {
  const { client, folder } = place;
  const first = await deploy(place, { name: "create-only", text: "1", of: "1" }, ctx);
  const second = await deploy(place, { name: "create-only", text: "2", of: "2" }, ctx);
  const writes = first === undefined || second === undefined;
  if (writes) {
    tell("put", ["ok", "may write"]);
    // Of two contents one was there before, or was made first; the other is the refused one.
    tell("create-only", createOnly(first ?? second));
    tell("overwrite", overwrite(first ?? second));
    tell("checksums", checksums(await deploy(place, { name: "wrong-checksum", text: "3", of: "something else" }, ctx)));
  } else {
    const remedy = "nothing if this job only verifies; else give this identity Deploy";
    tell("put", ["advice", `may not write: ${first.message}`, remedy]);
  }
  const head = { method: "HEAD", path: itemPath(client, `${folder}create-only`), action: "looking" } as const;
  const unread = await refusal(client, head, ctx);
  const mayRead = unread === undefined || (unread.kind !== "Denied" && !writes);
  tell("read", mayRead ? ["ok", "may read"] : ["advice", `may not read: ${unread.message}`, "give this identity Read"]);
  if (writes) tell("delete", await deletion(place, ctx));
}

async function deploy(
  { client, folder }: Place,
  artifact: { name: string; text: string; of: string },
  ctx: Context,
): Promise<AdapterError | undefined> {
  const { name, text, of } = artifact;
  const headers = {
    "content-length": String(text.length),
    "x-checksum-sha256": createHash("sha256").update(of).digest("hex"),
  };
  const body = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield Buffer.from(text);
  };
  const path = itemPath(client, parseKey(folder + name));
  return refusal(client, { method: "PUT", path, headers, body, action: "deploying" }, ctx);
}

/** What was made under a wrong checksum goes too, or the next run would find it. */
async function deletion({ client, folder }: Place, ctx: Context): Promise<Told> {
  for (const name of ["wrong-checksum", "create-only"]) {
    const path = itemPath(client, folder + name);
    const refused = await refusal(client, { method: "DELETE", path, action: "deleting" }, ctx);
    if (refused !== undefined && refused.kind !== "NotFound") return provenBy(refused, "may not delete");
  }
  return ["advice", "may delete", "for jobs that only publish or verify, take Delete/Overwrite away"];
}

function createOnly(second: AdapterError | undefined): Told {
  if (second?.kind === "Denied") return ["ok", "creates a name only once, as this identity may not replace"];
  const what =
    second === undefined
      ? "may replace what is there: two jobs that write one name in the same moment can replace each other's artifacts"
      : `a second create was refused for another reason: ${second.message}`;
  return ["dangerous", what, "give this identity Deploy/Cache without Delete/Overwrite"];
}

function overwrite(second: AdapterError | undefined): Told {
  if (second !== undefined) return provenBy(second, "may not replace what is there");
  return ["advice", "may replace what is there", "take Delete/Overwrite from jobs that publish or verify"];
}

function checksums(wrong: AdapterError | undefined): Told {
  if (wrong !== undefined) return ["ok", "refuses bytes that are not those of their checksum"];
  return [
    "dangerous",
    "stored bytes under a wrong checksum: damage on the way goes unnoticed until verification",
    "set the repository's checksum policy to verify against client checksums",
  ];
}
