// SPDX-License-Identifier: Apache-2.0
// 1,000 files of one build through the command, beside one of them: what the 999 others cost.
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { STUB } from "../support/program.ts";
import { at, compared, type Contestant, processOf, race, type Row } from "./measure.ts";
import { RULE_FLAGS, type World } from "./world.ts";

const COUNT = 1000;

export async function thousand(world: World, rounds: number): Promise<readonly Row[]> {
  const { directory } = world;
  for (const count of [1, COUNT]) {
    await mkdir(join(directory, `files-${count}`));
    for (let i = 0; i < count; i += 1) await writeFile(join(directory, `files-${count}`, `part-${i}`), `part ${i}\n`);
  }
  const contestants = [1, COUNT].flatMap((count) => [publish(world, count), verify(world, count)]);
  const times = await race(contestants, rounds);
  const copy = await race([copyOf(world)], rounds);
  const row = (work: string, beside: string): Row =>
    compared({
      section: "thousand",
      work,
      value: at(times, work),
      unit: "ms",
      beside: { name: beside, value: at(times, beside) },
    });
  return [
    row(publishName(COUNT), publishName(1)),
    compared({
      section: "thousand",
      work: publishName(COUNT),
      value: at(times, publishName(COUNT)),
      unit: "ms",
      beside: { name: "cp -r of them", value: at(copy, "copy") },
    }),
    row(verifyName(COUNT), verifyName(1)),
  ];
}

const publishName = (count: number): string => `publish, ${count} file${count === 1 ? "" : "s"}`;
const verifyName = (count: number): string => `verify --recursive, ${count} file${count === 1 ? "" : "s"}`;

/** Each time into a store that is not there yet. */
function publish({ directory, env }: World, count: number): Contestant {
  const store = storeOf(directory, count);
  const args = [STUB, "publish", "*", "--to", pathToFileURL(store).href, "--quiet"];
  const command = processOf(publishName(count), [process.execPath, ...args], {
    cwd: join(directory, `files-${count}`),
    env,
  });
  return {
    name: command.name,
    run: async () => {
      await rm(store, { recursive: true, force: true });
      await command.run();
    },
  };
}

function verify({ directory, outside, sandbox }: World, count: number): Contestant {
  const target = `${pathToFileURL(storeOf(directory, count)).href}/`;
  const args = [STUB, "verify", "--recursive", target, "--trusted-root", sandbox.trustedRootPath, ...RULE_FLAGS];
  return processOf(verifyName(count), [process.execPath, ...args, "--quiet"], { cwd: directory, env: outside });
}

function copyOf({ directory }: World): Contestant {
  const to = join(directory, "copied");
  return {
    name: "copy",
    run: async () => {
      await rm(to, { recursive: true, force: true });
      await cp(join(directory, `files-${COUNT}`), to, { recursive: true });
    },
  };
}

function storeOf(directory: string, count: number): string {
  return join(directory, `store-${count}`);
}
