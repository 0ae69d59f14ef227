// SPDX-License-Identifier: Apache-2.0
// artifact, rule, attestations, now → Verdict. Pure; runs every row; the only maker of "verified".
// Success is demanded id by id: a row that is missing, twice there, or in any state but those listed, rejects.
import type { Artifact } from "../artifact/source.ts";
import type { ErrorCode } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { AuthenticAttestation, AuthenticationFailure } from "../verification/authenticate.ts";
import { AUTHENTICATE_CHECKS, DECIDE_CHECKS, failed, type Check, type CheckId } from "../verification/check.ts";
import { alsoRequired, requiredBundles, type Beside } from "./also-required.ts";
import { identity } from "./identity.ts";
import { predicate, ruleRequirements } from "./requirements.ts";
import type { Rule } from "./rule.ts";
import { blobSubject, subject } from "./subject.ts";
import {
  makeVerified,
  type AttestationReport,
  type PlaceReport,
  type UnverifiedArtifact,
  type Verdict,
} from "./verdict.ts";

/** An attestation that was found: authenticated, refused, or listed but unreadable. */
export interface Candidate {
  readonly place: string;
  readonly result:
    | { readonly kind: "authentic"; readonly attestation: AuthenticAttestation }
    | { readonly kind: "refused"; readonly failure: AuthenticationFailure }
    | { readonly kind: "unreadable"; readonly code: ErrorCode; readonly message: string };
}

export interface DecisionInput {
  readonly artifact: Artifact;
  readonly rule: Rule;
  /** The policy's, for requirements that name another rule. */
  readonly rules: readonly Rule[];
  readonly candidates: readonly Candidate[];
  readonly places: readonly PlaceReport[];
  readonly now: Date;
}

/** The trusted root lists no such authority, or the issuer is not Buildkite's. */
const MAY_NOT_APPLY: readonly CheckId[] = ["sct", "log", "agreement"];

/** Rows that may be "not applicable" under this rule, and no others. */
function mayNotApply({ signer, content }: Rule): ReadonlySet<CheckId> {
  const byKey: readonly CheckId[] = signer.kind === "key" ? ["certificate"] : [];
  const ofBlob: readonly CheckId[] = content === "blob" ? ["statement", "predicate"] : [];
  return new Set([...MAY_NOT_APPLY, ...byKey, ...ofBlob]);
}

function demanded(rule: Rule): readonly CheckId[] {
  const also: readonly CheckId[] = rule.alsoRequired === undefined ? [] : ["rule.also-required"];
  return [...AUTHENTICATE_CHECKS, ...DECIDE_CHECKS, ...ruleRequirements(rule).keys(), ...also];
}

function passes(rule: Rule, checks: readonly Check[]): boolean {
  const ids = demanded(rule);
  const excused = mayNotApply(rule);
  return (
    checks.length === ids.length &&
    ids.every((id) => {
      const [row, ...others] = checks.filter((check) => check.id === id);
      if (row === undefined || others.length > 0) return false;
      return row.status === "passed" || (row.status === "not-applicable" && excused.has(id));
    })
  );
}

function rows(input: DecisionInput, attestation: AuthenticAttestation): readonly Check[] {
  const { rule } = input;
  const own = ownRows(input, rule, attestation);
  const { alsoRequired: required, ...alone } = rule;
  // What does not pass by itself is refused whatever lies beside it.
  if (required === undefined || !passes(alone, own)) return own;
  return [...own, alsoRequired(required, rule, { ...beside(input), of: attestation })];
}

function beside(input: DecisionInput): Beside {
  return {
    attestations: input.candidates.flatMap(({ result }) => (result.kind === "authentic" ? [result.attestation] : [])),
    rules: input.rules,
    passes: (other, of) => passes(other, ownRows(input, other, of)),
  };
}

function ownRows({ artifact, now }: DecisionInput, rule: Rule, attestation: AuthenticAttestation): readonly Check[] {
  const { content } = attestation;
  return [
    ...attestation.checks.map((check) => (check.id === "time" ? notFromTheFuture(check, attestation, now) : check)),
    content.kind === "blob"
      ? blobSubject(artifact, content.digest)
      : subject(rule, artifact, content.statement.subject),
    identity(rule, attestation),
    predicate(rule, attestation),
    ...[...ruleRequirements(rule).values()].map((requirement) => requirement(attestation, now)),
  ];
}

/** A stamp later than now means that one of two clocks is wrong; age and order would mean nothing. */
function notFromTheFuture(check: Check, { times }: AuthenticAttestation, now: Date): Check {
  const latest = new Date(now.getTime() + LIMITS.clockSkewMs);
  const future = times.find(({ time }) => time > latest);
  if (future === undefined) return check;
  return failed("time", "ERR_TIME", {
    expected: `no later than ${latest.toISOString()}`,
    found: `${future.time.toISOString()} by ${future.authority}`,
    hint: "is this machine's clock right?",
  });
}

