// SPDX-License-Identifier: Apache-2.0
// `kiteseal doctor` against a well kept and a badly kept store of each kind, and against one that does not answer: what is
// found, how bad it is, and the exit code. Everything but azurite is a double.
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { isObject, problems, type Schema } from "../packages/cli/src/report/json-schema.testkit.ts";
import { type Azurite, blobNames, startAzurite } from "../packages/storage-adapters/src/azure/azurite.testkit.ts";
import { startArtifactoryDouble } from "./doubles/artifactory/server.ts";
import { startAzureDouble } from "./doubles/azure/server.ts";
import { startSecurityTokenDouble } from "./doubles/gcs/security-token.ts";
import { type GcsDoubleOptions, startGcsDouble } from "./doubles/gcs/server.ts";
import { ACCESS_KEY, type S3DoubleOptions, startS3Double } from "./doubles/s3/server.ts";
import { startJob } from "./support/job.ts";
import { runInProcess } from "./support/main.ts";
import { ROOT } from "./support/sources.ts";

let work: string;
let closing: (() => Promise<void>)[];

beforeEach(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-doctor-")));
  closing = [];
});

afterEach(async () => {
  for (const close of closing.toReversed()) await close();
  await rm(work, { recursive: true });
});

function open<T extends { close(): Promise<void> }>(server: T): T {
  closing.push(() => server.close());
  return server;
}

interface Diagnosis {
  readonly code: number;
  readonly outcome: unknown;
  /** Id → severity. */
  readonly findings: Readonly<Record<string, string>>;
  readonly errors: readonly unknown[];
  readonly text: string;
}

async function schema(): Promise<Schema> {
  const parsed: unknown = JSON.parse(await readFile(join(ROOT, "docs/reference/doctor-report.schema.json"), "utf8"));
  if (!isObject(parsed)) throw new TypeError("a schema is an object");
  return parsed;
}

async function doctor(
  store: string,
  env: Readonly<Record<string, string>> = {},
  ...more: readonly string[]
): Promise<Diagnosis> {
  const args = ["doctor", "--store", store, "--format", "json", ...more];
  const { code, stdout, stderr } = await runInProcess({ args, cwd: work, env });
  const root = await schema();
  const report: unknown = JSON.parse(stdout);
  expect(problems(report, root, { root, path: "$" }), stderr).toEqual([]);
  if (!isObject(report) || !Array.isArray(report["places"])) throw new TypeError("not a report");
  expect(report["exitCode"]).toBe(code);
  const places = report["places"].filter(isObject);
  const findings = places.flatMap((place): readonly unknown[] =>
    Array.isArray(place["findings"]) ? place["findings"] : [],
  );
  return {
    code,
    outcome: report["outcome"],
    findings: Object.fromEntries(findings.filter(isObject).map((f) => [String(f["id"]), String(f["severity"])])),
    errors: places.flatMap((place) => (isObject(place["error"]) ? [place["error"]["code"]] : [])),
    text: stdout,
  };
}

/** The ids that are not fine. */
function wrong({ findings }: Diagnosis, severity: string): readonly string[] {
  return Object.entries(findings).flatMap(([id, found]) => (found === severity ? [id] : []));
}

/** What every store that can be written to is asked. */
const ASKED =
  "identity abilities list read put create-only overwrite delete versioning immutability encryption public-access lifecycle".split(
    " ",
  );

function expectAsked({ findings }: Diagnosis, store: string): void {
  expect(ASKED.filter((id) => findings[`${store}.${id}`] === undefined)).toEqual([]);
}

const UNREACHABLE = { code: 30, outcome: "unknown", errors: ["ERR_STORE_UNAVAILABLE"] };

describe("a directory", () => {
  test("well kept", async () => {
    await mkdir(join(work, "S"), { mode: 0o750 });
    const found = await doctor(`file://${work}/S`);
    expectAsked(found, "file");
    expect(found).toMatchObject({ code: 0, outcome: "sound", errors: [] });
    expect(wrong(found, "advice")).toEqual(["file.overwrite", "file.delete", "file.versioning", "file.immutability"]);
    expect(await readdir(join(work, "S"))).toEqual([]);
  });

  test("that everybody can write to", async () => {
    await mkdir(join(work, "S"));
    await chmod(join(work, "S"), 0o777);
    const found = await doctor(`file://${work}/S`);
    expect(found).toMatchObject({ code: 2, outcome: "unsound" });
    expect(wrong(found, "dangerous")).toEqual(["file.permissions"]);
  });

  test("that is a file", async () => {
    await writeFile(join(work, "S"), "x");
    const found = await doctor(`file://${work}/S`);
    expect(found.code).toBe(2);
    expect(wrong(found, "broken")).toEqual(["file.base"]);
  });
});

