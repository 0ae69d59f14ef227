// SPDX-License-Identifier: Apache-2.0
// azurite, Microsoft's own stand-in for Azure Blob Storage, in memory, as Kiteseal's command line meets it.
import { startAzurite } from "../../packages/storage-adapters/src/azure/azurite.testkit.ts";
import type { RealServer } from "./peer.testkit.ts";

export async function azurite(): Promise<RealServer> {
  const server = await startAzurite();
  const { origin } = new URL(server.endpoint);
  const makeBucket = async (name: string): Promise<string> => {
    await server.makeContainer(name);
    return `https://${server.account}.blob.core.windows.net/${name}`;
  };
  const envBy = (by: string) => ({
    BUILDKITE_AZURE_BLOB_CONNECTION_STRING: server.connectionString.replace(origin, by),
  });
  return { origin, url: await makeBucket("plain"), env: envBy(origin), envBy, makeBucket, stop: () => server.close() };
}
