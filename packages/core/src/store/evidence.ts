// SPDX-License-Identifier: Apache-2.0
// Where the bundles came from that a verdict rests on, so that exactly those can be read again after it. What else was
// found for an artifact is forgotten with its verdict: a store full of junk must not fill the memory.
import type { Artifact, Origin } from "../artifact/source.ts";
import type { VerifiedArtifact } from "../policy/verdict.ts";
import type { BundleHandle, Found } from "./attestations.ts";
import type { Lookup } from "./lookup.ts";

/** Artifacts are told apart by their `origin`, which stays the same object when digests are added to an artifact. */
export class KeptEvidence {
  readonly #found = new WeakMap<Origin, Map<string, BundleHandle>>();
  readonly #kept = new WeakMap<Origin, readonly BundleHandle[]>();

  /** The same lookup, remembered. */
  watch(lookup: Lookup): Lookup {
    return (artifact, asked, ctx) => this.#remember(artifact, lookup(artifact, asked, ctx));
  }

  async *#remember(artifact: Artifact, places: AsyncIterable<Found>): AsyncGenerator<Found> {
    const handles = new Map<string, BundleHandle>();
    this.#found.set(artifact.origin, handles);
    for await (const found of places) {
      for (const handle of found.handles) handles.set(handle.place, handle);
      yield found;
    }
  }

  /** Keeps what the verdict rests on, in its order, the bundle that passed first. */
  keep({ artifact, attestations, restsOn }: VerifiedArtifact): void {
    const handles = this.#found.get(artifact.origin);
    const kept = restsOn.flatMap((digest) => {
      const place = attestations.find((report) => report.bundleDigest === digest)?.place ?? "";
      return handles?.get(place) ?? [];
    });
    this.#found.delete(artifact.origin);
    this.#kept.set(artifact.origin, kept);
  }

  /** What was kept for the artifact of a verdict, also of a later one on the same bytes under another name. */
  of({ artifact }: VerifiedArtifact): readonly BundleHandle[] {
    return this.#kept.get(artifact.origin) ?? [];
  }

  /** Finds what was kept and nothing else. */
  get lookup(): Lookup {
    return (artifact) => this.#again(artifact);
  }

  async *#again(artifact: Artifact): AsyncGenerator<Found> {
    const handles = this.#kept.get(artifact.origin) ?? [];
    const outcome = handles.length > 0 ? "found" : "nothing";
    yield await Promise.resolve({ place: "the bundles that passed", outcome, handles });
  }
}
