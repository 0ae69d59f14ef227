// SPDX-License-Identifier: Apache-2.0
// publish of a file whose parts travel while it is hashed: what is asked of the store in which order, and what a run that
// fails leaves there.
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { collectArtifacts } from "@kiteseal/core";
import { type Publication, publish } from "@kiteseal/core/sign";
import { adapterOf, pace } from "../packages/storage-adapters/src/s3/double.testkit.ts";
import { createStore } from "../packages/storage-adapters/src/transfer/store.ts";
import { ctx, openWorld, signingRun, type World } from "./bench/world.ts";
import { type S3Double, startS3Double } from "./doubles/s3/server.ts";

/** A bundle goes in one request. */
const SIZES = { threshold: 20_000, partSize: 8000 };
const SIZE = 40_000;
const PARTS = 5;
let world: World;
let double: S3Double;
let folder: string;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  double = await startS3Double({ minPart: 1 });
  folder = await mkdtemp(join(world.directory, "out-"));
  await writeFile(join(folder, "large.bin"), "l".repeat(SIZE));
});
afterEach(() => double.close());

async function run({ job: id }: { job?: string } = {}): Promise<Publication> {
  const { files } = await collectArtifacts(["*"], { cwd: folder, base: folder }, ctx);
  const store = createStore(adapterOf(double, { sizes: SIZES }), { pace, stateDirectory: join(folder, ".state") });
  const repository = {
    artifacts: { store, prefix: "base/" },
    attestations: { store, prefix: "base/.kiteseal/v1/" },
  };
  const signing = await signingRun(world);
  const job = id === undefined ? signing.job : { ...signing.job, facts: { ...signing.job.facts, pipeline: id } };
  const concurrency = 8;
  return publish(
    { ...signing, job, split: "batched", files, repository, algorithms: [], sidecar: false, concurrency },
    ctx,
  );
}

const ARTIFACT = /\/base\/large\.bin/;
const made = (): number => world.sandbox.stats.certificates;
const places = (wanted: RegExp): number[] => double.requests.flatMap((line, i) => (wanted.test(line) ? [i] : []));
const partsSent = (): number => places(/large\.bin\?partNumber=/).length;
const uploads = (): string[] => [...double.bucket.uploads.values()].map(({ key }) => key);
const shown = (): boolean => [...double.bucket.objects.keys()].some((key) => ARTIFACT.test(`/${key}`));

test("sends the parts first, shows the artifact last", async () => {
  const { artifacts } = await run();
  expect(artifacts).toMatchObject([{ name: "large.bin", outcome: "created", verifiedBy: "server-sha256" }]);
  const [bundle = -1] = places(/PUT .*\/bundles\//);
  const [reference = -1] = places(/PUT .*\/subjects\//);
  const [complete = -1] = places(/POST .*large\.bin\?uploadId=/);
  expect(partsSent()).toBe(PARTS);
  expect(Math.min(...places(/large\.bin\?partNumber=/))).toBeLessThan(bundle);
  expect(bundle).toBeLessThan(reference);
  expect(reference).toBeLessThan(complete);
});

test("a second run sends no part of what is there", async () => {
  await run();
  const sent = partsSent();
  expect(await run()).toMatchObject({ artifacts: [{ outcome: "exists-same" }] });
  expect(partsSent()).toBe(sent);
  expect(uploads()).toEqual([]);
});

test("where other bytes are, nothing is sent and nothing signed", async () => {
  await run();
  await writeFile(join(folder, "large.bin"), "x".repeat(SIZE));
  const [sent, certificates] = [partsSent(), made()];
  await expect(run()).rejects.toMatchObject({ code: "ERR_STORE_CONFLICT" });
  expect([partsSent(), made()]).toEqual([sent, certificates]);
});

test("an upload that the store does not let begin is known before anything is signed", async () => {
  double.fail({ method: "POST", contains: "large.bin?uploads", times: 9, does: { status: 403, code: "AccessDenied" } });
  const before = made();
  await expect(run()).rejects.toMatchObject({ code: "ERR_STORE_DENIED" });
  expect(made()).toBe(before);
  expect(shown()).toBe(false);
});

test("a part that the store refuses is known before anything is signed", async () => {
  double.fail({
    method: "PUT",
    contains: "large.bin?partNumber=1",
    times: 9,
    does: { status: 403, code: "AccessDenied" },
  });
  const before = made();
  await expect(run()).rejects.toMatchObject({ code: "ERR_STORE_DENIED" });
  expect(made()).toBe(before);
  expect(uploads()).toEqual([]);
});

test("an outage that is over before the attestation is stored costs nothing", async () => {
  const does = { status: 503, code: "SlowDown" };
  double.fail({ method: "PUT", contains: "large.bin?partNumber=2", times: pace.attempts, does });
  expect(await run()).toMatchObject({ artifacts: [{ outcome: "created" }] });
  expect(uploads()).toEqual([]);
});

test("what the job may not sign is not sent", async () => {
  const before = double.requests.length;
  await expect(run({ job: "another" })).rejects.toMatchObject({ code: "ERR_JOB_MISMATCH" });
  expect(double.requests.length).toBe(before);
});

test("when the attestation cannot be stored, the parts are removed", async () => {
  double.fail({ method: "PUT", contains: "/bundles/", times: 9, does: { status: 403, code: "AccessDenied" } });
  await expect(run()).rejects.toMatchObject({ code: "ERR_STORE_DENIED" });
  expect(partsSent()).toBeGreaterThan(0);
  expect(uploads()).toEqual([]);
  expect(shown()).toBe(false);
});

test("after an outage a later run goes on with the parts", async () => {
  double.fail({ method: "PUT", contains: "/bundles/", times: pace.attempts, does: { status: 503, code: "SlowDown" } });
  await expect(run()).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE" });
  expect(shown()).toBe(false);
  expect(uploads()).toEqual(["base/large.bin"]);
  expect(await run()).toMatchObject({ artifacts: [{ outcome: "created" }] });
  expect(partsSent()).toBe(PARTS);
  expect(uploads()).toEqual([]);
});
