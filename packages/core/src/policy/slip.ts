// SPDX-License-Identifier: Apache-2.0
// The allowed value that somebody probably meant, for a hint. Never a reason to accept anything.

const MAX_LENGTH = 256;
const MAX_EDITS = 2;

/** The nearest of `allowed` if `found` differs by what hands do: case, a trailing slash, http for https, two letters. */
export function likelySlip(found: string, allowed: readonly string[]): string | undefined {
  const plain = (text: string): string =>
    text
      .toLowerCase()
      .replace(/^http:/, "https:")
      .replace(/\/+$/, "")
      .normalize("NFKC");
  return (
    allowed.find((value) => plain(value) === plain(found)) ??
    allowed.find((value) => isNear(plain(found), plain(value)))
  );
}

/** Levenshtein distance of at most two, short words at most one. */
function isNear(a: string, b: string): boolean {
  const limit = Math.min(a.length, b.length) < 6 ? 1 : MAX_EDITS;
  if (a.length > MAX_LENGTH || b.length > MAX_LENGTH || Math.abs(a.length - b.length) > limit) return false;
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(substituted, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
    }
    previous = row;
  }
  return (previous[b.length] ?? limit + 1) <= limit;
}

/** A hint for a report, or nothing. `quote` escapes. */
export function slipHint(
  found: string,
  allowed: readonly string[],
  quote: (text: string) => string,
): string | undefined {
  const meant = likelySlip(found, allowed);
  return meant === undefined
    ? undefined
    : `nearly ${quote(meant)}: is the rule or the pipeline misspelt? it is not accepted`;
}
