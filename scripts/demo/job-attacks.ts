// SPDX-License-Identifier: Apache-2.0
// What goes wrong while a job publishes: services that are down, an environment that lies. The sandbox runs in this
// process, because faults are set from there; the command is the real one in a process of its own.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { startSandbox, type Sandbox } from "@kiteseal/sandbox";
import { type Ended, kiteseal } from "./cli.ts";
import type { Attempt } from "./report.ts";
import { destination, makeJob, type Workspace } from "./workspace.ts";

const BUILD = 5;

async function inSandbox<T>(workspace: Workspace, use: (sandbox: Sandbox) => Promise<T>): Promise<T> {
  const job = { organization: "acme", pipeline: "app", branch: "main", build: BUILD, ...commitOf(workspace) };
  const sandbox = await startSandbox({ stateDir: workspace.state, job });
  try {
    return await use(sandbox);
  } finally {
    await sandbox.close();
  }
}

function commitOf({ commit }: Workspace): { commit?: string } {
  return commit === undefined ? {} : { commit };
}

async function publish(
  workspace: Workspace,
  sandbox: Sandbox,
  variables: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const cwd = await makeJob(workspace, `app-${BUILD}`, ["late.txt", "built while something was wrong\n"]);
  const args = ["publish", "dist/*", "--to", destination(workspace), "--format", "json"];
  return kiteseal(args, { cwd, env: { ...workspace.env, ...sandbox.jobEnv(variables) } });
}

/** What is wrong with "nothing came of it", or nothing. */
async function leftovers({ store }: Workspace, before: number, sandbox: Sandbox): Promise<string | undefined> {
  if (existsSync(join(store, "app", String(BUILD)))) return "an artifact was stored";
  if ((await countBundles(store)) !== before) return "an attestation was stored";
  return sandbox.stats.logEntries > 0 ? "something was logged" : undefined;
}

async function countBundles(store: string): Promise<number> {
  const entries = await readdir(join(store, ".kiteseal/bundles"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).length;
}

export function jobAttacks(workspace: Workspace): readonly Attempt[] {
  const attempt = (
    what: string,
    [exitCode, code]: readonly [number, string],
    o: { variables?: Record<string, string>; down?: string } = {},
  ): Attempt => ({
    what,
    expected: { exitCode, code },
    run: () =>
      inSandbox(workspace, async (sandbox) => {
        const before = await countBundles(workspace.store);
        if (o.down !== undefined) sandbox.faults.add({ path: o.down, effect: "status", status: 503 });
        const ended = await publish(workspace, sandbox, o.variables);
        const wrong = await leftovers(workspace, before, sandbox);
        if (wrong !== undefined) throw new Error(`${what}: ${wrong}`);
        return ended;
      }),
  });
  return [
    attempt("the transparency log down while signing", [30, "ERR_SERVICE_UNAVAILABLE"], { down: "/api/v2/log/" }),
    attempt("an environment that names another branch than the token", [20, "ERR_JOB_MISMATCH"], {
      variables: { BUILDKITE_BRANCH: "release" },
    }),
    attempt("a fork's pull request that publishes", [20, "ERR_FORK_BUILD"], {
      variables: { BUILDKITE_PULL_REQUEST: "7", BUILDKITE_PULL_REQUEST_REPO: "https://github.com/mallory/app.git" },
    }),
    {
      what: "the same job again, with nothing wrong",
      expected: { exitCode: 0 },
      run: () => inSandbox(workspace, (sandbox) => publish(workspace, sandbox)),
    },
  ];
}
