// SPDX-License-Identifier: Apache-2.0
// On a double of Azure Blob Storage (test/doubles/azure): what azurite does not enforce, and faults at the wire.
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { Key, StoredObject } from "@kiteseal/core/store";
import { startAzureDouble } from "../../../../test/doubles/azure/server.ts";
import type { AzureDouble } from "../../../../test/doubles/azure/server.ts";
import { expectKind, putRequest } from "../adapter-contract.testkit.ts";
import type { Adapter, AdapterError, PutRequest } from "../adapter.ts";
import { readAll, sha256, sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { openAzureAdapter } from "./adapter.ts";
import type { AzureOptions } from "./adapter.ts";

const ctx = testContext();
const key = (name: string): Key => parseKey(`some/prefix/${name}`);

function open(double: AzureDouble, options: Partial<AzureOptions> = {}): Promise<Adapter> {
  return openAzureAdapter(
    { origin: `https://${double.account}.blob.core.windows.net`, bucket: double.container, path: "some/prefix" },
    {
      env: { BUILDKITE_AZURE_BLOB_CONNECTION_STRING: double.connectionString },
      now: () => new Date("2026-11-21T12:00:00Z"),
      ...options,
    },
  );
}

/** Takes `bytes` and waits, until it has all; then says that it is stored. */
async function startSlowServer(bytes: number, waitMs: number) {
  let received = 0;
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let due = bytes;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      received += chunk.length;
      if (received < due) continue;
      due += bytes;
      await wait(waitMs);
    }
    response.writeHead(201).end();
  };
  const server = createServer((request, response) => void take(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    received: () => received,
    connectionString: ({ connectionString, endpoint }: AzureDouble) =>
      connectionString.replaceAll(new URL(endpoint).origin, `http://127.0.0.1:${port}`),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

describe("the Azure adapter", () => {
  let double: AzureDouble;
  let adapter: Adapter;
  beforeEach(async () => {
    double = await startAzureDouble();
    adapter = await open(double, { timeoutMs: 2000 });
  });
  afterEach(() => double.close());

  const put = async (name: string, content: string, options: Partial<PutRequest> = {}): Promise<StoredObject> =>
    (await adapter.putWhole(putRequest(key(name), content, options), ctx)).object;
  const get = (object: StoredObject): Promise<string> =>
    readAll(adapter.get({ object, range: { start: 0, end: object.size } }, ctx));

  test("sends the encryption scope, the retention and the hold with what makes the blob visible", async () => {
    const write = { encryptionKey: "releases", retention: { mode: "compliance", days: 30 }, legalHold: true } as const;
    const keeping = await open(double, { write });
    await keeping.putWhole(putRequest(key("kept"), "x"), ctx);
    expect(double.blobs.get(key("kept"))?.headers).toMatchObject({
      "x-ms-encryption-scope": "releases",
      "x-ms-immutability-policy-mode": "Locked",
      "x-ms-immutability-policy-until-date": "Mon, 21 Dec 2026 12:00:00 GMT",
      "x-ms-legal-hold": "true",
    });
    await expectKind(adapter.putWhole(putRequest(key("kept"), "y", { ifAbsent: false }), ctx), "Immutable");
    const unknown = await open(double, { write: { encryptionKey: "not-there" } });
    await expectKind(unknown.putWhole(putRequest(key("other"), "x"), ctx), "Unavailable");
    expect(double.blobs.has(key("other"))).toBe(false);
  });

  test("refuses settings that Azure does not have", async () => {
    await expect(open(double, { write: { bucketOwner: "1234" } })).rejects.toMatchObject({
      code: "ERR_CONFIG_INVALID",
    });
  });

  test("writes with a role that may only add, and then not again", async () => {
    double.roles.delete("write");
    await put("a", "x");
    await expectKind(put("a", "y", { ifAbsent: false }), "AlreadyExists");
    await expectKind(put("a", "y"), "AlreadyExists");
  });

  test("without any role is Denied, whatever is asked", async () => {
    const object = await put("a", "x");
    double.roles.clear();
    await expectKind(adapter.head(key("a"), ctx), "Denied");
    await expectKind(adapter.head(key("b"), ctx), "Denied");
    await expectKind(get(object), "Denied");
    await expectKind(put("c", "x"), "Denied");
  });

  test("copies with the MD5 that the service keeps, and not without one", async () => {
    const from = await put("a", "abc");
    const copied = await adapter.copy({ from, to: key("b") }, ctx);
    expect(copied).toMatchObject({ verifiedBy: "server-other" });
    expect(double.requests.at(-1)?.headers["x-ms-source-content-md5"]).toBeDefined();
    const blob = double.blobs.get(key("a"));
    if (blob === undefined) throw new Error("nothing there");
    double.blobs.set(key("a"), { ...blob, md5: undefined });
    expect(await adapter.copy({ from, to: key("c") }, ctx)).toBeUndefined();
  });

  test("folders of a hierarchical namespace are no objects", async () => {
    double.blobs.set(key("dir"), {
      bytes: new Uint8Array(),
      etag: "0x1",
      headers: { "x-ms-meta-hdi_isfolder": "true" },
      md5: undefined,
    });
    await put("dir/a", "x");
    await expectKind(adapter.head(key("dir"), ctx), "NotFound");
    const keys: string[] = [];
    for await (const object of adapter.list("some/prefix/", ctx)) keys.push(object.key);
    expect(keys).toEqual([key("dir/a")]);
  });

  test("a blob with bytes that only bears the mark of a folder is an object", async () => {
    const headers = { "x-ms-meta-hdi_isfolder": "true" };
    double.blobs.set(key("evil.sh"), { bytes: Buffer.from("x"), etag: "0x1", headers, md5: undefined });
    expect(await adapter.head(key("evil.sh"), ctx)).toMatchObject({ size: 1 });
    const keys: string[] = [];
    for await (const object of adapter.list("some/prefix/", ctx)) keys.push(object.key);
    expect(keys).toEqual([key("evil.sh")]);
  });

  describe("of a fault at the wire", () => {
    test("in the middle of the upload: Transient, and nothing is there", async () => {
      double.faults.add({ method: "PUT", kind: "reset" });
      await expectKind(put("a", "x".repeat(100_000)), "Transient");
      await expectKind(adapter.head(key("a"), ctx), "NotFound");
    });

    test("that loses the reply of a put: the store finds its own bytes", async () => {
      double.faults.add({ method: "PUT", kind: "lost-reply" });
      const store = createStore(adapter, { pace: { attempts: 3, baseMs: 1, maxWaitMs: 5 } });
      expect(await store.put(key("a"), { source: sourceOf("abc") }, ctx)).toMatchObject({ outcome: "exists-same" });
      expect(double.requests.filter(({ method }) => method === "PUT")).toHaveLength(1);
    });

    test.each([
      [429, "Throttled", 7000],
      [503, "Transient", 7000],
      [500, "Transient", 7000],
      [404, "Unavailable", 7000],
      [403, "Denied", 7000],
    ] as const)("status %i without a code is %s", async (status, kind, afterMs) => {
      double.faults.add({ kind: "status", status, headers: { "retry-after": "7" } });
      await expect(adapter.head(key("a"), ctx)).rejects.toMatchObject({ kind, afterMs });
    });

    test("busy says when to come back, and is asked once", async () => {
      double.faults.add({
        kind: "status",
        status: 503,
        headers: { "x-ms-error-code": "ServerBusy", "retry-after": "2" },
      });
      await expect(adapter.head(key("a"), ctx)).rejects.toMatchObject({ kind: "Throttled", afterMs: 2000 });
      expect(double.requests).toHaveLength(1);
    });

    test("that ends a download early is Transient", async () => {
      const object = await put("a", "x".repeat(100_000));
      double.faults.add({ method: "GET", kind: "truncate" });
      await expectKind(get(object), "Transient");
    });

    test("a server that does not answer is given up", async () => {
      const impatient = await open(double, { timeoutMs: 100 });
      double.faults.add({ kind: "silent" });
      await expectKind(impatient.head(key("a"), ctx), "Transient");
    });

    test("a line that is slow and not silent is waited for", async () => {
      // Twice as long as silence may last; what the connection holds arrives sooner.
      const size = 48 * 1_048_576;
      const slow = await startSlowServer(1_048_576, 50);
      const patient = await open({ ...double, connectionString: slow.connectionString(double) }, { timeoutMs: 1200 });
      const { multipart } = patient;
      if (multipart === undefined) expect.fail("no multipart");
      const bytes = Buffer.alloc(size, "slow");
      const part = {
        index: 0,
        range: { start: 0, end: size },
        sha256: sha256(bytes),
        isLast: true,
        body: () => Readable.from([bytes]),
      };
      await multipart.putPart({ key: key("a"), id: "", isPublic: true }, part, ctx);
      expect(slow.received()).toBe(size);
      await slow.close();
    });

    test("a blob replaced between head and get is PinChanged", async () => {
      const object = await put("a", "old");
      await put("a", "new", { ifAbsent: false });
      await expectKind(get(object), "PinChanged");
      const asked = double.requests.find(({ method }) => method === "GET");
      expect(asked?.headers["if-match"]).toBe(`"${object.pin}"`);
    });

    test("a listing that goes round in a circle ends", async () => {
      await put("a", "x");
      const body = `<?xml version="1.0"?><EnumerationResults><Blobs/><NextMarker>again</NextMarker></EnumerationResults>`;
      double.faults.add({
        method: "GET",
        path: /comp=list/,
        times: 5,
        kind: "status",
        status: 200,
        headers: { "content-type": "application/xml" },
        body,
      });
      const reading = (async () => {
        for await (const _ of adapter.list("some/", ctx)) expect.unreachable();
      })();
      await expectKind(reading, "Unavailable");
    });

    test("a redirect to where no container is proves nothing of the blob", async () => {
      double.faults.add({ kind: "status", status: 307, headers: { location: `${double.endpoint}/elsewhere` } });
      await expectKind(adapter.head(key("a"), ctx), "Unsupported");
    });
  });

  test.each([
    [403, "ok"],
    [400, "advice"],
  ])("doctor takes %i for a refusal, or not", async (status, severity) => {
    await adapter.diagnose(ctx);
    double.faults.add({ method: "PUT", path: /probe\/overwrite/, times: 2, kind: "status", status });
    double.faults.add({ method: "DELETE", kind: "status", status });
    const findings = await adapter.diagnose(ctx);
    for (const id of ["azure.overwrite", "azure.delete"])
      expect(findings.find((finding) => finding.id === id)).toMatchObject({ severity });
  });

  test("neither key nor signature is in an error or a finding", async () => {
    const signature = "sig=PLANTEDsignature%3D";
    const connection = `BlobEndpoint=${double.endpoint};SharedAccessSignature=sv=2026-02-06&${signature}`;
    const signed = await open(double, { env: { BUILDKITE_AZURE_BLOB_CONNECTION_STRING: connection } });
    const failures: unknown[] = [];
    for (const asked of [signed, adapter]) {
      for (const kind of ["status", "reset", "lost-reply"] as const) {
        double.faults.add({ kind, status: 403 });
        await asked.head(key("a"), ctx).catch((error: AdapterError) => failures.push(error));
        double.faults.add({ kind, status: 500 });
        await asked.putWhole(putRequest(key("a"), "x"), ctx).catch((error: AdapterError) => failures.push(error));
      }
      failures.push(await asked.diagnose(ctx));
    }
    expect(failures.length).toBeGreaterThan(8);
    const shown = inspect(failures, { depth: 12, showHidden: true });
    const accountKey = /AccountKey=([^;]*)/.exec(double.connectionString)?.[1] ?? "";
    for (const secret of ["PLANTED", accountKey, "SharedKey "]) expect(shown).not.toContain(secret);
  });

  test("a connection string of another account, or that is none, is refused without being shown", async () => {
    for (const connection of [
      double.connectionString.replaceAll(double.account, "otheraccount"),
      "AccountKey=PLANTED",
    ]) {
      const other = await open(double, { env: { BUILDKITE_AZURE_BLOB_CONNECTION_STRING: connection } });
      const error: unknown = await other.head(key("a"), ctx).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: "ERR_CONFIG_INVALID" });
      expect(inspect(error, { depth: 12 })).not.toContain("PLANTED");
    }
  });
});
