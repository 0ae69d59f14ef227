// SPDX-License-Identifier: Apache-2.0
// A Buildkite job in a sandbox of this process, as the scripts' directives ask for it.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Fault, type Job, type Sandbox, startSandbox } from "@kiteseal/sandbox";

export interface RunningJob {
  readonly env: Readonly<Record<string, string>>;
  readonly trustedRootPath: string;
  readonly sandbox: Sandbox;
  close(): Promise<void>;
}

const JOB_FLAGS = {
  org: { type: "string" },
  pipeline: { type: "string" },
  branch: { type: "string" },
  commit: { type: "string" },
  tag: { type: "string" },
  step: { type: "string" },
  build: { type: "string" },
  trigger: { type: "string" },
  command: { type: "string" },
} as const;

function jobOf(values: Readonly<Record<string, string | undefined>>): Partial<Job> {
  const { org, build, trigger, ...same } = values;
  const known = (["pipeline", "branch", "commit", "tag", "step", "command"] as const).flatMap((name) => {
    const value = same[name];
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...(Object.fromEntries(known) as Partial<Job>),
    ...(org === undefined ? {} : { organization: org }),
    ...(build === undefined ? {} : { build: Number(build) }),
    ...(trigger === undefined ? {} : { trigger: trigger as Job["trigger"] }),
  };
}

/** `args`: the job, and `--rekor none|v1|v2|both`, `--lifetime SECONDS` of its tokens. */
export async function startJob(args: readonly string[], stateDir: string): Promise<RunningJob> {
  const options = { ...JOB_FLAGS, rekor: { type: "string" }, lifetime: { type: "string" } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const { rekor, lifetime, ...job } = values;
  const sandbox = await startSandbox({
    stateDir,
    job: jobOf(job),
    ...(rekor === undefined ? {} : { rekor: rekor as "none" | "v1" | "v2" }),
    ...(lifetime === undefined ? {} : { tokenLifetimeSeconds: Number(lifetime) }),
  });
  return { env: sandbox.jobEnv(), trustedRootPath: sandbox.trustedRootPath, sandbox, close: () => sandbox.close() };
}

/** `PATH status N`, `PATH reset`, `PATH lost-reply`. */
export function addFault(job: RunningJob | undefined, [path = "", effect = "", status = ""]: readonly string[]): void {
  if (job === undefined) throw new Error("no sandbox is running");
  const fault: Fault =
    effect === "status" ? { path, effect, status: Number(status) } : { path, effect: effect as "reset" | "lost-reply" };
  job.sandbox.faults.add(fault);
}

/** A token of the job in a file; `--audience A`, `--expired`, and the job's flags for what it says otherwise. */
export function writeToken(job: RunningJob | undefined, file: string, args: readonly string[]): void {
  if (job === undefined) throw new Error("no sandbox is running");
  const options = { ...JOB_FLAGS, audience: { type: "string" }, expired: { type: "boolean" } } as const;
  const { audience, expired, ...said } = parseArgs({ args: [...args], options }).values;
  const token = job.sandbox.mintToken({
    job: jobOf(said),
    ...(audience === undefined ? {} : { audience }),
    ...(expired === true ? { issuedAt: new Date(Date.now() - 3_600_000) } : {}),
  });
  writeFileSync(file, token, { mode: 0o600 });
}