const GOOD_S3: NonNullable<S3DoubleOptions["settings"]> = {
  versioning: { status: 200, xml: "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>" },
  "object-lock": {
    status: 200,
    xml: "<ObjectLockConfiguration><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>30</Days></DefaultRetention></Rule></ObjectLockConfiguration>",
  },
  encryption: {
    status: 200,
    xml: "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
  },
  publicAccessBlock: {
    status: 200,
    xml: "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>",
  },
  lifecycle: {
    status: 200,
    xml: "<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule></LifecycleConfiguration>",
  },
};

describe("S3", () => {
  const start = async (options: S3DoubleOptions = {}) => {
    const double = open(await startS3Double({ versioned: true, ...options }));
    const env = {
      AWS_ENDPOINT_URL_S3: double.endpoint,
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: "double-secret",
    };
    return { double, env, url: `s3://${double.bucketName}/releases/` };
  };

  test("well kept", async () => {
    const { double, env, url } = await start({ settings: GOOD_S3 });
    // As a policy that asks for s3:if-none-match, and one that denies s3:DeleteObject, would.
    const refused = { status: 403, code: "AccessDenied" };
    double.fail({ method: "PUT", contains: "probe/overwrite", times: 9, does: refused });
    double.fail({ method: "DELETE", contains: "probe/overwrite", times: 9, does: refused });
    const found = await doctor(url, env);
    expectAsked(found, "s3");
    expect(found).toMatchObject({ code: 0, outcome: "sound" });
    expect(Object.values(found.findings).filter((severity) => severity !== "ok")).toEqual([]);
    expect([...double.bucket.objects.keys()].filter((key) => !key.startsWith("releases/.kiteseal/probe/"))).toEqual([]);
  });

  test("badly kept", async () => {
    const { env, url } = await start({
      ignores: ["if-none-match", "checksums"],
      settings: { policyStatus: { status: 200, xml: "<PolicyStatus><IsPublic>true</IsPublic></PolicyStatus>" } },
    });
    const found = await doctor(url, env);
    expect(found).toMatchObject({ code: 2, outcome: "unsound" });
    expect(wrong(found, "dangerous")).toEqual(["s3.create-only", "s3.checksums", "s3.multipart", "s3.public-access"]);
    expect(wrong(found, "advice")).toEqual(
      expect.arrayContaining(["s3.versioning", "s3.immutability", "s3.encryption", "s3.lifecycle"]),
    );
  });

  test("with rules that remove attestations for their age", async () => {
    const xml =
      "<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status><Expiration><Days>9</Days></Expiration></Rule></LifecycleConfiguration>";
    const { env, url } = await start({ settings: { ...GOOD_S3, lifecycle: { status: 200, xml } } });
    expect((await doctor(url, env)).findings["s3.expiry"]).toBe("advice");
  });

  test("with a key that it does not know, or without a bucket", async () => {
    const { env, url } = await start();
    const stranger = await doctor(url, { ...env, AWS_ACCESS_KEY_ID: "AKIDSTRANGER" });
    expect(stranger.code).toBe(2);
    expect(wrong(stranger, "broken")).toEqual(["s3.abilities"]);
    const nowhere = await doctor("s3://elsewhere/", env);
    expect(nowhere.code).toBe(2);
    expect(wrong(nowhere, "broken")).toEqual(["s3.bucket"]);
  });

  test("a static key is named by its kind only", async () => {
    const { env, url } = await start();
    const { text } = await doctor(url, env);
    expect(text).toContain(`${ACCESS_KEY.slice(0, 4)}…`);
    expect(text).not.toContain(ACCESS_KEY);
  });

  test("that does not answer", async () => {
    const { double, env, url } = await start();
    double.fail({ times: 99, does: { status: 503, code: "SlowDown" } });
    expect(await doctor(url, env)).toMatchObject(UNREACHABLE);
  });
});

