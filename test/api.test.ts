// SPDX-License-Identifier: Apache-2.0
// What users can import is what test/api says; a difference is a change of the interface and needs a changeset.
// UPDATE_API=1 writes the files anew.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { env } from "node:process";
import { expect, test } from "vitest";
import { publicSurface } from "./support/declarations.ts";
import { PACKAGES, ROOT } from "./support/sources.ts";

interface Entry {
  /** File below test/api. */
  readonly file: string;
  readonly specifier: string;
  readonly declarations: string;
}

function entriesOf(name: string): readonly Entry[] {
  const directory = join(ROOT, "packages", name);
  const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as {
    name: string;
    exports: Record<string, string | { types: string }>;
  };
  return Object.entries(manifest.exports).flatMap(([subpath, target]) => {
    if (typeof target === "string") return [];
    const suffix = subpath === "." ? "" : `.${basename(subpath)}`;
    const specifier = subpath === "." ? manifest.name : `${manifest.name}/${basename(subpath)}`;
    return [{ file: `${name}${suffix}.d.ts`, specifier, declarations: join(directory, target.types) }];
  });
}

const entries = PACKAGES.flatMap(entriesOf);
const API = join(import.meta.dirname, "api");

test.each(entries)("$specifier is as committed", ({ file, specifier, declarations }) => {
  const surface = `// ${specifier}\n${publicSurface(declarations, dirname(declarations))}`;
  const committed = join(API, file);
  if (env["UPDATE_API"] === "1") writeFileSync(committed, surface);
  expect(existsSync(committed) ? readFileSync(committed, "utf8") : "").toBe(surface);
});

test("every committed surface belongs to an entry", () => {
  expect(readdirSync(API).toSorted()).toEqual(entries.map((entry) => entry.file).toSorted());
});
