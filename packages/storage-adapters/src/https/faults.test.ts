// SPDX-License-Identifier: Apache-2.0
// The fault suite on a plain web server.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startFaultProxy } from "../../../../test/doubles/proxy.ts";
import type { Match, Reply } from "../../../../test/doubles/proxy.ts";
import { describeStoreFaults } from "../faults/suite.testkit.ts";
import type { Wire, WireOptions } from "../faults/wire.testkit.ts";
import { sha256, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { openHttpsAdapter } from "./adapter.ts";

const ctx = testContext();

async function open({ pace, idleMs, stateDirectory }: WireOptions): Promise<Wire> {
  const files = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const bytes = files.get(decodeURIComponent(request.url ?? "").slice(1));
    if (bytes === undefined) {
      response.writeHead(404).end("no such page");
      return;
    }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const part = first === undefined ? bytes : bytes.subarray(Number(first), Number(last) + 1);
    const range = `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`;
    const headers = { etag: `"${sha256(bytes)}"`, "content-length": part.length };
    if (first === undefined) response.writeHead(200, headers);
    else response.writeHead(206, { ...headers, "content-range": range });
    response.end(request.method === "HEAD" ? undefined : part);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const proxy = await startFaultProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const adapter = await openHttpsAdapter({ origin: proxy.url, path: "" }, { env: {}, now: () => ctx.now(), idleMs });
  return {
    store: createStore(adapter, { pace, stateDirectory }),
    proxy,
    plant: async (key, content) => void files.set(key, Buffer.from(content)),
    held: () => files,
    unfinished: () => 0,
    close: async () => {
      await proxy.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

const of =
  (method: string): Match =>
  (request) =>
    request.method === method;
const never: Match = () => false;
const error = (status: number): Reply => ({ status, body: "no" });

describeStoreFaults({
  name: "https",
  title: "a web server",
  open,
  is: {
    // A refused HEAD is asked again as a GET of the first byte.
    head: (request) => of("HEAD")(request) || request.headers.range === "bytes=0-0",
    get: of("GET"),
    list: never,
    put: never,
    part: never,
    complete: never,
    copy: never,
  },
  says: {
    denied: error(403),
    throttled: error(429),
    busy: error(503),
    noBucket: error(404),
    expired: error(401),
    skewed: error(401),
  },
  largeBytes: 0,
  page: () => ({ status: 200 }),
  lie: (reply) => reply,
  forbiddenKeys: [],
});
