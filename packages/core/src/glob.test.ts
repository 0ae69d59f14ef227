// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { compileGlob, globProblem, pathGlob } from "./glob.ts";

/** Straight from the definition, exponential and obviously right. */
function matches(pattern: readonly string[], name: readonly string[]): boolean {
  const [head, ...rest] = pattern;
  if (head === undefined) return name.length === 0;
  if (head === "**" && rest.length === 0) return name.length > 0;
  if (head === "**") return matches(rest, name) || (name.length > 0 && matches(pattern, name.slice(1)));
  const [first, ...others] = name;
  return first !== undefined && matchesText(head, first) && matches(rest, others);
}

function matchesText(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern.startsWith("*"))
    return matchesText(pattern.slice(1), text) || (text !== "" && matchesText(pattern, text.slice(1)));
  return text !== "" && (pattern[0] === "?" || pattern[0] === text[0]) && matchesText(pattern.slice(1), text.slice(1));
}

describe("compileGlob", () => {
  it.each([
    ["dist/*.tgz", "dist/app.tgz", true],
    ["dist/*.tgz", "packages/a/dist/app.tgz", true],
    ["dist/*.tgz", "xdist/app.tgz", false],
    ["dist/*.tgz", "dist/sub/app.tgz", false],
    ["/dist/*.tgz", "packages/a/dist/app.tgz", false],
    ["/dist/*.tgz", "dist/app.tgz", true],
    ["*", "a/b/.hidden", true],
    ["/*", "a/b", false],
    ["**", "a/b/c", true],
    ["dist/**", "dist/a/b", true],
    ["dist/**", "dist", false],
    ["/a/**/b", "a/b", true],
    ["/a/**/b", "a/x/y/b", true],
    ["/a/**/b", "a/x/y/c", false],
    ["?.txt", "😀.txt", true],
    ["a.c", "abc", false],
    ["a+$^\"'.txt", "a+$^\"'.txt", true],
    ["App", "app", false],
    ["caf\u00e9", "cafe\u0301", true],
    ["/main", "main", true],
    ["/release/*", "release/1.0", true],
  ])("%s on %s is %s", (pattern, name, expected) => {
    expect(compileGlob(pattern)(name)).toBe(expected);
  });

  it("agrees with the definition", () => {
    const segment = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), minLength: 1, maxLength: 4 });
    const pattern = fc.array(
      fc.oneof(
        segment.filter((s) => !s.includes("**")),
        fc.constant("**"),
      ),
      { minLength: 1, maxLength: 4 },
    );
    const name = fc.array(fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(pattern, name, (p, n) => {
        expect(compileGlob(`/${p.join("/")}`)(n.join("/"))).toBe(matches(p, n));
        expect(compileGlob(p.join("/"))(n.join("/"))).toBe(matches(["**", ...p], n));
      }),
      { numRuns: 2000 },
    );
  });

  it("answers on a hostile name without backtracking through every star", () => {
    const stars = `${"*-".repeat(20)}*/**/${"*-".repeat(20)}x`;
    expect(compileGlob(stars)(`${"-".repeat(2000)}/${"-".repeat(2000)}`)).toBe(false);
  });

  it.each(["", "a//b", "/", "a/", "a/../b", "./a", "a**", "***", "a\\b", "a(b", "[ab]", "{a,b}", "a|b", "!a"])(
    "refuses %j",
    (pattern) => {
      expect(globProblem(pattern)).toBeTypeOf("string");
      expect(() => compileGlob(pattern)).toThrow(expect.objectContaining({ code: "ERR_USAGE" }));
    },
  );
});

describe("pathGlob", () => {
  it("has no state left where nothing below a directory can match", () => {
    const glob = pathGlob("dist/*/x");
    expect(glob.step(glob.start, "src")).toEqual([]);
    const below = glob.step(glob.step(glob.start, "dist"), "any");
    expect(below).not.toEqual([]);
    expect(glob.accepts(below)).toBe(false);
    expect(glob.accepts(glob.step(below, "x"))).toBe(true);
  });
});
