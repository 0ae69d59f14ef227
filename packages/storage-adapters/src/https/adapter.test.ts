// SPDX-License-Identifier: Apache-2.0
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { Key, StoredObject } from "@kiteseal/core/store";
import { createFaults } from "../../../../test/doubles/faults.ts";
import type { Faults } from "../../../../test/doubles/faults.ts";
import { expectKind, putRequest } from "../adapter-contract.testkit.ts";
import type { Adapter } from "../adapter.ts";
import { expectCode, readAll, sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { openHttpsAdapter } from "./adapter.ts";
import { redirected } from "./errors.ts";

const ctx = testContext();
const hintOf = (error: object): unknown => ("hint" in error ? error.hint : undefined);
const key = (name: string): Key => parseKey(name);

describe("a web server as a store", () => {
  let server: Server;
  let origin: string;
  let adapter: Adapter;
  let faults: Faults;
  let files: Map<string, { body: string; etag?: string }>;
  let requests: IncomingMessage[];
  let answer: RequestListener;

  beforeEach(async () => {
    faults = createFaults();
    files = new Map();
    requests = [];
    answer = (request, response) => {
      const file = files.get(decodeURIComponent(request.url ?? ""));
      if (file === undefined) {
        response.writeHead(404).end("no such page");
        return;
      }
      const bytes = Buffer.from(file.body);
      const headers = file.etag === undefined ? {} : { etag: file.etag };
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
      if (first === undefined) {
        response.writeHead(200, { ...headers, "content-length": bytes.length });
        response.end(request.method === "HEAD" ? undefined : bytes);
        return;
      }
      const part = bytes.subarray(Number(first), Number(last) + 1);
      response.writeHead(206, {
        ...headers,
        "content-length": part.length,
        "content-range": `bytes ${first}-${Number(first) + part.length - 1}/${bytes.length}`,
      });
      response.end(part);
    };
    server = createServer((request, response) => {
      requests.push(request);
      if (faults.meet(request, response)) answer(request, response);
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    adapter = await openHttpsAdapter({ origin, path: "dist" }, { env: {}, now: () => new Date(0), idleMs: 500 });
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  });

  const get = (object: StoredObject, start = 0, end = object.size): Promise<string> =>
    readAll(adapter.get({ object, range: { start, end } }, ctx));

  test("reads an artifact and the sidecar beside it, whole and in part", async () => {
    files.set("/dist/app.tgz", { body: "0123456789", etag: '"v1"' });
    files.set("/dist/app.tgz.sigstore.json", { body: "{}" });
    const object = await adapter.head(key("dist/app.tgz"), ctx);
    expect(object).toEqual({ key: "dist/app.tgz", size: 10, pin: '"v1";10' });
    expect(await get(object)).toBe("0123456789");
    expect(await get(object, 3, 7)).toBe("3456");
    expect(await get(object, 4, 4)).toBe("");
    expect(await get(await adapter.head(key("dist/app.tgz.sigstore.json"), ctx))).toBe("{}");
  });

  test("404 is absence, also for the store", async () => {
    await expectKind(adapter.head(key("a"), ctx), "NotFound");
    expect(await createStore(adapter, {}).head(key("a"), ctx)).toBeUndefined();
  });

  test("writing, copying and listing are refused before anything is asked", async () => {
    files.set("/a", { body: "x" });
    const object = await adapter.head(key("a"), ctx);
    const before = requests.length;
    const store = createStore(adapter, {});
    const written = await expectCode(store.put(key("b"), { source: sourceOf("x") }, ctx), "ERR_STORE_URL");
    await expectCode(store.copy(object, key("b"), ctx), "ERR_STORE_URL");
    await expectKind(adapter.putWhole(putRequest(key("b"), "x"), ctx), "Unsupported");
    const listing = (async () => {
      for await (const _ of store.list("a", ctx)) expect.unreachable();
    })();
    const listed = await expectCode(listing, "ERR_STORE_URL");
    // Where else to publish is no help to whoever reads.
    expect(hintOf(listed)).not.toBe(hintOf(written));
    expect(requests).toHaveLength(before);
  });

  test("what was replaced, by its ETag or its length, is PinChanged", async () => {
    files.set("/a", { body: "old", etag: '"1"' });
    files.set("/b", { body: "old" });
    const [a, b] = [await adapter.head(key("a"), ctx), await adapter.head(key("b"), ctx)];
    files.set("/a", { body: "new", etag: '"2"' });
    files.set("/b", { body: "newer" });
    for (const object of [a, b]) {
      await expectKind(get(object), "PinChanged");
      await expectKind(get(object, 1, 2), "PinChanged");
      await expectKind(get(object, 1, 1), "PinChanged");
    }
  });

  test("a weak ETag is no pin", async () => {
    files.set("/a", { body: "x", etag: 'W/"1"' });
    expect((await adapter.head(key("a"), ctx)).pin).toBe(";1");
  });

  test("a server that answers only GET is asked for its first byte", async () => {
    files.set("/a", { body: "0123", etag: '"v"' });
    faults.add({ method: "HEAD", kind: "status", status: 403 });
    expect(await adapter.head(key("a"), ctx)).toEqual({ key: "a", size: 4, pin: '"v";4' });
  });

  test("a server that ignores ranges still yields the range", async () => {
    files.set("/a", { body: "0123456789" });
    const object = await adapter.head(key("a"), ctx);
    answer = (_, response) => void response.writeHead(200, { "content-length": 10 }).end("0123456789");
    expect(await get(object, 3, 7)).toBe("3456");
  });

  test("another range than the one asked for is PinChanged", async () => {
    files.set("/a", { body: "0123456789" });
    const object = await adapter.head(key("a"), ctx);
    answer = (_, response) =>
      void response.writeHead(206, { "content-length": 4, "content-range": "bytes 0-3/10" }).end("0123");
    await expectKind(get(object, 3, 7), "PinChanged");
  });

  test.each([
    [401, "Denied"],
    [403, "Denied"],
    [429, "Throttled"],
    [500, "Transient"],
    [503, "Transient"],
    [400, "Unavailable"],
  ] as const)("status %i is %s and never absence", async (status, kind) => {
    faults.add({ times: 9, kind: "status", status, headers: { "retry-after": "3" } });
    await expect(adapter.head(key("a"), ctx)).rejects.toMatchObject({ kind, afterMs: 3000 });
  });

  test("a denial has a hint of its own, as no role could be given here", async () => {
    const hint: unknown = expect.any(String);
    for (const status of [401, 403]) {
      faults.add({ times: 2, kind: "status", status });
      await expect(adapter.head(key("a"), ctx)).rejects.toMatchObject({ hint });
    }
  });

  test("a download that ends early, a reset and a silent server are Transient", async () => {
    files.set("/a", { body: "x".repeat(100_000) });
    const object = await adapter.head(key("a"), ctx);
    for (const kind of ["truncate", "reset", "silent"] as const) {
      faults.add({ kind });
      await expectKind(get(object), "Transient");
    }
  });

  test("an encoding that nobody asked for is refused", async () => {
    answer = (_, response) =>
      void response.writeHead(200, { "content-encoding": "gzip", "content-length": 3 }).end("xyz");
    await expectKind(adapter.head(key("a"), ctx), "Unavailable");
  });

  test("redirects are followed a few times, without anything that identifies", async () => {
    files.set("/b", { body: "there" });
    faults.add({
      path: /^\/a$/,
      times: 9,
      kind: "status",
      status: 302,
      headers: { location: "/b?signature=x", "set-cookie": "id=1" },
    });
    answer = (_, response) => void response.writeHead(200, { "content-length": 5 }).end("there");
    expect(await get(await adapter.head(key("a"), ctx))).toBe("there");
    for (const { headers } of requests) {
      expect(headers.authorization).toBeUndefined();
      expect(headers.cookie).toBeUndefined();
    }
    faults.add({ times: 99, kind: "status", status: 302, headers: { location: "/again" } });
    await expectKind(adapter.head(key("c"), ctx), "Unavailable");
  });

  test("a redirect to http on another machine is not followed", async () => {
    faults.add({ kind: "status", status: 302, headers: { location: "http://192.0.2.1/a" } });
    await expectKind(adapter.head(key("a"), ctx), "Unavailable");
    expect(() => redirected("http://127.0.0.1/a", "https://store.example/a", "reading")).toThrow("without encryption");
    expect(redirected("/b", "https://store.example/a", "reading")).toBe("https://store.example/b");
  });

  test("keys are told apart in addresses", async () => {
    files.set("/a b/ä?#%", { body: "x" });
    expect((await adapter.head(key("a b/ä?#%"), ctx)).size).toBe(1);
    expect(adapter.url(key("a b?"))).toBe(`${origin}/a%20b%3F`);
  });

  test("stops when the signal fires while the server is silent", async () => {
    faults.add({ kind: "silent" });
    const abort = new AbortController();
    const reading = createStore(adapter, {}).head(key("a"), testContext(abort.signal));
    setImmediate(() => abort.abort());
    await expectCode(reading, "ERR_INTERRUPTED");
  });

  test("diagnose wants 404 for what is not there", async () => {
    const absence = async (): Promise<string | undefined> =>
      (await adapter.diagnose(ctx)).find(({ id }) => id === "https.absence")?.severity;
    expect(await absence()).toBe("ok");
    for (const [status, severity] of [
      [200, "broken"],
      [401, "broken"],
      [403, "advice"],
    ] as const) {
      faults.add({ kind: "status", status });
      expect(await absence()).toBe(severity);
    }
    for (const status of [429, 503]) {
      faults.add({ kind: "status", status });
      await expectKind(adapter.diagnose(ctx), "Transient");
    }
  });
});
