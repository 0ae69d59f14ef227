// SPDX-License-Identifier: Apache-2.0
// A job in a sandbox of this process and a folder for its files and stores, driven through the packages' public entries:
// what the benchmarks and test/large.test.ts measure and count.
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Artifact,
  collectArtifacts,
  type Compute,
  type Context,
  createLookup,
  digestFile,
  flagPolicy,
  inlineCompute,
  loadTrust,
  type Policy,
  readSecrets,
  SHA256_PLAN,
  STATEMENTS_ONLY,
  type Trust,
  type Verdict,
  verifyAll,
} from "@kiteseal/core";
import {
  type AttestRequest,
  createSigningIdentity,
  createTokenSource,
  decodeSigningConfig,
  type Publication,
  publish,
  readJob,
  selectServices,
} from "@kiteseal/core/sign";
import { parseKey } from "@kiteseal/core/store";
import { type Sandbox, startSandbox } from "@kiteseal/sandbox";
import { expandDestination, openRepository, openStore } from "@kiteseal/storage-adapters";

export const ctx: Context = { now: () => new Date() };

/** The rule that the sandbox's job meets, as flags of the command and as a policy. */
export const RULE_FLAGS: readonly string[] = ["--org", "acme", "--pipeline", "app", "--branch", "main"];
export const POLICY: Policy = flagPolicy({ organization: ["acme"], pipeline: ["app"], branch: ["main"] }, { env: {} });

export interface World {
  readonly directory: string;
  readonly sandbox: Sandbox;
  readonly trust: Trust;
  readonly compute: Compute;
  /** Environment of the job's processes, with nothing of this process but PATH and a home of its own. */
  readonly env: Readonly<Record<string, string>>;
  /** Environment outside of the job. */
  readonly outside: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-world-")));
  const job = { organization: "acme", pipeline: "app", branch: "main" };
  const sandbox = await startSandbox({ stateDir: join(directory, "state"), job });
  const trust = await loadTrust({ kind: "file", path: sandbox.trustedRootPath }, ctx);
  const outside = { PATH: process.env["PATH"] ?? "", HOME: join(directory, "home") };
  return {
    directory,
    sandbox,
    trust,
    compute: await inlineCompute(trust, STATEMENTS_ONLY),
    env: { ...outside, ...sandbox.jobEnv() },
    outside,
    close: async () => {
      await sandbox.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What a new run of the job signs with: a token and a certificate of its own. */
export async function signingRun(world: World): Promise<Omit<AttestRequest, "subjects" | "split">> {
  const { sandbox, compute, env } = world;
  const config = decodeSigningConfig(await readFile(sandbox.signingConfigPath));
  const services = selectServices(config, "given", ctx.now());
  return {
    job: readJob(env),
    identity: createSigningIdentity({ services, tokens: createTokenSource(env, {}) }),
    secrets: readSecrets(env),
    leakAllow: [],
    consent: "unconfirmed",
    compute,
    dependencies: [],
    version: "0.0.0",
  };
}

/** Publishes every file of `folder`, by its path below it, to the folder `store`. */
export async function publishFolder(world: World, folder: string, store: string): Promise<Publication> {
  const { files } = await collectArtifacts(["**"], { cwd: folder, base: folder }, ctx);
  const run = await signingRun(world);
  const repository = await openRepository(expandDestination(`file://${store}`, {}), undefined, {
    env: {},
    now: () => ctx.now(),
  });
  const request = { ...run, split: "batched", files, repository, algorithms: [], sidecar: false } as const;
  return publish({ ...request, concurrency: 4 }, ctx);
}

/** A verdict for each of the files `names` below `store`, all in one run. */
export async function* verifyFolder(
  compute: Compute,
  o: { readonly store: string; readonly names: readonly string[] },
): AsyncGenerator<Verdict> {
  const { store } = await openStore("file:///", { env: {}, now: () => ctx.now() });
  const locate = ({ origin }: Artifact): ReturnType<Parameters<typeof createLookup>[0]["locate"]> =>
    origin.kind === "file" ? { store, key: parseKey(origin.path.slice(1)) } : undefined;
  const lookup = createLookup({ locate });
  yield* verifyAll(hashed(o), { policy: POLICY, compute, lookup }, ctx);
}

async function* hashed(o: { store: string; names: readonly string[] }): AsyncGenerator<Artifact> {
  for (const name of o.names) {
    const path = join(o.store, name);
    const { size, digests } = await digestFile(path, SHA256_PLAN, ctx);
    yield { name, digest: { sha256: digests.sha256 }, size, origin: { kind: "file", path } };
  }
}
