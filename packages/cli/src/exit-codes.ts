// SPDX-License-Identifier: Apache-2.0
// Exit codes (design §7). They derive from the error table's kinds and from nothing else.
import type { ErrorKind } from "@kiteseal/core";

export const EXIT = {
  ok: 0,
  bug: 1,
  usage: 2,
  refused: 20,
  unattested: 21,
  undetermined: 30,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What one failure of this kind exits with. */
export function exitCodeOf(kind: Exclude<ErrorKind, "interrupted">): ExitCode {
  return EXIT[kind];
}

const WORST_FIRST: readonly ExitCode[] = [EXIT.bug, EXIT.usage, EXIT.refused, EXIT.unattested, EXIT.undetermined];

/** Of several failures, the first of 1, 2, 20, 21, 30. undefined: none of them failed. */
export function worstExitCode(codes: Iterable<ExitCode>): ExitCode | undefined {
  const seen = new Set(codes);
  return WORST_FIRST.find((code) => seen.has(code));
}
