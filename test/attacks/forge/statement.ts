// SPDX-License-Identifier: Apache-2.0
// The provenance of an honest job, written without Kiteseal's own writer, and the encoding that is signed.
// https://buildkite.github.io/slsa-buildtypes/job/v1, in-toto Statement v1, DSSE protocol.
import type { Job } from "@kiteseal/sandbox";
import type { SubjectSpec } from "../spec.ts";

const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
export const PROVENANCE_TYPE = "https://slsa.dev/provenance/v1";
export const PAYLOAD_TYPE = "application/vnd.in-toto+json";

/** Loosely typed on purpose: attacks put anything anywhere. */
export interface Provenance {
  buildDefinition: {
    buildType: string;
    externalParameters: Record<string, unknown> & {
      pipeline: string;
      repository?: string;
      build: Record<string, unknown>;
      step: Record<string, unknown>;
    };
    internalParameters: { buildkite: Record<string, unknown> };
    resolvedDependencies: Record<string, unknown>[];
  };
  runDetails: {
    builder: { id: string; version?: Record<string, string> };
    metadata: Record<string, unknown>;
  };
}

function pipelineUrl({ organization, pipeline }: Pick<Job, "organization" | "pipeline">): string {
  return `https://buildkite.com/${organization}/${pipeline}`;
}

const isCommit = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

export function provenanceOf(job: Job): Provenance {
  const url = pipelineUrl(job);
  const ref = job.tag === undefined ? `refs/heads/${job.branch}` : `refs/tags/${job.tag}`;
  return {
    buildDefinition: {
      buildType: "https://buildkite.github.io/slsa-buildtypes/job/v1",
      externalParameters: {
        pipeline: url,
        repository: job.repository,
        build: { branch: job.branch, ...(job.tag === undefined ? {} : { tag: job.tag }), commit: job.commit },
        step: { ...(job.step === null ? {} : { key: job.step }), command: job.command },
      },
      internalParameters: {
        buildkite: {
          organization_id: job.organizationId,
          pipeline_id: job.pipelineId,
          build_number: job.build,
          job_id: job.jobId,
          build_source: job.trigger,
          runner_environment: job.runner,
        },
      },
      resolvedDependencies: [
        { uri: `git+${job.repository}@${ref}`, ...(isCommit(job.commit) ? { digest: { gitCommit: job.commit } } : {}) },
      ],
    },
    runDetails: {
      builder: { id: url, version: { kiteseal: "0.1.0" } },
      metadata: { invocationId: `${url}/builds/${job.build}#${job.jobId}` },
    },
  };
}

export function statementOf(o: {
  subject: readonly SubjectSpec[];
  predicateType: string;
  predicate: unknown;
}): Record<string, unknown> {
  return { _type: STATEMENT_TYPE, subject: o.subject, predicateType: o.predicateType, predicate: o.predicate };
}

/** `DSSEv1 LEN(type) type LEN(payload) payload`. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}
