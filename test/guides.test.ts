// SPDX-License-Identifier: Apache-2.0
// What the guides of stores tell people to type: documents that parse, permissions that the adapters need and no others,
// names of variables, flags, codes and sizes that exist. No cloud is asked.
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { ERRORS } from "@kiteseal/core";
import { COMMANDS } from "../packages/cli/src/commands/table.ts";
import { ONE_REQUEST_BYTES } from "../packages/storage-adapters/src/azure/blocks.ts";
import { AWS_AUDIENCE } from "../packages/storage-adapters/src/credentials/aws.ts";
import { WHOLE_BYTES } from "../packages/storage-adapters/src/gcs/multipart.ts";
import { S3_SIZES } from "../packages/storage-adapters/src/s3/multipart.ts";
import { commandLines, decoded, GUIDES, guide, list, member, texts } from "./support/guide.ts";
import type { CommandLine, Guide } from "./support/guide.ts";
import { STUB } from "./support/program.ts";
import { allSources } from "./support/sources.ts";

const SOURCES = [...allSources().values()];
const codeBelow = (folder: string): string =>
  SOURCES.filter((file) => file.package === "storage-adapters" && file.path.startsWith(`${folder}/`))
    .map(({ code }) => code)
    .join("\n");

describe("documents", () => {
  test("there is a guide for each store", () => {
    expect(GUIDES.map(({ path }) => path)).toEqual([
      "docs/guides/stores.md",
      ...["artifactory", "azure", "directory", "gcs", "s3"].map((store) => `docs/guides/stores/${store}.md`),
    ]);
  });

  test.each(GUIDES.map((of) => [of.path, of] as const))("of %s parse", (_, of) => {
    for (const language of ["json", "yaml"] as const) {
      for (const value of decoded(of, language)) expect(typeof value).toBe("object");
    }
  });

  const pages = GUIDES.filter(({ path }) => path.includes("/stores/"));
  test.each(pages.map((of) => [of.path, of] as const))("of %s hold a pipeline that publishes and verifies", (_, of) => {
    const pipeline = decoded(of, "yaml").find((value) => member(value, "steps") !== undefined);
    const steps = list(member(pipeline, "steps")).filter((step) => step !== "wait");
    const lines = steps.map((step) => texts(member(step, "command")).join("\n"));
    expect(steps.map((step) => member(step, "key"))).toEqual(["package", "deploy"]);
    expect(lines[0]).toMatch(/^kiteseal publish /m);
    expect(lines[1]).toMatch(/^kiteseal (?:fetch|verify) /m);
    // A retry answers outages; a verdict is never softened.
    expect(list(member(steps[1], "retry", "automatic")).map((rule) => member(rule, "exit_status"))).toEqual([30]);
    expect(member(steps[1], "soft_fail")).toBeUndefined();
  });
});

interface Statement {
  readonly sid: string;
  readonly effect: unknown;
  readonly actions: readonly string[];
}

function statements(): readonly Statement[] {
  return decoded(guide("s3"), "json").flatMap((document) =>
    list(member(document, "Statement")).map((statement) => ({
      sid: texts(member(statement, "Sid"))[0] ?? "",
      effect: member(statement, "Effect"),
      actions: texts(member(statement, "Action")),
    })),
  );
}

