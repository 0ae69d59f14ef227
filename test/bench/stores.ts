// SPDX-License-Identifier: Apache-2.0
// One large object to and from each store, and many small ones to S3, beside the store's common client: whole processes,
// in turns, against a fresh server each. Uploads of ours hash the file first; most clients do not, or not with SHA-256.
import { randomFillSync } from "node:crypto";
import { mkdir, open, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { isInstalled } from "../peers/programs.ts";
import { STUB } from "../support/program.ts";
import { compared, median, type Row } from "./measure.ts";
import { bundleChild } from "./stores/bundle.ts";
import { type Client, clientsOf, type Command } from "./stores/clients.ts";
import { settleDisk, type Taken, timed } from "./stores/programs.ts";
import { STORE_KINDS, type StoreKind, type StoreServer } from "./stores/servers.ts";
import { RULE_FLAGS, type World } from "./world.ts";

const MIB = 1_048_576;
const MEGABYTE = 1e6;
const SMALL_BYTES = 4096;
const PEAK_MB = 250;
const LIBRARY = "kiteseal, unsigned";
const COMMAND = "kiteseal publish and fetch";

export interface StoresOptions {
  readonly bytes: number;
  /** Small files. */
  readonly files: number;
  readonly rounds: number;
  /** Names of stores; empty: all. */
  readonly stores: readonly string[];
}

/** What one measurement transfers, in MiB or files. */
interface Load {
  readonly work: string;
  readonly amount: number;
  readonly unit: "MiB/s" | "files/s";
}

interface Contestant {
  readonly name: string;
  readonly isOurs: boolean;
  /** In this order against one server. */
  readonly steps: readonly { readonly load: Load; readonly command: (server: StoreServer) => Command }[];
}

type Figures = ReadonlyMap<string, ReadonlyMap<string, Taken>>;

export async function stores(world: World, options: StoresOptions): Promise<readonly Row[]> {
  const directory = join(world.directory, "stores");
  await mkdir(join(directory, "home"), { recursive: true });
  const child = await bundleChild(directory);
  const large = join(directory, "large.bin");
  await writeNoise(large, options.bytes);
  const rows: Row[] = [];
  for (const kind of STORE_KINDS) {
    if (options.stores.length > 0 && !options.stores.includes(kind.name)) continue;
    if (kind.peer !== undefined && !isInstalled(kind.peer)) {
      console.error(`${kind.label} is left out: npm run test:peers installs ${kind.peer}`);
      continue;
    }
    const { found, missing } = await clientsOf(kind.name, directory);
    for (const name of missing) console.error(`${kind.label}: ${name} is missing`);
    const setting: Setting = { world, kind, directory, child, clients: found };
    rows.push(...(await largeObject(setting, { file: large, rounds: options.rounds })));
    if (kind.name === "s3") rows.push(...(await smallObjects(setting, options)));
  }
  await rm(large);
  return rows;
}

interface Setting {
  readonly world: World;
  readonly kind: StoreKind;
  readonly directory: string;
  readonly child: string;
  readonly clients: readonly Client[];
}

async function largeObject(setting: Setting, o: { file: string; rounds: number }): Promise<readonly Row[]> {
  const { kind, clients, directory } = setting;
  const amount = (await sizeOf(o.file)) / MIB;
  const up: Load = { work: `${kind.label}: upload, ${amount} MiB`, amount, unit: "MiB/s" };
  const down: Load = { work: `${kind.label}: download, ${amount} MiB`, amount, unit: "MiB/s" };
  const fetched = join(directory, "fetched", basename(o.file));
  const released = join(directory, "released");
  await mkdir(join(directory, "fetched"), { recursive: true });
  const ours = (action: "put" | "get", path: string) => (server: StoreServer) =>
    library(setting, server, [action, path]);
  const contestants: readonly Contestant[] = [
    {
      name: LIBRARY,
      isOurs: true,
      steps: [
        { load: up, command: (server) => ours("put", o.file)(server) },
        { load: down, command: (server) => ours("get", fetched)(server) },
      ],
    },
    {
      name: COMMAND,
      isOurs: true,
      steps: [
        { load: up, command: (server) => publish(setting, server, { cwd: directory, path: basename(o.file) }) },
        { load: down, command: (server) => fetch(setting, server, { name: basename(o.file), output: released }) },
      ],
    },
    ...clients.map((client): Contestant => {
      const { download } = client;
      const upload = { load: up, command: (server: StoreServer) => client.upload(server, o.file) };
      const back = download && { load: down, command: (server: StoreServer) => download(server, fetched) };
      return { name: client.name, isOurs: false, steps: back === undefined ? [upload] : [upload, back] };
    }),
  ];
  const afterwards = (): Promise<void> => rm(released, { recursive: true, force: true });
  const figures = await inTurns(setting, { contestants, afterwards }, o.rounds);
  await rm(fetched);
  return [...rowsOf(up, contestants, figures), ...rowsOf(down, contestants, figures)];
}

async function smallObjects(setting: Setting, o: { files: number; rounds: number }): Promise<readonly Row[]> {
  const { kind, clients, directory } = setting;
  const folder = join(directory, "small");
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < o.files; i += 1) {
    await writeFile(join(folder, `file-${String(i).padStart(6, "0")}`), randomFillSync(Buffer.alloc(SMALL_BYTES)));
  }
  const load: Load = {
    work: `${kind.label}: upload, ${o.files} × ${SMALL_BYTES} bytes`,
    amount: o.files,
    unit: "files/s",
  };
  const contestants: readonly Contestant[] = [
    {
      name: LIBRARY,
      isOurs: true,
      steps: [{ load, command: (server) => library(setting, server, ["put", folder]) }],
    },
    {
      name: COMMAND,
      isOurs: true,
      steps: [{ load, command: (server) => publish(setting, server, { cwd: folder, path: "*" }) }],
    },
    ...clients.flatMap(({ name, uploadFolder }): readonly Contestant[] =>
      uploadFolder === undefined
        ? []
        : [{ name, isOurs: false, steps: [{ load, command: (server) => uploadFolder(server, folder) }] }],
    ),
  ];
  const afterwards = (): Promise<void> => Promise.resolve();
  return rowsOf(load, contestants, await inTurns(setting, { contestants, afterwards }, o.rounds));
}

