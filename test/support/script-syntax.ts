// SPDX-License-Identifier: Apache-2.0
// How a script of test/scripts is written: one directive a line, `## title` begins a test, `-- name --` a file that each of
// them starts with, `#` a comment. Lines before the first title run in every test.

export interface Line {
  readonly number: number;
  readonly text: string;
}

export interface Script {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly files: ReadonlyMap<string, string>;
}

/** The tests of one script file. */
export function parseScript(text: string): readonly Script[] {
  const [body = "", ...sections] = text.split(/^-- (.+) --\n/m);
  const files = new Map<string, string>();
  for (let i = 0; i + 1 < sections.length; i += 2) files.set(sections[i] ?? "", sections[i + 1] ?? "");
  const parts: { title: string; lines: Line[] }[] = [{ title: "", lines: [] }];
  for (const [index, line] of body.split("\n").entries()) {
    if (line.startsWith("## ")) parts.push({ title: line.slice(3), lines: [] });
    else if (line.trim() !== "" && !line.startsWith("#"))
      parts.at(-1)?.lines.push({ number: index + 1, text: line.trim() });
  }
  const [first, ...titled] = parts;
  return titled.map(({ title, lines }) => ({ title, lines: [...(first?.lines ?? []), ...lines], files }));
}

/** Words between spaces; '…' is literal, elsewhere $NAME and ${NAME} are variables. */
export function splitWords(text: string, env: Readonly<Record<string, string>>): readonly string[] {
  return (text.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []).map((word) =>
    word.replace(
      /'([^']*)'|"([^"]*)"|\$\{(\w+)\}|\$(\w+)/g,
      (_, literal?: string, quoted?: string, a?: string, b?: string) =>
        literal ??
        (quoted === undefined
          ? (env[a ?? b ?? ""] ?? "")
          : quoted.replace(/\$(\w+)/g, (__, name: string) => env[name] ?? "")),
    ),
  );
}
