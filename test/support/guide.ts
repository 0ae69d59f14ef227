// SPDX-License-Identifier: Apache-2.0
// The guides of stores as data: their fenced blocks, decoded, and what they name.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { ROOT } from "./sources.ts";

export interface Guide {
  /** As in "docs/guides/stores/s3.md". */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly GuideBlock[];
}

interface GuideBlock {
  readonly language: string;
  readonly body: string;
}

export const GUIDES: readonly Guide[] = globSync(["docs/guides/stores.md", "docs/guides/stores/*.md"], { cwd: ROOT })
  .toSorted()
  .map((path) => {
    const text = readFileSync(join(ROOT, path), "utf8");
    const blocks = [...text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(([, language = "", body = ""]) => ({
      language,
      body,
    }));
    return { path, text, blocks };
  });

export function guide(store: string): Guide {
  const found = GUIDES.find(({ path }) => path.endsWith(`/${store}.md`));
  if (found === undefined) throw new Error(`there is no guide of ${store}`);
  return found;
}

/** The blocks of `language`, decoded; throws for what is no JSON or YAML. */
export function decoded({ path, blocks }: Guide, language: "json" | "yaml"): readonly unknown[] {
  return blocks.filter((block) => block.language === language).map(({ body }) => decode(path, language, body));
}

function decode(path: string, language: string, body: string): unknown {
  if (language === "json") return JSON.parse(body);
  const documents = parseAllDocuments(body, { prettyErrors: true, uniqueKeys: true });
  const [document] = documents;
  if (documents.length !== 1 || document === undefined || !("contents" in document)) {
    throw new Error(`${path}: a block is not one YAML document`);
  }
  const problem = [...document.errors, ...document.warnings][0];
  if (problem !== undefined) throw problem;
  return document.toJS();
}

/** The member of a decoded object; undefined of anything else. */
export function member(value: unknown, ...names: readonly string[]): unknown {
  let found = value;
  for (const name of names) {
    const entries = typeof found === "object" && found !== null ? Object.entries(found) : [];
    found = entries.find(([key]) => key === name)?.[1];
  }
  return found;
}

/** A list, or the one value as a list; nothing for undefined. */
export function list(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

export function texts(value: unknown): readonly string[] {
  return list(value).map((item) => {
    if (typeof item !== "string") throw new TypeError(`expected text, found ${JSON.stringify(item)}`);
    return item;
  });
}

export interface CommandLine {
  readonly command: string;
  readonly flags: readonly string[];
}

/** Every `NAME …` of blocks and inline code, with the flags up to the end of that command. */
export function commandLines({ text }: Guide, name: string): readonly CommandLine[] {
  // A flag's own line goes on the line above, as in a shell and as in folded YAML.
  const joined = text.replaceAll(/\\?\n\s+(?=--|>)/g, " ");
  const pattern = new RegExp(`(?:^|[\\s\`(-])${name} ([a-z]+)([^\\n\`|;>]*)`, "gm");
  return [...joined.matchAll(pattern)].map(([, command = "", rest = ""]) => ({
    command,
    flags: [...rest.matchAll(/(?<=\s)--[a-z][a-z0-9-]*/g)].map(([flag]) => flag),
  }));
}
