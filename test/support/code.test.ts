// SPDX-License-Identifier: Apache-2.0
// The guards of the house are only as good as what they see.
import { expect, test } from "vitest";
import { codeOf } from "./code.ts";
import { importsOf } from "./sources.ts";

test("code without comments, strings and expressions keeps its length and lines", () => {
  const source = [
    "const a = 1; // process.exit()",
    "/* process.exit()",
    "   process.exit() */ const b = `x ${process.argv} process.exit() ${`${c}`} process.exit()`;",
    "const d = \"process.exit()\" + 'a\\'process.exit()' + /process.exit()[\"']\\/[/]/g.source;",
    "const e = a / b; process.exit(); // a /",
  ].join("\n");
  const code = codeOf(source);
  expect(code).toHaveLength(source.length);
  expect(code.match(/process\.\w+/g)).toEqual(["process.argv", "process.exit"]);
  expect(code.split("\n")[4]).toMatch(/^const e = a \/ b; process\.exit\(\); +$/);
});

test("every form of import is seen, and what it does at run time", () => {
  const source = `// import "./comment.ts";
import fs, { type Stats } from "node:fs";
import * as path from "node:path";
import {
  a,
  b,
} from "./several.ts";
import type { C } from "./type.ts";
import { type D } from "./loads.ts";
import "./effect.ts";
export { e } from "./passed-on.ts";
export type { F } from "./type-passed-on.ts";
export * from "./star.ts";
const g = await import("./dynamic.ts");
type H = typeof import("./type-query.ts");
const i = await import(name);
const text = 'import { x } from "./string.ts"';
`;
  expect(
    importsOf(source).map(({ specifier, kind, reexport }) => `${specifier} ${kind}${reexport ? " on" : ""}`),
  ).toEqual([
    "node:fs static",
    "node:path static",
    "./several.ts static",
    "./type.ts type",
    "./loads.ts static",
    "./passed-on.ts static on",
    "./type-passed-on.ts type on",
    "./star.ts static on",
    "./effect.ts static",
    "./dynamic.ts dynamic",
    "./type-query.ts type",
    "(computed) dynamic",
  ]);
});
