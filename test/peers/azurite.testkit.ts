// SPDX-License-Identifier: Apache-2.0
// azurite, Microsoft's own stand-in for Azure Blob Storage, in memory, as Kiteseal's command line meets it.
import { startAzurite } from "../../packages/storage-adapters/src/azure/azurite.testkit.ts";
import { BUCKET } from "./peer.testkit.ts";
import type { RealServer } from "./peer.testkit.ts";

export async function azurite(): Promise<RealServer> {
  const server = await startAzurite(["--silent"]);
  const { account, endpoint, connectionString } = server;
  const { origin } = new URL(endpoint);
  const makeBucket = async (name: string): Promise<string> => {
    await server.makeContainer(name);
    return `https://${account}.blob.core.windows.net/${name}`;
  };
  const envBy = (by: string) => ({
    BUILDKITE_AZURE_BLOB_CONNECTION_STRING: connectionString.replace(origin, by),
  });
  return {
    origin,
    url: await makeBucket(BUCKET),
    env: envBy(origin),
    envBy,
    endpoint,
    account,
    secret: /AccountKey=([^;]+)/.exec(connectionString)?.[1] ?? "",
    makeBucket,
    stop: () => server.close(),
  };
}
