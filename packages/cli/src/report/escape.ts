// SPDX-License-Identifier: Apache-2.0
// The only escaper. Names, places and reasons may be an attacker's text: nothing that moves a cursor, hides or reorders
// characters, or starts a line of its own reaches a terminal.

/** Controls, format characters (bidi, zero width, tags), line and paragraph separators, variation selectors, fillers, surrogates. */
const UNSAFE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Variation_Selector}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{3164}\u{ffa0}]/gu;

/** One line of text, visible characters only; the rest as `\u{hex}`. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Text of a JSON document in which the same characters are written as `\uXXXX`; the document means the same. */
export function escapeJson(json: string): string {
  return json.replace(UNSAFE, (c) => {
    if (c === "\n") return c;
    return Array.from({ length: c.length }, (_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, "0")}`).join("");
  });
}

/** A word for a shell, quoted only if it has to be. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

const XML: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };

/** Text for an XML 1.0 attribute or element: markup as entities, unsafe and forbidden characters as visible text. */
export function escapeXml(text: string): string {
  return escapeText(text)
    .replace(/[\ufffe\uffff]/g, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`)
    .replace(/[&<>"']/g, (c) => XML[c] ?? "");
}

/** Text inside a line of Markdown: no markup, link, mention, HTML or table cell of its own. */
export function escapeMarkdown(text: string): string {
  return escapeText(text)
    .replace(/[&<>]/g, (c) => XML[c] ?? "")
    .replace(/[\\`*_{}[\]()#!|~:@$]|(?<=www)\./gi, (c) => `&#${c.charCodeAt(0)};`);
}

/** Text of a SARIF message: no placeholder and no embedded link of its own (SARIF 2.1.0, 3.11.5 and 3.11.6). */
export function escapeMessage(text: string): string {
  return text.replace(/[\\[\]]/g, (c) => `\\${c}`).replace(/[{}]/g, (c) => c + c);
}
