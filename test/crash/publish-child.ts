// SPDX-License-Identifier: Apache-2.0
// Run by publish.test.ts in a process of its own: one publish through a store whose every call is counted, and before or
// after one of which the process kills itself. argv: folder of files, store folder, the moment to die at (0: never).
// Moments are numbered: 2n-1 before the n-th call, 2n after it. Prints how many there were.
import { argv, env, kill, pid, stdout } from "node:process";
import { readFile } from "node:fs/promises";
import { collectArtifacts, inlineCompute, STATEMENTS_ONLY, loadTrust, readSecrets, type Context } from "@kiteseal/core";
import {
  createSigningIdentity,
  createTokenSource,
  decodeSigningConfig,
  publish,
  readJob,
  selectServices,
} from "@kiteseal/core/sign";
import type { Location, Store } from "@kiteseal/core/store";
import { expandDestination, openRepository } from "@kiteseal/storage-adapters";

const [files = "", folder = "", dieAt = "0"] = argv.slice(2);
const ctx: Context = { now: () => new Date() };
let moments = 0;

function moment(): void {
  moments += 1;
  if (moments === Number(dieAt)) kill(pid, "SIGKILL");
}

async function counted<T>(call: () => Promise<T>): Promise<T> {
  moment();
  const result = await call();
  moment();
  return result;
}

function watched({ store, prefix }: Location): Location {
  const watch: Store = {
    url: (key) => store.url(key),
    digestPlan: (size) => store.digestPlan(size),
    prepare: (...args) => store.prepare(...args),
    put: (...args) => counted(() => store.put(...args)),
    head: (...args) => counted(() => store.head(...args)),
    get: (...args) => store.get(...args),
    list: (...args) => store.list(...args),
    copy: (...args) => counted(() => store.copy(...args)),
    diagnose: (...args) => store.diagnose(...args),
  };
  return { store: watch, prefix };
}

const repository = await openRepository(expandDestination(`file://${folder}`, {}), undefined, {
  env: {},
  now: () => new Date(),
});
const trust = await loadTrust({ kind: "file", path: env["KITESEAL_SIGNING_ROOT"] ?? "" }, ctx);
const config = decodeSigningConfig(await readFile(env["KITESEAL_SIGNING_CONFIG"] ?? ""));
const identity = createSigningIdentity({
  services: selectServices(config, "given", ctx.now()),
  tokens: createTokenSource(env, {}),
});
const collection = await collectArtifacts(["*"], { cwd: files, base: files }, ctx);
await publish(
  {
    job: readJob(env),
    identity,
    secrets: readSecrets(env),
    leakAllow: [],
    consent: "unconfirmed",
    compute: await inlineCompute(trust, STATEMENTS_ONLY),
    dependencies: [],
    split: "batched",
    version: "0.0.0",
    files: collection.files,
    repository: { artifacts: watched(repository.artifacts), attestations: watched(repository.attestations) },
    algorithms: [],
    sidecar: false,
    concurrency: 1,
  },
  ctx,
);
stdout.write(String(moments));
