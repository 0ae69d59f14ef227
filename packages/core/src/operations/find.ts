// SPDX-License-Identifier: Apache-2.0
// find: which attestations there are for some bytes, and where. Looks where verify would look, at everybody's, and believes
// nothing of what it finds; for eyes and for incidents, never for a gate.
import type { Artifact } from "../artifact/source.ts";
import { sha256Hex } from "../artifact/digest.ts";
import { throwIfInterrupted } from "../artifact/file.ts";
import type { Context } from "../context.ts";
import { isKitesealError, type ErrorCode } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { PlaceReport } from "../policy/verdict.ts";
import { type BundleHandle, placeReport } from "../store/attestations.ts";
import type { Lookup } from "../store/lookup.ts";
import { inspectBundle, type Inspection } from "./inspect.ts";

/** What lies at one place. Who writes the store chooses all of it. */
export type FoundBundle = { readonly place: string; readonly digest?: string } & (
  | {
      readonly kind: "readable";
      readonly digest: string;
      /** Whether its statement names these bytes; undefined where there is no statement to read. */
      readonly claimsTheseBytes: boolean | undefined;
      readonly unverified: Inspection;
    }
  | { readonly kind: "unreadable"; readonly code: ErrorCode; readonly message: string }
);

export interface FoundAttestations {
  readonly artifact: Artifact;
  /**
   * `found`: at least one that may be about these bytes. `unknown`: none, and a place or an attestation could not be read, or
   * not all of it. `none`: every place was looked at.
   */
  readonly outcome: "found" | "unknown" | "none";
  readonly places: readonly PlaceReport[];
  readonly bundles: readonly FoundBundle[];
}

/** Errors: ERR_INTERRUPTED. What goes wrong with a place or a bundle is part of the answer. */
export async function findAttestations(artifact: Artifact, lookup: Lookup, ctx: Context): Promise<FoundAttestations> {
  const places: PlaceReport[] = [];
  const bundles: FoundBundle[] = [];
  let isOpen = false;
  for await (const found of lookup(artifact, { signers: [], atMost: LIMITS.bundlesPerBuilder }, ctx)) {
    places.push(placeReport(found));
    isOpen ||= found.outcome !== "found" && found.outcome !== "nothing";
    for (const handle of found.handles) {
      throwIfInterrupted(ctx);
      const bundle = await look(handle, artifact, ctx);
      bundles.push(bundle);
      // Also one that was changed: nobody can say what it was about.
      isOpen ||= bundle.kind === "unreadable";
    }
  }
  const some = bundles.some((bundle) => bundle.kind === "readable" && bundle.claimsTheseBytes !== false);
  return { artifact, outcome: some ? "found" : isOpen ? "unknown" : "none", places, bundles };
}

async function look(handle: BundleHandle, artifact: Artifact, ctx: Context): Promise<FoundBundle> {
  const { place, digest } = handle;
  try {
    const bytes = await handle.read(ctx);
    const unverified = inspectBundle(bytes);
    const claimsTheseBytes = claims(unverified, artifact);
    return { kind: "readable", place, digest: sha256Hex(bytes), claimsTheseBytes, unverified };
  } catch (error) {
    if (!isKitesealError(error) || error.kind === "interrupted") throw error;
    const { code, message } = error;
    return { kind: "unreadable", place, ...(digest === undefined ? {} : { digest }), code, message };
  }
}

function claims({ unverifiedStatement }: Inspection, { digest }: Artifact): boolean | undefined {
  if (unverifiedStatement === undefined) return undefined;
  return unverifiedStatement.subject.some((subject) => subject.digest["sha256"] === digest["sha256"]);
}