describe("Google Cloud Storage", () => {
  const PROVIDER = "projects/1/locations/global/workloadIdentityPools/buildkite/providers/buildkite";
  const READ = ["storage.objects.get", "storage.objects.list", "storage.buckets.get"];

  /** In a job, with the job's token exchanged. */
  const start = async (options: GcsDoubleOptions) => {
    const accessToken = "ya29.double";
    const job = open(await startJob([], join(work, "state")));
    const double = open(await startGcsDouble({ tokens: [accessToken], ...options }));
    const audience = `//iam.googleapis.com/${PROVIDER}`;
    // It takes a token once, and two of one second are the same.
    const env = async () => {
      const issued = { audience, accessToken, expiresInSeconds: 3600, impersonatedToken: "none" };
      const exchange = open(await startSecurityTokenDouble(issued));
      return {
        ...job.env,
        KITESEAL_GCS_ENDPOINT: double.url,
        KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER: PROVIDER,
        KITESEAL_GCP_TOKEN_URL: `${exchange.url}/v1/token`,
      };
    };
    return { double, env, url: "gs://bucket/releases/" };
  };

  test("well kept", async () => {
    const { double, env, url } = await start({
      permissions: [...READ, "storage.objects.create"],
      resource: {
        versioning: { enabled: true },
        softDeletePolicy: { retentionDurationSeconds: "604800" },
        iamConfiguration: { publicAccessPrevention: "enforced", uniformBucketLevelAccess: { enabled: true } },
      },
    });
    const found = await doctor(url, await env());
    expectAsked(found, "gcs");
    expect(found).toMatchObject({ code: 0, outcome: "sound" });
    expect(wrong(found, "advice")).toEqual(["gcs.endpoint", "gcs.immutability"]);
    const left = double.bucket.names();
    expect(left.filter((name) => !name.startsWith("releases/.kiteseal/probe/"))).toEqual([]);
    expect((await doctor(url, await env())).findings).toEqual(found.findings);
    expect(double.bucket.names()).toEqual(left);
  });

  test("badly kept", async () => {
    const { double, env, url } = await start({
      ignorePreconditions: true,
      ignoreChecksums: true,
      everybody: ["storage.objects.get"],
      resource: { lifecycle: { rule: [{ action: { type: "Delete" }, condition: { age: 30 } }] } },
    });
    const found = await doctor(url, await env());
    expect(found).toMatchObject({ code: 2, outcome: "unsound" });
    expect(wrong(found, "dangerous")).toEqual(["gcs.public-access", "gcs.create-only", "gcs.checksums"]);
    expect(wrong(found, "advice")).toEqual(
      expect.arrayContaining(["gcs.overwrite", "gcs.delete", "gcs.versioning", "gcs.expiry"]),
    );
    expect(double.bucket.names()).toEqual([]);
  });

  test("where this job may do nothing, and without a bucket", async () => {
    const { env, url } = await start({ permissions: [] });
    expect(wrong(await doctor(url, await env()), "broken")).toEqual(["gcs.abilities"]);
    const nowhere = await doctor("gs://elsewhere/", await env());
    expect(nowhere.code).toBe(2);
    expect(wrong(nowhere, "broken")).toEqual(["gcs.bucket"]);
  });

  test("that does not answer", async () => {
    const { double, env, url } = await start({});
    double.faults.add({ path: /./, effect: "status", status: 503 });
    expect(await doctor(url, await env())).toMatchObject(UNREACHABLE);
  });
});

describe("Azure Blob Storage", () => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await startAzurite();
  });
  afterAll(() => azurite.close());
  const env = () => ({ BUILDKITE_AZURE_BLOB_CONNECTION_STRING: azurite.connectionString });
  const at = (container: string) => `https://${azurite.account}.blob.core.windows.net/${container}/releases/`;

  test("well kept", async () => {
    await azurite.makeContainer("good");
    const found = await doctor(at("good"), env());
    expectAsked(found, "azure");
    expect(found).toMatchObject({ code: 0, outcome: "sound" });
    expect(wrong(found, "advice")).toEqual([
      "azure.immutability",
      "azure.overwrite",
      "azure.delete",
      "azure.versioning",
    ]);
    expect((await doctor(at("good"), env())).findings).toEqual(found.findings);
    for (const name of await blobNames(azurite, "good")) expect(name).toMatch(/^releases\/\.kiteseal\/probe\//);
  });

  test("badly kept", async () => {
    await azurite.makeContainer("bad", "container");
    const found = await doctor(at("bad"), env());
    expect(found).toMatchObject({ code: 2, outcome: "unsound" });
    expect(wrong(found, "dangerous")).toEqual(["azure.public-access"]);
  });

  test("without a container", async () => {
    const found = await doctor(at("none"), env());
    expect(found.code).toBe(2);
    expect(wrong(found, "broken")).toEqual(["azure.container"]);
  });

  test("with roles that let it add and nothing else, with none, and that does not answer", async () => {
    const double = open(await startAzureDouble());
    const given = { BUILDKITE_AZURE_BLOB_CONNECTION_STRING: double.connectionString };
    const url = `https://${double.account}.blob.core.windows.net/${double.container}/releases/`;
    double.versioning = true;
    for (const role of ["write", "delete"] as const) double.roles.delete(role);
    const found = await doctor(url, given);
    expect(found.code).toBe(0);
    expect(wrong(found, "advice")).toEqual(["azure.immutability"]);
    double.roles.clear();
    const nobody = await doctor(url, given);
    expect(nobody.code).toBe(2);
    expect(wrong(nobody, "broken")).toEqual(["azure.abilities"]);
    double.faults.add({ kind: "status", status: 503, times: 9 });
    expect(await doctor(url, given)).toMatchObject(UNREACHABLE);
  });
});

