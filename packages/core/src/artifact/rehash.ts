// SPDX-License-Identifier: Apache-2.0
// Further digests of bytes that were hashed before: a statement may state more than sha256, and all of them have to agree.
import { KitesealError, quote } from "../errors.ts";
import type { Artifact, DigestPlan, SourceDigests } from "./source.ts";

/** What to compute for a statement that states these algorithms, whatever it calls them. */
export function rehashPlan(algorithms: readonly string[]): DigestPlan {
  return { algorithms: ["sha256", ...(["sha384", "sha512"] as const).filter((known) => algorithms.includes(known))] };
}

/** The artifact with these digests of its bytes. Throws ERR_FILE_CHANGED if they are of other bytes. */
export function withDigests(artifact: Artifact, { sha256, sha384, sha512 }: SourceDigests): Artifact {
  if (sha256 !== artifact.digest["sha256"]) {
    throw new KitesealError(
      "ERR_FILE_CHANGED",
      `${quote(artifact.name ?? "the artifact")} changed while it was verified`,
    );
  }
  const more = { ...(sha384 === undefined ? {} : { sha384 }), ...(sha512 === undefined ? {} : { sha512 }) };
  return { ...artifact, digest: { ...artifact.digest, ...more } };
}
