// SPDX-License-Identifier: Apache-2.0
// The fault suite on the double of Artifactory.
import { startArtifactoryDouble } from "../../../../test/doubles/artifactory/server.ts";
import { startFaultProxy } from "../../../../test/doubles/proxy.ts";
import type { Match, Reply } from "../../../../test/doubles/proxy.ts";
import type { Adapter } from "../adapter.ts";
import { describeStoreFaults } from "../faults/suite.testkit.ts";
import { PREFIX } from "../faults/wire.testkit.ts";
import type { PageEntry, Wire, WireOptions } from "../faults/wire.testkit.ts";
import { sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { openArtifactoryAdapter } from "./adapter.ts";

const ctx = testContext();
const PARTS_FROM = 1_000_000;

async function open({ pace, idleMs, stateDirectory }: WireOptions): Promise<Wire> {
  const double = await startArtifactoryDouble();
  double.uploads.supported = true;
  const proxy = await startFaultProxy(double.platform);
  const adapter = (platform: string): Promise<Adapter> =>
    openArtifactoryAdapter(
      { bucket: double.repository, path: "base" },
      {
        env: {
          BUILDKITE_ARTIFACTORY_URL: `${platform}/artifactory`,
          BUILDKITE_ARTIFACTORY_USER: "ci",
          BUILDKITE_ARTIFACTORY_PASSWORD: "secret-password",
        },
        now: () => ctx.now(),
        idleMs,
        partsFromBytes: PARTS_FROM,
        partPace: pace,
      },
    );
  const direct = createStore(await adapter(double.platform), {});
  return {
    store: createStore(await adapter(proxy.url), { pace, stateDirectory }),
    proxy,
    // Somebody else may replace; this identity may not.
    plant: async (key, content) => {
      double.permissions.delete = true;
      await direct.put(key, { source: sourceOf(content), overwrite: true }, ctx);
      double.permissions.delete = false;
    },
    held: () => new Map([...double.artifacts].map(([name, { bytes }]) => [name, bytes])),
    unfinished: () => [...double.uploads.open.values()].filter(({ polls }) => polls === 0).length,
    close: async () => {
      await proxy.close();
      await double.close();
    },
  };
}

const isItem = new RegExp(`^/artifactory/generic-local/${PREFIX}`);
const of =
  (method: string, holds: RegExp): Match =>
  (request) =>
    request.method === method && holds.test(request.url);
const byDigest: Match = ({ headers }) => headers["x-checksum-deploy"] !== undefined;
const merged: Match = ({ headers }) => headers["x-checksum-deploy-token"] !== undefined;

function error(status: number, message: string): Reply {
  const body = JSON.stringify({ errors: [{ status, message }] });
  return { status, headers: { "content-type": "application/json" }, body };
}

function page(entries: readonly PageEntry[]): Reply {
  const files = entries.map(({ key, size }) => ({
    uri: key.startsWith(PREFIX) ? key.slice(PREFIX.length - 1) : `/../${key}`,
    ...(size === undefined ? {} : { size }),
    folder: false,
    sha2: "0".repeat(64),
  }));
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify({ files }) };
}

describeStoreFaults({
  name: "rt",
  title: "Artifactory (double)",
  open,
  is: {
    head: of("GET", new RegExp(`^/artifactory/api/storage/generic-local/${PREFIX}`)),
    get: of("GET", isItem),
    list: of("GET", /[?&]list&/),
    put: (request) => of("PUT", isItem)(request) && !byDigest(request),
    part: of("PUT", /^\/filestore\//),
    complete: (request) => of("PUT", isItem)(request) && merged(request),
    copy: (request) => of("PUT", isItem)(request) && byDigest(request) && !merged(request),
  },
  says: {
    denied: error(403, "Forbidden"),
    throttled: error(429, "Too many requests"),
    busy: error(503, "Service unavailable"),
    noBucket: error(404, "Unable to find item"),
    expired: error(401, "Token expired"),
    skewed: error(401, "Token is not valid yet"),
  },
  largeBytes: 21_000_000,
  page,
  lie: (reply) => ({ ...reply, body: reply.text.replace(/"sha256":"[0-9a-f]{64}"/, `"sha256":"${"0".repeat(64)}"`) }),
  forbiddenKeys: Array.from('\\:|?*"<>;', (character) => `base/a${character}b`),
});
