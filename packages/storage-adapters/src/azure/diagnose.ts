// SPDX-License-Identifier: Apache-2.0
// What `doctor` asks of a container: who this is, what it may do, whether create-only and checksums really hold, and
// how the container is kept. Tried on a blob of its own, which is deleted again where this identity may delete.
import { randomBytes } from "node:crypto";
import type { BlockBlobClient } from "@azure/storage-blob";
import { parseKey } from "@kiteseal/core/store";
import type { Context, Finding } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { attempt, finding, told } from "../diagnosis.ts";
import type { Told } from "../diagnosis.ts";
import { blobClient, call, containerClient } from "./container.ts";
import type { AzureContainer } from "./container.ts";

/**
 * Findings: azure.identity, azure.container, azure.public-access, azure.immutability, azure.encryption, azure.list,
 * azure.put, azure.create-only, azure.checksum, azure.overwrite, azure.versioning, azure.delete; what was not reached is left out.
 */
export async function diagnose(container: AzureContainer, path: string, ctx: Context): Promise<readonly Finding[]> {
  const subject = `${container.name}/${path}`;
  const findings: Finding[] = [];
  const tell = (id: string, found: Told): void => void findings.push(finding(`azure.${id}`, subject, found));
  try {
    tell("identity", ["ok", (await container.access()).identity]);
  } catch (error) {
    tell("identity", ["broken", told(error), "see the guide of stores for each way to name an identity"]);
    return findings;
  }
  for (const [id, found] of await settings(container, ctx)) tell(id, found);
  if (findings.some((found) => found.severity === "broken")) return findings;
  tell("list", await listing(container, path, ctx));
  for (const [id, found] of await probe(container, path, ctx)) tell(id, found);
  return findings;
}

async function settings(container: AzureContainer, ctx: Context): Promise<readonly (readonly [string, Told])[]> {
  try {
    const client = await containerClient(container);
    const found = await call(container, { action: "looking at", subject: container.name, ctx }, (signal) =>
      client.getProperties(signal),
    );
    return [
      ["container", ["ok", "exists"]],
      ["public-access", publicAccess(found.blobPublicAccess)],
      ["immutability", immutability(found)],
      [
        "encryption",
        found.defaultEncryptionScope === undefined || found.defaultEncryptionScope === "$account-encryption-key"
          ? ["ok", "blobs are encrypted with the account's key"]
          : ["ok", `blobs are encrypted in the scope ${found.defaultEncryptionScope}`],
      ],
    ];
  } catch (error) {
    const denied = error instanceof AdapterError && error.kind === "Denied";
    if (denied) {
      return [
        [
          "container",
          [
            "advice",
            `its settings may not be read: ${told(error)}`,
            "nothing; or give this identity the role Reader on the container",
          ],
        ],
      ];
    }
    return [["container", ["broken", told(error), "name an existing container of this account"]]];
  }
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

function immutability(found: {
  hasImmutabilityPolicy?: boolean;
  hasLegalHold?: boolean;
  isImmutableStorageWithVersioningEnabled?: boolean;
}): Told {
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

async function listing(container: AzureContainer, path: string, ctx: Context): Promise<Told> {
  const client = await containerClient(container);
  try {
    await call(container, { action: "listing", subject: path, ctx }, (signal) =>
      client
        .listBlobsFlat({ prefix: path, ...signal })
        .byPage({ maxPageSize: 1 })
        .next(),
    );
    return ["ok", "may list: attestations are found by digest"];
  } catch (error) {
    if (!(error instanceof AdapterError)) throw error;
    return ["advice", `may not list: ${told(error)}`, "to verify without sidecars, give the right to list"];
  }
}

async function probe(
  container: AzureContainer,
  path: string,
  ctx: Context,
): Promise<readonly (readonly [string, Told])[]> {
  const key = parseKey(`${path === "" ? "" : `${path}/`}.kiteseal-probe-${randomBytes(16).toString("hex")}`);
  const blob = await blobClient(container, key);
  const write = (
    text: string,
    options: Parameters<BlockBlobClient["upload"]>[2],
  ): Promise<AdapterError | { versionId?: string }> =>
    attempt(() =>
      call(container, { action: "writing", subject: key, condition: "AlreadyExists", ctx }, (signal) =>
        blob.upload(text, text.length, { ...options, ...signal }),
      ),
    );
  const onlyOnce = { conditions: { ifNoneMatch: "*" } };
  const first = await write("1", onlyOnce);
  if (first instanceof AdapterError) {
    return [
      [
        "put",
        [
          "advice",
          `may not write: ${told(first)}`,
          "nothing if this job only verifies; else give this identity the right to write",
        ],
      ],
    ];
  }
  const findings: (readonly [string, Told])[] = [["put", ["ok", "may write"]]];
  findings.push(["create-only", createOnly(await write("2", onlyOnce))]);
  const wrong = await write("3", { blobHTTPHeaders: { blobContentMD5: new Uint8Array(16) } });
  findings.push(["checksum", checksum(wrong)]);
  findings.push(["overwrite", overwrite(await write("4", {}))]);
  findings.push(["versioning", versioning(first.versionId)]);
  const removed = await attempt(() =>
    call(container, { action: "deleting", subject: key, ctx }, (signal) => blob.delete(signal)),
  );
  findings.push(["delete", deleted(removed, key)]);
  return findings;
}

function createOnly(second: unknown): Told {
  if (second instanceof AdapterError) {
    return second.kind === "AlreadyExists"
      ? ["ok", "creates a name only once"]
      : ["dangerous", `a second create was refused for another reason: ${told(second)}`, "run doctor again"];
  }
  return [
    "dangerous",
    "let a name be created twice: two jobs can replace each other's artifacts",
    "do not use this endpoint",
  ];
}

function checksum(wrong: unknown): Told {
  if (wrong instanceof AdapterError && wrong.kind === "ChecksumRejected")
    return ["ok", "refuses bytes that are not those of their checksum"];
  if (wrong instanceof AdapterError) return ["ok", "bytes under a wrong checksum were not stored"];
  return [
    "dangerous",
    "stored bytes under a wrong checksum: damage on the way goes unnoticed until verification",
    "do not use this endpoint",
  ];
}

function overwrite(again: unknown): Told {
  if (again instanceof AdapterError) return ["ok", "may not replace what is there"];
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

function deleted(removed: unknown, key: string): Told {
  if (!(removed instanceof AdapterError)) {
    return ["advice", "may delete", "for jobs that only publish or verify, use a role without blobs/delete"];
  }
  return ["ok", `may not delete; the blob ${key} of this test stays`, "delete it with another identity"];
}
