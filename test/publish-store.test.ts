// SPDX-License-Identifier: Apache-2.0
// What publish signs and what it sends, at a store that wants more digests than are signed.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collectArtifacts } from "@kiteseal/core";
import { type Publication, publish } from "@kiteseal/core/sign";
import { expandDestination, openRepository } from "@kiteseal/storage-adapters";
import { ctx, openWorld, signingRun, type World } from "./bench/world.ts";
import { type GcsDouble, startGcsDouble } from "./doubles/gcs/server.ts";

/** Above the size from which the store takes parts. */
const SIZE = 9 * 1_048_576;
let world: World;
let double: GcsDouble;

beforeAll(async () => {
  [world, double] = await Promise.all([openWorld(), startGcsDouble()]);
  await mkdir(join(world.directory, "out"));
  await writeFile(join(world.directory, "out", "large.bin"), Buffer.alloc(SIZE, "large"));
});
afterAll(() => Promise.all([world.close(), double.close()]));

async function publishTo(
  url: string,
  { folder: name = "out", algorithms = [] }: { folder?: string; algorithms?: readonly "sha512"[] } = {},
): Promise<Publication> {
  const folder = join(world.directory, name);
  const { files } = await collectArtifacts(["*"], { cwd: folder, base: folder }, ctx);
  const repository = await openRepository(expandDestination(url, {}), undefined, {
    env: { KITESEAL_GCS_ENDPOINT: double.url },
    now: () => ctx.now(),
  });
  const run = await signingRun(world);
  return publish({ ...run, split: "batched", files, repository, algorithms, sidecar: false, concurrency: 8 }, ctx);
}

test.each([
  { algorithms: [], signed: ["sha256"] },
  { algorithms: ["sha512"] as const, signed: ["sha256", "sha512"] },
])(
  "an object in parts is signed with $signed and nothing that only its upload needs",
  async ({ algorithms, signed }) => {
    const { artifacts, attestations } = await publishTo(`gs://bucket/${signed.length}/`, { algorithms });
    expect(artifacts).toMatchObject([{ name: "large.bin", outcome: "created" }]);
    const digests = attestations.flatMap(({ subjects }) => subjects.map((subject) => Object.keys(subject.digests)));
    expect(digests).toEqual([signed]);
  },
);

test("a second run reads what is there once, and sends nothing", async () => {
  await publishTo("gs://bucket/again/");
  const since = double.requests.length;
  const { artifacts } = await publishTo("gs://bucket/again/");
  expect(artifacts).toMatchObject([{ outcome: "exists-same", verifiedBy: "read-back" }]);
  const ours = double.requests.slice(since).filter(({ url }) => /again.*large\.bin/.test(decodeURIComponent(url)));
  expect(ours.filter(({ url }) => url.includes("alt=media"))).toHaveLength(1);
  expect(ours.filter(({ method }) => method !== "GET")).toEqual([]);
});

describe("many artifacts", () => {
  const COUNT = 70;
  const looks = (since: number): number =>
    double.requests.slice(since).filter(({ method, url }) => method === "GET" && /\/o\/many[^?]*part-\d+/.test(url))
      .length;
  const made = (): number => world.sandbox.stats.certificates;

  beforeAll(async () => {
    await mkdir(join(world.directory, "many"));
    for (let i = 0; i < COUNT; i += 1) await writeFile(join(world.directory, "many", `part-${i}`), `part ${i}`);
  });

  test("are not looked at one by one where a listing shows that nothing is there", async () => {
    const since = double.requests.length;
    const { artifacts } = await publishTo("gs://bucket/many/", { folder: "many" });
    expect(artifacts.map(({ outcome }) => outcome)).toEqual(Array.from({ length: COUNT }, () => "created"));
    expect(looks(since)).toBe(0);
  });

  test("one of which is there with other bytes are not signed", async () => {
    await writeFile(join(world.directory, "many", "part-7"), "other bytes");
    const before = made();
    await expect(publishTo("gs://bucket/many/", { folder: "many" })).rejects.toMatchObject({
      code: "ERR_STORE_CONFLICT",
    });
    expect(made()).toBe(before);
  });

  test("are looked at one by one where the listing is refused", async () => {
    double.faults.add({ method: "GET", path: /\/o\?/, effect: "status", status: 403, times: 99 });
    const since = double.requests.length;
    await expect(publishTo("gs://bucket/many/", { folder: "many" })).rejects.toMatchObject({
      code: "ERR_STORE_CONFLICT",
    });
    expect(looks(since)).toBeGreaterThan(1);
  });
});
