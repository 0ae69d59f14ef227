// SPDX-License-Identifier: Apache-2.0
// One artifact → its verdict: name → rule → lookup → candidates → decide. What every operation that asks whether
// something may be released is made of.
import type { Artifact } from "../artifact/source.ts";
import type { Compute } from "../compute.ts";
import type { Context } from "../context.ts";
import { isKitesealError } from "../errors.ts";
import { decide, type Candidate } from "../policy/decide.ts";
import { applyException } from "../policy/exceptions.ts";
import { allowedSubjects, type Policy, type Rule } from "../policy/rule.ts";
import { selectRule } from "../policy/select.ts";
import { missingDigests } from "../policy/subject.ts";
import { isVerified, type PlaceReport, type UnverifiedArtifact, type Verdict } from "../policy/verdict.ts";
import { placeReport } from "./attestations.ts";
import type { CandidateReader } from "./candidates.ts";
import type { Lookup } from "./lookup.ts";

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

/** One run: what it asks for, and what it has read so far. */
export interface Judging {
  readonly request: VerifyRequest;
  readonly reader: CandidateReader;
}

/** Never throws for one artifact but ERR_INTERRUPTED: what goes wrong is its verdict. */
export async function judge(artifact: Artifact, run: Judging, ctx: Context): Promise<Verdict> {
  const { policy, lookup } = run.request;
  const { rules } = policy;
  const rule = selectRule(policy, artifact.name);
  if (rule === undefined) return noRule(artifact);
  const signers = askedSigners(rule, rules);
  const buildNumber = rule.signer.kind === "buildkite" ? rule.signer.build?.value : undefined;
  const asked = { signers, ...(buildNumber === undefined ? {} : { buildNumber }) };
  const seen: Seen = { artifact, candidates: [], places: [] };
  const decided = (): Verdict => decide({ ...seen, rule, rules, now: ctx.now() });
  try {
    for await (const found of lookup(artifact, asked, ctx)) {
      seen.places.push(placeReport(found));
      for (const handle of found.handles) {
        const candidate = await run.reader.read(handle, ctx);
        seen.candidates.push(candidate);
        seen.artifact = await withAllDigests(seen.artifact, candidate, { run, ctx });
        const verdict = decided();
        if (isVerified(verdict)) return verdict;
      }
    }
  } catch (error) {
    // What goes wrong for one artifact is that artifact's answer, never the end of the others'.
    if (!isKitesealError(error) || error.kind === "interrupted") throw error;
    const result = { kind: "unreadable", code: error.code, message: error.message } as const;
    seen.candidates.push({ place: "the lookup", result });
  }
  return applyException(decided(), policy, ctx.now());
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
  { run, ctx }: { run: Judging; ctx: Context },
): Promise<Artifact> {
  if (candidate.result.kind !== "authentic" || run.request.rehash === undefined) return artifact;
  const { content } = candidate.result.attestation;
  const missing = missingDigests(artifact, content.kind === "blob" ? [content] : content.statement.subject);
  return missing.length === 0 ? artifact : run.request.rehash(artifact, missing, ctx);
}
