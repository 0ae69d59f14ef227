// SPDX-License-Identifier: Apache-2.0
// TypeScript source with comments, and the contents of strings, templates and regular expressions, blanked, so that a
// search meets code only. Length and line breaks stay. Enough of a lexer for formatted code, not a parser.

export interface CodeOptions {
  /** Blank comments only. */
  readonly keepStrings?: boolean;
}

const QUOTES = new Set(['"', "'", "`"]);
/** A slash after one of these begins a regular expression; after a value it divides. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%~^<>\n]|\b(?:return|typeof|case|of|in|do|else|yield|await))\s*$/;

export function codeOf(text: string, options: CodeOptions = {}): string {
  const keep = options.keepStrings ?? false;
  const out: string[] = [];
  /** Depth of braces at which each open template expression ends. */
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  const take = (end: number, shown: boolean): void => {
    const piece = text.slice(at, end);
    out.push(shown ? piece : piece.replaceAll(/[^\n]/g, " "));
    at = end;
  };
  while (at < text.length) {
    const char = text.charAt(at);
    const two = text.slice(at, at + 2);
    if (two === "//") take(endOf(text, "\n", at), false);
    else if (two === "/*") take(endOf(text, "*/", at) + 2, false);
    else if (char === "/" && BEFORE_REGEX.test(text.slice(Math.max(0, at - 40), at))) take(endOfRegex(text, at), keep);
    else if (char === "`" || (char === "}" && templates.at(-1) === depth)) {
      if (char === "}") templates.pop();
      const end = endOfTemplate(text, at + 1);
      if (text.charAt(end - 1) === "{") templates.push(depth);
      take(end, keep);
    } else if (QUOTES.has(char)) {
      const end = endOfString(text, at, char);
      take(at + 1, true);
      take(end - 1, keep);
      take(end, true);
    } else {
      if (char === "{") depth += 1;
      if (char === "}") depth -= 1;
      take(at + 1, true);
    }
  }
  return out.join("");
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found === -1 ? text.length : found;
}

function endOfString(text: string, from: number, quote: string): number {
  let at = from + 1;
  while (at < text.length && text.charAt(at) !== quote) at += text.charAt(at) === "\\" ? 2 : 1;
  return at + 1;
}

/** Behind the closing backtick, or behind the `${` that opens an expression. */
function endOfTemplate(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    if (text.charAt(at) === "`") return at + 1;
    if (text.slice(at, at + 2) === "${") return at + 2;
    at += text.charAt(at) === "\\" ? 2 : 1;
  }
  return at;
}

function endOfRegex(text: string, from: number): number {
  let inClass = false;
  let at = from + 1;
  while (at < text.length && (inClass || text.charAt(at) !== "/")) {
    const char = text.charAt(at);
    if (char === "[") inClass = true;
    if (char === "]") inClass = false;
    at += char === "\\" ? 2 : 1;
  }
  return at + 1;
}
