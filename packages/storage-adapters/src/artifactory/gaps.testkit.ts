// SPDX-License-Identifier: Apache-2.0
// Sentences of the store contract that Artifactory cannot keep.
import type { Gaps } from "../contract-gaps.testkit.ts";

export const GAPS: Gaps = new Map([
  [
    "of the same bytes at once: one creates, the others find it",
    "deploying the same bytes again succeeds, so several writers believe to have created what they share",
  ],
  [
    "with spaces, dots, percent signs and Unicode are kept as they are, and told apart in URLs",
    'Artifactory refuses "?" in names (portable keys have none)',
  ],
]);
