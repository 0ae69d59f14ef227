// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { likelySlip, slipHint } from "./slip.ts";

describe("the value that somebody probably meant", () => {
  it.each([
    ["another case", "Main", ["main"], "main"],
    ["a trailing slash", "https://x.example/", ["https://x.example"], "https://x.example"],
    ["http for https", "http://x.example", ["https://x.example"], "https://x.example"],
    ["a letter too many", "production-web", ["production-webb", "other"], "production-webb"],
    ["two letters changed", "prodaction-wep", ["production-web"], "production-web"],
    ["an exact spelling before a near one", "MAIN", ["mainx", "main"], "main"],
  ])("is found for %s", (_, found, allowed, meant) => {
    expect(likelySlip(found, allowed)).toBe(meant);
  });

  it.each([
    ["another word", "main", ["release"]],
    ["two letters of a short word", "main", ["mood"]],
    ["three letters", "production-web", ["produktoin-wep1"]],
    ["text longer than a name", "a".repeat(300), [`${"a".repeat(299)}b`]],
    ["no values", "main", []],
  ])("is not guessed for %s", (_, found, allowed) => {
    expect(likelySlip(found, allowed)).toBeUndefined();
  });

  it("quotes what it suggests", () => {
    expect(slipHint("Main", ["main"], (text) => `<${text}>`)).toContain("<main>");
    expect(slipHint("main", ["release"], String)).toBeUndefined();
  });
});
