// SPDX-License-Identifier: Apache-2.0
// Looks for secrets that a test has planted, in every encoding that is easily undone.
import { expect } from "vitest";
import { encodings } from "./encodings.ts";

/** The text, and what its long base64 runs decode to, three layers deep. */
function layers(text: string, depth = 3): readonly string[] {
  if (depth === 0) return [text];
  const runs = text.match(/[A-Za-z0-9+/_-]{40,}={0,2}/g) ?? [];
  return [text, ...runs.flatMap((part) => layers(Buffer.from(part, "base64").toString("latin1"), depth - 1))];
}

export function expectNoneOf(secrets: readonly string[], text: string, where: string): void {
  const seen = layers(text);
  const found = secrets.filter((secret) =>
    encodings(secret).some((form) => seen.some((layer) => layer.includes(form))),
  );
  expect(found, where).toEqual([]);
}
