// SPDX-License-Identifier: Apache-2.0
// verify: name → rule → bundles → authenticate → decide. Bundles are authenticated once a run, whatever the number of
// artifacts they are about. `verify` returns a VerifiedArtifact or throws; `verifyAll` never throws for one artifact.
import { throwIfInterrupted } from "../artifact/file.ts";
import type { Artifact } from "../artifact/source.ts";
import type { Compute } from "../compute.ts";
import { inOrder } from "../concurrency.ts";
import type { Context } from "../context.ts";
import { isKitesealError, KitesealError } from "../errors.ts";
import { Completeness } from "../policy/completeness.ts";
import { decide, type Candidate } from "../policy/decide.ts";
import { applyException } from "../policy/exceptions.ts";
import { allowedSubjects, type Policy, type Rule } from "../policy/rule.ts";
import { selectRule } from "../policy/select.ts";
import { missingDigests } from "../policy/subject.ts";
import {
  isVerified,
  type PlaceReport,
  type UnverifiedArtifact,
  type Verdict,
  type VerifiedArtifact,
} from "../policy/verdict.ts";
import { CandidateReader } from "../store/candidates.ts";
import type { Lookup } from "../store/lookup.ts";

export interface VerifyRequest {
  readonly policy: Policy;
  readonly compute: Compute;
  readonly lookup: Lookup;
  /** Artifacts looked at at once; 1 unless given. Verdicts keep the artifacts' order. */
  readonly parallel?: number;
  /** Every subject of every statement that passed must be among the artifacts. */
  readonly requireAllSubjects?: boolean;
  /** Further digests of the same bytes, when a statement states more than were computed. */
  rehash?(artifact: Artifact, algorithms: readonly string[], ctx: Context): Promise<Artifact>;
}

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
  const verdict = await verifyOne(artifact, { request, reader: new CandidateReader(request.compute) }, ctx);
  if (isVerified(verdict)) return verdict;
  throw new VerificationError(verdict);
}

/** One verdict an artifact, in their order; with `requireAllSubjects` then one for each subject that was not among them. */
export async function* verifyAll(
  artifacts: AsyncIterable<Artifact> | Iterable<Artifact>,
  request: VerifyRequest,
  ctx: Context,
): AsyncGenerator<Verdict> {
  const run: Run = { request, reader: new CandidateReader(request.compute) };
  const complete = request.requireAllSubjects === true ? new Completeness() : undefined;
  for await (const verdict of inOrder(artifacts, request.parallel ?? 1, (artifact) => verifyOne(artifact, run, ctx))) {
    complete?.note(verdict);
    yield verdict;
    throwIfInterrupted(ctx);
  }
  if (complete !== undefined) yield* complete.missing();
}

interface Run {
  readonly request: VerifyRequest;
  readonly reader: CandidateReader;
}

async function verifyOne(artifact: Artifact, run: Run, ctx: Context): Promise<Verdict> {
  const { policy, lookup } = run.request;
  const { rules } = policy;
  const rule = selectRule(policy, artifact.name);
  if (rule === undefined) return noRule(artifact);
  const signers = askedSigners(rule, rules);
  const buildNumber = rule.signer.kind === "buildkite" ? rule.signer.build?.value : undefined;
  const asked = { signers, ...(buildNumber === undefined ? {} : { buildNumber }) };
  const seen: Seen = { artifact, candidates: [], places: [] };
  const judge = (): Verdict => decide({ ...seen, rule, rules, now: ctx.now() });
  try {
    for await (const found of lookup(artifact, asked, ctx)) {
      seen.places.push({ place: found.place, outcome: found.outcome, count: found.handles.length });
      for (const handle of found.handles) {
        const candidate = await run.reader.read(handle, ctx);
        seen.candidates.push(candidate);
        seen.artifact = await withAllDigests(seen.artifact, candidate, { run, ctx });
        const verdict = judge();
        if (isVerified(verdict)) return verdict;
      }
    }
  } catch (error) {
    // What goes wrong for one artifact is that artifact's answer, never the end of the others'.
    if (!isKitesealError(error) || error.kind === "interrupted") throw error;
    const result = { kind: "unreadable", code: error.code, message: error.message } as const;
    seen.candidates.push({ place: "the lookup", result });
  }
  return applyException(judge(), policy, ctx.now());
}

/** Whose attestations are looked for: the rule's signers and those of what it also requires; none given means anybody's. */
function askedSigners(rule: Rule, rules: readonly Rule[]): readonly string[] {
  const named = (rule.alsoRequired ?? []).flatMap(({ by }) => rules.filter(({ id }) => id === by));
  const each = [rule, ...named].map(({ signer }) => allowedSubjects(signer));
  return each.some((subjects) => subjects.length === 0) ? [] : [...new Set(each.flat())];
}

interface Seen {
  artifact: Artifact;
  readonly candidates: Candidate[];
  readonly places: PlaceReport[];
}

function noRule(artifact: Artifact): UnverifiedArtifact {
  const hint = "add a rule or `otherwise` to the policy, or say the name with --name or --base";
  return { outcome: "rejected", code: "ERR_NO_RULE", artifact, checks: [], attestations: [], places: [], hint };
}

async function withAllDigests(
  artifact: Artifact,
  candidate: Candidate,
  { run, ctx }: { run: Run; ctx: Context },
): Promise<Artifact> {
  if (candidate.result.kind !== "authentic" || run.request.rehash === undefined) return artifact;
  const { content } = candidate.result.attestation;
  const missing = missingDigests(artifact, content.kind === "blob" ? [content] : content.statement.subject);
  return missing.length === 0 ? artifact : run.request.rehash(artifact, missing, ctx);
}
