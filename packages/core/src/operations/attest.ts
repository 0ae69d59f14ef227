// SPDX-License-Identifier: Apache-2.0
// attest: job and token → conflicts? → statement → guard → sign → self-verify → bundle. One token, one key, one
// certificate a run. Nothing leaves this function that would not verify.
import type { ResourceDescriptor, Statement } from "@kiteseal/in-toto-attestation";
import { sha256Hex } from "../artifact/digest.ts";
import type { Artifact, SourceDigests } from "../artifact/source.ts";
import type { UnverifiedClaims } from "../buildkite/claims.ts";
import type { Job } from "../buildkite/job.ts";
import { compareJobWithToken } from "../buildkite/job-agreement.ts";
import type { Secrets } from "../buildkite/secrets.ts";
import { parseTokenSubject } from "../buildkite/token-subject.ts";
import type { Compute } from "../compute.ts";
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import { decide } from "../policy/decide.ts";
import { selfRule } from "../policy/compile.ts";
import { isVerified, type UnverifiedArtifact, type VerifiedArtifact } from "../policy/verdict.ts";
import { checkEligible } from "../provenance/eligibility.ts";
import { buildProvenance, statementForPredicate } from "../provenance/statements.ts";
import { guardNotes, guardPayload, type SignablePayload } from "../signing/guard.ts";
import { disclosure, requireTransparencyConsent, type TransparencyConsent } from "../signing/services.ts";
import { sign } from "../signing/sign.ts";
import type { SigningIdentity } from "../signing/signer.ts";
import { encodeBundle } from "../sigstore/bundle.ts";
import { signerName } from "../sigstore/certificate.ts";
import { putAttestation } from "../store/attestations.ts";
import type { Location } from "../store/contract.ts";
import { isUntimely, selfVerificationFailed } from "../verification/self-verification.ts";

export interface AttestSubject {
  readonly name: string;
  readonly digests: Pick<SourceDigests, "sha256" | "sha384" | "sha512">;
}

export interface AttestRequest {
  readonly job: Job;
  readonly identity: SigningIdentity;
  readonly secrets: Secrets;
  readonly leakAllow: readonly string[];
  readonly consent: TransparencyConsent;
  /** Of the trusted root that the new attestation must verify against. */
  readonly compute: Compute;
  readonly subjects: readonly AttestSubject[];
  /** Instead of provenance: any predicate, as JSON. */
  readonly predicate?: { readonly type: string; readonly value: unknown };
  readonly dependencies: readonly ResourceDescriptor[];
  /** The commit that the checkout holds; a claim. */
  readonly checkoutCommit?: string;
  readonly split: "batched" | "per-artifact";
  readonly version: string;
}

export interface Attestation {
  /** Bundle v0.3, UTF-8 JSON. */
  readonly bundle: Uint8Array;
  readonly bundleDigest: string;
  readonly verified: VerifiedArtifact;
  /** See signerName. */
  readonly signer: string;
  readonly buildNumber?: number;
  readonly subjects: readonly AttestSubject[];
}

export interface AttestResult {
  readonly attestations: readonly Attestation[];
  readonly warnings: readonly string[];
}

/**
 * Errors: ERR_JOB_FAILED, ERR_NO_MATCH, ERR_JOB_MISMATCH, ERR_PUBLIC_LOG_UNCONFIRMED, ERR_SECRET_FOUND,
 * ERR_SELF_VERIFICATION, those of the token source and of the signing services, ERR_INTERRUPTED.
 */
export async function attest(request: AttestRequest, ctx: Context): Promise<AttestResult> {
  checkEligible(request.job, request.subjects, "attest");
  const { claims, commitUnproven } = await requireSigner(request, request.subjects.length, ctx);
  const { statements, warnings } = buildStatements(request, claims);
  const guarded = statements.map((statement) => guardPayload(statement, request.secrets, { allow: request.leakAllow }));
  const attestations: Attestation[] = [];
  for (const [index, { payload }] of guarded.entries()) {
    ctx.progress?.({ stage: "sign", subject: "statement", done: index, total: guarded.length, unit: "items" });
    attestations.push(await signVerified(request, { payload, subjects: subjectsOf(request, statements[index]) }, ctx));
  }
  const notes = guarded[0] === undefined ? [] : guardNotes(guarded[0]);
  const symbolic = commitUnproven
    ? [
        `the token names the commit ${JSON.stringify(claims.commitText ?? "")}: the commit stays unproven and a rule about it will fail`,
      ]
    : [];
  return { attestations, warnings: [...symbolic, ...warnings, ...notes] };
}

