// SPDX-License-Identifier: Apache-2.0
// verify: name → rule → bundles → authenticate → decide. Bundles are authenticated once a run, whatever the number of
// artifacts they are about. `verify` returns a VerifiedArtifact or throws; `verifyAll` never throws for one artifact.
import type { Artifact } from "../artifact/source.ts";
import type { Compute } from "../compute.ts";
import type { Context } from "../context.ts";
import { isKitesealError, KitesealError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { decide, type Candidate } from "../policy/decide.ts";
import { applyException } from "../policy/exceptions.ts";
import { allowedSubjects, type Policy } from "../policy/rule.ts";
import { selectRule } from "../policy/select.ts";
import { missingDigests } from "../policy/subject.ts";
import {
  isVerified,
  type PlaceReport,
  type UnverifiedArtifact,
  type Verdict,
  type VerifiedArtifact,
} from "../policy/verdict.ts";
import { sha256Hex, type BundleHandle } from "../store/attestations.ts";
import type { Lookup } from "../store/lookup.ts";
import type { Authentication } from "../verification/authenticate.ts";
import { AUTHENTICATE_CHECKS, checkOf, notRun } from "../verification/check.ts";

export interface VerifyRequest {
  readonly policy: Policy;
  readonly compute: Compute;
  readonly lookup: Lookup;
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
export async function verify(artifact: Artifact, request: VerifyRequest, ctx: Context): Promise<VerifiedArtifact> {
  const verdict = await verifyOne(artifact, new Run(request), ctx);
  if (isVerified(verdict)) return verdict;
  throw new VerificationError(verdict);
}

/** One verdict an artifact, in their order. */
export async function* verifyAll(
  artifacts: AsyncIterable<Artifact> | Iterable<Artifact>,
  request: VerifyRequest,
  ctx: Context,
): AsyncGenerator<Verdict> {
  const run = new Run(request);
  for await (const artifact of artifacts) {
    ctx.signal?.throwIfAborted();
    yield await verifyOne(artifact, run, ctx);
  }
}

/** What one run remembers: authentications by bundle digest, the oldest forgotten first. */
class Run {
  readonly request: VerifyRequest;
  readonly #known = new Map<string, { result: Authentication; bytes: number }>();
  #bytes = 0;

  constructor(request: VerifyRequest) {
    this.request = request;
  }

  async authenticate(handle: BundleHandle, ctx: Context): Promise<Authentication> {
    const named = handle.digest === undefined ? undefined : this.#known.get(handle.digest);
    if (named !== undefined) return named.result;
    const bytes = await handle.read(ctx);
    const digest = sha256Hex(bytes);
    const known = this.#known.get(digest);
    if (known !== undefined) return known.result;
    const result = await this.request.compute.authenticate(bytes, digest);
    this.#known.set(digest, { result, bytes: bytes.length });
    this.#bytes += bytes.length;
    for (const [oldest, { bytes: size }] of this.#known) {
      if (this.#bytes <= LIMITS.authenticationCacheBytes || oldest === digest) break;
      this.#known.delete(oldest);
      this.#bytes -= size;
    }
    return result;
  }
}

async function verifyOne(artifact: Artifact, run: Run, ctx: Context): Promise<Verdict> {
  const { rules } = run.request.policy;
  const rule = selectRule(run.request.policy, artifact.name);
  if (rule === undefined) return noRule(artifact);
  const signers = allowedSubjects(rule.signer);
  const buildNumber = rule.signer.kind === "buildkite" ? rule.signer.build?.value : undefined;
  const candidates: Candidate[] = [];
  const places: PlaceReport[] = [];
  let asked = artifact;
  for await (const found of run.request.lookup(
    artifact,
    { signers, ...(buildNumber === undefined ? {} : { buildNumber }) },
    ctx,
  )) {
    places.push({ place: found.place, outcome: found.outcome, count: found.handles.length });
    for (const handle of found.handles) {
      const candidate = await authenticateHandle(handle, run, ctx);
      candidates.push(candidate);
      asked = await withAllDigests(asked, candidate, { run, ctx });
      const verdict = decide({ artifact: asked, rule, rules, candidates, places, now: ctx.now() });
      if (isVerified(verdict)) return verdict;
    }
  }
  const verdict = decide({ artifact: asked, rule, rules, candidates, places, now: ctx.now() });
  return applyException(verdict, run.request.policy, ctx.now());
}

function noRule(artifact: Artifact): UnverifiedArtifact {
  const hint = "add a rule or `otherwise` to the policy, or say the name with --name or --base";
  return { outcome: "rejected", code: "ERR_NO_RULE", artifact, checks: [], attestations: [], places: [], hint };
}

async function authenticateHandle(handle: BundleHandle, run: Run, ctx: Context): Promise<Candidate> {
  const { place } = handle;
  try {
    return { place, result: await run.authenticate(handle, ctx) };
  } catch (error) {
    if (!isKitesealError(error) || error.kind === "interrupted") throw error;
    if (error.kind === "undetermined")
      return { place, result: { kind: "unreadable", code: error.code, message: error.message } };
    const checks = AUTHENTICATE_CHECKS.map((id) => (id === checkIdOf(error) ? checkOf(id, error) : notRun(id)));
    return {
      place,
      result: { kind: "refused", failure: { bundleDigest: handle.digest ?? "", code: error.code, checks } },
    };
  }
}

function checkIdOf(error: KitesealError): "limits" | "bundle" {
  return error.code === "ERR_LIMIT_EXCEEDED" ? "limits" : "bundle";
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
