// SPDX-License-Identifier: Apache-2.0
// A job and its token as tests of provenance start from.
import type { UnverifiedClaims } from "../buildkite/claims.ts";
import type { BuildFacts } from "../buildkite/facts.ts";
import type { Job } from "../buildkite/job.ts";

export const COMMIT = "83a20ec058e2fb00e7fa4558c4c6e81e2dcf253d";
export const JOB_ID = "e44f9784-e20e-4b93-a21d-f41fd5869db9";

export const FACTS = {
  organization: "acme",
  pipeline: "app-release",
  buildNumber: 1514,
  jobId: JOB_ID,
  commit: COMMIT,
  ref: { kind: "branch", name: "main" },
  step: "package",
  trigger: "webhook",
  runner: "self-hosted",
} as const satisfies BuildFacts;

export function job(changes?: Partial<Job>): Job {
  return {
    facts: FACTS,
    requestedCommit: COMMIT,
    branch: "main",
    repository: "github.com:acme/app.git",
    command: "make package",
    commandExitStatus: 0,
    plugins: [],
    unverified: { queue: "deploy", retry_count: 0 },
    ...changes,
  };
}

export function token(changes?: Partial<UnverifiedClaims>): UnverifiedClaims {
  return {
    issuer: "https://agent.buildkite.com",
    subject: `organization:acme:pipeline:app-release:ref:refs/heads/main:commit:${COMMIT}:step:package`,
    audience: "sigstore",
    issuedAt: new Date(0),
    expiresAt: new Date(300_000),
    facts: FACTS,
    commitText: COMMIT,
    branch: "main",
    ...changes,
  };
}
