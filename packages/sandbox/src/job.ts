// SPDX-License-Identifier: Apache-2.0
// The one Buildkite job that runs in the sandbox, and the environment its processes see.
// Variables: Buildkite's environment variable reference; values follow the job, none is read from the host.
import { randomBytes, randomUUID } from "node:crypto";

/** How a build came about. */
export type Trigger = "webhook" | "ui" | "api" | "trigger_job" | "schedule";

export interface Job {
  readonly organization: string;
  readonly organizationId: string;
  readonly pipeline: string;
  readonly pipelineId: string;
  readonly branch: string;
  readonly commit: string;
  /** Absent: not a tag build. */
  readonly tag?: string;
  /** Step key; null: the step has none. */
  readonly step: string | null;
  readonly stepId: string;
  readonly build: number;
  readonly buildId: string;
  readonly jobId: string;
  readonly agentId: string;
  readonly trigger: Trigger;
  readonly runner: "self-hosted" | "buildkite-hosted";
  readonly repository: string;
  readonly command: string;
}

/** The job, with random ids and commit where none are given. */
export function createJob(overrides: Partial<Job>): Job {
  const { organization = "acme", pipeline = "app" } = overrides;
  return {
    organization,
    organizationId: randomUUID(),
    pipeline,
    pipelineId: randomUUID(),
    branch: "main",
    commit: randomBytes(20).toString("hex"),
    step: "package",
    stepId: randomUUID(),
    build: 1,
    buildId: randomUUID(),
    jobId: randomUUID(),
    agentId: randomUUID(),
    trigger: "webhook",
    runner: "self-hosted",
    repository: `https://github.com/${organization}/${pipeline}.git`,
    command: "make package",
    ...overrides,
  };
}

/** Where the job's processes find the services. */
export interface JobEndpoints {
  /** Base of the agent API, ending in `/v3`. */
  readonly agent: string;
  readonly accessToken: string;
  readonly jobApiSocket: string;
  readonly jobApiToken: string;
  readonly signingConfig: string;
  readonly signingRoot: string;
}

const REDACTED_VARS = [
  "*_PASSWORD",
  "*_SECRET",
  "*_TOKEN",
  "*_PRIVATE_KEY",
  "*_SSH_KEY",
  "*_ACCESS_KEY",
  "*_SECRET_KEY",
  "*_CONNECTION_STRING",
  "*_API_KEY",
].join(",");

/** The environment of the job's command. */
export function jobEnvironment(job: Job, endpoints: JobEndpoints): Record<string, string> {
  const build = `https://buildkite.com/${job.organization}/${job.pipeline}/builds/${job.build}`;
  return {
    BUILDKITE: "true",
    CI: "true",
    BUILDKITE_JOB_ID: job.jobId,
    BUILDKITE_BUILD_ID: job.buildId,
    BUILDKITE_BUILD_NUMBER: String(job.build),
    BUILDKITE_BUILD_URL: build,
    BUILDKITE_ORGANIZATION_SLUG: job.organization,
    BUILDKITE_ORGANIZATION_ID: job.organizationId,
    BUILDKITE_PIPELINE_SLUG: job.pipeline,
    BUILDKITE_PIPELINE_ID: job.pipelineId,
    BUILDKITE_PIPELINE_NAME: job.pipeline,
    BUILDKITE_PIPELINE_PROVIDER: "github",
    BUILDKITE_PIPELINE_DEFAULT_BRANCH: "main",
    BUILDKITE_REPO: job.repository,
    BUILDKITE_COMMIT: job.commit,
    BUILDKITE_BRANCH: job.branch,
    BUILDKITE_TAG: job.tag ?? "",
    BUILDKITE_MESSAGE: "build in the kiteseal sandbox",
    BUILDKITE_SOURCE: job.trigger,
    BUILDKITE_PULL_REQUEST: "false",
    BUILDKITE_PULL_REQUEST_REPO: "",
    BUILDKITE_PULL_REQUEST_BASE_BRANCH: "",
    BUILDKITE_STEP_ID: job.stepId,
    BUILDKITE_STEP_KEY: job.step ?? "",
    BUILDKITE_LABEL: job.step ?? "",
    BUILDKITE_COMMAND: job.command,
    BUILDKITE_RETRY_COUNT: "0",
    BUILDKITE_AGENT_ID: job.agentId,
    BUILDKITE_AGENT_NAME: "kiteseal-sandbox-1",
    BUILDKITE_COMPUTE_TYPE: job.runner === "self-hosted" ? "self-hosted" : "hosted",
    BUILDKITE_AGENT_ENDPOINT: endpoints.agent,
    BUILDKITE_AGENT_ACCESS_TOKEN: endpoints.accessToken,
    BUILDKITE_AGENT_JOB_API_SOCKET: endpoints.jobApiSocket,
    BUILDKITE_AGENT_JOB_API_TOKEN: endpoints.jobApiToken,
    BUILDKITE_REDACTED_VARS: REDACTED_VARS,
    KITESEAL_SIGNING_CONFIG: endpoints.signingConfig,
    KITESEAL_SIGNING_ROOT: endpoints.signingRoot,
  };
}

/** `KEY='value'` lines that a shell reads back unchanged. */
export function shellLines(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join("");
}
