// SPDX-License-Identifier: Apache-2.0
// The contract suites on a real azurite and on the DOUBLE of Azure Blob Storage.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import { startAzureDouble } from "../../../../test/doubles/azure/server.ts";
import { describeAdapterContract } from "../adapter-contract.testkit.ts";
import type { Adapter } from "../adapter.ts";
import { switchable } from "../contract-gaps.testkit.ts";
import { describeStoreContract } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { openAzureAdapter } from "./adapter.ts";
import { startAzurite } from "./azurite.testkit.ts";
import type { Azurite } from "./azurite.testkit.ts";
import { ONE_REQUEST_BYTES } from "./blocks.ts";

const bytesInParts = ONE_REQUEST_BYTES + 1;
let azurite: Azurite;
let containers = 0;

beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

function open(server: { account: string; connectionString: string }, container: string): Promise<Adapter> {
  return openAzureAdapter(
    { origin: `https://${server.account}.blob.core.windows.net`, bucket: container, path: "some/prefix" },
    {
      env: { BUILDKITE_AZURE_BLOB_CONNECTION_STRING: server.connectionString },
      now: () => new Date("2026-11-21T12:00:00Z"),
    },
  );
}

async function newContainer(): Promise<string> {
  containers += 1;
  await azurite.makeContainer(`store-${containers}`);
  return `store-${containers}`;
}

describeAdapterContract("Azure (azurite)", async () => ({
  adapter: await open(azurite, await newContainer()),
  prefix: "some/prefix/",
  close: async () => {},
}));

describeStoreContract("Azure (azurite)", async () => {
  const container = await newContainer();
  const wrongKey = `AccountKey=${randomBytes(32).toString("base64")}`;
  const stranger = { ...azurite, connectionString: azurite.connectionString.replace(/AccountKey=[^;]+/, wrongKey) };
  const { adapter, deny } = switchable(await open(azurite, container), await open(stranger, container));
  return {
    location: { store: createStore(adapter, {}), prefix: "some/prefix/" },
    deny,
    bytesInParts,
    whileHashing: true,
    close: async () => {},
  };
});

describeAdapterContract("Azure (double)", async () => {
  const double = await startAzureDouble();
  return { adapter: await open(double, double.container), prefix: "some/prefix/", close: () => double.close() };
});

describeStoreContract("Azure (double)", async () => {
  const double = await startAzureDouble();
  return {
    location: { store: createStore(await open(double, double.container), {}), prefix: "some/prefix/" },
    deny: async () => {
      for (const role of ["read", "list"] as const) double.roles.delete(role);
      return async () => {
        for (const role of ["read", "list"] as const) double.roles.add(role);
      };
    },
    bytesInParts,
    whileHashing: true,
    close: () => double.close(),
  };
});