describe("S3", () => {
  /** What AWS asks for each call of ours; the last column of the guide's table is what happens without it. */
  const NEEDS: Readonly<Record<string, readonly string[]>> = {
    AbortMultipartUploadCommand: ["s3:AbortMultipartUpload"],
    AssumeRoleWithWebIdentityCommand: ["sts:AssumeRoleWithWebIdentity"],
    CompleteMultipartUploadCommand: ["s3:PutObject"],
    CopyObjectCommand: ["s3:PutObject", "s3:GetObject", "s3:GetObjectVersion"],
    CreateMultipartUploadCommand: ["s3:PutObject"],
    DeleteObjectCommand: ["s3:DeleteObject"],
    GetBucketEncryptionCommand: ["s3:GetEncryptionConfiguration"],
    GetBucketLifecycleConfigurationCommand: ["s3:GetLifecycleConfiguration"],
    GetBucketPolicyStatusCommand: ["s3:GetBucketPolicyStatus"],
    GetBucketVersioningCommand: ["s3:GetBucketVersioning"],
    GetObjectCommand: ["s3:GetObject", "s3:GetObjectVersion"],
    GetObjectLockConfigurationCommand: ["s3:GetBucketObjectLockConfiguration"],
    GetPublicAccessBlockCommand: ["s3:GetBucketPublicAccessBlock"],
    HeadBucketCommand: ["s3:ListBucket"],
    HeadObjectCommand: ["s3:GetObject", "s3:GetObjectVersion"],
    ListObjectsV2Command: ["s3:ListBucket"],
    ListPartsCommand: ["s3:ListMultipartUploadParts"],
    PutObjectCommand: ["s3:PutObject"],
    UploadPartCommand: ["s3:PutObject"],
  };
  /** Asked by S3 itself for objects under a key of yours. */
  const KEY = ["kms:Decrypt", "kms:GenerateDataKey"];
  const allowed = (): readonly Statement[] => statements().filter(({ effect }) => effect === "Allow");

  /** Made without the SDK's commands (s3/direct.ts). */
  const DIRECT = ["GetObjectCommand", "HeadObjectCommand", "PutObjectCommand", "UploadPartCommand"];

  test("each call has its permissions in the table, and none is left over", () => {
    const called = [...`${codeBelow("s3")}\n${codeBelow("credentials")}`.matchAll(/new (\w+Command)\(/g)];
    expect([...new Set([...called.map(([, name = ""]) => name), ...DIRECT])].toSorted()).toEqual(
      Object.keys(NEEDS).toSorted(),
    );
  });

  test("the policies allow what is called, but for deleting, and nothing else", () => {
    const needed = new Set([...Object.values(NEEDS).flat(), ...KEY]);
    needed.delete("s3:DeleteObject");
    expect([...new Set(allowed().flatMap(({ actions }) => actions))].toSorted()).toEqual([...needed].toSorted());
  });

  test("the publish role neither deletes nor lists, the deploy role does not write", () => {
    const of = (...sids: string[]): readonly string[] =>
      allowed().flatMap(({ sid, actions }) => (sids.includes(sid) ? actions : []));
    expect(of("CreateAndCompare", "UnfinishedUploads").toSorted()).toEqual([
      "s3:AbortMultipartUpload",
      "s3:GetObject",
      "s3:GetObjectVersion",
      "s3:ListMultipartUploadParts",
      "s3:PutObject",
    ]);
    expect(of("Read", "FindAttestations")).toEqual(["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]);
  });

  test("unconditional writes are denied, parts are exempt, listing is confined", () => {
    const documents = decoded(guide("s3"), "json").flatMap((document) => list(member(document, "Statement")));
    const conditionOf = (sid: string): unknown =>
      member(
        documents.find((statement) => member(statement, "Sid") === sid),
        "Condition",
      );
    expect(conditionOf("OnlyCreate")).toEqual({
      Null: { "s3:if-none-match": "true" },
      Bool: { "s3:ObjectCreationOperation": "true" },
    });
    expect(conditionOf("FindAttestations")).toEqual({
      StringLike: { "s3:prefix": ["releases/.kiteseal/subjects/*"] },
    });
  });

  test("the role trusts the audience that is asked for", () => {
    const trust = decoded(guide("s3"), "json").flatMap((document) => list(member(document, "Statement")));
    const audiences = trust.map((s) => member(s, "Condition", "StringEquals", "agent.buildkite.com:aud"));
    expect(audiences.filter((audience) => audience !== undefined)).toEqual([AWS_AUDIENCE]);
  });
});

describe("Google Cloud Storage", () => {
  const roles = (): readonly (readonly [unknown, readonly string[]])[] =>
    decoded(guide("gcs"), "yaml").flatMap((value) => {
      const permissions = member(value, "includedPermissions");
      return permissions === undefined ? [] : [[member(value, "title"), texts(permissions)] as const];
    });

  test("each role has what it needs, none may delete", () => {
    expect(Object.fromEntries(roles().map(([title, permissions]) => [String(title), permissions]))).toEqual({
      "Kiteseal publish": ["storage.objects.create", "storage.objects.get"],
      "Kiteseal deploy": ["storage.objects.get", "storage.objects.list"],
      "Kiteseal audit": ["storage.objects.get", "storage.objects.list", "storage.buckets.get"],
    });
  });

  test("doctor asks for the permissions of the roles and for deleting", () => {
    const text = SOURCES.filter(({ path }) => path.startsWith("gcs/"))
      .map((file) => file.text)
      .join("\n");
    const asked = [...text.matchAll(/"(storage\.(?:objects|buckets)\.\w+)"/g)].map(([, name = ""]) => name);
    const granted = roles().flatMap(([, permissions]) => permissions);
    expect(new Set(asked)).toEqual(new Set([...granted, "storage.objects.delete"]));
  });
});

describe("Azure Blob Storage", () => {
  const BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
  /** The SDK's methods that the adapter calls, and what Azure asks for each. */
  const NEEDS: Readonly<Record<string, string>> = {
    commitBlockList: `${BLOBS}/write`,
    download: `${BLOBS}/read`,
    getBlockList: `${BLOBS}/read`,
    getProperties: `${BLOBS}/read`,
    listBlobsFlat: `${BLOBS}/read`,
    stageBlock: `${BLOBS}/write`,
    syncCopyFromURL: `${BLOBS}/write`,
    upload: `${BLOBS}/write`,
  };
  const roles = (): readonly unknown[] =>
    decoded(guide("azure"), "json").filter((value) => member(value, "DataActions") !== undefined);

  test("the adapter calls what the roles are for", () => {
    const code = codeBelow("azure");
    expect(Object.keys(NEEDS).filter((method) => !code.includes(`.${method}(`))).toEqual([]);
  });

  test("the roles hold what is called, but for deleting, and nothing else", () => {
    const granted = roles().flatMap((role) => texts(member(role, "DataActions")));
    expect(new Set(granted)).toEqual(new Set(Object.values(NEEDS)));
    const control = roles().flatMap((role) => texts(member(role, "Actions")));
    expect(control).toEqual(["Microsoft.Storage/storageAccounts/blobServices/containers/read"]);
  });

  test("the trusted audience is the one that is asked for", () => {
    const audiences = decoded(guide("azure"), "json").flatMap((value) => texts(member(value, "audiences")));
    const asked = SOURCES.find(({ path }) => path === "credentials/azure.ts")?.text ?? "";
    expect(audiences).toHaveLength(1);
    expect(asked).toContain(`"${audiences[0]}"`);
  });
});

describe("Artifactory", () => {
  test("publish may read, annotate and deploy; the others read; none may delete", () => {
    const documents = decoded(guide("artifactory"), "json").filter((value) => member(value, "repo") !== undefined);
    expect(documents.map((value) => member(value, "repo", "actions", "groups"))).toEqual([
      { "kiteseal-publish": ["read", "annotate", "write"] },
      { "kiteseal-deploy": ["read"] },
      { "kiteseal-audit": ["read"] },
    ]);
  });

  test("the paths of its requests are the adapter's", () => {
    const text = SOURCES.filter(({ path }) => /^(?:artifactory|credentials)\//.test(path))
      .map((file) => file.text)
      .join("\n");
    for (const path of ["api/storage/", "api/v1/uploads/", "api/repositories/", "/access/api/v1/oidc/token"]) {
      expect(text, path).toContain(path);
      expect(guide("artifactory").text, path).toContain(path);
    }
  });
});

describe("names", () => {
  /** Of the tools that the examples run beside kiteseal. */
  const OTHERS: readonly string[] = ["BUILDKITE_S3_ACL"];
  const VARIABLE = /\b(?:KITESEAL|BUILDKITE|AWS|AZURE|GOOGLE|CLOUDSDK|SIGSTORE|IDENTITY|MSI)_[A-Z0-9_]*[A-Z0-9]\b/g;

  test.each(GUIDES.map((of) => [of.path, of] as const))("of variables in %s are read somewhere", (_, of) => {
    const read = SOURCES.map(({ text }) => text).join("\n");
    const named = new Set([...of.text.matchAll(VARIABLE)].map(([name]) => name));
    const unknown = [...named].filter((name) => !OTHERS.includes(name) && !new RegExp(`\\b${name}\\b`).test(read));
    expect(unknown).toEqual([]);
  });

  test("of errors exist", () => {
    const named = GUIDES.flatMap(({ text }) => [...text.matchAll(/\bERR_[A-Z_]+\b/g)].map(([code]) => code));
    expect(named.filter((code) => !Object.hasOwn(ERRORS, code))).toEqual([]);
    expect(named).toContain("ERR_STORE_DENIED");
  });

  const known = COMMANDS.map(({ name }) => name);
  const helpOf = (command: string): string => {
    const env = { COLUMNS: "200" };
    return spawnSync(process.execPath, [STUB, command, "--help"], { encoding: "utf8", env }).stdout;
  };
  /** `doctor --store URL` and its like, once there is such a command. */
  const lines = (of: Guide): readonly CommandLine[] => [
    ...commandLines(of, "kiteseal"),
    ...[...of.text.matchAll(/`([a-z]+)((?: --[a-z-]+| [A-Z]+)+)`/g)].flatMap(([, command = "", rest = ""]) =>
      known.includes(command) ? [{ command, flags: rest.match(/--[a-z-]+/g) ?? [] }] : [],
    ),
  ];

  test.each(GUIDES.map((of) => [of.path, of] as const))("of commands and flags in %s exist", (_, of) => {
    const unknown = lines(of).flatMap(({ command, flags }) => {
      if (!known.includes(command)) return [command];
      const help = helpOf(command);
      return flags.filter((flag) => !new RegExp(`${flag}(?![a-z-])`).test(help)).map((flag) => `${command} ${flag}`);
    });
    expect(lines(of).length).toBeGreaterThan(1);
    expect(unknown).toEqual([]);
  });

  /** Of buildkite-agent, gcloud and az, in the prose. */
  const OTHER_FLAGS: readonly string[] = [
    "--allow-shared-key-access",
    "--allowed-audiences",
    "--claim",
    "--default-encryption-key",
    "--lock-retention-period",
    "--versioning",
  ];

  test("of flags in the prose exist", () => {
    const prose = GUIDES.map(({ text }) => text.replaceAll(/^```[\s\S]*?^```$/gm, "")).join("\n");
    const named = new Set([...prose.matchAll(/`(--[a-z][a-z0-9-]*)/g)].map(([, flag = ""]) => flag));
    const helps = known.map(helpOf).join("\n");
    const unknown = [...named].filter((flag) => !new RegExp(`${flag}(?![a-z-])`).test(helps));
    expect(unknown.toSorted()).toEqual(OTHER_FLAGS);
  });
});

describe("sizes", () => {
  const MIB = 1_048_576;
  const row = (store: string): string =>
    guide("stores").text.match(new RegExp(`^\\| ${store} +\\| \\d+ MiB +\\|.*$`, "m"))?.[0] ?? "";

  test("are those of the adapters", () => {
    expect(row("S3")).toContain(` ${S3_SIZES.threshold / MIB} MiB `);
    expect(row("S3")).toContain(`parts of ${S3_SIZES.partSize / MIB} MiB`);
    expect(row("GCS")).toContain(` ${WHOLE_BYTES / MIB} MiB `);
    expect(row("Azure")).toContain(` ${ONE_REQUEST_BYTES / MIB} MiB `);
  });
});
