// SPDX-License-Identifier: Apache-2.0
// The doubles of the remote stores as the command line reaches them: by address and environment, through a proxy that
// breaks what it is told to.
import type { Match, FaultProxy, Reply } from "../doubles/proxy.ts";
import { startFaultProxy } from "../doubles/proxy.ts";
import { startArtifactoryDouble } from "../doubles/artifactory/server.ts";
import { startAzureDouble } from "../doubles/azure/server.ts";
import { startGcsDouble } from "../doubles/gcs/server.ts";
import { ACCESS_KEY, startS3Double } from "../doubles/s3/server.ts";

export interface RemoteStore {
  /** Of a bucket; ends in "/". */
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  readonly proxy: FaultProxy;
  /** Keys of what it holds. */
  keys(): readonly string[];
  remove(key: string): void;
  close(): Promise<void>;
}

export interface RemoteKind {
  readonly name: string;
  start(): Promise<RemoteStore>;
  readonly isListing: Match;
  readonly denied: Reply;
}

const xml = { "content-type": "application/xml" };

function closing(proxy: FaultProxy, double: { close(): Promise<void> }): () => Promise<void> {
  return async () => {
    await proxy.close();
    await double.close();
  };
}

const S3: RemoteKind = {
  name: "S3 (double)",
  isListing: ({ url }) => url.includes("list-type=2"),
  denied: { status: 403, headers: xml, body: "<Error><Code>AccessDenied</Code><Message>no</Message></Error>" },
  start: async () => {
    const double = await startS3Double();
    const proxy = await startFaultProxy(double.endpoint);
    const env = { AWS_ENDPOINT_URL_S3: proxy.url, AWS_ACCESS_KEY_ID: ACCESS_KEY, AWS_SECRET_ACCESS_KEY: "double" };
    return {
      url: "s3://artifacts/",
      env,
      proxy,
      keys: () => [...double.bucket.objects.keys()].filter((key) => !key.includes("/.kiteseal/probe/")),
      remove: (key) => void double.bucket.objects.delete(key),
      close: closing(proxy, double),
    };
  },
};

const GCS: RemoteKind = {
  name: "Google Cloud Storage (double)",
  isListing: ({ url }) => url.startsWith("/storage/v1/b/bucket/o?"),
  denied: {
    status: 403,
    headers: { "content-type": "application/json" },
    body: '{"error":{"code":403,"message":"no","errors":[{"message":"no","reason":"forbidden"}]}}',
  },
  start: async () => {
    const double = await startGcsDouble();
    const proxy = await startFaultProxy(double.url);
    return {
      url: "gs://bucket/",
      env: { KITESEAL_GCS_ENDPOINT: proxy.url },
      proxy,
      keys: () => double.bucket.names(),
      remove: (key) => double.bucket.remove(key),
      close: closing(proxy, double),
    };
  },
};

const AZURE: RemoteKind = {
  name: "Azure Blob Storage (double)",
  isListing: ({ url }) => url.includes("comp=list&"),
  denied: {
    status: 403,
    headers: { ...xml, "x-ms-error-code": "AuthorizationPermissionMismatch" },
    body: "<Error><Code>AuthorizationPermissionMismatch</Code></Error>",
  },
  start: async () => {
    const double = await startAzureDouble();
    const { origin } = new URL(double.endpoint);
    const proxy = await startFaultProxy(origin);
    return {
      url: `https://${double.account}.blob.core.windows.net/${double.container}/`,
      env: { BUILDKITE_AZURE_BLOB_CONNECTION_STRING: double.connectionString.replaceAll(origin, proxy.url) },
      proxy,
      keys: () => [...double.blobs.keys()],
      remove: (key) => void double.blobs.delete(key),
      close: closing(proxy, double),
    };
  },
};

const ARTIFACTORY: RemoteKind = {
  name: "Artifactory (double)",
  isListing: ({ url }) => /[?&]list&/.test(url),
  denied: {
    status: 403,
    headers: { "content-type": "application/json" },
    body: '{"errors":[{"status":403,"message":"Forbidden"}]}',
  },
  start: async () => {
    const double = await startArtifactoryDouble();
    const proxy = await startFaultProxy(double.platform);
    const env = {
      BUILDKITE_ARTIFACTORY_URL: `${proxy.url}/artifactory`,
      BUILDKITE_ARTIFACTORY_USER: "ci",
      BUILDKITE_ARTIFACTORY_PASSWORD: "secret-password",
    };
    return {
      url: `rt://${double.repository}/`,
      env,
      proxy,
      keys: () => [...double.artifacts.keys()],
      remove: (key) => void double.artifacts.delete(key),
      close: closing(proxy, double),
    };
  },
};

export const REMOTE_KINDS: readonly RemoteKind[] = [S3, GCS, AZURE, ARTIFACTORY];
