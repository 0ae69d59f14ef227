// SPDX-License-Identifier: Apache-2.0
// The names that are kept for attestations (docs/reference/layout.md). What a listing leaves out, what a key may not be
// and where an attestation is looked for are one list: a name on it for some and not for others would hide an artifact.

/** The folder below a store's fixed part that holds attestations. */
export const ATTESTATIONS_FOLDER = ".kiteseal";
/** The name other clients look for beside an artifact. */
export const SIDECAR_SUFFIX = ".sigstore.json";
/** Of a sidecar with several, one a line. */
export const SIDECAR_LINES_SUFFIX = ".sigstore.jsonl";
/** What lies beside an artifact under such a name is taken for its attestation. */
export const ATTESTATION_SUFFIXES: readonly string[] = [SIDECAR_SUFFIX, SIDECAR_LINES_SUFFIX];

/** The path of the artifact that a file of this name is an attestation of, if that artifact is there; undefined for other names. */
export function artifactBeside(path: string): string | undefined {
  const suffix = ATTESTATION_SUFFIXES.find((end) => path.endsWith(end));
  const artifact = suffix === undefined ? "" : path.slice(0, -suffix.length);
  return artifact === "" || artifact.endsWith("/") ? undefined : artifact;
}
