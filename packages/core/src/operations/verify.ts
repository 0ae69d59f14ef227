// SPDX-License-Identifier: Apache-2.0
// verify: name → rule → bundles → authenticate → decide. Bundles are authenticated once a run, whatever the number of
// artifacts they are about. `verify` returns a VerifiedArtifact or throws; `verifyAll` never throws for one artifact.
import { throwIfInterrupted } from "../artifact/file.ts";
import type { Artifact } from "../artifact/source.ts";
import { inOrder } from "../concurrency.ts";
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import { Completeness } from "../policy/completeness.ts";
import { isVerified, type UnverifiedArtifact, type Verdict, type VerifiedArtifact } from "../policy/verdict.ts";
import { CandidateReader } from "../store/candidates.ts";
import { judge, type Judging, type VerifyRequest } from "../store/judge.ts";

/** Thrown by `verify` for everything but a pass. Its code is the verdict's. */
export class VerificationError extends KitesealError {
  readonly verdict: UnverifiedArtifact;
  constructor(verdict: UnverifiedArtifact) {
    const failing = verdict.checks.find((c) => c.status === "failed" || c.status === "undetermined");
    const why =
      failing === undefined
        ? verdict.outcome
        : `${failing.id}: expected ${failing.expected ?? "a pass"}, found ${failing.found ?? "none"}`;
    super(verdict.code, `not verified: ${why}`, { hint: verdict.hint ?? failing?.hint });
    this.verdict = verdict;
  }
}

/** Errors: VerificationError; ERR_INTERRUPTED. */
export async function verify(
  artifact: Artifact,
  request: Omit<VerifyRequest, "requireAllSubjects" | "parallel">,
  ctx: Context,
): Promise<VerifiedArtifact> {
  const verdict = await judge(artifact, { request, reader: new CandidateReader(request.compute) }, ctx);
  if (isVerified(verdict)) return verdict;
  throw new VerificationError(verdict);
}

/** One verdict an artifact, in their order; with `requireAllSubjects` then one for each subject that was not among them. */
export async function* verifyAll(
  artifacts: AsyncIterable<Artifact> | Iterable<Artifact>,
  request: VerifyRequest,
  ctx: Context,
): AsyncGenerator<Verdict> {
  const run: Judging = { request, reader: new CandidateReader(request.compute) };
  const complete = request.requireAllSubjects === true ? new Completeness() : undefined;
  for await (const verdict of inOrder(artifacts, request.parallel ?? 1, (artifact) => judge(artifact, run, ctx))) {
    complete?.note(verdict);
    yield verdict;
    throwIfInterrupted(ctx);
  }
  if (complete !== undefined) yield* complete.missing();
}