/**
 * What can be refused before an artifact is read. Errors: ERR_JOB_MISMATCH, ERR_TOKEN_INVALID, ERR_PUBLIC_LOG_UNCONFIRMED,
 * those of the token source.
 */
export async function requireSigner(
  { job, identity, consent }: Pick<AttestRequest, "job" | "identity" | "consent">,
  subjects: number,
  ctx: Context,
): Promise<{ claims: UnverifiedClaims; commitUnproven: boolean }> {
  const claims = await identity.claims(ctx);
  const { commitUnproven } = compareJobWithToken(job, claims);
  refuseAmbiguous(claims.subject);
  requireTransparencyConsent(identity.services, consent, disclosure(claims, subjects));
  return { claims, commitUnproven };
}

/** A branch or step key with a colon: nobody could verify the certificate, so nothing is logged for it. */
function refuseAmbiguous(subject: string): void {
  const parsed = parseTokenSubject(subject);
  if (parsed.kind !== "ambiguous") return;
  throw new KitesealError("ERR_TOKEN_INVALID", `the token's subject can be read in two ways: ${parsed.reason}`, {
    hint: "use no colon in branch names and step keys of pipelines that sign",
  });
}

function buildStatements(
  request: AttestRequest,
  claims: UnverifiedClaims,
): { statements: readonly Statement[]; warnings: readonly string[] } {
  const { job, subjects, predicate, dependencies, checkoutCommit, split, version } = request;
  if (predicate !== undefined) {
    return { statements: [statementForPredicate(subjects, predicate.type, predicate.value)], warnings: [] };
  }
  return buildProvenance({
    job,
    token: claims,
    subjects,
    dependencies,
    ...(checkoutCommit === undefined ? {} : { checkoutCommit }),
    kitesealVersion: version,
    split,
  });
}

function subjectsOf(request: AttestRequest, statement: Statement | undefined): readonly AttestSubject[] {
  const names = new Set(statement?.subject.map((s) => s.name));
  return request.subjects.filter((s) => names.has(s.name));
}

interface Unsigned {
  readonly payload: SignablePayload;
  readonly subjects: readonly AttestSubject[];
}

/** Signs again once if the times do not fit. */
async function signVerified(request: AttestRequest, unsigned: Unsigned, ctx: Context): Promise<Attestation> {
  const first = await signOnce(request, unsigned, ctx);
  if ("attestation" in first) return first.attestation;
  const second = isUntimely(first.verdict) ? await signOnce(request, unsigned, ctx) : first;
  if ("attestation" in second) return second.attestation;
  throw selfVerificationFailed(second.verdict);
}

async function signOnce(
  request: AttestRequest,
  { payload, subjects }: Unsigned,
  ctx: Context,
): Promise<{ attestation: Attestation } | { verdict: UnverifiedArtifact }> {
  const bundle = encodeBundle(await sign(payload, request.identity, ctx));
  const bundleDigest = sha256Hex(bundle);
  const result = await request.compute.authenticate(bundle, bundleDigest);
  const [subject] = subjects;
  if (subject === undefined) throw new KitesealError("ERR_NO_MATCH", "a statement without subjects");
  const artifact: Artifact = { name: subject.name, digest: { ...subject.digests }, origin: { kind: "digest" } };
  const { organization, pipeline } = request.job.facts;
  const rule = selfRule({ organization, pipeline, type: request.predicate?.type });
  const candidates = [{ place: "the new attestation", result }];
  const verdict = decide({ artifact, rule, rules: [rule], candidates, places: [], now: ctx.now() });
  if (!isVerified(verdict)) return { verdict };
  const buildNumber = verdict.build?.buildNumber;
  const attestation = { bundle, bundleDigest, verified: verdict, signer: signerName(verdict.signer), subjects };
  return { attestation: buildNumber === undefined ? attestation : { ...attestation, buildNumber } };
}

/** The bundle and a reference for each of its subjects, below a store's root. Errors: putAttestation's. */
export async function storeAttestation(root: Location, attestation: Attestation, ctx: Context): Promise<void> {
  const { bundle, signer, buildNumber, subjects } = attestation;
  const digests = [...new Set(subjects.map((subject) => subject.digests.sha256))];
  const known = buildNumber === undefined ? {} : { buildNumber };
  await putAttestation(root, { bundle, signer, subjects: digests, ...known }, ctx);
}
