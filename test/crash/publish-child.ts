// SPDX-License-Identifier: Apache-2.0
// Run by publish.test.ts in a process of its own: one publish through a store whose every call is counted, and before or
// after one of which the process kills itself. argv: folder of files, store folder, the moment to die at (0: never).
// Prints how many moments there were.
import { argv, env, stdout } from "node:process";
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
import type { Location } from "@kiteseal/core/store";
import { expandDestination, openRepository } from "@kiteseal/storage-adapters";
import { createMoments } from "./moments.ts";

const [files = "", folder = "", dieAt = "0"] = argv.slice(2);
const ctx: Context = { now: () => new Date() };
const moments = createMoments(Number(dieAt));
const watched = ({ store, prefix }: Location): Location => ({ store: moments.watched(store), prefix });

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
stdout.write(String(moments.count()));
