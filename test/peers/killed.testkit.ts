// SPDX-License-Identifier: Apache-2.0
// kill -9 of the real command at each of its requests to a store: before the request reaches the server, and after the
// server has answered but the command has not heard it. A command is described by CommandUnderTest, so that each one that
// speaks to stores is killed in the same way.
import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { World } from "../bench/world.ts";
import { runBundle, STUB } from "../support/program.ts";
import type { Ended } from "../support/program.ts";
import type { Front, Watcher } from "./front.testkit.ts";
import type { RealServer } from "./peer.testkit.ts";

export type Server = Pick<RealServer, "origin" | "url" | "env" | "envBy">;

/** Where one killed run and its repetition happen; nothing else does. */
export interface Place {
  /** Address below the server's bucket, without a final "/". */
  readonly url: string;
  /** Of the server, without the front: for looking at what is there. */
  readonly env: Readonly<Record<string, string>>;
  /** An empty folder. */
  readonly directory: string;
}

export interface CommandLine {
  readonly cwd: string;
  readonly args: (place: Place) => readonly string[];
}

export interface CommandUnderTest extends CommandLine {
  /** What the command finds there: for one that reads what another wrote. */
  readonly prepare: (place: Place) => Promise<void>;
  /** Asserts what must hold at any moment; says how much of the work can be seen. */
  readonly sound: (place: Place) => Promise<number>;
  /** What `sound` says once all is done. */
  readonly whole: number;
  /** What it says of a run that never hears the last reply: all, unless something that needs no store comes after it. */
  readonly beforeLastReply: number;
}

export interface Scene {
  readonly world: World;
  readonly server: Server;
  readonly front: Front;
}

/** The command by way of the front, as the sandbox's job. */
export function runThrough({ world, server, front }: Scene, command: CommandLine, place: Place): Promise<Ended> {
  const env = { ...world.env, ...server.envBy(front.origin) };
  return runBundle({ args: command.args(place), cwd: command.cwd, env });
}

/** The same, killed by `watch` as soon as it calls `kill`. Resolves with whether it was killed. */
export async function runKilled(
  { world, server, front }: Scene,
  { command, place }: { command: CommandLine; place: Place },
  watch: (kill: () => void) => Watcher,
): Promise<boolean> {
  const env = { ...world.env, ...server.envBy(front.origin) };
  const child = spawn(process.execPath, [STUB, ...command.args(place)], { cwd: command.cwd, env, stdio: "ignore" });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once("close", (_, signal) => resolve(signal)));
  front.watch(watch(() => child.kill("SIGKILL")));
  return (await ended) === "SIGKILL";
}

export async function newPlace({ world, server }: Scene, name: string): Promise<Place> {
  const directory = join(world.directory, name);
  await mkdir(directory, { recursive: true });
  return { url: `${server.url}/${name}`, env: server.env, directory };
}

/** So many runs in a row that were not killed: there is no such request. Lanes make some runs shorter by several. */
const ENDED = 6;

/**
 * Returns at how many steps it was killed, and the amounts of work that were seen afterwards. A run may do with a request
 * less than the first one; it has then ended by itself, and nothing is left to repeat.
 */
export async function killAtEachRequest(
  scene: Scene,
  command: CommandUnderTest,
  name: string,
): Promise<{ steps: number; seen: ReadonlySet<number> }> {
  const { front } = scene;
  const complete = async (place: Place): Promise<number> => {
    front.watch({});
    const ended = await runThrough(scene, command, place);
    expect(ended.code, `${place.url}: ${ended.stderr}`).toBe(0);
    const requests = front.count();
    expect(await command.sound(place), place.url).toBe(command.whole);
    return requests;
  };
  const reference = await newPlace(scene, `${name}-whole`);
  await command.prepare(reference);
  const requests = await complete(reference);
  const seen = new Set<number>();
  let steps = 0;
  for (const when of ["before", "after"] as const) {
    // Lanes that run at once make a few requests more or less: on to where runs end by themselves.
    for (let nth = 1, ended = 0; ended < ENDED; nth += 1) {
      expect(nth).toBeLessThan(requests * 2 + ENDED);
      const place = await newPlace(scene, `${name}-${when}-${nth}`);
      await command.prepare(place);
      const wasKilled = await runKilled(scene, { command, place }, (kill) => ({
        [when]: (n: number) => {
          if (n === nth) kill();
          return n !== nth;
        },
      }));
      const found = await command.sound(place);
      ended = wasKilled ? 0 : ended + 1;
      if (wasKilled) {
        steps += 1;
        seen.add(found);
        await complete(place);
      } else {
        expect(front.count(), `${when} request ${nth} of ${requests}`).toBeLessThan(nth);
        expect(found, place.url).toBe(command.whole);
      }
    }
  }
  return { steps, seen };
}
