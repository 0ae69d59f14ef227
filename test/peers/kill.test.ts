// SPDX-License-Identifier: Apache-2.0
// kill -9 at each step of the commands that write, against real servers (for Artifactory, which cannot be had, a double).
// Whatever the step, the store shows nothing that is not attested and whole, and the same command ends what was begun.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openObject } from "@kiteseal/storage-adapters";
import { ctx, openWorld, RULE_FLAGS } from "../bench/world.ts";
import type { World } from "../bench/world.ts";
import { runBundle } from "../support/program.ts";
import { artifactoryDouble } from "./artifactory.testkit.ts";
import { azurite } from "./azurite.testkit.ts";
import { fakeGcs } from "./fake-gcs.testkit.ts";
import { startFront } from "./front.testkit.ts";
import { killAtEachRequest, newPlace, runKilled, runThrough } from "./killed.testkit.ts";
import type { CommandLine, Scene, Server } from "./killed.testkit.ts";
import { publishCommand } from "./publish.testkit.ts";
import { versitygw } from "./versitygw.testkit.ts";

const MIB = 1_048_576;
const EACH_REQUEST_MS = 600_000;

type Running = Server & { stop(): Promise<void> };

interface Subject {
  readonly name: string;
  readonly start: () => Promise<Running>;
  readonly large: {
    /** Above the size from which on the store takes parts. */
    readonly bytes: number;
    /** Sent a second time at most; undefined: the upload begins anew. */
    readonly again: number | undefined;
  };
}

/** Parts in flight when the command is killed are lost: four, of S3's and Azure's sizes. */
const SUBJECTS: readonly Subject[] = [
  { name: "S3 (versitygw)", start: () => versitygw(), large: { bytes: 320 * MIB, again: 4 * 32 * MIB } },
  // Its session's address is a secret and so is never filed.
  { name: "GCS (fake-gcs-server)", start: () => fakeGcs(), large: { bytes: 48 * MIB, again: undefined } },
  { name: "Azure (azurite)", start: azurite, large: { bytes: 64 * MIB, again: 4 * 8 * MIB } },
  { name: "Artifactory (double)", start: artifactoryDouble, large: { bytes: 16 * MIB, again: undefined } },
];

describe.each(SUBJECTS)("killed at $name", ({ start, large }) => {
  let world: World;
  let server: Running;
  let scene: Scene;
  beforeAll(async () => {
    world = await openWorld();
    server = await start();
    scene = { world, server, front: await startFront(server.origin) };
  });
  afterAll(async () => {
    await scene.front.close();
    await server.stop();
    await world.close();
  });

  test(
    "before and after any request, publish leaves nothing visible that is not attested, and can be repeated",
    async () => {
      const publish = await publishCommand(world);
      const { requests, seen } = await killAtEachRequest(scene, publish, "publish");
      console.log(
        `${server.url}: publish killed at ${2 * requests} steps, with ${[...seen].join(", ")} artifacts seen`,
      );
      expect(requests).toBeGreaterThan(2 * publish.whole);
      expect(Math.min(...seen)).toBe(0);
      expect(Math.max(...seen)).toBe(publish.whole);
    },
    EACH_REQUEST_MS,
  );

  test("in the middle of a large object, publish shows nothing of it and goes on as the store allows", async () => {
    const place = await newPlace(scene, "large");
    const file = await open(join(place.directory, "large"), "w");
    await file.truncate(large.bytes);
    await file.close();
    const publish: CommandLine = {
      cwd: place.directory,
      args: ({ url }) => ["publish", "large", "--to", url],
    };
    let sent = 0;
    const count = (bytes: number): number => (sent += bytes);
    const enough = large.bytes * 0.6;
    const wasKilled = await runKilled(scene, { command: publish, place }, (kill) => ({
      sent: (bytes) => {
        if (count(bytes) > enough) kill();
      },
    }));
    expect(wasKilled).toBe(true);
    const { store, key } = await openObject(`${place.url}/large`, { env: server.env, now: () => ctx.now() });
    expect(await store.head(key, ctx)).toBeUndefined();
    const before = sent;
    scene.front.watch({ sent: count });
    const ended = await runThrough(scene, publish, place);
    expect(ended.code, ended.stderr).toBe(0);
    const args = ["verify", `${place.url}/large`, "--trusted-root", world.sandbox.trustedRootPath, ...RULE_FLAGS];
    const verified = await runBundle({ args, cwd: place.directory, env: { ...world.outside, ...server.env } });
    expect(verified.code, verified.stderr).toBe(0);
    const [whole, first, again] = [large.bytes, before, sent - large.bytes].map((bytes) => (bytes / MIB).toFixed(1));
    console.log(`${server.url}: object ${whole} MiB, killed after ${first} MiB, re-sent ${again} MiB`);
    if (large.again === undefined) expect(sent - before).toBeGreaterThanOrEqual(large.bytes);
    else expect(sent - large.bytes).toBeLessThan(large.again + MIB);
  });
});
