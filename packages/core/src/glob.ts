// SPDX-License-Identifier: Apache-2.0
// The one grammar of patterns, for names in policies and for paths: `*` and `?` within a segment, `**` as a whole segment
// for any number of segments; every other character stands for itself. Names are an attacker's text: a segment is
// matched greedily and segments as an automaton, so no name makes matching slow, as it does any regular expression
// made of such a pattern. Patterns that would mean something else to other tools are refused.
import { KitesealError, quote } from "./errors.ts";

/** Positions in the pattern's segments; empty when nothing below can match any more. */
export type GlobState = readonly number[];

/** Matches a path one segment at a time, so that a walk can skip directories in which nothing can match. */
export interface PathGlob {
  readonly start: GlobState;
  step(state: GlobState, segment: string): GlobState;
  accepts(state: GlobState): boolean;
}

const OTHER_GRAMMARS = /[\\()[\]{}|!]/;

/** Why `pattern` is not one of this grammar, for an error of the caller's code; undefined if it is. */
export function globProblem(pattern: string): string | undefined {
  const other = OTHER_GRAMMARS.exec(pattern);
  if (other !== null) return `${quote(other[0])} has no meaning in patterns; *, ? and ** do`;
  for (const segment of pattern.replace(/^\//, "").split("/")) {
    if (segment === "") return "it has an empty segment";
    if (segment === "." || segment === "..") return `it has the segment ${quote(segment)}`;
    if (segment.includes("**") && segment !== "**") return "** has to be a whole segment";
  }
  return undefined;
}

/** Whether a path holds `*` or `?`. */
export function isGlob(text: string): boolean {
  return /[*?]/.test(text);
}

/**
 * A whole-name match, case-sensitive, that compares in normal form C. A pattern that does not start with `/` may match
 * from any segment on. `dist/**` is everything below `dist`, not `dist`. Throws ERR_USAGE for what globProblem names.
 */
export function compileGlob(pattern: string): (name: string) => boolean {
  const glob = pathGlob(pattern.startsWith("/") ? pattern.slice(1) : `**/${pattern}`);
  return (name) => {
    const segments = name.normalize("NFC").split("/");
    return glob.accepts(segments.reduce<GlobState>((state, segment) => glob.step(state, segment), glob.start));
  };
}

/** `pattern` against a relative path, from its first segment on. Throws ERR_USAGE for what globProblem names. */
export function pathGlob(pattern: string): PathGlob {
  const problem = globProblem(pattern);
  if (problem !== undefined)
    throw new KitesealError("ERR_USAGE", `the pattern ${quote(pattern)} cannot be used: ${problem}`);
  const segments = pattern.normalize("NFC").split("/");
  if (segments.at(-1) === "**") segments.push("*");
  const matchers = segments.map((segment) => (segment === "**" ? "any" : segmentMatcher(segment)));
  const closure = (positions: Iterable<number>): GlobState => {
    const reached = new Set<number>();
    for (const position of positions) {
      let at = position;
      reached.add(at);
      while (matchers[at] === "any") reached.add(++at);
    }
    return [...reached];
  };
  return {
    start: closure([0]),
    step: (state, segment) =>
      closure(
        state.flatMap((position) => {
          const matcher = matchers[position];
          if (matcher === "any") return [position];
          return matcher !== undefined && matcher(segment) ? [position + 1] : [];
        }),
      ),
    accepts: (state) => state.includes(matchers.length),
  };
}

/** Greedy with one point of return: in `*`-only patterns the latest star is the only one worth moving. */
function segmentMatcher(segment: string): (text: string) => boolean {
  if (segment === "*") return () => true;
  if (!isGlob(segment)) return (text) => text === segment;
  const pattern = Array.from(segment);
  return (text) => {
    const characters = Array.from(text);
    let at = 0;
    let star = -1;
    let resume = 0;
    for (let index = 0; index < characters.length;) {
      if (pattern[at] === "*") {
        star = at++;
        resume = index;
      } else if (pattern[at] === "?" || pattern[at] === characters[index]) {
        at++;
        index++;
      } else if (star >= 0) {
        at = star + 1;
        index = ++resume;
      } else return false;
    }
    while (pattern[at] === "*") at++;
    return at === pattern.length;
  };
}
