// SPDX-License-Identifier: Apache-2.0
// The stores that are measured: real servers, as processes of the benchmark's own on loopback, and the double of
// Artifactory. Each measurement gets a fresh one: what an earlier one left in its memory would be measured with it.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startAzurite } from "../../../packages/storage-adapters/src/azure/azurite.testkit.ts";
import { startArtifactoryDouble } from "../../doubles/artifactory/server.ts";
import { programOf } from "./programs.ts";

export const BUCKET = "bench";

export interface StoreServer {
  /** Where Kiteseal publishes to; ends in "/". */
  readonly url: string;
  /** What Kiteseal is told of it. */
  readonly env: Readonly<Record<string, string>>;
  readonly endpoint: string;
  readonly account: string;
  readonly secret: string;
  close(): Promise<void>;
}

export type StoreName = "s3" | "gcs" | "azure" | "artifactory";

export interface StoreKind {
  readonly name: StoreName;
  /** For people. */
  readonly label: string;
  /** Why it cannot be measured here, or undefined. */
  readonly missing: string | undefined;
  start(directory: string): Promise<StoreServer>;
}

export function storeKinds(): readonly StoreKind[] {
  const versitygw = programOf("versitygw");
  const fakeGcs = programOf("fake-gcs-server");
  const needed = (name: string, program: string | undefined): string | undefined =>
    program === undefined ? `${name} is neither in KITESEAL_PEERS_DIR nor in PATH` : undefined;
  return [
    {
      name: "s3",
      label: "S3 (versitygw)",
      missing: needed("versitygw", versitygw),
      start: (directory) => startVersitygw(versitygw ?? "", directory),
    },
    {
      name: "gcs",
      label: "GCS (fake-gcs-server)",
      missing: needed("fake-gcs-server", fakeGcs),
      start: (directory) => startFakeGcs(fakeGcs ?? "", directory),
    },
    { name: "azure", label: "Azure (azurite)", missing: undefined, start: startAzure },
    { name: "artifactory", label: "Artifactory (double)", missing: undefined, start: startArtifactory },
  ];
}

async function startVersitygw(program: string, directory: string): Promise<StoreServer> {
  const root = await mkdtemp(join(directory, "versitygw-"));
  await mkdir(join(root, BUCKET));
  const port = await freePort();
  const [account, secret] = ["bench", randomBytes(16).toString("hex")];
  const child = spawn(program, ["--keep-alive", "--port", `127.0.0.1:${port}`, "posix", root], {
    env: { ROOT_ACCESS_KEY: account, ROOT_SECRET_KEY: secret },
    stdio: "ignore",
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await answering(child, endpoint);
  return {
    url: `s3://${BUCKET}/base/`,
    env: {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: account,
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_REGION: "us-east-1",
    },
    endpoint,
    account,
    secret,
    close: async () => {
      await stop(child);
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function startFakeGcs(program: string, directory: string): Promise<StoreServer> {
  const root = await mkdtemp(join(directory, "fake-gcs-"));
  await mkdir(join(root, BUCKET));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const place = ["-scheme", "http", "-host", "127.0.0.1", "-port", String(port), "-external-url", endpoint];
  const child = spawn(program, [...place, "-backend", "filesystem", "-filesystem-root", root, "-log-level", "error"], {
    stdio: "ignore",
  });
  await answering(child, `${endpoint}/storage/v1/b?project=bench`);
  return {
    url: `gs://${BUCKET}/base/`,
    env: { KITESEAL_GCS_ENDPOINT: endpoint },
    endpoint,
    account: "",
    secret: "",
    close: async () => {
      await stop(child);
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function startAzure(): Promise<StoreServer> {
  const azurite = await startAzurite(["--silent"]);
  const { account, connectionString, endpoint } = azurite;
  await azurite.makeContainer(BUCKET);
  return {
    url: `https://${account}.blob.core.windows.net/${BUCKET}/base/`,
    env: { BUILDKITE_AZURE_BLOB_CONNECTION_STRING: connectionString },
    endpoint,
    account,
    secret: /AccountKey=([^;]+)/.exec(connectionString)?.[1] ?? "",
    close: () => azurite.close(),
  };
}

async function startArtifactory(): Promise<StoreServer> {
  const double = await startArtifactoryDouble();
  const secret = randomBytes(16).toString("hex");
  double.logins.add(`Basic ${Buffer.from(`ci:${secret}`).toString("base64")}`);
  return {
    url: `rt://${double.repository}/base/`,
    env: {
      BUILDKITE_ARTIFACTORY_URL: double.url,
      BUILDKITE_ARTIFACTORY_USER: "ci",
      BUILDKITE_ARTIFACTORY_PASSWORD: secret,
    },
    endpoint: `${double.url}/${double.repository}`,
    account: "ci",
    secret,
    close: () => double.close(),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function answering(child: ChildProcess, url: string): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
    const reply = await fetch(url).catch(() => undefined);
    if (reply !== undefined) return;
    await wait(25);
  }
  await stop(child);
  throw new Error(`${child.spawnfile} did not start`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
