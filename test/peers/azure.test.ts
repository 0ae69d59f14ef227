// SPDX-License-Identifier: Apache-2.0
// What azurite 3.37 does not enforce of Azure Blob Storage, asserted so that a better version makes this file red. Its
// contract suites run with `npm test`, bearer tokens too (credentials/azure.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import { putRequest } from "../../packages/storage-adapters/src/adapter-contract.testkit.ts";
import type { Adapter, WriteSettings } from "../../packages/storage-adapters/src/adapter.ts";
import { openAzureAdapter } from "../../packages/storage-adapters/src/azure/adapter.ts";
import { testContext } from "../../packages/storage-adapters/src/store-contract.testkit.ts";
import { azurite } from "./azurite.testkit.ts";
import type { RealServer } from "./peer.testkit.ts";

const ctx = testContext();
const key = parseKey("base/a");
let peer: RealServer;
let containers = 0;
beforeAll(async () => {
  peer = await azurite();
});
afterAll(() => peer.stop());

async function open(write: WriteSettings): Promise<Adapter> {
  containers += 1;
  const { origin, pathname } = new URL(await peer.makeBucket(`gaps-${containers}`));
  const address = { origin, bucket: pathname.slice(1), path: "base" };
  return openAzureAdapter(address, { env: peer.env, now: () => new Date(), write });
}

describe("gaps of azurite 3.37", () => {
  test("an encryption scope that does not exist is accepted", async () => {
    const adapter = await open({ encryptionKey: "no-such-scope" });
    expect((await adapter.putWhole(putRequest(key, "abc"), ctx)).object.size).toBe(3);
  });

  test.each<[string, WriteSettings]>([
    ["a legal hold", { legalHold: true }],
    ["an immutability policy", { retention: { mode: "compliance", days: 30 } }],
  ])("%s keeps nothing: the object is replaced", async (_, write) => {
    const adapter = await open(write);
    await adapter.putWhole(putRequest(key, "kept"), ctx);
    const { object } = await adapter.putWhole(putRequest(key, "replaced", { ifAbsent: false }), ctx);
    expect(object.size).toBe(8);
  });
});
