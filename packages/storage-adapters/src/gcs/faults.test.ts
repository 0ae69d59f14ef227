// SPDX-License-Identifier: Apache-2.0
// The fault suite on the double of Google Cloud Storage.
import { parseKey } from "@kiteseal/core/store";
import { startGcsDouble } from "../../../../test/doubles/gcs/server.ts";
import { startFaultProxy } from "../../../../test/doubles/proxy.ts";
import type { Match, Reply } from "../../../../test/doubles/proxy.ts";
import { describeStoreFaults } from "../faults/suite.testkit.ts";
import type { PageEntry, Wire, WireOptions } from "../faults/wire.testkit.ts";
import { sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { openGcsAdapter } from "./adapter.ts";
import { gcsAddress, gcsOptions } from "./double.testkit.ts";

const ctx = testContext();

async function open({ pace, idleMs, stateDirectory }: WireOptions): Promise<Wire> {
  const double = await startGcsDouble({ versioning: false });
  const proxy = await startFaultProxy(double.url);
  const direct = createStore(await openGcsAdapter(gcsAddress(), gcsOptions(double.url)), {});
  const store = createStore(await openGcsAdapter(gcsAddress(), { ...gcsOptions(proxy.url), idleMs }), {
    pace,
    stateDirectory,
  });
  const plant: Wire["plant"] = async (key, content) => {
    await direct.put(key, { source: sourceOf(content), overwrite: true }, ctx);
  };
  // What the server keeps of Google's promises is found out once, before anything is broken.
  await store.put(parseKey("base/warm"), { source: sourceOf("warm") }, ctx);
  await direct.put(parseKey("base/warm"), { source: sourceOf("warm") }, ctx);
  double.bucket.remove("base/warm");
  proxy.requests.length = 0;
  return {
    store,
    proxy,
    plant,
    held: () =>
      new Map(double.bucket.names().map((name) => [name, double.bucket.peek(name)?.bytes ?? new Uint8Array()])),
    unfinished: () => double.sessions.count(),
    close: async () => {
      await proxy.close();
      await double.close();
    },
  };
}

const isObject = /^\/storage\/v1\/b\/bucket\/o\/base\//;
const of =
  (method: string, holds: RegExp, lacks = /alt=media|rewriteTo/): Match =>
  (request) =>
    request.method === method && holds.test(request.url) && !lacks.test(request.url);

function error(code: number, reason: string, message: string): Reply {
  const body = JSON.stringify({ error: { code, message, errors: [{ message, domain: "global", reason }] } });
  return { status: code, headers: { "content-type": "application/json" }, body };
}

function page(entries: readonly PageEntry[], next: string | undefined): Reply {
  const items = entries.map(({ key, size }) => ({
    name: key,
    generation: "1",
    ...(size === undefined ? {} : { size: String(size) }),
  }));
  const body = { kind: "storage#objects", items, ...(next === undefined ? {} : { nextPageToken: next }) };
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

describeStoreFaults({
  name: "gs",
  title: "Google Cloud Storage (double)",
  open,
  is: {
    head: of("GET", isObject),
    get: of("GET", /alt=media/, /never/),
    list: of("GET", /^\/storage\/v1\/b\/bucket\/o\?/),
    put: of("POST", /uploadType=multipart/),
    part: of("PUT", /upload_id=/),
    complete: of("PUT", /upload_id=/),
    // A copy is two calls here; the second makes it.
    copy: of("POST", /rewriteToken=/, /never/),
  },
  says: {
    denied: error(403, "forbidden", "The caller does not have access."),
    throttled: error(429, "rateLimitExceeded", "Slow down."),
    busy: error(503, "backendError", "Later."),
    noBucket: error(404, "notFound", "The specified bucket does not exist."),
    expired: error(401, "authError", "Invalid Credentials"),
    skewed: error(401, "authError", "Invalid Credentials"),
  },
  largeBytes: 17_000_000,
  page,
  lie: (reply) => ({ ...reply, body: reply.text.replace(/"md5Hash":"[^"]*"/, `"md5Hash":"${"A".repeat(22)}=="`) }),
  forbiddenKeys: ["k".repeat(1025), ".well-known/acme-challenge/x"],
});
