// SPDX-License-Identifier: Apache-2.0
// The fault suite on the double of S3.
import { startS3Double } from "../../../../test/doubles/s3/server.ts";
import { startFaultProxy } from "../../../../test/doubles/proxy.ts";
import type { Match, Reply } from "../../../../test/doubles/proxy.ts";
import { describeStoreFaults } from "../faults/suite.testkit.ts";
import { PREFIX } from "../faults/wire.testkit.ts";
import type { PageEntry, Wire, WireOptions } from "../faults/wire.testkit.ts";
import { sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { adapterOf } from "./double.testkit.ts";

const ctx = testContext();
const sizes = { threshold: 400_000, partSize: 200_000 };

async function open({ pace, idleMs, stateDirectory }: WireOptions): Promise<Wire> {
  const double = await startS3Double({ minPart: 1 });
  const proxy = await startFaultProxy(double.endpoint);
  const adapter = adapterOf(double, { sizes, idleMs, env: { AWS_ENDPOINT_URL_S3: proxy.url } });
  const direct = createStore(adapterOf(double), {});
  // What the server keeps of S3's promises is found out once, before anything is broken.
  await adapter.diagnose(ctx);
  proxy.requests.length = 0;
  return {
    store: createStore(adapter, { pace, stateDirectory }),
    proxy,
    plant: async (key, content) => void (await direct.put(key, { source: sourceOf(content), overwrite: true }, ctx)),
    held: () =>
      new Map(
        [...double.bucket.objects].flatMap(([key, versions]) => {
          const bytes = versions.at(-1)?.content.bytes;
          return bytes === undefined || key.includes(".kiteseal/") ? [] : [[key, bytes]];
        }),
      ),
    unfinished: () => double.bucket.uploads.size,
    close: async () => {
      await proxy.close();
      await double.close();
    },
  };
}

const of =
  (method: string, holds: RegExp, lacks = /uploadId=|list-type=|\.kiteseal/): Match =>
  (request) =>
    request.method === method && holds.test(request.url) && !lacks.test(request.url);
const isObject = new RegExp(`^/artifacts/${PREFIX}`);
const copies: Match = ({ headers }) => headers["x-amz-copy-source"] !== undefined;

function error(status: number, code: string): Reply {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  return { status, headers: { "content-type": "application/xml" }, body };
}

function page(entries: readonly PageEntry[], next: string | undefined): Reply {
  const contents = entries.map(
    ({ key, size }) =>
      `<Contents><Key>${key}</Key><ETag>"e"</ETag>${size === undefined ? "" : `<Size>${size}</Size>`}</Contents>`,
  );
  const token = next === undefined || next === "" ? "" : `<NextContinuationToken>${next}</NextContinuationToken>`;
  const body = `<?xml version="1.0"?><ListBucketResult><IsTruncated>${next !== undefined}</IsTruncated>${token}${contents.join("")}</ListBucketResult>`;
  return { status: 200, headers: { "content-type": "application/xml" }, body };
}

describeStoreFaults({
  name: "s3",
  title: "S3 (double)",
  open,
  is: {
    head: of("HEAD", isObject),
    get: of("GET", isObject),
    list: of("GET", /list-type=2/, /never/),
    put: (request) => of("PUT", isObject)(request) && !copies(request),
    part: of("PUT", /uploadId=/, /never/),
    complete: of("POST", /uploadId=/, /never/),
    copy: (request) => of("PUT", isObject)(request) && copies(request),
  },
  says: {
    denied: error(403, "AccessDenied"),
    throttled: error(429, "TooManyRequests"),
    busy: error(503, "SlowDown"),
    noBucket: error(404, "NoSuchBucket"),
    expired: error(400, "ExpiredToken"),
    skewed: error(403, "RequestTimeTooSkewed"),
  },
  largeBytes: 500_000,
  page,
  lie: (reply) => ({
    ...reply,
    headers: { ...reply.headers, "x-amz-checksum-sha256": Buffer.alloc(32).toString("base64") },
  }),
  forbiddenKeys: ["k".repeat(1025), "ä".repeat(513)],
});
