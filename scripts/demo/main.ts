// SPDX-License-Identifier: Apache-2.0
// npm run demo: this repository's packages and a 64 MiB file through the main job, then every attack that the store or
// the job could make, each a real run of the real command. Exit 1 if any outcome is not the documented one.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { attacks, publishOthers, PULL_REQUEST, RULE, verify } from "./attacks.ts";
import { type Ended, kiteseal, ROOT } from "./cli.ts";
import { jobAttacks } from "./job-attacks.ts";
import { type Attempt, type Result, shellLine, summary, title, tryAll } from "./report.ts";
import { attackFolder, makeWorkspace, publishIn, type Workspace } from "./workspace.ts";

const MAIN = { pipeline: "app", branch: "main", build: 1 };

const began = performance.now();
const workspace = await makeWorkspace();
const { names, bytes, store, trustedRoot } = workspace;
console.log(`built ${names.length} files, ${(bytes / 2 ** 20).toFixed(1)} MiB, in ${relative(ROOT, workspace.built)}`);

title("A job publishes; when it has ended, and its Sigstore with it, a deploy step verifies");
const results: Result[] = [
  ...(await tryAll([publishing(workspace)])),
  ...(await tryAll(names.map((name) => verification(workspace, name)))),
];
for (const ended of await publishOthers(workspace)) {
  if (ended.exitCode !== 0) throw new Error(`a build that the attacks need was not published\n${ended.stderr}`);
}

title("Attacks on what is stored, each on a copy of the store");
results.push(...(await tryAll(attacks(workspace))));

title("Things that go wrong while a job publishes; nothing is stored");
results.push(...(await tryAll(jobAttacks(workspace))));

title("The same by hand");
const commands = await byHand(workspace);
results.push(...(await tryAll(commands.map(({ attempt }) => attempt))));

title("Summary");
summary(results);
const wrong = results.filter(({ asDocumented }) => !asDocumented);
console.log(`\n${results.length - wrong.length} of ${results.length} as documented, in ${seconds(began)} s`);
console.log(`\nKept: store ${pathToFileURL(store).href}/\n      trusted root ${trustedRoot}`);
console.log("\nTo go on by hand:\n");
console.log(shellLine(["cd", ROOT]));
for (const { args, attempt } of commands) {
  console.log(`\n# ${attempt.what}: exit ${attempt.expected.exitCode}\n${shellLine(["npx", "kiteseal", ...args])}`);
}
console.log("\n# a shell in another job of the sandbox, to publish something yourself");
console.log(`${shellLine(["npx", "kiteseal", ...sandboxCommand(workspace)])} -- sh`);
process.exitCode = wrong.length === 0 ? 0 : 1;

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

function publishing(place: Workspace): Attempt {
  const what = `publish ${names.length} files of acme/app, branch main, build 1`;
  return { what, expected: { exitCode: 0 }, run: () => publishIn(place, place.built, MAIN) };
}

function verification(place: Workspace, name: string): Attempt {
  const path = join(place.store, "app/1/dist", name);
  return { what: `verify ${name}`, expected: { exitCode: 0 }, run: () => verify(place, path) };
}

interface ByHand {
  readonly args: readonly string[];
  readonly attempt: Attempt;
}

/** Commands that work after the demo has ended, for no sandbox runs now either; each is run as it will be shown. */
async function byHand(place: Workspace): Promise<readonly ByHand[]> {
  const { core, built } = place;
  const url = `${pathToFileURL(place.store).href}/app/1/`;
  const attestations = ["--attestations", `${pathToFileURL(place.store).href}/.kiteseal`];
  const rule = ["--trusted-root", relative(ROOT, place.trustedRoot), ...RULE];
  const local = join(built, "dist", core);
  const refused = join(attackFolder(place, PULL_REQUEST), "app/1/dist", core);
  const sha256 = createHash("sha256")
    .update(await readFile(local))
    .digest("hex");
  const digest = ["--digest", `sha256:${sha256}`, "--name", `dist/${core}`];
  return [
    hand("verify one artifact", ["verify", `${url}dist/${core}`, ...rule]),
    hand("verify all of the build", ["verify", url, "--recursive", ...rule]),
    hand("verify a local copy", ["verify", relative(ROOT, local), ...rule, ...attestations]),
    hand("verify a digest", ["verify", ...digest, ...rule, ...attestations]),
    hand("verify what a pull request built", ["verify", pathToFileURL(refused).href, ...rule], [20, "ERR_IDENTITY"]),
  ];

  function hand(what: string, args: readonly string[], [exitCode, code]: [number, string?] = [0]): ByHand {
    const expected = { exitCode, ...(code === undefined ? {} : { code }) };
    const run = (): Promise<Ended> => kiteseal([...args, "--format", "json"], { cwd: ROOT, env: place.env });
    return { args, attempt: { what, expected, run } };
  }
}

function sandboxCommand(place: Workspace): readonly string[] {
  return ["sandbox", "--state", relative(ROOT, place.state), ...RULE, "--build", "6"];
}
