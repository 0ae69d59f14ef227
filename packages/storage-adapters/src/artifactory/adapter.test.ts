// SPDX-License-Identifier: Apache-2.0
// The contract suites on the double of Artifactory (test/doubles/artifactory). No real Artifactory was asked.
import { beforeEach, expect } from "vitest";
import { startArtifactoryDouble } from "../../../../test/doubles/artifactory/server.ts";
import type { ArtifactoryDouble } from "../../../../test/doubles/artifactory/server.ts";
import { describeAdapterContract } from "../adapter-contract.testkit.ts";
import type { Adapter } from "../adapter.ts";
import { describeStoreContract } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { openArtifactoryAdapter } from "./adapter.ts";

export function open(double: ArtifactoryDouble, options: { idleMs?: number } = {}): Promise<Adapter> {
  return openArtifactoryAdapter(
    { bucket: double.repository, path: "some/prefix" },
    {
      env: {
        BUILDKITE_ARTIFACTORY_URL: double.url,
        BUILDKITE_ARTIFACTORY_USER: "ci",
        BUILDKITE_ARTIFACTORY_PASSWORD: "secret-password",
      },
      now: () => new Date("2026-11-21T12:00:00Z"),
      ...options,
    },
  );
}

/** What Artifactory cannot keep of the contract, and why. A test here must fail: one that passes breaks the suite. */
const GAPS: ReadonlyMap<string, string> = new Map([
  [
    "by 20 writers of the same bytes at once: one creates, the others find it",
    "deploying the same bytes again succeeds, so several writers believe to have created what they share",
  ],
  [
    "with spaces, dots, percent signs and Unicode are kept as they are, and told apart in URLs",
    'Artifactory refuses "?" in names (portable keys have none)',
  ],
]);

/** What replaces needs Delete/Overwrite; without that right, as a publishing job should be, create-only holds. */
const REPLACING = /overwrite|ERR_PIN_CHANGED|from that pin|without ifAbsent/;

beforeEach(({ task }) => {
  if (GAPS.has(task.name)) Object.assign(task, { fails: true });
});

async function start(): Promise<ArtifactoryDouble> {
  const double = await startArtifactoryDouble();
  double.permissions.delete = REPLACING.test(expect.getState().currentTestName ?? "");
  return double;
}

describeAdapterContract("a double of Artifactory", async () => {
  const double = await start();
  return { adapter: await open(double), prefix: "some/prefix/", close: () => double.close() };
});

describeStoreContract("a double of Artifactory", async () => {
  const double = await start();
  return {
    location: { store: createStore(await open(double), {}), prefix: "some/prefix/" },
    deny: async () => {
      double.permissions.read = false;
      return async () => void (double.permissions.read = true);
    },
    close: () => double.close(),
  };
});
