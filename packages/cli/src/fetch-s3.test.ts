// SPDX-License-Identifier: Apache-2.0
// fetch from a store at the other end of a wire: read once and never again, replaced or cut off on the way, silent, denied.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Artifact,
  type ArtifactPlace,
  askedKinds,
  createLookup,
  flagPolicy,
  inlineCompute,
  LIMITS,
  loadTrust,
} from "@kiteseal/core";
import { fetchArtifacts, type FetchRequest, type FoundObject } from "@kiteseal/core/operations";
import { type Key, parseKey } from "@kiteseal/core/store";
import { openObject } from "@kiteseal/storage-adapters";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Bucket } from "../../../test/doubles/s3/bucket.ts";
import { ACCESS_KEY, type S3Double, startS3Double } from "../../../test/doubles/s3/server.ts";
import { useFixture, WHO } from "./fixture.testkit.ts";
import type { Ran } from "./io.testkit.ts";

const fixture = useFixture();
let double: S3Double;
let env: Readonly<Record<string, string>>;
const URL = "s3://artifacts/release/dist/app.tgz";
const KEY = "release/dist/app.tgz";

beforeAll(async () => {
  double = await startS3Double();
  env = {
    AWS_ENDPOINT_URL_S3: double.endpoint,
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: "double-secret",
    AWS_REGION: "eu-central-1",
  };
  const argv = ["publish", "dist/*", "--to", "s3://artifacts/release", "--sha512"];
  const made = await fixture.cli(argv, { env: { ...fixture.sandbox.jobEnv(), ...env } });
  expect(made, made.stderr).toMatchObject({ code: 0 });
});

afterAll(() => double.close());

async function fetch(...argv: readonly string[]): Promise<Ran & { parent: string; beside: readonly string[] }> {
  const parent = join(fixture.root, `s3-${fixture.next()}`);
  await mkdir(parent);
  double.requests.length = 0;
  const given = argv.length === 0 ? [URL] : argv;
  const ran = await fixture.cli(["fetch", ...given, "--output", join(parent, "out"), ...fixture.roots(), ...WHO], {
    env,
  });
  return { ...ran, parent, beside: await readdir(parent) };
}

const isReadOf = (request: string, key: string): boolean => request.split("?")[0] === `GET /artifacts/${key}`;

const reads = (): readonly string[] => double.requests.filter((request) => isReadOf(request, KEY));

test("an object is read once, also for a statement that states more than sha256", async () => {
  const ran = await fetch();
  expect(ran, ran.stderr).toMatchObject({ code: 0, beside: ["out"] });
  expect(await readFile(join(ran.parent, "out", "app.tgz"), "utf8")).toBe("the application");
  expect(reads()).toHaveLength(1);
  expect(await fetch(URL, "--bundle-only")).toMatchObject({ code: 0, beside: ["out"] });
  expect(reads()).toHaveLength(1);
});

test("a download that breaks off goes on where it was, at the same pin", async () => {
  double.fail({ method: "GET", contains: KEY, times: 1, does: "truncate" });
  const ran = await fetch();
  expect(ran, ran.stderr).toMatchObject({ code: 0, beside: ["out"] });
  expect(await readFile(join(ran.parent, "out", "app.tgz"), "utf8")).toBe("the application");
});

test.each(["release/dist//evil.sh", "release/dist/../evil.sh"])(
  "below an address with %j, which no one could look at, nothing passes",
  async (name) => {
    double.bucket.objects.set(name, [double.bucket.current(KEY)]);
    const below = ["s3://artifacts/release/", "--recursive"];
    const flags = [...fixture.roots(), ...WHO];
    const to = ["--to", `file://${join(fixture.root, `none-${fixture.next()}`)}`];
    const ran = {
      verify: await fixture.cli(["verify", ...below, ...flags], { env }),
      find: await fixture.cli(["find", ...below], { env }),
      promote: await fixture.cli(["promote", ...below, ...to, ...flags], { env }),
      fetch: await fetch(...below),
    };
    double.bucket.objects.delete(name);
    for (const [command, { code, stderr }] of Object.entries(ran)) {
      expect.soft({ command, code }, stderr).toEqual({ command, code: 20 });
      expect.soft(stderr).toContain("ERR_STORE_TAMPERED");
    }
    expect(ran.fetch.beside).toEqual([]);
  },
);