describe("Artifactory", () => {
  const start = async () => {
    const double = open(await startArtifactoryDouble());
    const env = {
      BUILDKITE_ARTIFACTORY_URL: double.url,
      BUILDKITE_ARTIFACTORY_USER: "ci",
      BUILDKITE_ARTIFACTORY_PASSWORD: "secret-password",
    };
    return { double, env, url: `rt://${double.repository}/releases/` };
  };

  test("well kept", async () => {
    const { double, env, url } = await start();
    const found = await doctor(url, env);
    expectAsked(found, "artifactory");
    expect(found).toMatchObject({ code: 0, outcome: "sound" });
    expect(wrong(found, "advice")).toEqual(["artifactory.versioning", "artifactory.immutability"]);
    expect((await doctor(url, env)).findings).toEqual(found.findings);
    expect([...double.artifacts.keys()]).toEqual(["releases/.kiteseal/probe/create-only"]);
  });

  test("badly kept", async () => {
    const { double, env, url } = await start();
    Object.assign(double.permissions, { delete: true, anonymousRead: true });
    double.checksumPolicy = "server";
    const found = await doctor(url, env);
    expect(found).toMatchObject({ code: 2, outcome: "unsound" });
    expect(wrong(found, "dangerous")).toEqual([
      "artifactory.public-access",
      "artifactory.create-only",
      "artifactory.checksums",
    ]);
    expect([...double.artifacts.keys()]).toEqual([]);
  });

  test("for a stranger, and that does not answer", async () => {
    const { double, env, url } = await start();
    const stranger = await doctor(url, { ...env, BUILDKITE_ARTIFACTORY_PASSWORD: "wrong-password" });
    expect(stranger.code).toBe(2);
    expect(wrong(stranger, "broken")).toEqual(["artifactory.abilities"]);
    double.faults.add({ kind: "status", status: 503, times: 9 });
    expect(await doctor(url, env)).toMatchObject(UNREACHABLE);
  });
});

describe("a web server", () => {
  const start = async (status: number): Promise<string> => {
    const server = createServer((_, response) => void response.writeHead(status).end());
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    closing.push(() => new Promise((resolve) => void server.close(() => resolve())));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/releases/`;
  };

  test("well kept", async () => {
    const found = await doctor(await start(404));
    expect(found).toMatchObject({ code: 0, outcome: "sound" });
    expect(Object.values(found.findings).filter((severity) => severity !== "ok")).toEqual([]);
  });

  test("that has something for every name", async () => {
    const found = await doctor(await start(200));
    expect(found).toMatchObject({ code: 2, outcome: "unsound" });
    expect(wrong(found, "broken")).toEqual(["https.absence"]);
  });

  test("that does not answer", async () => {
    expect(await doctor(await start(503))).toMatchObject(UNREACHABLE);
  });
});

describe("what is looked at", () => {
  test("the fixed part of a destination, and the root that is given", async () => {
    await mkdir(join(work, "S"), { mode: 0o750 });
    await writeFile(join(work, "root"), "x");
    const found = await doctor(`file://${work}/S/{pipeline}/{build}`, {}, "--attestations", `file://${work}/root`);
    expect(found).toMatchObject({
      code: 2,
      findings: { "doctor.placeholders": "ok", "doctor.root": "ok", "file.create-only": "ok", "file.base": "broken" },
    });
    expect(found.text).toContain(`file://${work}/root`);
  });

  test("what is known to be wrong outranks what is not known", async () => {
    await writeFile(join(work, "S"), "x");
    const double = open(await startAzureDouble());
    double.faults.add({ kind: "status", status: 503, times: 9 });
    const root = `https://${double.account}.blob.core.windows.net/${double.container}/`;
    const env = { BUILDKITE_AZURE_BLOB_CONNECTION_STRING: double.connectionString };
    const found = await doctor(`file://${work}/S`, env, "--attestations", root);
    expect(found).toMatchObject({ code: 2, outcome: "unsound", errors: ["ERR_STORE_UNAVAILABLE"] });
  });

  test("nothing without --store, and nothing outside a path", async () => {
    for (const args of [["doctor"], ["doctor", "--store", "s3://{build}/"], ["doctor", "--store", "nowhere:x"]]) {
      const { code, stdout } = await runInProcess({ args, cwd: work, env: {} });
      expect([code, stdout]).toEqual([2, ""]);
    }
  });

  test("text says what to do about what is not fine", async () => {
    await mkdir(join(work, "S"));
    await chmod(join(work, "S"), 0o777);
    const { stdout } = await runInProcess({ args: ["doctor", "--store", `file://${work}/S`], cwd: work, env: {} });
    expect(stdout).toMatch(/file\.permissions +DANGEROUS: .*\n +do: chmod o-w /);
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^1 dangerous, .*exit 2$/);
  });
});
