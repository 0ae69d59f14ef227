// SPDX-License-Identifier: Apache-2.0
// The public surface of an entry, from the declarations the compiler wrote: what it exports, and every declaration that
// those refer to. Internal functions in the same files are left out, so that a change here is a change for users.
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { codeOf } from "./code.ts";

interface Module {
  /** By declared name; overloads together. */
  readonly declarations: ReadonlyMap<string, string>;
  /** Local name → where it comes from; for `export … from`, exported name → the same. */
  readonly imports: ReadonlyMap<string, Origin>;
  readonly exports: ReadonlyMap<string, Origin>;
}

interface Origin {
  readonly specifier: string;
  readonly name: string;
}

const START = /^(?:export |declare |import |interface |type |class |const |function |abstract )/;
const DECLARED =
  /^(?:export )?(?:declare )?(?:abstract )?(?:interface|type|class|const|let|function|enum|namespace) ([\w$]+)/;
const CLAUSE = /^(import|export) (?:type )?\{([^}]*)\}(?: from "([^"]+)")?/;

function statementsOf(text: string): readonly string[] {
  const statements: string[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("//#")) continue;
    if (START.test(line) || statements.length === 0) statements.push(line);
    else statements.push(`${statements.pop() ?? ""}\n${line}`);
  }
  return statements;
}

function readModule(path: string): Module {
  const declarations = new Map<string, string>();
  const imports = new Map<string, Origin>();
  const exports = new Map<string, Origin>();
  for (const statement of statementsOf(codeOf(readFileSync(path, "utf8"), { keepStrings: true }))) {
    const [, word, names = "", specifier] = CLAUSE.exec(statement) ?? [];
    for (const clause of names
      .split(",")
      .map((name) => name.trim().replace(/^type /, ""))
      .filter(Boolean)) {
      const [name = "", alias = name] = clause.split(" as ");
      if (specifier === undefined) exports.set(alias, { specifier: "", name });
      else (word === "import" ? imports : exports).set(alias, { specifier, name });
    }
    const name = DECLARED.exec(statement)?.[1];
    if (name === undefined) continue;
    const known = declarations.get(name);
    declarations.set(name, known === undefined ? statement : `${known}\n${statement}`);
    if (statement.startsWith("export ")) exports.set(name, { specifier: "", name });
  }
  return { declarations, imports, exports };
}

/** Follows names from an entry's exports through the files of one package. */
class Surface {
  readonly #modules = new Map<string, Module>();
  readonly #kept = new Map<string, Map<string, string>>();
  readonly external = new Set<string>();

  module(path: string): Module {
    const module = this.#modules.get(path) ?? readModule(path);
    this.#modules.set(path, module);
    return module;
  }

  follow(path: string, origin: Origin): void {
    if (origin.specifier === "") this.#keep(path, origin.name);
    else if (!origin.specifier.startsWith(".")) this.external.add(`${origin.name} from "${origin.specifier}"`);
    else this.#enter(join(dirname(path), origin.specifier.replace(/\.[jt]s$/, ".d.ts")), origin.name);
  }

  #enter(path: string, name: string): void {
    const origin = this.module(path).exports.get(name);
    if (origin === undefined) throw new Error(`${path} does not export ${name}`);
    this.follow(path, origin);
  }

  #keep(path: string, name: string): void {
    const module = this.module(path);
    const imported = module.imports.get(name);
    if (imported !== undefined) return this.follow(path, imported);
    const text = module.declarations.get(name);
    const kept = this.#kept.get(path) ?? new Map<string, string>();
    if (text === undefined || kept.has(name)) return undefined;
    kept.set(name, text);
    this.#kept.set(path, kept);
    for (const [word] of text.matchAll(/[A-Za-z_$][\w$]*/g)) this.#keep(path, word);
    return undefined;
  }

  text(root: string): readonly string[] {
    return [...this.#kept]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([path, declarations]) => {
        const texts = [...declarations.values()].map((text) =>
          text.replaceAll(/^ +/gm, (indent) => " ".repeat(indent.length / 2)),
        );
        return [`// ${relative(root, path)}`, ...texts.toSorted(), ""];
      });
  }
}

/** `entry`: path of the entry's .d.ts; `root`: the folder that file names are shown relative to. */
export function publicSurface(entry: string, root: string): string {
  const surface = new Surface();
  const { exports } = surface.module(entry);
  for (const origin of exports.values()) surface.follow(entry, origin);
  const names = [...exports.keys()].toSorted().map((name) => `//   ${name}`);
  const external = [...surface.external].toSorted().map((name) => `//   ${name}`);
  return ["// exports", ...names, "// from elsewhere", ...external, "", ...surface.text(root)].join("\n");
}
