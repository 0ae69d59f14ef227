// SPDX-License-Identifier: Apache-2.0
// publish: files → digests → conflicts? → attest → bundle → references → sidecar → artifact. In that order, so that an
// artifact which Kiteseal shows is always attested, and nothing enters a public log for a store that would refuse it. The
// parts of a large file travel while it is hashed, where they stay invisible until the artifact's turn comes.
import type { CollectedFile } from "../artifact/collect.ts";
import type { HashAlgorithm } from "../artifact/source.ts";
import { forEachLimited } from "../concurrency.ts";
import type { Context } from "../context.ts";
import { LIMITS } from "../limits.ts";
import { checkEligible } from "../provenance/eligibility.ts";
import { keysInUse, refuseConflict } from "../store/conflict.ts";
import type { Ahead, Repository, Stored, StoredObject } from "../store/contract.ts";
import type { Key } from "../store/keys.ts";
import type { PinnedArtifact } from "../store/pins.ts";
import { createPreparation, type Prepared } from "../store/preparation.ts";
import { putSidecar } from "../store/sidecar.ts";
import {
  attest,
  requireSigner,
  storeAttestation,
  type Attestation,
  type AttestRequest,
  type AttestSubject,
} from "./attest.ts";

export interface PublishRequest extends Omit<AttestRequest, "subjects"> {
  readonly files: readonly CollectedFile[];
  readonly repository: Repository;
  /** Beyond what the store asks for. */
  readonly algorithms: readonly HashAlgorithm[];
  /** Also write `ARTIFACT.sigstore.json` for other clients. */
  readonly sidecar: boolean;
  /** Artifacts in flight at once. */
  readonly concurrency: number;
}

export interface PublishedArtifact extends PinnedArtifact {
  readonly outcome: Stored["outcome"];
  readonly verifiedBy: Stored["verifiedBy"];
}

export interface Publication {
  readonly artifacts: readonly PublishedArtifact[];
  readonly attestations: readonly Attestation[];
  readonly warnings: readonly string[];
}

/** Errors: attest's; ERR_FORK_BUILD, ERR_KEY_INVALID, ERR_STORE_CONFLICT, ERR_FILE_CHANGED, those of the store. */
export async function publish(request: PublishRequest, ctx: Context): Promise<Publication> {
  checkEligible(request.job, request.files, "publish");
  await requireSigner(request, request.files.length, ctx);
  const begun: Ahead[] = [];
  try {
    const { files, repository, algorithms } = request;
    const prepare = createPreparation({ to: repository.artifacts, algorithms, begun });
    const prepared = await forEachLimited(files, LIMITS.parallelFiles, (file) => prepare(file, ctx));
    return await publishPrepared(request, prepared, ctx);
  } catch (error) {
    await Promise.all(begun.map((ahead) => ahead.abandon(error)));
    throw error;
  }
}

async function publishPrepared(
  request: PublishRequest,
  prepared: readonly Prepared[],
  ctx: Context,
): Promise<Publication> {
  const { repository, compute } = request;
  const hint = "nothing was signed; put {build} or {job} into --to so that each build has its own place";
  const check = { repository, compute, hint };
  const keys = prepared.map(({ key }) => key);
  const inUse = await keysInUse(repository.artifacts, keys, ctx);
  const suspects = inUse === undefined ? prepared : prepared.filter(({ key }) => inUse.has(key));
  const there = new Map<Key, StoredObject>();
  await forEachLimited(suspects, LIMITS.parallelLooks, async ({ key, source }) => {
    const existing = await refuseConflict(check, { key, size: source.size, sha256: source.digests.sha256 }, ctx);
    if (existing !== undefined) there.set(key, existing);
  });
  const { artifacts: target, attestations: root } = repository;
  for (const { key, ahead } of prepared) {
    if (there.has(key)) await ahead?.abandon(undefined);
    else await ahead?.begun(ctx);
  }
  await target.store.prepare(Math.max(0, ...prepared.map(({ source }) => source.size)), ctx);
  if (root.store !== target.store) await root.store.prepare(0, ctx);
  const subjects = prepared.map((item) => subjectOf(item, request.algorithms));
  const { attestations, warnings } = await attest({ ...request, subjects }, ctx);
  for (const attestation of attestations) await storeAttestation(request.repository.attestations, attestation, ctx);
  const bySubject = attestationsByName(attestations);
  const kept: string[] = [];
  let done = 0;
  const published = await forEachLimited(prepared, request.concurrency, async (item) => {
    const existing = there.get(item.key);
    const artifact = await storeArtifact(request, { item, existing, attestations: bySubject, kept }, ctx);
    ctx.progress?.({ stage: "upload", subject: item.name, done: ++done, total: prepared.length, unit: "items" });
    return artifact;
  });
  return { artifacts: published, attestations, warnings: [...warnings, ...kept] };
}

/** What was hashed for the store only (parts, md5) is nothing to sign. */
function subjectOf({ name, source }: Prepared, algorithms: readonly HashAlgorithm[]): AttestSubject {
  const more = algorithms.map((algorithm) => [algorithm, source.digests[algorithm]] as const);
  const asked = Object.fromEntries(more.flatMap(([algorithm, hex]) => (hex === undefined ? [] : [[algorithm, hex]])));
  return { name, digests: { sha256: source.digests.sha256, ...asked } };
}

function attestationsByName(attestations: readonly Attestation[]): ReadonlyMap<string, readonly Attestation[]> {
  const byName = new Map<string, Attestation[]>();
  for (const attestation of attestations) {
    for (const { name } of attestation.subjects) byName.set(name, [...(byName.get(name) ?? []), attestation]);
  }
  return byName;
}

async function storeArtifact(
  request: PublishRequest,
  o: {
    item: Prepared;
    existing: StoredObject | undefined;
    attestations: ReadonlyMap<string, readonly Attestation[]>;
    kept: string[];
  },
  ctx: Context,
): Promise<PublishedArtifact> {
  const { name, key, source, ahead } = o.item;
  const { store: target } = request.repository.artifacts;
  const own = o.attestations.get(name) ?? [];
  const bundle = request.sidecar ? own[0]?.bundle : undefined;
  const kept = bundle === undefined ? undefined : await putSidecar(target, { key, bundle }, ctx);
  if (kept !== undefined) o.kept.push(kept);
  // What was there was read, and is these bytes.
  const stored: Stored =
    o.existing === undefined
      ? await (ahead?.put(source, ctx) ?? target.put(key, { source }, ctx))
      : { outcome: "exists-same", object: o.existing, verifiedBy: "read-back" };
  return {
    name,
    url: target.url(key),
    pin: stored.object.pin,
    size: source.size,
    sha256: source.digests.sha256,
    bundles: own.map((a) => a.bundleDigest),
    outcome: stored.outcome,
    verifiedBy: stored.verifiedBy,
  };
}
