// SPDX-License-Identifier: Apache-2.0
// kill -9 at each step of publish, promote and fetch, against real servers (for Artifactory, which cannot be had, a double).
// Whatever the step, store and directory show nothing that is not attested and whole, and the same command ends what was
// begun.
import { open } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openObject } from "@kiteseal/storage-adapters";
import { openWorld, RULE_FLAGS } from "../bench/world.ts";
import type { World } from "../bench/world.ts";
import { runBundle } from "../support/program.ts";
import { artifactoryDouble } from "./artifactory.testkit.ts";
import { azurite } from "./azurite.testkit.ts";
import { fakeGcs } from "./fake-gcs.testkit.ts";
import { fetchCommand, promoteCommand, publishCommand } from "./commands.testkit.ts";
import type { Publishing } from "./commands.testkit.ts";
import { startFront } from "./front.testkit.ts";
import type { Watcher } from "./front.testkit.ts";
import { killAtEachRequest, newPlace, runKilled, runThrough } from "./killed.testkit.ts";
import type { CommandLine, CommandUnderTest, Scene, Server } from "./killed.testkit.ts";
import { versitygw } from "./versitygw.testkit.ts";

const MIB = 1_048_576;
const EACH_REQUEST_MS = 1_800_000;

type Running = Server & { stop(): Promise<void> };

interface Subject {
  readonly name: string;
  readonly start: () => Promise<Running>;
  /** Of the larger of two artifacts; in parts where the store takes them from a few MiB on. */
  readonly bytes: number;
  readonly large: {
    /** Above the size from which on the store takes parts. */
    readonly bytes: number;
    /** Sent a second time at most: the parts in flight. undefined: the upload begins anew. */
    readonly again: number | undefined;
    /** Which request makes it visible, where killing at each request of the smaller artifact does not meet it. */
    readonly isCompletion?: (request: IncomingMessage) => boolean;
  };
}

const COMMANDS = {
  publish: async (_: Scene, publish: Publishing): Promise<CommandUnderTest> => publish,
  promote: promoteCommand,
  fetch: fetchCommand,
};

const SUBJECTS: readonly Subject[] = [
  {
    name: "S3 (versitygw)",
    start: () => versitygw(),
    bytes: MIB,
    large: {
      bytes: 320 * MIB,
      again: 4 * 16 * MIB,
      isCompletion: ({ method, url = "" }) => method === "POST" && /\/large\?.*uploadId=/.test(url),
    },
  },
  {
    name: "GCS (fake-gcs-server)",
    start: () => fakeGcs(),
    bytes: 17 * MIB,
    // A session's address is a secret and so is never filed.
    large: { bytes: 48 * MIB, again: undefined },
  },
  { name: "Azure (azurite)", start: azurite, bytes: 9 * MIB, large: { bytes: 64 * MIB, again: 4 * 8 * MIB } },
  { name: "Artifactory (double)", start: artifactoryDouble, bytes: MIB, large: { bytes: 16 * MIB, again: undefined } },
];

describe.each(SUBJECTS)("killed at $name", ({ name, start, bytes, large }) => {
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

  test.each(["publish", "promote", "fetch"] as const)(
    "before and after any request, %s leaves nothing visible that is not attested, and can be repeated",
    async (verb) => {
      const publish = await publishCommand(world, verb === "publish" ? bytes : MIB);
      const command = await COMMANDS[verb](scene, publish);
      const { steps, seen } = await killAtEachRequest(scene, command, verb);
      console.log(`${name}: ${verb} killed at ${steps} steps, with ${[...seen].join(", ")} artifacts seen`);
      expect(steps).toBeGreaterThan(4 * command.whole);
      expect(Math.min(...seen)).toBe(0);
      expect(Math.max(...seen)).toBe(command.beforeLastReply);
    },
    EACH_REQUEST_MS,
  );

  /** A run that is killed and one that ends what it began; returns what was sent in each, and what was there between. */
  async function killOnce(at: string, watch: (kill: () => void) => Watcher) {
    const place = await newPlace(scene, `large-${at}`);
    const file = await open(join(place.directory, "large"), "w");
    await file.truncate(large.bytes);
    await file.close();
    const publish: CommandLine = { cwd: place.directory, args: ({ url }) => ["publish", "large", "--to", url] };
    const sent: [number, number] = [0, 0];
    const wasKilled = await runKilled(scene, { command: publish, place }, (kill) => {
      const watcher = watch(kill);
      return {
        ...watcher,
        sent: (bytes) => {
          sent[0] += bytes;
          watcher.sent?.(bytes);
        },
      };
    });
    expect(wasKilled).toBe(true);
    const verify = () => {
      const args = ["verify", `${place.url}/large`, "--trusted-root", world.sandbox.trustedRootPath, ...RULE_FLAGS];
      return runBundle({ args, cwd: place.directory, env: { ...world.outside, ...server.env } });
    };
    const { store, key } = await openObject(`${place.url}/large`, { env: server.env, now: () => new Date() });
    const isVisible = (await store.head(key, { now: () => new Date() })) !== undefined;
    if (isVisible) expect((await verify()).code).toBe(0);
    scene.front.watch({ sent: (bytes) => (sent[1] += bytes) });
    const ended = await runThrough(scene, publish, place);
    expect(ended.code, ended.stderr).toBe(0);
    const verified = await verify();
    expect(verified.code, verified.stderr).toBe(0);
    const [whole, first, second] = [large.bytes, ...sent].map((bytes) => (bytes / MIB).toFixed(1));
    console.log(`${name}: object ${whole} MiB; killed ${at} after ${first} MiB, then sent ${second} MiB`);
    return { isVisible, first: sent[0], second: sent[1] };
  }

  test("in the middle of a large object, publish goes on as the store allows", async () => {
    let sent = 0;
    const { isVisible, first, second } = await killOnce("half-way", (kill) => ({
      sent: (bytes) => {
        sent += bytes;
        if (sent > large.bytes * 0.6) kill();
      },
    }));
    expect(isVisible).toBe(false);
    if (large.again === undefined) expect(second).toBeGreaterThanOrEqual(large.bytes);
    else expect(first + second - large.bytes).toBeLessThan(large.again + MIB);
  });

  const { isCompletion } = large;
  if (isCompletion === undefined) return;
  test.each(["before", "after"] as const)(
    "%s the completion of a large object, publish sends none of it again",
    async (when) => {
      const { isVisible, second } = await killOnce(`${when}-completion`, (kill) => ({
        [when]: (_: number, request: IncomingMessage) => {
          if (!isCompletion(request)) return true;
          kill();
          return false;
        },
      }));
      expect(isVisible).toBe(when === "after");
      expect(second).toBeLessThan(MIB);
    },
  );
});
