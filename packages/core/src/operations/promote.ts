// SPDX-License-Identifier: Apache-2.0
// promote: verified artifacts of stores → another place, with the attestations that they were verified by. Conflicts are
// found first; then bundle → references → sidecar → artifact, create-only, so that whatever is visible at the destination
// is attested there, and what a killed run left is completed by the next. Only genuine verdicts are promoted, each reached
// under the very name that the artifact gets.
import { throwIfInterrupted } from "../artifact/file.ts";
import type { Compute } from "../compute.ts";
import { forEachLimited } from "../concurrency.ts";
import type { Context } from "../context.ts";
import { KitesealError, quote } from "../errors.ts";
import { isVerified } from "../policy/verdict.ts";
import { refuseConflict } from "../store/conflict.ts";
import type { Repository, StoredObject } from "../store/contract.ts";
import { portableKey, type Key } from "../store/keys.ts";
import type { ArtifactPlace } from "../store/lookup.ts";
import { putPassed, readPassed, type Attested } from "../store/promoted-attestations.ts";
import type { PinnedArtifact } from "../store/pins.ts";
import { putSidecar } from "../store/sidecar.ts";
import type { Pinned } from "../store/stored-bytes.ts";
import { transfer, type Transferred } from "../store/transfer.ts";

/** `verified`: of an artifact that lies in a store (its origin says which version), under its name at the destination. */
export interface Promotable extends Omit<Attested, "sha256"> {
  readonly from: ArtifactPlace;
}

export interface PromoteRequest {
  readonly artifacts: readonly Promotable[];
  /** Opened with the same options as the sources: where both ends have one address for a key, the store copies by itself. */
  readonly destination: Repository;
  /** Says, of a conflict, who attested what is there. */
  readonly compute: Compute;
  /** Also write `ARTIFACT.sigstore.json` for other clients. */
  readonly sidecar: boolean;
  /** Artifacts in flight at once. */
  readonly concurrency: number;
}

export interface PromotedArtifact extends PinnedArtifact {
  /** Where it was taken from. */
  readonly source: string;
  readonly outcome: Transferred["outcome"];
  readonly verifiedBy: Transferred["verifiedBy"];
  readonly by: Transferred["by"];
}

export interface Promotion {
  readonly artifacts: readonly PromotedArtifact[];
  readonly warnings: readonly string[];
}

interface Prepared extends Attested {
  readonly from: Pinned;
  readonly name: string;
  readonly key: Key;
}

/**
 * Errors: ERR_NO_MATCH for none, ERR_KEY_INVALID, ERR_DUPLICATE_NAME, ERR_STORE_CONFLICT before anything is written;
 * ERR_STORE_TAMPERED, ERR_PIN_CHANGED, ERR_CANDIDATE_UNREADABLE, those of the stores. TypeError for what is not verified.
 */
export async function promote(request: PromoteRequest, ctx: Context): Promise<Promotion> {
  const { destination, concurrency } = request;
  if (request.artifacts.length === 0) throw new KitesealError("ERR_NO_MATCH", "there is nothing to promote");
  const prepared = request.artifacts.map((artifact) => prepare(artifact, destination));
  refuseCollisions(prepared);
  const hint = "nothing was copied, and what is there stays: promote to another address";
  const check = { repository: destination, compute: request.compute, hint };
  const there = await forEachLimited(prepared, concurrency, ({ key, sha256, from }) =>
    refuseConflict(check, { key, size: from.object.size, sha256 }, ctx),
  );
  await tryPromises(destination, prepared, ctx);
  await putPassed(destination.attestations, prepared, ctx);
  const warnings: string[] = [];
  let done = 0;
  const work = prepared.map((item, i) => ({ item, existing: there[i] }));
  const artifacts = await forEachLimited(work, concurrency, async ({ item, existing }) => {
    throwIfInterrupted(ctx);
    if (request.sidecar) warnings.push(...(await sidecar(destination, item, ctx)));
    const promoted = await place(destination, { item, existing }, ctx);
    ctx.progress?.({ stage: "upload", subject: item.name, done: ++done, total: work.length, unit: "items" });
    return promoted;
  });
  return { artifacts, warnings };
}

/** A verdict is worth nothing for another object, version or name than its own. */
function prepare({ verified, from, bundles }: Promotable, { artifacts: { prefix } }: Repository): Prepared {
  if (!isVerified(verified)) throw new TypeError("only what verify has passed can be promoted");
  const { origin, digest, size, name = "" } = verified.artifact;
  const { sha256 } = digest;
  if (
    origin.kind !== "stored" ||
    origin.url !== from.store.url(from.key) ||
    size === undefined ||
    sha256 === undefined
  ) {
    throw new TypeError(`the verdict on ${quote(name)} is about something else than what would be promoted`);
  }
  const base = prefix.normalize("NFC");
  if (!name.startsWith(base)) throw new TypeError(`${quote(name)} was not verified under its name at the destination`);
  const relative = name.slice(base.length);
  const key = portableKey(prefix, relative);
  const object = { key: from.key, size, pin: origin.pin };
  return { verified, sha256, bundles, from: { store: from.store, object }, name: relative, key };
}

function refuseCollisions(prepared: readonly Prepared[]): void {
  const byKey = new Map<string, Prepared>();
  for (const item of prepared) {
    const other = byKey.get(item.key);
    if (other !== undefined) {
      const [a, b] = [other, item].map(({ from }) => quote(from.store.url(from.object.key)));
      throw new KitesealError("ERR_DUPLICATE_NAME", `${a} and ${b} would both become ${quote(item.name)}`, {
        hint: "nothing was copied; promote them to addresses of their own, or from a common folder with --recursive",
      });
    }
    byKey.set(item.key, item);
  }
}

/** What the stores promise is tried before anything is written to them. */
async function tryPromises(
  { artifacts, attestations }: Repository,
  prepared: readonly Prepared[],
  ctx: Context,
): Promise<void> {
  await artifacts.store.prepare(
    prepared.reduce((most, { from }) => Math.max(most, from.object.size), 0),
    ctx,
  );
  if (attestations.store !== artifacts.store) await attestations.store.prepare(0, ctx);
}

async function sidecar(to: Repository, { key, bundles, verified }: Prepared, ctx: Context): Promise<readonly string[]> {
  const [handle] = bundles;
  if (handle === undefined) throw new TypeError("a pass rests on a bundle");
  const bundle = await readPassed(handle, verified.bundleDigest, ctx);
  const kept = await putSidecar(to.artifacts.store, { key, bundle }, ctx);
  return kept === undefined ? [] : [kept];
}

async function place(
  to: Repository,
  { item, existing }: { item: Prepared; existing: StoredObject | undefined },
  ctx: Context,
): Promise<PromotedArtifact> {
  const { store } = to.artifacts;
  const { from, key, name, sha256, verified } = item;
  // What was there was read, and is these bytes.
  const done: Transferred =
    existing === undefined
      ? await transfer(from, { store, key, sha256 }, ctx)
      : { outcome: "exists-same", object: existing, verifiedBy: "re-read", by: "nothing" };
  const { object, outcome, verifiedBy, by } = done;
  const { pin, size } = object;
  const source = from.store.url(from.object.key);
  return { name, url: store.url(key), pin, size, sha256, bundles: verified.restsOn, source, outcome, verifiedBy, by };
}