/** Every other round backwards. By work, then by contestant: median times, largest peaks. */
async function inTurns(
  setting: Setting,
  { contestants, afterwards }: { contestants: readonly Contestant[]; afterwards: () => Promise<void> },
  rounds: number,
): Promise<Figures> {
  const { kind, directory } = setting;
  const samples = new Map<string, Map<string, Taken[]>>();
  // Round 0 is not counted: programs and memory that the machine has not touched yet are slow for whoever comes first.
  for (let round = 0; round <= rounds; round += 1) {
    const order = round % 2 === 1 ? contestants : contestants.toReversed();
    for (const { name, steps } of order) {
      const server = await kind.start(directory);
      try {
        for (const { load, command } of steps) {
          const { program, args, env, cwd } = { cwd: directory, ...command(server) };
          settleDisk();
          const taken = await timed(program, { args, env, cwd });
          if (round === 0) continue;
          const byName = samples.get(load.work) ?? new Map<string, Taken[]>();
          samples.set(load.work, byName.set(name, [...(byName.get(name) ?? []), taken]));
        }
      } finally {
        await server.stop();
        await afterwards();
      }
    }
  }
  return new Map(
    [...samples].map(([work, byName]) => [work, new Map([...byName].map(([n, list]) => [n, typical(list)]))]),
  );
}

function typical(list: readonly Taken[]): Taken {
  return {
    seconds: median(list.map(({ seconds }) => seconds)),
    cpuSeconds: median(list.map(({ cpuSeconds }) => cpuSeconds)),
    peakBytes: Math.max(...list.map(({ peakBytes }) => peakBytes)),
  };
}

/** Each of ours beside the fastest of the others, then the others. */
function rowsOf({ work, amount, unit }: Load, contestants: readonly Contestant[], figures: Figures): readonly Row[] {
  const measured = contestants.flatMap(({ name, isOurs }) => {
    const taken = figures.get(work)?.get(name);
    return taken === undefined ? [] : [{ name, isOurs, taken, rate: amount / taken.seconds }];
  });
  const others = measured.filter(({ isOurs }) => !isOurs).sort((a, b) => b.rate - a.rate);
  const [fastest] = others;
  const beside = fastest && { name: fastest.name, value: fastest.rate };
  const section = "stores";
  return measured.flatMap(({ name, isOurs, taken, rate }): readonly Row[] => {
    const told = `${work}, ${name}`;
    const speed: Row = { section, work: told, value: rate, unit };
    const memory: Row = { section, work: `${told}: memory`, value: taken.peakBytes / MEGABYTE, unit: "MB" };
    const cpu: Row = { section, work: `${told}: CPU`, value: taken.cpuSeconds * 1000, unit: "ms" };
    if (!isOurs) return [speed, memory, cpu];
    const target = { of: "ratio", atLeast: 1 } as const;
    return [
      beside === undefined ? speed : compared({ ...speed, beside, target }),
      { ...memory, target: { of: "value", atMost: PEAK_MB } },
      cpu,
    ];
  });
}

interface Ours extends Command {
  readonly cwd?: string;
}

function library({ world, child }: Setting, server: StoreServer, [action, path]: readonly [string, string]): Ours {
  return {
    program: process.execPath,
    args: [child, action, `${server.url}/base/`, path],
    env: { ...world.outside, ...server.env },
  };
}

/** The whole command: facts of the job, signing with a certificate of the sandbox, attestations, references. */
function publish({ world }: Setting, server: StoreServer, { cwd, path }: { cwd: string; path: string }): Ours {
  return {
    program: process.execPath,
    args: [STUB, "publish", path, "--to", `${server.url}/base/`, "--quiet"],
    env: { ...world.env, ...server.env },
    cwd,
  };
}

/** The whole command: what is released to is a new directory, verified and synced to the disk. */
function fetch({ world }: Setting, server: StoreServer, { name, output }: { name: string; output: string }): Ours {
  const root = ["--trusted-root", world.sandbox.trustedRootPath];
  return {
    program: process.execPath,
    args: [STUB, "fetch", `${server.url}/base/${name}`, "--output", output, ...root, ...RULE_FLAGS, "--quiet"],
    env: { ...world.outside, ...server.env },
  };
}

/** Random: nothing on the way can make it smaller, and no block of it is another's. */
async function writeNoise(path: string, bytes: number): Promise<void> {
  const file = await open(path, "w");
  const block = Buffer.alloc(MIB);
  for (let left = bytes; left > 0; left -= block.length) {
    await file.writeFile(randomFillSync(block).subarray(0, Math.min(left, block.length)));
  }
  await file.close();
}

async function sizeOf(path: string): Promise<number> {
  const file = await open(path);
  const { size } = await file.stat();
  await file.close();
  return size;
}
