// SPDX-License-Identifier: Apache-2.0
// The job as its environment describes it. Every value is a hint until the job's token confirms it
// (reference: Buildkite's environment variables; the rule of authority is in docs/ARCHITECTURE.md).
import { KitesealError, quote } from "../errors.ts";
import { readPlugins, sameRepository, withoutCredentials, type PluginReference } from "./job-urls.ts";
import { isFullCommit, isTrigger, type BuildFacts, type Ref, type Runner } from "./facts.ts";

export type { PluginReference };

/** What every job states of itself. */
export interface JobFacts extends BuildFacts {
  readonly organization: string;
  readonly pipeline: string;
  readonly buildNumber: number;
  readonly jobId: string;
}

export interface PullRequest {
  readonly number: string;
  /** Where the head branch lives, without userinfo and query. */
  readonly repository?: string;
  readonly baseBranch?: string;
}

export interface Job {
  readonly facts: JobFacts;
  /** BUILDKITE_COMMIT as given: a full commit id or something symbolic such as `HEAD`. */
  readonly requestedCommit: string;
  /** BUILDKITE_BRANCH as given; also there when the build is of a tag. Free text of the build's creator. */
  readonly branch?: string;
  /** Clone URL without userinfo and query. */
  readonly repository?: string;
  readonly command?: string;
  /** Absent until the command phase has ended. */
  readonly commandExitStatus?: number;
  readonly pullRequest?: PullRequest;
  readonly plugins: readonly PluginReference[];
  /** Facts that only the environment states (cluster, queue, retry, parallel, triggered_from, …); claims, nothing more. */
  readonly unverified: Readonly<Record<string, string | number>>;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const REQUIRED = [
  "BUILDKITE",
  "BUILDKITE_ORGANIZATION_SLUG",
  "BUILDKITE_PIPELINE_SLUG",
  "BUILDKITE_BUILD_NUMBER",
  "BUILDKITE_JOB_ID",
  "BUILDKITE_COMMIT",
] as const;

const RUNNER_BY_COMPUTE_TYPE: ReadonlyMap<string, Runner> = new Map([
  ["hosted", "buildkite-hosted"],
  ["self-hosted", "self-hosted"],
]);

/** Key in `Job.unverified` → variable. */
const UNVERIFIED_TEXT = {
  build_id: "BUILDKITE_BUILD_ID",
  step_id: "BUILDKITE_STEP_ID",
  agent_id: "BUILDKITE_AGENT_ID",
  cluster_id: "BUILDKITE_CLUSTER_ID",
  cluster_name: "BUILDKITE_CLUSTER_NAME",
  queue: "BUILDKITE_AGENT_META_DATA_QUEUE",
  group_id: "BUILDKITE_GROUP_ID",
  group_key: "BUILDKITE_GROUP_KEY",
  pipeline_default_branch: "BUILDKITE_PIPELINE_DEFAULT_BRANCH",
  triggered_from_build_id: "BUILDKITE_TRIGGERED_FROM_BUILD_ID",
  triggered_from_pipeline_slug: "BUILDKITE_TRIGGERED_FROM_BUILD_PIPELINE_SLUG",
  rebuilt_from_build_id: "BUILDKITE_REBUILT_FROM_BUILD_ID",
  pull_request_base_branch: "BUILDKITE_PULL_REQUEST_BASE_BRANCH",
  merge_queue_base_branch: "BUILDKITE_MERGE_QUEUE_BASE_BRANCH",
  merge_queue_base_commit: "BUILDKITE_MERGE_QUEUE_BASE_COMMIT",
} as const;

const UNVERIFIED_NUMBERS = {
  retry_count: "BUILDKITE_RETRY_COUNT",
  parallel_job: "BUILDKITE_PARALLEL_JOB",
  parallel_job_count: "BUILDKITE_PARALLEL_JOB_COUNT",
  triggered_from_build_number: "BUILDKITE_TRIGGERED_FROM_BUILD_NUMBER",
  rebuilt_from_build_number: "BUILDKITE_REBUILT_FROM_BUILD_NUMBER",
} as const;

/** An empty variable means the same as none; the platform sets both. */
function variable(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value === "" ? undefined : value;
}

function contradictory(message: string, variables: readonly string[]): KitesealError {
  return new KitesealError("ERR_JOB_CONTRADICTORY", message, {
    details: { variables },
    hint: "a hook or the pipeline's env may have changed a variable that the platform set",
  });
}

/**
 * Reads the job's environment. Throws ERR_NOT_IN_JOB with every missing variable in `details.missing`, and
 * ERR_JOB_CONTRADICTORY for variables that cannot all be true or are not what the platform writes there.
 */
export function readJob(env: Environment): Job {
  const required = readRequired(env);
  const commit = required.BUILDKITE_COMMIT;
  const facts: JobFacts = { ...readBuild(env, required), ...readOptionalFacts(env, commit) };
  const branch = variable(env, "BUILDKITE_BRANCH");
  const repository = variable(env, "BUILDKITE_REPO");
  const command = variable(env, "BUILDKITE_COMMAND");
  const commandExitStatus = integer(env, "BUILDKITE_COMMAND_EXIT_STATUS");
  const pullRequest = readPullRequest(env);
  return {
    facts,
    requestedCommit: commit,
    ...(branch !== undefined && { branch }),
    ...(repository !== undefined && { repository: withoutCredentials(repository) }),
    ...(command !== undefined && { command }),
    ...(commandExitStatus !== undefined && { commandExitStatus }),
    ...(pullRequest !== undefined && { pullRequest }),
    plugins: readPlugins(variable(env, "BUILDKITE_PLUGINS")),
    unverified: readUnverified(env, pullRequest),
  };
}

type Required = Readonly<Record<(typeof REQUIRED)[number], string>>;

function readRequired(env: Environment): Required {
  const value = (name: string): string => variable(env, name) ?? "";
  const missing = REQUIRED.filter((name) => value(name) === "" || (name === "BUILDKITE" && value(name) !== "true"));
  if (missing.length > 0) {
    throw new KitesealError("ERR_NOT_IN_JOB", `not in a Buildkite job: ${missing.join(", ")} missing`, {
      details: { missing },
      hint: "run this in a job; in a container, the job's variables must be passed on (the docker plugin: propagate-environment)",
    });
  }
  return {
    BUILDKITE: "true",
    BUILDKITE_ORGANIZATION_SLUG: value("BUILDKITE_ORGANIZATION_SLUG"),
    BUILDKITE_PIPELINE_SLUG: value("BUILDKITE_PIPELINE_SLUG"),
    BUILDKITE_BUILD_NUMBER: value("BUILDKITE_BUILD_NUMBER"),
    BUILDKITE_JOB_ID: value("BUILDKITE_JOB_ID"),
    BUILDKITE_COMMIT: value("BUILDKITE_COMMIT"),
  };
}

function readBuild(env: Environment, required: Required): JobFacts {
  const organization = segment("BUILDKITE_ORGANIZATION_SLUG", required.BUILDKITE_ORGANIZATION_SLUG);
  const pipeline = segment("BUILDKITE_PIPELINE_SLUG", required.BUILDKITE_PIPELINE_SLUG);
  const jobId = segment("BUILDKITE_JOB_ID", required.BUILDKITE_JOB_ID);
  const buildNumber = integer(env, "BUILDKITE_BUILD_NUMBER") ?? 0;
  if (buildNumber < 1) throw malformed("BUILDKITE_BUILD_NUMBER", required.BUILDKITE_BUILD_NUMBER);
  const buildUrl = variable(env, "BUILDKITE_BUILD_URL");
  const path = `/${organization}/${pipeline}/builds/${buildNumber}`;
  if (buildUrl !== undefined && URL.parse(buildUrl)?.pathname !== path) {
    throw contradictory(
      `BUILDKITE_BUILD_URL is ${quote(withoutCredentials(buildUrl))}, the other variables say …${path}`,
      ["BUILDKITE_BUILD_URL", "BUILDKITE_ORGANIZATION_SLUG", "BUILDKITE_PIPELINE_SLUG", "BUILDKITE_BUILD_NUMBER"],
    );
  }
  return { organization, pipeline, buildNumber, jobId };
}

function readOptionalFacts(env: Environment, commit: string): BuildFacts {
  const ref = readRef(env);
  const step = variable(env, "BUILDKITE_STEP_KEY");
  const trigger = variable(env, "BUILDKITE_SOURCE");
  const runner = RUNNER_BY_COMPUTE_TYPE.get(variable(env, "BUILDKITE_COMPUTE_TYPE") ?? "");
  const organizationId = variable(env, "BUILDKITE_ORGANIZATION_ID");
  const pipelineId = variable(env, "BUILDKITE_PIPELINE_ID");
  return {
    ...(isFullCommit(commit) && { commit }),
    ...(ref !== undefined && { ref }),
    ...(step !== undefined && { step }),
    ...(isTrigger(trigger) && { trigger }),
    ...(runner !== undefined && { runner }),
    ...(organizationId !== undefined && { organizationId }),
    ...(pipelineId !== undefined && { pipelineId }),
  };
}

function readRef(env: Environment): Ref | undefined {
  const tag = variable(env, "BUILDKITE_TAG");
  if (tag?.startsWith("refs/") === true) {
    throw contradictory(`BUILDKITE_TAG is ${quote(tag)}, expected a tag's name and found a ref`, ["BUILDKITE_TAG"]);
  }
  if (tag !== undefined) return { kind: "tag", name: tag };
  const branch = variable(env, "BUILDKITE_BRANCH");
  return branch === undefined ? undefined : { kind: "branch", name: branch };
}

function readPullRequest(env: Environment): PullRequest | undefined {
  const number = variable(env, "BUILDKITE_PULL_REQUEST");
  const repository = variable(env, "BUILDKITE_PULL_REQUEST_REPO");
  const baseBranch = variable(env, "BUILDKITE_PULL_REQUEST_BASE_BRANCH");
  if (number === undefined || number === "false") {
    if (repository === undefined) return undefined;
    const names = ["BUILDKITE_PULL_REQUEST", "BUILDKITE_PULL_REQUEST_REPO"];
    throw contradictory("BUILDKITE_PULL_REQUEST names none, BUILDKITE_PULL_REQUEST_REPO names a repository", names);
  }
  if (!/^[1-9]\d{0,14}$/.test(number)) throw malformed("BUILDKITE_PULL_REQUEST", number);
  return {
    number,
    ...(repository !== undefined && { repository: withoutCredentials(repository) }),
    ...(baseBranch !== undefined && { baseBranch }),
  };
}

/**
 * Whether the build is of a pull request from another repository than the pipeline's. Only as good as the environment:
 * hygiene against publishing by mistake, no protection (docs/THREAT_MODEL.md).
 */
export function isForkBuild(job: Job): boolean {
  if (job.pullRequest === undefined) return false;
  const { repository } = job.pullRequest;
  // The platform labels a fork's branch `user:branch`.
  if (repository === undefined || job.repository === undefined) return job.branch?.includes(":") === true;
  return !sameRepository(repository, job.repository);
}

function readUnverified(env: Environment, pullRequest: PullRequest | undefined): Record<string, string | number> {
  const unverified: Record<string, string | number> = {};
  for (const [key, name] of Object.entries(UNVERIFIED_TEXT)) {
    const value = variable(env, name);
    if (value !== undefined) unverified[key] = value;
  }
  for (const [key, name] of Object.entries(UNVERIFIED_NUMBERS)) {
    const value = integer(env, name);
    if (value !== undefined) unverified[key] = value;
  }
  if (pullRequest !== undefined) unverified["pull_request"] = Number(pullRequest.number);
  const { parallel_job: index, parallel_job_count: count } = unverified;
  if (index !== undefined && count !== undefined && index >= count) {
    const names = ["BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT"];
    throw contradictory(`BUILDKITE_PARALLEL_JOB is ${index}, BUILDKITE_PARALLEL_JOB_COUNT is ${count}`, names);
  }
  return unverified;
}

/** Part of a URL path in the certificate: nothing that would end the segment or need escaping. */
function segment(name: string, value: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/.test(value)) throw malformed(name, value);
  return value;
}

function integer(env: Environment, name: string): number | undefined {
  const text = variable(env, name);
  if (text === undefined) return undefined;
  if (!/^(?:0|-?[1-9]\d{0,14})$/.test(text)) throw malformed(name, text);
  return Number(text);
}

function malformed(name: string, value: string): KitesealError {
  return contradictory(`${name} is ${quote(value)}, which is not what the platform writes there`, [name]);
}
