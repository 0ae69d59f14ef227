// SPDX-License-Identifier: Apache-2.0
// What is tried against artifacts and attestations after they were published, each on a copy of the store, and what
// docs/errors.md says must come of it.
import { copyFile, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Ended, kiteseal } from "./cli.ts";
import type { Attempt } from "./report.ts";
import { bundleOf, copyStore, makeJob, publishIn, type Workspace } from "./workspace.ts";

export const RULE: readonly string[] = ["--org", "acme", "--pipeline", "app", "--branch", "main"];
/** The attack that main.ts has repeated by hand. */
export const PULL_REQUEST = "a pull request's build in its place";
const NOTES = "release-notes.txt";

export function verify(workspace: Workspace, path: string, more: readonly string[] = []): Promise<Ended> {
  const target = pathToFileURL(path).href;
  const args = ["verify", target, ...more, "--trusted-root", workspace.trustedRoot, ...RULE, "--format", "json"];
  return kiteseal(args, { cwd: workspace.directory, env: workspace.env });
}

/** Builds that nobody should be able to release as acme/app's main. */
export async function publishOthers(workspace: Workspace): Promise<readonly Ended[]> {
  const forged = [workspace.core, "not what the main branch of acme/app built\n"] as const;
  const ended: Ended[] = [];
  const publish = async (name: string, content: readonly [string, string], branch: string): Promise<void> => {
    const [pipeline = "", build] = name.split("-");
    const folder = await makeJob(workspace, name, content);
    ended.push(await publishIn(workspace, folder, { pipeline, branch, build: Number(build) }));
  };
  await publish("app-2", [NOTES, "another artifact of the same pipeline\n"], "main");
  await publish("app-3", forged, "pull-request-7");
  await publish("other-4", [workspace.core, "not what acme/app built at all\n"], "main");
  return ended;
}

async function flipByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

/** The bundle with the payload's branch changed from `main`; the signature stays. */
async function editStatement(path: string): Promise<void> {
  const bundle = JSON.parse(await readFile(path, "utf8")) as { dsseEnvelope: { payload: string } };
  const statement = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString("utf8");
  const edited = statement.replaceAll('"main"', '"release"');
  if (edited === statement) throw new Error("the statement does not name the branch");
  bundle.dsseEnvelope.payload = Buffer.from(edited).toString("base64");
  await writeFile(path, JSON.stringify(bundle));
}

export function attacks(workspace: Workspace): readonly Attempt[] {
  const { core, other } = workspace;
  const job = (name: string): string => join(workspace.directory, "jobs", name);
  const artifact = (store: string, name: string, build = "app/1"): string => join(store, build, "dist", name);
  const attempt = (
    what: string,
    [exitCode, code]: readonly [number, string],
    attack: (store: string) => Promise<Ended>,
  ): Attempt => {
    return { what, expected: { exitCode, code }, run: async () => attack(await copyStore(workspace, what)) };
  };
  return [
    attempt("one byte flipped, under the attestation of what was built", [20, "ERR_SUBJECT_DIGEST"], async (store) => {
      await flipByte(artifact(store, core));
      return verify(workspace, artifact(store, core), ["--bundle", await bundleOf(job("app-1"), store)]);
    }),
    attempt("one byte flipped, nothing else given", [21, "ERR_UNATTESTED"], async (store) => {
      await flipByte(artifact(store, core));
      return verify(workspace, artifact(store, core));
    }),
    attempt("another pipeline's artifact in its place", [20, "ERR_IDENTITY"], async (store) => {
      await copyFile(artifact(store, core, "other/4"), artifact(store, core));
      return verify(workspace, artifact(store, core));
    }),
    attempt(PULL_REQUEST, [20, "ERR_IDENTITY"], async (store) => {
      await copyFile(artifact(store, core, "app/3"), artifact(store, core));
      return verify(workspace, artifact(store, core));
    }),
    attempt("two artifacts of one build swapped", [20, "ERR_SUBJECT_NAME"], async (store) => {
      await rename(artifact(store, core), artifact(store, "aside"));
      await rename(artifact(store, other), artifact(store, core));
      await rename(artifact(store, "aside"), artifact(store, other));
      return verify(workspace, artifact(store, core));
    }),
    attempt("the attestation of another artifact given", [20, "ERR_SUBJECT_DIGEST"], async (store) =>
      verify(workspace, artifact(store, core), ["--bundle", await bundleOf(job("app-2"), store)]),
    ),
    attempt("the attestation of another artifact in its place", [20, "ERR_STORE_TAMPERED"], async (store) => {
      await copyFile(await bundleOf(job("app-2"), store), await bundleOf(job("app-1"), store));
      return verify(workspace, artifact(store, core));
    }),
    attempt("the attestation deleted", [21, "ERR_UNATTESTED"], async (store) => {
      await rm(join(store, ".kiteseal"), { recursive: true });
      return verify(workspace, artifact(store, core));
    }),
    attempt("the statement edited by hand", [20, "ERR_LOG_BODY"], async (store) => {
      const bundle = await bundleOf(job("app-1"), store);
      await editStatement(bundle);
      return verify(workspace, artifact(store, core), ["--bundle", bundle]);
    }),
  ];
}