test("more objects than one run fetches are listed no further, and nothing is read", async () => {
  const crowd = await startS3Double({ pageSize: LIMITS.fetchedObjects + 1 });
  const honest = double.bucket.current(KEY);
  for (let i = 0; i <= LIMITS.fetchedObjects; i += 1) crowd.bucket.objects.set(`crowd/${i}`, [honest]);
  const argv = ["fetch", "s3://artifacts/crowd/", "--recursive", "--output", join(fixture.root, "crowd")];
  const ran = await fixture.cli([...argv, ...fixture.roots(), ...WHO], {
    env: { ...env, AWS_ENDPOINT_URL_S3: crowd.endpoint },
  });
  await crowd.close();
  expect(ran.stderr).toContain("ERR_LIMIT_EXCEEDED");
  expect(ran.code).toBe(20);
  expect(crowd.requests.filter((request) => !request.includes("list-type"))).toEqual([]);
});

test("attestations that may not be looked at are no verdict", async () => {
  const allow = double.deny("release/.kiteseal/");
  const ran = await fetch();
  allow();
  expect(ran).toMatchObject({ code: 30, beside: [] });
  expect(ran.stderr).toContain("ERR_STORE_DENIED");
});

test("a run that stops does not wait for what is still on its way", async () => {
  const honest = double.bucket.current(KEY);
  replaceObject("something else");
  double.fail({ method: "GET", contains: "dist/notes.txt", times: 1, does: "hang" });
  const ran = await fetch("s3://artifacts/release/dist/", "--recursive", "--fail-fast");
  double.bucket.objects.set(KEY, [honest]);
  expect(ran).toMatchObject({ code: 21, beside: [] });
  expect(double.requests.some((request) => isReadOf(request, "release/dist/notes.txt"))).toBe(true);
});

test("other bytes under a name that was attested are not kept", async () => {
  const ran = await meanwhile(() => undefined, { before: () => replaceObject("something else") });
  expect(ran).toMatchObject({ answers: ["unattested"], beside: [] });
});

describe("an object that changes after it was found", () => {
  test.each([
    ["replaced", () => replaceObject("THE APPLICATION")],
    ["replaced by a longer one", () => replaceObject("the application, and more")],
    ["gone", () => void double.bucket.objects.delete(KEY)],
    [
      "replaced after half of it was read",
      () => {
        double.fail({ method: "GET", contains: KEY, times: 1, does: "truncate" });
        const { bucket } = double;
        const original = bucket.current(KEY);
        let reads = 0;
        bucket.current = (key) => {
          if (key === KEY && ++reads > 1) return { ...original, etag: '"another"' };
          return Bucket.prototype.current.call(bucket, key);
        };
      },
    ],
  ])("%s: refused, and nothing is left", async (_, change) => {
    expect(await meanwhile(change)).toMatchObject({ answers: ["ERR_PIN_CHANGED"], beside: [] });
  });

  test("a store that falls silent is an outage", async () => {
    const fault = { method: "GET", contains: KEY, times: 3, does: { status: 503, code: "SlowDown" } } as const;
    expect(await meanwhile(() => double.fail(fault))).toMatchObject({ answers: ["ERR_STORE_UNAVAILABLE"], beside: [] });
  });

  test("one that does not passes, so that these mean something", async () => {
    expect(await meanwhile(() => undefined)).toMatchObject({ answers: ["verified"], beside: ["out"] });
  });
});

