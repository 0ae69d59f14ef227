// SPDX-License-Identifier: Apache-2.0
// Environment ⇔ token. Hooks and the Job API may change almost any variable of a job; the token comes from the platform.
// What both state must be equal, or nothing is signed.
import { KitesealError, quote } from "../errors.ts";
import type { UnverifiedClaims } from "./claims.ts";
import { compareFacts, factText, isFullCommit, type FactDifference } from "./facts.ts";
import type { Job } from "./job.ts";

export interface TokenAgreement {
  /** The token names no full commit, so neither will the certificate: a rule about `commit` will fail. */
  readonly commitUnproven: boolean;
}

const VARIABLES: Readonly<Record<string, string>> = {
  organization: "BUILDKITE_ORGANIZATION_SLUG",
  pipeline: "BUILDKITE_PIPELINE_SLUG",
  buildNumber: "BUILDKITE_BUILD_NUMBER",
  jobId: "BUILDKITE_JOB_ID",
  commit: "BUILDKITE_COMMIT",
  ref: "BUILDKITE_BRANCH or BUILDKITE_TAG",
  branch: "BUILDKITE_BRANCH",
  step: "BUILDKITE_STEP_KEY",
  trigger: "BUILDKITE_SOURCE",
  runner: "BUILDKITE_COMPUTE_TYPE",
  organizationId: "BUILDKITE_ORGANIZATION_ID",
  pipelineId: "BUILDKITE_PIPELINE_ID",
};

type Difference = Omit<FactDifference, "fact"> & { readonly fact: string };

/**
 * Throws ERR_JOB_MISMATCH naming every variable that differs (`details.differences`), else says what stays unproven.
 *
 * The commit: two full ids must be equal, and so must two symbolic ones. Where one is symbolic and the other is full
 * there is no contradiction: v4 agents replace BUILDKITE_COMMIT by what they checked out, and the platform replaces the
 * build's commit once an agent has told it. A token that says `HEAD` leaves the commit unproven.
 * The step: a job's token always states its key or that it has none, so a key only in the environment is a mismatch.
 */
export function compareJobWithToken(job: Job, claims: UnverifiedClaims): TokenAgreement {
  const differences: readonly Difference[] = [
    ...compareFacts(claims.facts, job.facts).different,
    ...unlessEqual("commit", symbolic(claims.commitText), symbolic(job.requestedCommit)),
    ...unlessEqual("branch", claims.branch, job.branch).filter(() => claims.facts.ref?.kind === "tag"),
    ...unstatedStep(job, claims),
  ];
  if (differences.length > 0) throw mismatch(differences);
  return { commitUnproven: claims.facts.commit === undefined };
}

function symbolic(commit: string | undefined): string | undefined {
  return commit !== undefined && isFullCommit(commit) ? undefined : commit;
}

function unlessEqual(fact: string, expected: string | undefined, found: string | undefined): Difference[] {
  return expected === undefined || found === undefined || expected === found ? [] : [{ fact, expected, found }];
}

function unstatedStep(job: Job, claims: UnverifiedClaims): Difference[] {
  const found = factText(job.facts, "step");
  const isJobToken = claims.facts.jobId !== undefined;
  return isJobToken && found !== undefined && claims.facts.step === undefined
    ? [{ fact: "step", expected: "none", found }]
    : [];
}

function mismatch(differences: readonly Difference[]): KitesealError {
  const lines = differences.map(({ fact, expected, found }) => {
    return `${VARIABLES[fact] ?? fact} is ${quote(found ?? "")}, the token says ${quote(expected)}`;
  });
  return new KitesealError("ERR_JOB_MISMATCH", `the environment disagrees with the job's token: ${lines.join("; ")}`, {
    details: { differences: differences.map((difference) => ({ ...difference })) },
    hint: "a hook or the pipeline's env changed a variable of the platform; provenance states what the token proves",
  });
}
