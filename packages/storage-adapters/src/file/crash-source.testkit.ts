// SPDX-License-Identifier: Apache-2.0
// What the crash test writes: large enough for several writes, known to both processes. Imports no test runner.
import { createHash } from "node:crypto";
import type { Source } from "@kiteseal/core/store";

export const CONTENT: Uint8Array = new Uint8Array(40_000).map((_, i) => i % 251);

export function sourceOf(): Source {
  return {
    size: CONTENT.length,
    digests: { sha256: createHash("sha256").update(CONTENT).digest("hex") },
    async *open() {
      for (let i = 0; i < CONTENT.length; i += 10_000) yield await Promise.resolve(CONTENT.subarray(i, i + 10_000));
    },
  };
}
