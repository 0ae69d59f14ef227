// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { exitCodeOf, worstExitCode } from "./exit-codes.ts";

test.each([
  ["usage", 2],
  ["refused", 20],
  ["unattested", 21],
  ["undetermined", 30],
] as const)("a failure of kind %s exits with %i", (kind, code) => {
  expect(exitCodeOf(kind)).toBe(code);
});

test.each([
  [[30, 21, 20, 2, 1], 1],
  [[30, 21, 20, 2], 2],
  [[21, 30, 20], 20],
  [[30, 21], 21],
  [[30, 0], 30],
] as const)("of %j the worst is %i", (codes, worst) => {
  expect(worstExitCode(codes)).toBe(worst);
});

test("no failure has no worst", () => {
  expect(worstExitCode([0])).toBeUndefined();
});
