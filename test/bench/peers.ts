// SPDX-License-Identifier: Apache-2.0
// 1,000 files, each with a bundle of its own, in one process on two cores: through the library, beside a program that does
// the same with sigstore-go (built here when Go is there, left out when not). Timed inside, from a loaded trusted root on.
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { fileURLToPath } from "node:url";
import type { Attestation } from "@kiteseal/core/sign";
import { type Ended, runProgram } from "../support/program.ts";
import { compared, median, type Row } from "./measure.ts";
import { signed } from "./rates.ts";
import type { World } from "./world.ts";

const COUNT = 1000;
/** Each run has a token, a key and a certificate of its own. */
const PER_RUN = 10;
const CORES = 2;
const MEGABYTE = 1e6;
const CHILD = fileURLToPath(new URL("peers-child.ts", import.meta.url));
const SOURCES = fileURLToPath(new URL("sigstore-go", import.meta.url));
const SUBJECT = "https://buildkite.com/acme/app";
const ISSUER = "https://agent.buildkite.com";

interface Measured {
  readonly perSecond: number;
  /** Of the whole process, loading included; says more than the rate where the cores are shared. */
  readonly cpuMs: number;
  readonly peakBytes: number;
}

interface Peer {
  readonly name: string;
  readonly command: readonly string[];
}

export async function peers(world: World, rounds: number): Promise<readonly Row[]> {
  const directory = join(world.directory, "separate");
  for (let run = 0; run < COUNT / PER_RUN; run += 1) {
    await leave(join(directory, `run-${run}`), await signed(world, PER_RUN, "per-artifact"));
  }
  const child = [execPath, CHILD, world.sandbox.trustedRootPath, directory];
  const pooled: Peer = { name: `verifyAll, ${CORES} workers`, command: [...child, String(CORES)] };
  const inline: Peer = { name: "verifyAll, one thread", command: [...child, "0"] };
  const go = await buildPeer(world, directory);
  const figures = await measured(go === undefined ? [pooled, inline] : [pooled, inline, go], rounds);
  const of = ({ name }: Peer): Measured =>
    figures.get(name) ?? { perSecond: Number.NaN, cpuMs: Number.NaN, peakBytes: Number.NaN };
  return [pooled, inline].flatMap((ours): readonly Row[] => [
    compared({
      section: "peers",
      work: `${COUNT} bundles, ${ours.name}`,
      value: of(ours).perSecond,
      unit: "bundles/s",
      ...(go === undefined ? {} : { beside: { name: go.name, value: of(go).perSecond } }),
    }),
    compared({
      section: "peers",
      work: `CPU a bundle, ${ours.name}`,
      value: of(ours).cpuMs,
      unit: "ms",
      ...(go === undefined ? {} : { beside: { name: go.name, value: of(go).cpuMs } }),
    }),
    {
      section: "peers",
      work: `peak memory, ${ours.name}`,
      value: of(ours).peakBytes / MEGABYTE,
      unit: "MB",
      target: { of: "value", atMost: 400 },
    },
  ]);
}

/** The files that `signed` attested, and their bundles beside them. */
async function leave(folder: string, attestations: readonly Attestation[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { bundle, subjects } of attestations) {
    for (const { name } of subjects) {
      await writeFile(join(folder, name), name.replace("-", " "));
      await writeFile(join(folder, `${name}.json`), bundle);
    }
  }
}

/** In turns, so that what the machine does meanwhile hits all alike: median rates, largest peaks. */
async function measured(contestants: readonly Peer[], rounds: number): Promise<ReadonlyMap<string, Measured>> {
  const samples = new Map<string, Measured[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, command } of contestants) samples.get(name)?.push(await measure(name, command));
  }
  return new Map(
    [...samples].map(([name, list]) => [
      name,
      {
        perSecond: median(list.map(({ perSecond }) => perSecond)),
        cpuMs: median(list.map(({ cpuMs }) => cpuMs)),
        peakBytes: Math.max(...list.map(({ peakBytes }) => peakBytes)),
      },
    ]),
  );
}

async function measure(name: string, [program = "", ...args]: readonly string[]): Promise<Measured> {
  const ended = await runProgram(program, { args, cwd: SOURCES, env: { ...given(), GOMAXPROCS: String(CORES) } });
  const [count = 0, seconds = 0, cpu = 0, peakBytes = 0] = ended.stdout.trim().split(" ").map(Number);
  if (ended.code !== 0 || count !== COUNT) {
    throw new Error(`${name} ended with ${ended.code} after ${count} of ${COUNT}\n${ended.stderr}`);
  }
  return { perSecond: count / seconds, cpuMs: (1000 * cpu) / count, peakBytes };
}

/** Undefined, with a line that says why, where it cannot be built. */
async function buildPeer(world: World, directory: string): Promise<Peer | undefined> {
  const folder = join(world.directory, "sigstore-go");
  // Building writes go.sum and the indirect requirements: not into the checkout.
  await cp(SOURCES, folder, { recursive: true });
  const build = { args: ["build", "-o", "peer", "."], cwd: folder, env: { ...given(), GOFLAGS: "-mod=mod" } };
  const ended = await runProgram("go", build).catch((error: unknown): Ended => ({
    code: 127,
    stdout: "",
    stderr: String(error),
  }));
  if (ended.code !== 0) {
    console.error(
      `sigstore-go is left out, for it could not be built: ${ended.stderr.trim().split("\n").at(-1) ?? ""}`,
    );
    return undefined;
  }
  const command = [join(folder, "peer"), world.sandbox.trustedRootPath, directory, SUBJECT, ISSUER];
  return { name: "sigstore-go", command };
}

function given(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
