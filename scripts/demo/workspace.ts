// SPDX-License-Identifier: Apache-2.0
// What the demo works on: this repository's own packages as tarballs and a 64 MiB file, in .cache/demo, which is made
// anew by each run and kept after it.
import { randomFillSync } from "node:crypto";
import { constants } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { readCheckoutCommit } from "@kiteseal/core/sign";
import { type Ended, kiteseal, plainEnvironment, ROOT, run, STUB } from "./cli.ts";

const IMAGE_BYTES = 64 * 2 ** 20;
const IMAGE = "image.bin";

export interface Workspace {
  readonly directory: string;
  /** Files of build 1, in its folder `dist`. */
  readonly built: string;
  readonly names: readonly string[];
  /** Two of them, small ones. */
  readonly core: string;
  readonly other: string;
  readonly bytes: number;
  /** What was built, as far as the checkout says it. */
  readonly commit: string | undefined;
  readonly state: string;
  readonly trustedRoot: string;
  readonly store: string;
  readonly env: Readonly<Record<string, string>>;
}

export async function makeWorkspace(): Promise<Workspace> {
  const directory = join(ROOT, ".cache/demo");
  await rm(directory, { recursive: true, force: true });
  const built = join(directory, "jobs/app-1");
  const dist = join(built, "dist");
  for (const folder of [dist, join(directory, "store"), join(directory, "home")])
    await mkdir(folder, { recursive: true });
  const packed = await packPackages(dist, directory);
  await writeFile(join(dist, IMAGE), randomFillSync(Buffer.allocUnsafe(IMAGE_BYTES)));
  const state = join(directory, "sandbox");
  const names = (await readdir(dist)).toSorted();
  const tarball = (prefix: string): string => names.find((name) => name.startsWith(prefix)) ?? prefix;
  return {
    directory,
    built,
    names,
    core: tarball("kiteseal-core-"),
    other: tarball("kiteseal-sandbox-"),
    commit: await readCheckoutCommit(ROOT),
    bytes: packed + IMAGE_BYTES,
    state,
    trustedRoot: join(state, "trusted_root.json"),
    store: join(directory, "store"),
    env: plainEnvironment(join(directory, "home")),
  };
}

/** `npm pack` of every package; the npm that runs this script, or the one in PATH. Returns the bytes written. */
async function packPackages(dist: string, directory: string): Promise<number> {
  const cli = process.env["npm_execpath"];
  const npm = cli === undefined || !/\.[cm]?js$/.test(cli) ? ["npm"] : [process.execPath, cli];
  const args = ["pack", "--workspaces", "--ignore-scripts", "--offline", "--silent", "--pack-destination", dist];
  const home = join(directory, "home");
  const env = { ...plainEnvironment(home), npm_config_cache: join(home, "npm"), npm_config_update_notifier: "false" };
  const ended = await run([...npm, ...args], { cwd: ROOT, env });
  if (ended.exitCode !== 0) throw new Error(`npm pack ended with exit code ${ended.exitCode}\n${ended.stderr}`);
  const sizes = await Promise.all((await readdir(dist)).map(async (name) => (await readFile(join(dist, name))).length));
  return sizes.reduce((sum, size) => sum + size, 0);
}

export interface Build {
  readonly pipeline: string;
  readonly branch: string;
  readonly build: number;
}

/** Publishes `dist/*` of `folder` as a job of the sandbox, all of it by the real command. */
export function publishIn(workspace: Workspace, folder: string, { pipeline, branch, build }: Build): Promise<Ended> {
  const { commit } = workspace;
  const job = ["--org", "acme", "--pipeline", pipeline, "--branch", branch, "--build", String(build)];
  if (commit !== undefined) job.push("--commit", commit);
  const publish = [process.execPath, STUB, "publish", "dist/*", "--to", destination(workspace), "--format", "json"];
  const args = ["sandbox", "--state", workspace.state, ...job, "--", ...publish, "--pins", `${folder}.pins.json`];
  return kiteseal(args, { cwd: folder, env: workspace.env });
}

/** Each build its own folder; attestations of all of them in one root. */
export function destination({ store }: Workspace): string {
  return `${pathToFileURL(store).href}/{pipeline}/{build}`;
}

/** A job's folder with other files than build 1's. */
export async function makeJob(workspace: Workspace, name: string, content: readonly [string, string]): Promise<string> {
  const folder = join(workspace.directory, "jobs", name);
  await mkdir(join(folder, "dist"), { recursive: true });
  await writeFile(join(folder, "dist", content[0]), content[1]);
  return folder;
}

/** Where the copy of the store for one attack is. */
export function attackFolder({ directory }: Workspace, attack: string): string {
  return join(directory, "attacks", attack.replaceAll(/\W+/g, "-"));
}

/** A copy without the large file, so that the store itself stays as it was published. */
export async function copyStore(workspace: Workspace, attack: string): Promise<string> {
  const { store } = workspace;
  const copy = attackFolder(workspace, attack);
  await mkdir(dirname(copy), { recursive: true });
  const filter = (path: string): boolean => basename(path) !== IMAGE;
  await cp(store, copy, { recursive: true, filter, mode: constants.COPYFILE_FICLONE });
  return copy;
}

/** The bundle that a publish run made, where the store keeps it. */
export async function bundleOf(folder: string, store: string): Promise<string> {
  const pins = JSON.parse(await readFile(`${folder}.pins.json`, "utf8")) as { artifacts: { bundles: string[] }[] };
  const digest = pins.artifacts[0]?.bundles[0] ?? "";
  return join(store, ".kiteseal/bundles/sha256", digest.slice(0, 2), `${digest}.sigstore.json`);
}
