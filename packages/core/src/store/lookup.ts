// SPDX-License-Identifier: Apache-2.0
// Where to look for attestations of one artifact, in order, nearest first. Bundles given by hand are the only place
// then; pins name bundles exactly; otherwise the roots that were named, or the sidecar and then `.kiteseal/` in each
// folder up to the bucket's.
import type { Artifact } from "../artifact/source.ts";
import type { Context } from "../context.ts";
import {
  findBundles,
  findPinned,
  findSidecar,
  type BundleHandle,
  type FindOptions,
  type Found,
} from "./attestations.ts";
import type { Location, Store } from "./contract.ts";
import type { Key } from "./keys.ts";
import { rootsAbove } from "./layout.ts";

/** Where an artifact itself lies, as far as it lies in a store. */
export interface ArtifactPlace {
  readonly store: Store;
  readonly key: Key;
}

export interface LookupOptions {
  /** `--bundle`: nothing else is looked at. */
  readonly bundles?: readonly BundleHandle[];
  /** `--attestations`: these instead of the folders above the artifact. */
  readonly roots?: readonly Location[];
  locate(artifact: Artifact): ArtifactPlace | undefined;
  /** Digests of the bundles that a pins file names for the artifact. */
  pinned?(artifact: Artifact): readonly string[] | undefined;
}

/** Whose attestations are asked for. */
export type Asked = Omit<FindOptions, "subjectDigest">;

export type Lookup = (artifact: Artifact, rule: Asked, ctx: Context) => AsyncIterable<Found>;

export function createLookup(options: LookupOptions): Lookup {
  return (artifact, rule, ctx) => look(options, { artifact, rule }, ctx);
}

async function* look(
  options: LookupOptions,
  asked: { artifact: Artifact; rule: Asked },
  ctx: Context,
): AsyncGenerator<Found> {
  if (options.bundles !== undefined) {
    yield {
      place: "the bundles given",
      outcome: options.bundles.length > 0 ? "found" : "nothing",
      handles: options.bundles,
    };
    return;
  }
  const { artifact, rule } = asked;
  const where = options.locate(artifact);
  const roots =
    options.roots ??
    (where === undefined || where.store.lists === false
      ? []
      : rootsAbove(where.key).map((prefix) => ({ store: where.store, prefix })));
  const pinned = options.pinned?.(artifact);
  if (pinned !== undefined) {
    for (const root of roots) yield await findPinned(root, pinned, ctx);
    return;
  }
  // Whoever may see only what is below a root is told 403 of a sidecar that is not there, which would be no answer.
  if (where !== undefined && options.roots === undefined) yield await findSidecar(where.store, where.key, ctx);
  const subjectDigest = artifact.digest["sha256"];
  if (subjectDigest === undefined) return;
  for (const root of roots) yield await findBundles(root, { ...rule, subjectDigest }, ctx);
}
