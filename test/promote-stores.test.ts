// SPDX-License-Identifier: Apache-2.0
// promote by the command line from store to store: a directory, S3, Google Cloud Storage, Azure and Artifactory, each a
// double on loopback. Every stop verifies with the same flags, a second run finds everything there, and inside one bucket
// the store copies by itself.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Published } from "./attacks/promotion.ts";
import { publishForPromotion } from "./attacks/promotion-published.ts";
import { type ArtifactoryDouble, startArtifactoryDouble } from "./doubles/artifactory/server.ts";
import { type AzureDouble, startAzureDouble } from "./doubles/azure/server.ts";
import { type GcsDouble, startGcsDouble } from "./doubles/gcs/server.ts";
import { ACCESS_KEY, type S3Double, startS3Double } from "./doubles/s3/server.ts";
import { runInProcess } from "./support/main.ts";

interface Answer {
  readonly outcome: string;
  readonly artifacts: readonly {
    readonly promoted?: {
      readonly url: string;
      readonly outcome: string;
      readonly verifiedBy: string;
      readonly by: string;
    };
  }[];
}

let published: Published & AsyncDisposable;
let s3: S3Double;
let gcs: GcsDouble;
let azure: AzureDouble;
let artifactory: ArtifactoryDouble;

beforeAll(async () => {
  published = await publishForPromotion();
  s3 = await startS3Double();
  gcs = await startGcsDouble();
  azure = await startAzureDouble();
  artifactory = await startArtifactoryDouble();
});

afterAll(async () => {
  await Promise.all([s3.close(), gcs.close(), azure.close(), artifactory.close()]);
  await published[Symbol.asyncDispose]();
});

function environment(): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: "double-secret",
    KITESEAL_GCS_ENDPOINT: gcs.url,
    BUILDKITE_AZURE_BLOB_CONNECTION_STRING: azure.connectionString,
    BUILDKITE_ARTIFACTORY_URL: artifactory.url,
    BUILDKITE_ARTIFACTORY_USER: "ci",
    BUILDKITE_ARTIFACTORY_PASSWORD: "secret-password",
    KITESEAL_STATE_DIR: `${published.work}/uploads`,
  };
}

const WHO = ["--org", "acme", "--pipeline", "app", "--branch", "main"];

async function kiteseal(...args: readonly string[]): Promise<string> {
  const rule = ["--trusted-root", published.trustedRoot, ...WHO];
  const { code, stdout, stderr } = await runInProcess({
    args: [...args, ...rule],
    cwd: published.work,
    env: environment(),
  });
  expect(code, stderr).toBe(0);
  return stdout;
}

async function promoted(from: string, to: string): Promise<Answer> {
  return JSON.parse(await kiteseal("promote", from, "--recursive", "--to", to, "--format", "json")) as Answer;
}

const how = ({ artifacts }: Answer): readonly string[] =>
  artifacts.map(({ promoted: p }) => `${p?.outcome} ${p?.by} ${p?.verifiedBy}`);

/** Each stop, and how one artifact gets there from the one before and from beside it in the same bucket. */
const stops = (): readonly (readonly [url: string, streamed: string, beside: string])[] => [
  [`s3://${s3.bucketName}`, "created stream server-sha256", "created server-copy re-read"],
  ["gs://bucket", "created stream re-read", "created server-copy re-read"],
  [
    `https://${azure.account}.blob.core.windows.net/${azure.container}`,
    "created stream re-read",
    "created server-copy re-read",
  ],
  [`rt://${artifactory.repository}`, "created stream server-sha256", "created server-copy re-read"],
];

describe("promote", () => {
  test("goes from a directory through every kind of store and back, attested at each stop", async () => {
    let from = `file://${published.folder}`;
    for (const [url, streamed] of stops()) {
      const answer = await promoted(from, `${url}/one`);
      expect(how(answer), url).toEqual([streamed, streamed]);
      await kiteseal("verify", `${url}/one`, "--recursive");
      const again = await promoted(from, `${url}/one`);
      expect(how(again), url).toEqual(["exists-same nothing re-read", "exists-same nothing re-read"]);
      from = `${url}/one`;
    }
    const back = `file://${published.work}/back`;
    expect(how(await promoted(from, back))).toEqual(["created stream re-read", "created stream re-read"]);
    await kiteseal("verify", `${back}/dist/app.tgz`);
  });

  test.each([0, 1, 2, 3])("inside one bucket leaves the copying to the store (%i)", async (i) => {
    const [url = "", , beside] = stops()[i] ?? [];
    await promoted(`file://${published.folder}`, `${url}/staging/${i}`);
    expect(how(await promoted(`${url}/staging/${i}`, `${url}/release`)), url).toEqual([beside, beside]);
    await kiteseal("verify", `${url}/release`, "--recursive");
  });

  test("writes nothing to a store that would replace what is there", async () => {
    const lenient = await startS3Double({ ignores: ["if-none-match"] });
    try {
      const env = { ...environment(), AWS_ENDPOINT_URL_S3: lenient.endpoint };
      const rule = ["--trusted-root", published.trustedRoot, ...WHO];
      const args = ["promote", `file://${published.folder}`, "--recursive", "--to", `s3://${lenient.bucketName}/x`];
      const ran = await runInProcess({ args: [...args, ...rule], cwd: published.work, env });
      expect(ran.code).toBe(2);
      expect(ran.stderr).toContain("ERR_STORE_URL");
      const written = lenient.requests.filter((line) => line.startsWith("PUT") && line.includes("dist/"));
      expect(written).toEqual([]);
    } finally {
      await lenient.close();
    }
  });
});