function firstFailure(checks: readonly Check[]): Check | undefined {
  return checks.find((c) => c.status === "failed") ?? checks.find((c) => c.status === "undetermined");
}

function report(input: DecisionInput, { place, result }: Candidate): AttestationReport {
  if (result.kind === "unreadable") return { place, outcome: "undetermined", code: result.code, checks: [] };
  if (result.kind === "refused") {
    const { bundleDigest, code, checks } = result.failure;
    const outcome = checks.some((c) => c.status === "failed") ? "rejected" : "undetermined";
    return { place, bundleDigest, outcome, code, checks };
  }
  const { attestation } = result;
  const checks = rows(input, attestation);
  const known = {
    place,
    bundleDigest: attestation.bundleDigest,
    checks,
    signer: attestation.signer,
    times: attestation.times,
    ...(attestation.build === undefined ? {} : { build: attestation.build.facts }),
  };
  if (passes(input.rule, checks)) return { ...known, outcome: "passed" };
  const failure = firstFailure(checks);
  const outcome = failure?.status === "undetermined" ? "undetermined" : "rejected";
  return { ...known, outcome, code: failure?.code ?? "ERR_BUNDLE_INVALID" };
}

const UNSEEN_CODES: Readonly<Partial<Record<PlaceReport["outcome"], ErrorCode>>> = {
  capped: "ERR_BUDGET_SPENT",
  denied: "ERR_STORE_DENIED",
};

/** What could not be seen, why, and what the store says to do. */
function unseenHint(what: string, { message, hint }: PlaceReport): string {
  const why = message === undefined ? what : `${what}: ${message}`;
  return hint === undefined ? why : `${why}; ${hint}`;
}

/** The attestation that came nearest: the most rows passed. Its rows explain the verdict. */
function nearest(reports: readonly AttestationReport[]): AttestationReport | undefined {
  const score = (r: AttestationReport): number => r.checks.filter((c) => c.status === "passed").length;
  return reports.toSorted((a, b) => score(b) - score(a))[0];
}

function refused(input: DecisionInput, attestations: readonly AttestationReport[]): UnverifiedArtifact {
  const { artifact, rule, places } = input;
  const judged = { artifact, rule: rule.id, attestations, places };
  const obstructed = places.find((p) => p.outcome === "denied" || p.outcome === "unavailable");
  if (attestations.length === 0) {
    if (obstructed !== undefined) {
      const code = obstructed.outcome === "denied" ? "ERR_STORE_DENIED" : "ERR_STORE_UNAVAILABLE";
      return {
        ...judged,
        outcome: "undetermined",
        code,
        checks: [],
        hint: unseenHint(`could not look at ${obstructed.place}`, obstructed),
      };
    }
    return { ...judged, outcome: "unattested", code: "ERR_UNATTESTED", checks: [] };
  }
  const open = nearest(attestations.filter((r) => r.outcome === "undetermined"));
  if (open !== undefined) {
    return { ...judged, outcome: "undetermined", code: open.code ?? "ERR_CANDIDATE_UNREADABLE", checks: open.checks };
  }
  const unseen = places.find(
    (p) =>
      p.outcome === "unavailable" ||
      p.outcome === "capped" ||
      // What is also required may lie where nobody was let in.
      (p.outcome === "denied" && rule.alsoRequired !== undefined),
  );
  if (unseen !== undefined) {
    const code = UNSEEN_CODES[unseen.outcome] ?? "ERR_STORE_UNAVAILABLE";
    const hint = unseenHint(`not everything at ${unseen.place} could be looked at`, unseen);
    return { ...judged, outcome: "undetermined", code, checks: nearest(attestations)?.checks ?? [], hint };
  }
  const best = nearest(attestations);
  return { ...judged, outcome: "rejected", code: best?.code ?? "ERR_BUNDLE_INVALID", checks: best?.checks ?? [] };
}

/** One candidate must pass every check under the one rule; evidence of two is never combined. */
export function decide(input: DecisionInput): Verdict {
  const attestations = input.candidates.map((candidate) => report(input, candidate));
  const index = attestations.findIndex((r) => r.outcome === "passed");
  const candidate = input.candidates[index];
  if (candidate === undefined || candidate.result.kind !== "authentic") return refused(input, attestations);
  const { attestation } = candidate.result;
  const required = requiredBundles(input.rule.alsoRequired ?? [], input.rule, { ...beside(input), of: attestation });
  return makeVerified({
    artifact: input.artifact,
    rule: input.rule.id,
    checks: attestations[index]?.checks ?? [],
    attestations,
    places: input.places,
    ...(attestation.content.kind === "blob" ? {} : { statement: attestation.content.statement }),
    signer: attestation.signer,
    ...(attestation.build === undefined ? {} : { build: attestation.build.facts }),
    times: attestation.times,
    bundleDigest: attestation.bundleDigest,
    restsOn: [...new Set([attestation.bundleDigest, ...required])],
  });
}
