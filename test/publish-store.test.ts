// SPDX-License-Identifier: Apache-2.0
// What publish signs and what it sends, at a store that wants more digests than are signed.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
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

async function publishTo(url: string, algorithms: readonly "sha512"[]): Promise<Publication> {
  const folder = join(world.directory, "out");
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
    const { artifacts, attestations } = await publishTo(`gs://bucket/${signed.length}/`, algorithms);
    expect(artifacts).toMatchObject([{ name: "large.bin", outcome: "created" }]);
    const digests = attestations.flatMap(({ subjects }) => subjects.map((subject) => Object.keys(subject.digests)));
    expect(digests).toEqual([signed]);
  },
);