describe("bundles that are kept", () => {
  const bundle = (): string => [...double.bucket.objects.keys()].find((key) => key.includes("/bundles/")) ?? "";
  const bundleReads = (): number => double.requests.filter((request) => isReadOf(request, bundle())).length;

  test("are read once more, however many artifacts share them", async () => {
    const both = ["dist/app.tgz", "dist/notes.txt"];
    expect(await meanwhile(() => undefined, { names: both, keep: "artifacts-and-bundles" })).toMatchObject({
      answers: ["verified", "verified"],
      beside: ["out"],
    });
    expect(bundleReads()).toBe(2);
  });

  test("are the bytes of the verdict, or nothing is left", async () => {
    const { bucket } = double;
    const key = bundle();
    const change = (): void => {
      let reads = 0;
      bucket.current = (asked) => {
        const version = Bucket.prototype.current.call(bucket, asked);
        if (asked !== key || !double.requests.at(-1)?.startsWith("GET") || ++reads === 1) return version;
        return { ...version, content: { ...version.content, bytes: Buffer.alloc(version.content.size, "{") } };
      };
    };
    const ended = await meanwhile(change, { keep: "artifacts-and-bundles" });
    expect(ended).toMatchObject({ answers: ["ERR_STORE_TAMPERED"], beside: [] });
  });
});

function replaceObject(text: string): void {
  const bytes = Buffer.from(text);
  const digest = (name: string): Buffer => createHash(name).update(bytes).digest();
  const content = {
    size: bytes.length,
    bytes,
    sha256: digest("sha256").toString("base64"),
    md5: digest("md5").toString("base64"),
  };
  const etag = `"${digest("md5").toString("hex")}"`;
  double.bucket.put(KEY, { etag, content, headers: {}, checksum: undefined }, { ifNoneMatch: undefined });
}

/** Fetches through the library; `change` happens between the first look and the download. */
async function meanwhile(
  change: () => void,
  o: { before?: () => void; names?: readonly string[]; keep?: FetchRequest["keep"] } = {},
): Promise<{ answers: readonly string[]; beside: readonly string[] }> {
  const parent = join(fixture.root, `s3-${fixture.next()}`);
  await mkdir(parent);
  const honest = double.bucket.current(KEY);
  const ctx = { now: () => new Date() };
  const options = { env, now: ctx.now, transfer: { pace: { attempts: 3, baseMs: 1, maxWaitMs: 1 } } };
  const { store } = await openObject(URL, options);
  double.requests.length = 0;
  const trust = await loadTrust({ kind: "file", path: fixture.sandbox.trustedRootPath }, ctx);
  const policy = flagPolicy({ organization: ["acme"], pipeline: ["app"], branch: ["main"] }, { env: {} });
  const compute = await inlineCompute(trust, askedKinds(policy));
  const places = new WeakMap<Artifact, ArtifactPlace>();
  const lookup = createLookup({ locate: (artifact) => places.get(artifact) });
  const find = async (key: Key): Promise<FoundObject> => {
    const object = await store.head(key, ctx);
    if (object === undefined) throw new TypeError("the object is not there");
    change();
    return { store, object, name: key };
  };
  const targets = (o.names ?? ["dist/app.tgz"]).map((name) => ({
    label: name,
    path: name,
    find: () => find(parseKey(`release/${name}`)),
  }));
  const keep = o.keep ?? "artifacts";
  const request = { targets, output: join(parent, "out"), keep, places, policy, compute, lookup };
  const answers: string[] = [];
  try {
    o.before?.();
    for await (const fetched of fetchArtifacts(request, ctx))
      answers.push("verdict" in fetched ? fetched.verdict.outcome : fetched.error.code);
  } finally {
    double.bucket.current = Bucket.prototype.current.bind(double.bucket);
    double.bucket.objects.set(KEY, [honest]);
  }
  return { answers, beside: await readdir(parent) };
}
