// SPDX-License-Identifier: Apache-2.0
// `kiteseal sandbox`: a complete Sigstore and Buildkite on loopback, and a command run as its job. Nothing of a real job's
// environment reaches that command.
import { resolve } from "node:path";
import type { Command } from "commander";
import { failureName, isKitesealError, KitesealError, quote } from "@kiteseal/core";
import type { Job, Sandbox } from "@kiteseal/sandbox";
import { expandDestination, type PlaceholderName } from "@kiteseal/storage-adapters";
import { addOptions, COMMON_OPTIONS, type Options } from "../flags.ts";
import { type RedactedIo, signalExitCode } from "../io.ts";
import { escapeText, shellWord } from "../report/escape.ts";
import { verifyCommand } from "../report/publication.ts";
import type { Invocation } from "./command.ts";

export function define(command: Command): void {
  command.argument("[command...]", "after --: a command to run as the sandbox's job");
  command.passThroughOptions();
  addOptions(command, [
    { flags: "--state <dir>", description: "keep keys, logs, trusted_root.json, signing_config.json and job.env here" },
    { flags: "--org <slug>", description: "the job's organization (default: acme)" },
    { flags: "--pipeline <slug>", description: "the job's pipeline (default: app)" },
    { flags: "--branch <name>", description: "the job's branch (default: main)" },
    { flags: "--commit <sha>", description: "the job's commit (default: random)" },
    { flags: "--tag <name>", description: "make it a build of this tag" },
    { flags: "--step <key>", description: "the job's step (default: package)" },
    { flags: "--build <number>", description: "the job's build (default: 1)" },
    ...COMMON_OPTIONS.filter(({ flags }) => flags === "--debug"),
  ]);
}

export async function run({ args, options, io }: Invocation): Promise<number> {
  const job = jobOf(options);
  const state = options.text("state");
  const stateDir = state === undefined ? undefined : resolve(io.cwd, state);
  const { startSandbox } = await import("@kiteseal/sandbox");
  const sandbox = await startSandbox({
    job,
    clock: () => io.now(),
    ...(stateDir === undefined ? {} : { stateDir }),
  }).catch((cause: unknown) => {
    throw new KitesealError("ERR_OUTPUT", `the sandbox cannot start: ${failureName(cause)}`, {
      cause,
      hint: "can --state DIR be written to?",
    });
  });
  try {
    return args.length === 0
      ? await stay(sandbox, io)
      : await runJob(args, { sandbox, kept: stateDir !== undefined }, io);
  } finally {
    await sandbox.close();
  }
}

function jobOf(options: Options): Partial<Job> {
  const build = options.text("build");
  if (build !== undefined && !/^[1-9]\d{0,14}$/.test(build)) {
    throw new KitesealError("ERR_USAGE", `--build ${quote(build)}: expected a build number`);
  }
  const texts = {
    organization: options.text("org"),
    pipeline: options.text("pipeline"),
    branch: options.text("branch"),
    commit: options.text("commit"),
    tag: options.text("tag"),
    step: options.text("step"),
  };
  const given = Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined));
  return { ...given, ...(build === undefined ? {} : { build: Number(build) }) };
}

/** Until a signal: for another terminal to work in. */
async function stay(sandbox: Sandbox, io: RedactedIo): Promise<number> {
  const { directory, trustedRootPath, signingConfigPath } = sandbox;
  const env = shellWord(`${directory}/job.env`);
  const lines = [
    `sandbox: ${sandbox.url}; stops with Ctrl-C`,
    `  state           ${directory}`,
    `  trusted root    ${trustedRootPath}`,
    `  signing config  ${signingConfigPath}`,
    "be its job in another terminal:",
    `  set -a; . ${env}; set +a`,
    "  kiteseal publish FILE --to 'file:///PLACE/{build}'",
    "then verify:",
    `  ${verifyCommand({ target: ["FILE"], trustedRoot: trustedRootPath, job: refOf(sandbox.job) })}`,
  ];
  await io.stderr.write(lines.map((line) => `${escapeText(line)}\n`).join(""));
  await new Promise<void>((done) => {
    if (io.signal.aborted) done();
    io.signal.addEventListener("abort", () => done(), { once: true });
  });
  return signalExitCode(io.signal);
}

interface Running {
  readonly sandbox: Sandbox;
  /** Whether its state outlives it. */
  readonly kept: boolean;
}

async function runJob(command: readonly string[], { sandbox, kept }: Running, io: RedactedIo): Promise<number> {
  const env = { ...withoutJob(io.env), ...sandbox.jobEnv() };
  const code = await io.spawn({ command, env, signal: io.signal }).catch((cause: unknown) => {
    throw new KitesealError("ERR_USAGE", `cannot run ${quote(command[0] ?? "")}: ${failureName(cause)}`, { cause });
  });
  await io.stderr.write(
    escapeText(`sandbox: the command ended with exit code ${code}${code === 0 ? next(command, sandbox, kept) : ""}`) +
      "\n",
  );
  return code;
}

/** What to type next; `kept`: whether the sandbox's state outlives it. */
function next(command: readonly string[], sandbox: Sandbox, kept: boolean): string {
  if (!kept) return "; its keys and root are gone with it: with --state DIR they stay";
  const { job, trustedRootPath } = sandbox;
  return `; to verify: ${verifyCommand({ target: targetOf(command, job), trustedRoot: trustedRootPath, job: refOf(job) })}`;
}

/** What says where stores are and who asks them: the sandbox has none of its own. */
const OF_STORES =
  /^(?:BUILDKITE_(?:ARTIFACTORY|AZURE_BLOB|GS|S3)_|KITESEAL_(?:ARTIFACTORY|AWS|GCP|GCS)_|KITESEAL_(?:STATE_DIR|STORE_SUBJECT_CLAIM)$)/;

/** A real job around this one is none of the sandbox's business. */
function withoutJob(env: RedactedIo["env"]): Record<string, string | undefined> {
  const foreign = /^(?:BUILDKITE(?:_|$)|KITESEAL_|SIGSTORE_ID_TOKEN$)/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name) || OF_STORES.test(name)));
}

function refOf({ organization, pipeline, branch, tag }: Job): {
  organization: string;
  pipeline: string;
  ref: { kind: "branch" | "tag"; name: string };
} {
  return {
    organization,
    pipeline,
    ref: tag === undefined ? { kind: "branch", name: branch } : { kind: "tag", name: tag },
  };
}

/** Where the command stored something, as far as its own `--to` says. */
function targetOf(command: readonly string[], job: Job): readonly string[] {
  const at = command.indexOf("--to");
  const to = at === -1 ? undefined : command[at + 1];
  if (to === undefined) return ["TARGET"];
  const values: Partial<Record<PlaceholderName, string>> = {
    pipeline: job.pipeline,
    branch: job.branch,
    commit: job.commit,
    build: String(job.build),
    job: job.jobId,
    retry: "0",
    ...(job.tag === undefined ? {} : { tag: job.tag }),
    ...(job.step === null ? {} : { step: job.step }),
  };
  try {
    return [expandDestination(to, values).url, "--recursive"];
  } catch (error) {
    if (isKitesealError(error)) return ["TARGET"];
    throw error;
  }
}
