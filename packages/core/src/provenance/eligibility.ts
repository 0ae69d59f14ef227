// SPDX-License-Identifier: Apache-2.0
// What is never attested. A provenance of a failed command would be true and would be taken for a recommendation.
import { isForkBuild, type Job } from "../buildkite/job.ts";
import { KitesealError, quote } from "../errors.ts";

/** Publishing puts artifacts where others fetch them; attesting only says where they came from. */
export type Purpose = "attest" | "publish";

/**
 * Throws ERR_JOB_FAILED for a job whose command failed, ERR_NO_MATCH for nothing to attest, and ERR_FORK_BUILD for
 * publishing from a fork's pull request (hygiene: such a build could bring its own signer; the control is the rule).
 */
export function checkEligible(job: Job, subjects: readonly unknown[], purpose: Purpose): void {
  const status = job.commandExitStatus;
  if (status !== undefined && status !== 0) {
    throw new KitesealError("ERR_JOB_FAILED", `expected the command to have succeeded, found exit status ${status}`, {
      details: { exitStatus: status },
    });
  }
  if (subjects.length === 0)
    throw new KitesealError("ERR_NO_MATCH", "there is nothing to attest: no subject was given");
  if (purpose === "publish" && isForkBuild(job)) {
    const { number = "", repository = "of another owner" } = job.pullRequest ?? {};
    throw new KitesealError(
      "ERR_FORK_BUILD",
      `pull request ${quote(number)} comes from the fork ${quote(repository)}`,
      {
        hint: "publish from the pipeline that builds your own branches; builds of forks belong in a pipeline without it",
      },
    );
  }
}
