// SPDX-License-Identifier: Apache-2.0
// The SLSA v1 predicate of a Buildkite job: one literal in the specification's order. What the token proves and what
// only the environment says stand apart. Absent is absent: never null, never empty.
// https://buildkite.github.io/slsa-buildtypes/job/v1 and https://slsa.dev/spec/v1.0/provenance
import type { ResourceDescriptor, SlsaProvenance } from "@kiteseal/in-toto-attestation";
import type { SubjectSet } from "./set.ts";
import type { UnverifiedClaims } from "../buildkite/claims.ts";
import { jobUrl, pipelineUrl } from "../buildkite/facts.ts";
import type { Job } from "../buildkite/job.ts";

export const BUILD_TYPE = "https://buildkite.github.io/slsa-buildtypes/job/v1";

export interface PredicateInput {
  readonly job: Job;
  readonly token: UnverifiedClaims;
  readonly resolvedDependencies: readonly ResourceDescriptor[];
  readonly kitesealVersion: string;
  readonly set?: SubjectSet | undefined;
  readonly startedOn?: Date | undefined;
  readonly finishedOn?: Date | undefined;
}

/** The token's facts win; the caller has already refused a job that contradicts them (ERR_JOB_MISMATCH). */
export function provenancePredicate(input: PredicateInput): SlsaProvenance {
  const { job, token, resolvedDependencies } = input;
  const facts = { ...job.facts, ...token.facts };
  const { organization, pipeline, ref } = facts;
  const proven = token.facts;
  return {
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: {
        pipeline: pipelineUrl(organization, pipeline),
        ...present("repository", job.repository),
        build: {
          ...present("branch", ref?.kind === "branch" ? ref.name : (token.branch ?? job.branch)),
          ...(ref?.kind === "tag" && { tag: ref.name }),
          commit: token.commitText ?? job.requestedCommit,
        },
        ...present("step", unlessEmpty({ ...present("key", facts.step), ...present("command", job.command) })),
      },
      internalParameters: {
        buildkite: {
          ...present("organization_id", proven.organizationId),
          ...present("pipeline_id", proven.pipelineId),
          ...present("build_number", proven.buildNumber),
          ...present("job_id", proven.jobId),
          ...present("build_source", proven.trigger),
          ...present("runner_environment", proven.runner),
          ...present("unverified", unverified(job)),
        },
        ...(input.set && { kiteseal: { set: input.set } }),
      },
      ...(resolvedDependencies.length > 0 && { resolvedDependencies }),
    },
    runDetails: {
      builder: { id: pipelineUrl(organization, pipeline), version: { kiteseal: input.kitesealVersion } },
      metadata: {
        invocationId: jobUrl(facts),
        ...present("startedOn", input.startedOn?.toISOString()),
        ...present("finishedOn", input.finishedOn?.toISOString()),
      },
    },
  };
}

function unverified(job: Job): Readonly<Record<string, unknown>> | undefined {
  const { trigger, runner } = job.facts;
  const request = job.pullRequest;
  return unlessEmpty({
    ...present("build_source", trigger),
    ...present("runner_environment", runner),
    ...job.unverified,
    ...(request && {
      pull_request: {
        number: request.number,
        ...present("repository", request.repository),
        ...present("base_branch", request.baseBranch),
      },
    }),
  });
}

function present<K extends string, V>(key: K, value: V | "" | undefined): { readonly [P in K]?: V } {
  const found: { [P in K]?: V } = {};
  if (value !== undefined && value !== "") found[key] = value;
  return found;
}

function unlessEmpty<T extends object>(object: T): T | undefined {
  return Object.keys(object).length === 0 ? undefined : object;
}
