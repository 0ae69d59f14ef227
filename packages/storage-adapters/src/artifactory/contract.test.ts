// SPDX-License-Identifier: Apache-2.0
// The contract suites on the double of Artifactory (test/doubles/artifactory). No real Artifactory was asked.
import { expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import { startArtifactoryDouble } from "../../../../test/doubles/artifactory/server.ts";
import type { ArtifactoryDouble } from "../../../../test/doubles/artifactory/server.ts";
import { describeAdapterContract } from "../adapter-contract.testkit.ts";
import type { Adapter } from "../adapter.ts";
import { describeStoreContract, readAll, sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { openArtifactoryAdapter } from "./adapter.ts";
import { GAPS } from "./gaps.testkit.ts";

function open(double: ArtifactoryDouble): Promise<Adapter> {
  return openArtifactoryAdapter(
    { bucket: double.repository, path: "some/prefix" },
    {
      env: {
        BUILDKITE_ARTIFACTORY_URL: double.url,
        BUILDKITE_ARTIFACTORY_USER: "ci",
        BUILDKITE_ARTIFACTORY_PASSWORD: "secret-password",
      },
      now: () => new Date("2026-11-21T12:00:00Z"),
    },
  );
}

/** What replaces needs Delete/Overwrite; without that right, as a publishing job should be, create-only holds. */
const REPLACING = /overwrite|ERR_PIN_CHANGED|from that pin|without ifAbsent/;

async function start(): Promise<ArtifactoryDouble> {
  const double = await startArtifactoryDouble();
  double.permissions.delete = REPLACING.test(expect.getState().currentTestName ?? "");
  return double;
}

describeAdapterContract("Artifactory (double)", async () => {
  const double = await start();
  return { adapter: await open(double), prefix: "some/prefix/", close: () => double.close() };
});

describeStoreContract(
  "Artifactory (double)",
  async () => {
    const double = await start();
    return {
      location: { store: createStore(await open(double), {}), prefix: "some/prefix/" },
      deny: async () => {
        double.permissions.read = false;
        return async () => void (double.permissions.read = true);
      },
      close: () => double.close(),
    };
  },
  GAPS,
);

/** What holds instead of the first gap. */
test("20 writers of the same bytes at once are all told that these bytes are there, whole", async () => {
  const double = await start();
  const store = createStore(await open(double), {});
  const put = () => store.put(parseKey("some/prefix/race"), { source: sourceOf("one and the same") }, testContext());
  const results = await Promise.all(Array.from({ length: 20 }, put));
  for (const { outcome, object } of results) {
    expect(["created", "exists-same"]).toContain(outcome);
    expect(await readAll(store.get(object, { maxBytes: object.size }, testContext()))).toBe("one and the same");
  }
  await double.close();
});
