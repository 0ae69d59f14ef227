// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { escapeJson, escapeMarkdown, escapeMessage, escapeText, escapeXml, shellWord } from "./escape.ts";

test.each([
  ["an escape sequence", "a\u001b[2Jb", "a\\u{1b}[2Jb"],
  ["a line of its own", "a\n✓ verified", "a\\u{a}✓ verified"],
  ["a carriage return", "a\rb", "a\\u{d}b"],
  ["a C1 control", "a\u009b1mb", "a\\u{9b}1mb"],
  ["a bidi override", "a\u202egpj.exe", "a\\u{202e}gpj.exe"],
  ["a zero width space", "a\u200bb", "a\\u{200b}b"],
  ["a line separator", "a\u2028b", "a\\u{2028}b"],
  ["a tag character", "a\u{e0041}b", "a\\u{e0041}b"],
  ["a variation selector", "a\u{e0100}b", "a\\u{e0100}b"],
  ["a lone surrogate", "a\ud800b", "a\\u{d800}b"],
])("makes %s visible", (_, text, expected) => {
  expect(escapeText(text)).toBe(expected);
});

test("leaves visible text of any language alone", () => {
  expect(escapeText("dist/näme 日本 ✓ 🚀.tgz")).toBe("dist/näme 日本 ✓ 🚀.tgz");
});

test("an escaped JSON document means the same and holds nothing invisible but newlines", () => {
  const value = { name: "a\u202eb\u{e0041}\u009b\u2028", list: ["\u001b", "🚀"] };
  const escaped = escapeJson(JSON.stringify(value, undefined, 1));
  expect(JSON.parse(escaped)).toStrictEqual(value);
  expect(escaped).toMatch(/^[^\p{Cf}\p{Zl}\u007f-\u009f]*$/u);
});

test("text in XML is text", () => {
  expect(escapeXml(`<a b="c">&'\u001b\uffff]]>`)).toBe("&lt;a b=&quot;c&quot;&gt;&amp;&apos;\\u{1b}\\u{ffff}]]&gt;");
});

test("text in Markdown makes no markup, link, mention, table cell or line", () => {
  const escaped = escapeMarkdown("[x](https://a) `b` **c** @d <e> | #1 www.f\n# g");
  expect(escaped).not.toMatch(/[[\]()`*@<>|\n]|#(?!\d+;)|:\/\/|www\./);
  expect(escapeMarkdown("dist/app-1.2.tgz")).toBe("dist/app-1.2.tgz");
});

test("text in a SARIF message is no placeholder and no link", () => {
  expect(escapeMessage("{0} [a](b) \\")).toBe("{{0}} \\[a\\](b) \\\\");
});

test.each([
  ["dist/app-1.2.tgz", "dist/app-1.2.tgz"],
  ["it's", `'it'\\''s'`],
  ["$(rm -rf x)", "'$(rm -rf x)'"],
  ["", "''"],
])("quotes %j for a shell", (text, expected) => {
  expect(shellWord(text)).toBe(expected);
});
