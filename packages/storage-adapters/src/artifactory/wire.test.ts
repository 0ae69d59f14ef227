// SPDX-License-Identifier: Apache-2.0
// On the double of Artifactory: what create-only rests on, checksums, redirects, identities, faults at the wire.
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { Key, StoredObject } from "@kiteseal/core/store";
import { startArtifactoryDouble } from "../../../../test/doubles/artifactory/server.ts";
import type { ArtifactoryDouble } from "../../../../test/doubles/artifactory/server.ts";
import { expectKind, putRequest } from "../adapter-contract.testkit.ts";
import type { Adapter, AdapterError, PutRequest } from "../adapter.ts";
import { expectCode, readAll, sha256, sourceOf, testContext } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { openArtifactoryAdapter } from "./adapter.ts";
import type { ArtifactoryOptions } from "./adapter.ts";

const ctx = testContext();
const key = (name: string): Key => parseKey(`base/${name}`);
const LOGIN = { BUILDKITE_ARTIFACTORY_USER: "ci", BUILDKITE_ARTIFACTORY_PASSWORD: "secret-password" };

describe("the Artifactory adapter", () => {
  let double: ArtifactoryDouble;
  let adapter: Adapter;

  const open = (env: ArtifactoryOptions["env"] = LOGIN, options: Partial<ArtifactoryOptions> = {}): Promise<Adapter> =>
    openArtifactoryAdapter(
      { bucket: double.repository, path: "base" },
      {
        env: { BUILDKITE_ARTIFACTORY_URL: double.url, ...env },
        now: () => new Date("2026-11-21T12:00:00Z"),
        ...options,
      },
    );

  beforeEach(async () => {
    double = await startArtifactoryDouble();
    adapter = await open();
  });
  afterEach(() => double.close());

  const put = async (name: string, content: string, options: Partial<PutRequest> = {}): Promise<StoredObject> =>
    (await adapter.putWhole(putRequest(key(name), content, options), ctx)).object;
  const get = (object: StoredObject, start = 0, end = object.size): Promise<string> =>
    readAll(adapter.get({ object, range: { start, end } }, ctx));
  const severity = async (id: string): Promise<string | undefined> =>
    (await adapter.diagnose(ctx)).find((finding) => finding.id === `artifactory.${id}`)?.severity;

  describe("create-only", () => {
    const race = async (): Promise<string[]> => {
      const store = createStore(adapter, {});
      const writers = Array.from({ length: 20 }, (_, i) =>
        store.put(key("race"), { source: sourceOf(`writer ${i}`) }, ctx),
      );
      const results = await Promise.allSettled(writers);
      return results.map((result) => (result.status === "fulfilled" ? result.value.outcome : "refused"));
    };

    test("holds for 20 writers at once where the identity may not delete", async () => {
      expect((await race()).toSorted()).toEqual(["created", ...Array.from({ length: 19 }, () => "refused")]);
    });

    test("does not where it may: doctor calls that dangerous, and the first bytes are lost", async () => {
      double.permissions.delete = true;
      expect((await race()).filter((outcome) => outcome === "created").length).toBeGreaterThan(1);
      expect(await severity("create-only")).toBe("dangerous");
    });

    test("one that comes between the look and the deployment is refused by permission, and is AlreadyExists", async () => {
      double.artifacts.set(key("a"), await stored("theirs"));
      const body = '{"errors":[{"status":404,"message":"Unable to find item"}]}';
      double.faults.add({ path: /api\/storage/, kind: "status", status: 404, body });
      await expectKind(put("a", "ours"), "AlreadyExists");
      expect(Buffer.from(double.artifacts.get(key("a"))?.bytes ?? []).toString()).toBe("theirs");
    });

    test("without the right to deploy it is Denied", async () => {
      double.permissions.deploy = false;
      await expectKind(put("a", "x"), "Denied");
    });
  });

  const stored = async (content: string) => {
    await put("seed", content);
    const artifact = double.artifacts.get(key("seed"));
    if (artifact === undefined) throw new Error("not stored");
    return artifact;
  };

  test("sends all checksums it knows, the type, and the job's properties, escaped", async () => {
    const properties = { "build.name": "app;release=1", "build.number": "7", "vcs.revision": "abc" };
    const named = await open(LOGIN, { properties });
    const { digests } = putRequest(key("a"), "x");
    const request = putRequest(key("a"), "x", {
      contentType: "text/plain",
      digests: { ...digests, md5: "9dd4e461268c8034f5c8564e155c67a6" },
    });
    expect(await named.putWhole(request, ctx)).toMatchObject({
      verifiedBy: "server-sha256",
      object: { pin: sha256("x") },
    });
    expect(double.artifacts.get(key("a"))).toMatchObject({
      properties,
      original: { sha256: sha256("x"), md5: request.digests.md5 },
    });
    expect(double.requests.at(-1)?.headers["content-type"]).toBe("text/plain");
  });

  test("takes the properties from the job's environment", async () => {
    const named = await open({
      ...LOGIN,
      BUILDKITE_PIPELINE_SLUG: "app",
      BUILDKITE_BUILD_NUMBER: "7",
      BUILDKITE_COMMIT: "abc",
    });
    await named.putWhole(putRequest(key("a"), "x"), ctx);
    expect(double.artifacts.get(key("a"))?.properties).toEqual({
      "build.name": "app",
      "build.number": "7",
      "vcs.revision": "abc",
    });
  });

  test("a wrong checksum is refused by the server, and nothing is there", async () => {
    await expectKind(put("a", "x", { digests: { sha256: sha256("y") } }), "ChecksumRejected");
    await expectKind(adapter.head(key("a"), ctx), "NotFound");
  });

  test("a server that does not check is found out by what it stored, and by doctor", async () => {
    double.checksumPolicy = "server";
    await expectKind(put("a", "x", { digests: { sha256: sha256("y") } }), "ChecksumRejected");
    expect(await severity("checksums")).toBe("dangerous");
  });

  test("bytes that the server has are not sent again", async () => {
    const content = "x".repeat(20_000);
    await put("a", content);
    let reads = 0;
    const body = async function* (): AsyncGenerator<Uint8Array> {
      reads += 1;
      yield Buffer.from(content);
    };
    const { object } = await adapter.putWhole(putRequest(key("b"), content, { body }), ctx);
    expect(reads).toBe(0);
    expect(await get(object)).toBe(content);
  });

  test.each(["a:b", "a?b", "a*b", 'a"b', "a|b", "a;b=c", "a\\b", "a<b"])(
    "the name %j is refused before it is sent",
    async (name) => {
      await expectKind(put(name, "x"), "KeyRejected");
      expect(double.requests).toEqual([]);
    },
  );

  test("names that end like a checksum are ordinary artifacts, and virtual checksums are no objects", async () => {
    await put("a", "x");
    await expectKind(adapter.head(key("a.sha256"), ctx), "NotFound");
    expect(await get(await put("b.sigstore.json", "{}"))).toBe("{}");
  });

  test("a 404 that is not Artifactory's own proves nothing", async () => {
    double.faults.add({ kind: "status", status: 404, body: "<html>no such page</html>" });
    await expectKind(adapter.head(key("a"), ctx), "Unavailable");
  });

  describe("redirects to another origin", () => {
    let elsewhere: { origin: string; requests: IncomingMessage[]; answer: Uint8Array; close(): Promise<void> };
    beforeEach(async () => {
      const server = createServer((request, response) => {
        elsewhere.requests.push(request);
        const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
        if (first === undefined) {
          response.end(elsewhere.answer);
          return;
        }
        response.writeHead(206, { "content-range": `bytes ${first}-${last}/${elsewhere.answer.length}` });
        response.end(elsewhere.answer.subarray(Number(first), Number(last) + 1));
      });
      await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
      elsewhere = {
        origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        requests: [],
        answer: new Uint8Array(),
        close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
      };
    });
    afterEach(() => elsewhere.close());

    test("are followed without credentials, and the bytes are compared with the pin", async () => {
      const object = await put("a", "0123456789");
      double.redirect = elsewhere.origin;
      elsewhere.answer = Buffer.from("0123456789");
      expect(await get(object)).toBe("0123456789");
      expect(await get(object, 3, 7)).toBe("3456");
      expect(elsewhere.requests).toHaveLength(2);
      for (const { headers } of elsewhere.requests) expect(headers.authorization).toBeUndefined();
      elsewhere.answer = Buffer.from("01234x6789");
      await expectKind(get(object), "PinChanged");
    });

    test("are not followed for anything but a download", async () => {
      double.faults.add({
        kind: "status",
        status: 302,
        headers: { location: `${elsewhere.origin}/?signature=PLANTED` },
      });
      const error: unknown = await adapter.head(key("a"), ctx).catch((e: unknown) => e);
      expect(error).toMatchObject({ kind: "Unavailable" });
      expect(inspect(error, { depth: 9 })).not.toContain("PLANTED");
      expect(elsewhere.requests).toEqual([]);
    });
  });

  describe("large uploads in parts", () => {
    const content = "0123456789".repeat(2_200_000);
    let large: Adapter;
    beforeEach(async () => {
      double.uploads.supported = true;
      large = await open(LOGIN, { partsFromBytes: 1_000_000 });
    });
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(content);
    };
    const putLarge = (options: Partial<PutRequest> = {}) =>
      large.putWhole(putRequest(key("large"), content, { body, ...options }), ctx);
    const sent = (): string[] =>
      double.requests.filter(({ url }) => url.startsWith("/filestore/")).map(({ url }) => url);

    test("go to the file store without credentials, are merged, and are deployed under their sha256", async () => {
      const { object, verifiedBy } = await putLarge();
      expect(verifiedBy).toBe("server-sha256");
      expect(sent()).toHaveLength(2);
      expect(object).toEqual(await adapter.head(key("large"), ctx));
      await expectKind(putLarge(), "AlreadyExists");
    });

    test("are one request where the server offers none", async () => {
      double.uploads.supported = false;
      expect((await putLarge()).object.size).toBe(content.length);
      expect(sent()).toEqual([]);
    });

    test("send a part again, to a new address, and tell nobody the address", async () => {
      double.faults.add({ path: /^\/filestore/, kind: "reset" });
      expect((await putLarge()).object.size).toBe(content.length);
      expect(sent().length).toBe(3);
      double.faults.add({ path: /^\/filestore/, kind: "status", status: 403 });
      double.artifacts.clear();
      const error: unknown = await putLarge().catch((e: unknown) => e);
      expect(error).toMatchObject({ kind: "Denied" });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("PLANTED");
    });

    test("of a source that fails are aborted, and nothing is there", async () => {
      const failure = new Error("of the source");
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from(content.slice(0, 21_500_000));
        throw failure;
      };
      await expect(putLarge({ body: failing })).rejects.toBe(failure);
      expect(double.uploads.open.size).toBe(0);
      await expectKind(adapter.head(key("large"), ctx), "NotFound");
    });
  });

  describe("identities", () => {
    const tokens = async (audience: string): Promise<string> => `job-token-for-${audience}`;
    const oidc = { KITESEAL_ARTIFACTORY_OIDC_PROVIDER: "buildkite", ...LOGIN };

    test("this job's token is exchanged first, once, and again before it ends", async () => {
      double.subjectTokens.add(`job-token-for-${double.platform}`);
      double.expiresIn = 120;
      const exchanges = (): number => double.requests.filter(({ url }) => url.startsWith("/access/")).length;
      const own = await open(oidc, { tokens });
      await own.putWhole(putRequest(key("a"), "x"), ctx);
      await own.head(key("a"), ctx);
      expect(exchanges()).toBe(1);
      expect(double.requests.at(-1)?.headers.authorization).toMatch(/^Bearer exchanged-/);
      await own.head(key("a"), { now: () => new Date("2026-11-21T12:01:30Z") });
      expect(exchanges()).toBe(2);
    });

    test.each(["sigstore", "sts.amazonaws.com", "api://AzureADTokenExchange", "//iam.googleapis.com/projects/1/x"])(
      "a token for %s is not asked for in its name",
      async (audience) => {
        const env = { ...oidc, KITESEAL_ARTIFACTORY_OIDC_AUDIENCE: audience };
        await expectCode(open(env, { tokens }), "ERR_CONFIG_INVALID");
      },
    );

    test("a token that is refused in the middle is replaced", async () => {
      double.subjectTokens.add(`job-token-for-${double.platform}`);
      const store = createStore(await open(oidc, { tokens }), { pace: { attempts: 3, baseMs: 1, maxWaitMs: 2 } });
      await store.head(key("a"), ctx);
      double.logins.clear();
      expect(await store.head(key("a"), ctx)).toBeUndefined();
      double.faults.add({ method: "PUT", kind: "status", status: 401 });
      expect(await store.put(key("a"), { source: sourceOf("x") }, ctx)).toMatchObject({ outcome: "created" });
    });

    test("a job that the integration does not trust is Denied, without its token in the error", async () => {
      const own = await open(oidc, { tokens: async () => "PLANTED.token.value" });
      const error: unknown = await own.head(key("a"), ctx).catch((e: unknown) => e);
      expect(error).toMatchObject({ kind: "Denied" });
      expect(inspect(error, { depth: 9 })).not.toContain("PLANTED");
    });

    test("an access token, and nobody", async () => {
      double.logins.add("Bearer an-access-token");
      const withToken = await open({ KITESEAL_ARTIFACTORY_ACCESS_TOKEN: "an-access-token" });
      await expectKind(withToken.head(key("a"), ctx), "NotFound");
      await expectKind((await open({})).head(key("a"), ctx), "Denied");
      await expectKind((await open({ KITESEAL_ARTIFACTORY_ACCESS_TOKEN: "wrong" })).head(key("a"), ctx), "Denied");
    });

    test.each([
      ["no address", { BUILDKITE_ARTIFACTORY_URL: "" }],
      ["an address without encryption", { BUILDKITE_ARTIFACTORY_URL: "http://artifactory.example/artifactory" }],
      ["an address with a password", { BUILDKITE_ARTIFACTORY_URL: "https://u:p@artifactory.example/artifactory" }],
      ["a user without password", { BUILDKITE_ARTIFACTORY_USER: "ci" }],
    ])("%s is refused", async (_, env) => {
      await expect(open(env)).rejects.toMatchObject({ code: "ERR_CONFIG_INVALID" });
    });

    test("settings that Artifactory does not have are refused", async () => {
      await expect(open(LOGIN, { write: { legalHold: true } })).rejects.toMatchObject({ code: "ERR_CONFIG_INVALID" });
    });
  });

  describe("of a fault at the wire", () => {
    test("in the middle of the upload: Transient, and nothing is there", async () => {
      double.faults.add({ method: "PUT", kind: "reset" });
      await expectKind(put("a", "x".repeat(9000)), "Transient");
      await expectKind(adapter.head(key("a"), ctx), "NotFound");
    });

    test("that loses the reply of a put: the store finds its own bytes", async () => {
      double.faults.add({ method: "PUT", kind: "lost-reply" });
      const store = createStore(adapter, { pace: { attempts: 3, baseMs: 1, maxWaitMs: 2 } });
      expect(await store.put(key("a"), { source: sourceOf("abc") }, ctx)).toMatchObject({ outcome: "exists-same" });
    });

    test.each([
      [429, "Throttled"],
      [500, "Transient"],
      [503, "Transient"],
      [403, "Denied"],
      [507, "Unavailable"],
      [409, "Unavailable"],
    ] as const)("status %i is %s, and is asked once", async (status, kind) => {
      double.faults.add({ kind: "status", status, headers: { "retry-after": "7" } });
      await expect(adapter.head(key("a"), ctx)).rejects.toMatchObject({ kind, afterMs: 7000 });
      expect(double.requests).toHaveLength(1);
    });

    test("a refusal before all is sent is told as it is", async () => {
      double.faults.add({ method: "PUT", path: /big/, times: 2, kind: "status", status: 413 });
      await expectKind(put("big", "x".repeat(3_000_000)), "Unavailable");
    });

    test("that ends a download or a listing early is Transient", async () => {
      const object = await put("a", "x".repeat(9000));
      double.faults.add({ method: "GET", path: /generic-local\/base\/a$/, kind: "truncate" });
      await expectKind(get(object), "Transient");
    });

    test("a server that does not answer is given up", async () => {
      const impatient = await open(LOGIN, { idleMs: 100 });
      double.faults.add({ kind: "silent" });
      await expectKind(impatient.head(key("a"), ctx), "Transient");
    });

    test("an artifact replaced between head and get is PinChanged", async () => {
      double.permissions.delete = true;
      const object = await put("a", "old");
      await put("a", "new", { ifAbsent: false });
      await expectKind(get(object), "PinChanged");
      await expectKind(get(object, 1, 2), "PinChanged");
    });

    test.each(["{}", '{"files":7}', '{"files":[{"uri":"x"}]}', "not JSON"])(
      "the listing %j is refused",
      async (body) => {
        double.faults.add({ path: /list/, kind: "status", status: 200, body });
        const reading = (async () => {
          for await (const _ of adapter.list("base/", ctx)) expect.unreachable();
        })();
        await expectKind(reading, "Unavailable");
      },
    );

    test("stops when the signal fires while the server is silent", async () => {
      double.faults.add({ kind: "silent" });
      const abort = new AbortController();
      const asking = createStore(adapter, {}).head(key("a"), testContext(abort.signal));
      setImmediate(() => abort.abort());
      await expectCode(asking, "ERR_INTERRUPTED");
    });
  });

  test("neither password nor header is in an error or a finding", async () => {
    const failures: unknown[] = [];
    const keep = (error: AdapterError): number => failures.push(error);
    for (const kind of ["status", "reset", "lost-reply"] as const) {
      double.faults.add({ kind, status: 403 });
      await adapter.head(key("a"), ctx).catch(keep);
      double.faults.add({ method: "PUT", kind, status: 500 });
      await put("a", "x").catch(keep);
    }
    failures.push(await adapter.diagnose(ctx));
    expect(failures.length).toBeGreaterThan(5);
    const shown = inspect(failures, { depth: 12, showHidden: true });
    const basic = Buffer.from("ci:secret-password").toString("base64");
    for (const secret of ["secret-password", basic]) expect(shown).not.toContain(secret);
  });

  test.each([
    [403, "ok"],
    [400, "advice"],
  ])("doctor takes %i to a deletion for a refusal, or not", async (status, told) => {
    double.faults.add({ method: "DELETE", kind: "status", status });
    expect(await severity("delete")).toBe(told);
  });

  test("doctor tells a good repository from bad ones", async () => {
    const findings = await adapter.diagnose(ctx);
    expect(findings.filter(({ severity: found }) => found === "dangerous" || found === "broken")).toEqual([]);
    double.permissions.anonymousRead = true;
    expect(await severity("public-access")).toBe("dangerous");
    double.logins.clear();
    double.permissions.anonymousRead = false;
    expect(await severity("put")).toBe("advice");
  });
});
