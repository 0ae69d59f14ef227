// SPDX-License-Identifier: Apache-2.0
// The packages' sources as the architecture test sees them: text, imports, and which file an import leads to.
// TypeScript 7 has no compiler API, so imports are found by their form; a computed import is reported as such.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, resolve } from "node:path";
import { codeOf } from "./code.ts";

export const ROOT: string = resolve(import.meta.dirname, "../..");
export const PACKAGES = ["in-toto-attestation", "core", "storage-adapters", "sandbox", "cli"] as const;
export type PackageName = (typeof PACKAGES)[number];

export interface Import {
  readonly specifier: string;
  readonly kind: "static" | "type" | "dynamic";
  readonly reexport: boolean;
}

export interface SourceFile {
  readonly package: PackageName;
  /** Below `src`, `/`-separated. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and the contents of strings blanked. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const NAMES = String.raw`(?:\*(?:\s+as\s+\w+)?|\{[^}]*\}|\w+(?:\s*,\s*\{[^}]*\})?)`;
const STATIC = new RegExp(String.raw`^(import|export)\s+(type\s+)?${NAMES}\s*from\s*"([^"]+)"`, "gm");
const BARE = /^import\s*"([^"]+)"/gm;
const DYNAMIC = /\bimport\(\s*("[^"]*")?/g;
const TYPE_QUERY = /(?:typeof |: |<)$/;

/** `import { type A }` loads its module at run time (verbatimModuleSyntax): only `import type` does not. */
export function importsOf(text: string): readonly Import[] {
  const plain = codeOf(text, { keepStrings: true });
  const found: Import[] = [];
  for (const [, word, type, specifier = ""] of plain.matchAll(STATIC)) {
    found.push({ specifier, kind: type === undefined ? "static" : "type", reexport: word === "export" });
  }
  for (const [, specifier = ""] of plain.matchAll(BARE)) found.push({ specifier, kind: "static", reexport: false });
  for (const match of plain.matchAll(DYNAMIC)) {
    const kind = TYPE_QUERY.test(plain.slice(0, match.index)) ? "type" : "dynamic";
    found.push({ specifier: match[1]?.slice(1, -1) ?? "(computed)", kind, reexport: false });
  }
  return found;
}

/** Every source file that ships: no tests, no test kits. */
function sourceFiles(name: PackageName): readonly SourceFile[] {
  const src = join(ROOT, "packages", name, "src");
  return readdirSync(src, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts") && !/\.(?:test|testkit)\.ts$/.test(path))
    .toSorted()
    .map((path) => {
      const text = readFileSync(join(src, path), "utf8");
      return { package: name, path, text, code: codeOf(text), imports: importsOf(text) };
    });
}

/** `packages/X/src/a/b.ts`: how a file is named in a report. */
export function label(file: SourceFile): string {
  return `packages/${file.package}/src/${file.path}`;
}

/** Lines that are neither blank nor comment only. */
export function lineCount(file: SourceFile): number {
  const plain = codeOf(file.text, { keepStrings: true });
  return plain.split("\n").filter((line) => line.trim() !== "").length;
}

export interface LoadGraph {
  /** Files of this repository, as labels. */
  readonly files: ReadonlySet<string>;
  /** Packages from elsewhere and node built-ins, by specifier. */
  readonly external: ReadonlySet<string>;
}

type Sources = ReadonlyMap<string, SourceFile>;

/** What importing one entry loads at once: static imports followed through every package of this repository. */
export function loadGraph(entry: string, sources: Sources): LoadGraph {
  const files = new Set<string>();
  const external = new Set<string>();
  const queue = [entry];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (files.has(next)) continue;
    const file = sources.get(next);
    if (file === undefined) throw new Error(`${next} is imported and does not exist`);
    files.add(next);
    for (const { specifier, kind } of file.imports) {
      if (kind !== "static") continue;
      const target = resolveImport(next, specifier);
      if (target === undefined) external.add(specifier);
      else queue.push(target);
    }
  }
  return { files, external };
}

/** The label an import leads to; undefined for a package from elsewhere. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return posix.normalize(`${dirname(from)}/${specifier}`);
  const [, name, subpath = ""] = /^@kiteseal\/([^/]+)(?:\/(.+))?$/.exec(specifier) ?? [];
  return name === undefined ? undefined : `packages/${name}/src/${subpath === "" ? "index" : subpath}.ts`;
}

export function allSources(): Sources {
  return new Map(PACKAGES.flatMap((name) => sourceFiles(name)).map((file) => [label(file), file]));
}
