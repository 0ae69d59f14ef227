// SPDX-License-Identifier: Apache-2.0
// The fault suite on the double of Azure Blob Storage.
import { startAzureDouble } from "../../../../test/doubles/azure/server.ts";
import { startFaultProxy } from "../../../../test/doubles/proxy.ts";
import type { Match, Reply } from "../../../../test/doubles/proxy.ts";
import type { Adapter } from "../adapter.ts";
import { describeStoreFaults } from "../faults/suite.testkit.ts";
import type { PageEntry, Wire, WireOptions } from "../faults/wire.testkit.ts";
import { sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { openAzureAdapter } from "./adapter.ts";

const ctx = testContext();

async function open({ pace, idleMs, stateDirectory }: WireOptions): Promise<Wire> {
  const double = await startAzureDouble();
  const proxy = await startFaultProxy(new URL(double.endpoint).origin);
  const adapter = (origin: string): Promise<Adapter> =>
    openAzureAdapter(
      { origin: `https://${double.account}.blob.core.windows.net`, bucket: double.container, path: "base" },
      {
        env: {
          BUILDKITE_AZURE_BLOB_CONNECTION_STRING: double.connectionString.replaceAll(
            new URL(double.endpoint).origin,
            origin,
          ),
        },
        now: () => ctx.now(),
        timeoutMs: idleMs,
      },
    );
  const direct = createStore(await adapter(new URL(double.endpoint).origin), {});
  return {
    store: createStore(await adapter(proxy.url), { pace, stateDirectory }),
    proxy,
    plant: async (key, content) => void (await direct.put(key, { source: sourceOf(content), overwrite: true }, ctx)),
    held: () => new Map([...double.blobs].map(([name, { bytes }]) => [name, bytes])),
    // The service has no way to give blocks up, and forgets them after a week.
    unfinished: () => 0,
    close: async () => {
      await proxy.close();
      await double.close();
    },
  };
}

const of =
  (method: string, holds: RegExp, lacks = /comp=/): Match =>
  (request) =>
    request.method === method && holds.test(request.url) && !lacks.test(request.url);
const isBlob = /\/artifacts\/base\//;
const copies: Match = ({ headers }) => headers["x-ms-copy-source"] !== undefined;

function error(status: number, code: string): Reply {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  return { status, headers: { "content-type": "application/xml", "x-ms-error-code": code }, body };
}

function page(entries: readonly PageEntry[], next: string | undefined): Reply {
  const items = entries.map(({ key, size }) => {
    const length = size === undefined ? "" : `<Content-Length>${size}</Content-Length>`;
    return `<Blob><Name>${key}</Name><Properties><Last-Modified>${new Date(0).toUTCString()}</Last-Modified><Etag>0x1</Etag>${length}</Properties></Blob>`;
  });
  const body = `<?xml version="1.0"?><EnumerationResults ContainerName="artifacts"><Blobs>${items.join("")}</Blobs><NextMarker>${next ?? ""}</NextMarker></EnumerationResults>`;
  return { status: 200, headers: { "content-type": "application/xml" }, body };
}

describeStoreFaults({
  name: "azure",
  title: "Azure Blob Storage (double)",
  open,
  is: {
    head: of("HEAD", isBlob),
    get: of("GET", isBlob),
    list: of("GET", /comp=list/, /never/),
    put: (request) => of("PUT", isBlob)(request) && !copies(request),
    part: of("PUT", /comp=block&/, /never/),
    complete: of("PUT", /comp=blocklist/, /never/),
    copy: (request) => of("PUT", isBlob)(request) && copies(request),
  },
  says: {
    denied: error(403, "AuthorizationPermissionMismatch"),
    throttled: error(429, "TooManyRequests"),
    busy: error(503, "ServerBusy"),
    noBucket: error(404, "ContainerNotFound"),
    expired: error(401, "InvalidAuthenticationInfo"),
    skewed: error(403, "AuthenticationFailed"),
  },
  largeBytes: 17_000_000,
  page,
  lie: (reply) => ({ ...reply, headers: { ...reply.headers, "content-md5": Buffer.alloc(16).toString("base64") } }),
  forbiddenKeys: ["k".repeat(1025), "k/".repeat(300) + "k"],
});
