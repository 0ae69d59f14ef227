// SPDX-License-Identifier: Apache-2.0
// A real azurite on a free port with its data in memory, as a process of this test's own.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { BlobServiceClient } from "@azure/storage-blob";

export interface Azurite {
  readonly account: string;
  readonly connectionString: string;
  readonly endpoint: string;
  /** `access`: what everybody may do; nothing unless given. */
  makeContainer(name: string, access?: "container" | "blob"): Promise<void>;
  close(): Promise<void>;
}

export async function blobNames(azurite: Azurite, container: string): Promise<readonly string[]> {
  const names: string[] = [];
  const service = BlobServiceClient.fromConnectionString(azurite.connectionString);
  for await (const blob of service.getContainerClient(container).listBlobsFlat()) names.push(blob.name);
  return names;
}

const READY = /successfully listen(?:ing|s) on (https?:\/\/127\.0\.0\.1:\d+)/;

export async function startAzurite(options: readonly string[] = []): Promise<Azurite> {
  const main = join(dirname(createRequire(import.meta.url).resolve("azurite/package.json")), "dist/src/blob/main.js");
  const account = `kiteseal${randomBytes(4).toString("hex")}`;
  const key = randomBytes(32).toString("base64");
  const child = spawn(
    process.execPath,
    [main, "--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", ...options],
    { env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${key}` }, stdio: ["ignore", "pipe", "pipe"] },
  );
  const output: string[] = [];
  child.stderr.on("data", (chunk) => output.push(String(chunk)));
  const lines = createInterface({ input: child.stdout });
  const ready = Promise.withResolvers<string>();
  lines.on("line", (line) => {
    output.push(line);
    const origin = READY.exec(line)?.[1];
    if (origin !== undefined) ready.resolve(origin);
  });
  child.once("exit", (code) => ready.reject(new Error(`azurite ended with ${code}:\n${output.join("\n")}`)));
  const origin = await ready.promise;
  const endpoint = `${origin}/${account}`;
  const connectionString = `DefaultEndpointsProtocol=${new URL(origin).protocol.slice(0, -1)};AccountName=${account};AccountKey=${key};BlobEndpoint=${endpoint};`;
  return {
    account,
    endpoint,
    connectionString,
    makeContainer: async (name, access) => {
      const service = BlobServiceClient.fromConnectionString(connectionString);
      await service.getContainerClient(name).create(access === undefined ? {} : { access });
    },
    close: async () => {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}
