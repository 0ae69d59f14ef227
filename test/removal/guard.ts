// SPDX-License-Identifier: Apache-2.0
// A guard of the verifier with the edit that removes it: what stands in the source, and what is put there instead. `find`
// must be in the file exactly once (white space aside), so a guard that is rewritten needs a new entry, loudly. Guards
// that back each other up are removed together, or the second would hide that the first is gone.

export interface Edit {
  /** Below packages/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Guard {
  readonly id: string;
  /** What stops the same attacks when this guard is gone; such a guard cannot be noticed alone. */
  readonly backed?: string;
  /** Whose attacks are tried first. */
  readonly check: string;
  readonly edits: readonly Edit[];
}

// Folders below packages/.
export const V = "core/src/verification/";
export const P = "core/src/policy/";
export const S = "core/src/sigstore/";
export const B = "core/src/buildkite/";
export const I = "in-toto-attestation/src/";

export function guard(
  check: string,
  id: string,
  ...edits: readonly (readonly [file: string, find: string, replace: string])[]
): Guard {
  return { id, check, edits: edits.map(([file, find, replace]) => ({ file, find, replace })) };
}

export const backed = (by: string, entry: Guard): Guard => ({ ...entry, backed: by });
