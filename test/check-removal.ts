// SPDX-License-Identifier: Apache-2.0
// Removes each guard of test/removal/guards.ts in turn from a copy of the sources and runs the attacks against that copy:
// at least one must be judged otherwise than it should. By hand: `node test/check-removal.ts [TEXT OF AN ID]`, and
// `node test/check-removal.ts --stores [TEXT OF AN ID]` for the guards of the stores, whose tests are run instead of attacks.
// Ends with 1 if a guard can go unnoticed or its entry no longer fits the source.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as core from "@kiteseal/core";
import type * as operations from "@kiteseal/core/operations";
import { parseKey } from "@kiteseal/core/store";
import { openStore } from "@kiteseal/storage-adapters";
import { ATTACKS } from "./attacks/corpus.ts";
import { startForge, type Forge } from "./attacks/forge.ts";
import { createJudge, type Judge, type Library } from "./attacks/judge.ts";
import { attackPromotion, PROMOTION_ATTACKS, type PromotionLibrary, type Published } from "./attacks/promotion.ts";
import { publishForPromotion } from "./attacks/promotion-published.ts";
import type { Attack, Case } from "./attacks/spec.ts";
import type { Edit, Guard } from "./removal/guard.ts";
import { FETCH_GUARDS } from "./removal/fetch.ts";
import { type FetchLibrary, firstRedProbe } from "./removal/fetch-probes.ts";
import { GUARDS } from "./removal/guards.ts";
import { PROMOTION_GUARDS } from "./removal/promotion.ts";
import { removeStoreGuards } from "./removal/stores.ts";

const REPOSITORY = join(import.meta.dirname, "..");
const COPIED = ["core", "in-toto-attestation"];
const work = mkdtempSync(join(tmpdir(), "kiteseal-removal-"));
symlinkSync(join(REPOSITORY, "node_modules"), join(work, "node_modules"));

/** `find` once in the text, whatever its white space. Throws Error. */
function replaceOnce(text: string, { find, replace, file }: Edit): string {
  const pattern = find
    .split(/\s+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("\\s+");
  const matches = [...text.matchAll(new RegExp(pattern, "g"))];
  const [match] = matches;
  if (match === undefined || matches.length > 1) throw new Error(`${matches.length} times in ${file}: ${find}`);
  return text.slice(0, match.index) + replace + text.slice(match.index + match[0].length);
}

/** Entries of a package.json, pointing at sources instead of what is built from them. */
function sourceExports(path: string): string {
  const { name, exports } = JSON.parse(readFileSync(path, "utf8")) as {
    name: string;
    exports: Record<string, unknown>;
  };
  const entries = Object.keys(exports).filter((key) => key !== "./package.json");
  const source = entries.map((key): [string, string] => [
    key,
    key === "." ? "./src/index.ts" : `./src/${key.slice(2)}.ts`,
  ]);
  return JSON.stringify({ name, type: "module", exports: Object.fromEntries<string>(source) });
}

let copies = 0;

/** The library from sources with the edits made. Throws Error for an edit that does not fit. */
async function libraryWith(edits: readonly Edit[]): Promise<Library & PromotionLibrary & FetchLibrary> {
  const folder = join(work, `copy-${copies++}`);
  mkdirSync(join(folder, "node_modules", "@kiteseal"), { recursive: true });
  for (const name of COPIED) {
    const from = join(REPOSITORY, "packages", name);
    const isSource = (path: string): boolean => !/\.(?:test|testkit)\.ts$/.test(path);
    cpSync(join(from, "src"), join(folder, name, "src"), { recursive: true, filter: isSource });
    writeFileSync(join(folder, name, "package.json"), sourceExports(join(from, "package.json")));
    symlinkSync(join(folder, name), join(folder, "node_modules", "@kiteseal", name));
  }
  for (const edit of edits) {
    const path = join(folder, edit.file);
    writeFileSync(path, replaceOnce(readFileSync(path, "utf8"), edit));
  }
  const url = (path: string): string => pathToFileURL(join(folder, "core", "src", path)).href;
  const loaded = (await import(url("index.ts"))) as typeof core;
  const { fetchArtifacts, KeptEvidence, promote } = (await import(url("operations.ts"))) as typeof operations;
  return { ...loaded, parseKey, openStore, fetchArtifacts, KeptEvidence, promote };
}

class Corpus {
  readonly #forge: Forge;
  readonly #cases = new Map<string, Case>();
  /** What the untouched sources already judge otherwise: no proof of anything. */
  readonly #strange = new Set<string>();

  constructor(forge: Forge) {
    this.#forge = forge;
  }

  #case(attack: Attack, side: "attack" | "twin"): Case {
    const key = `${attack.id} ${side}`;
    const asked = this.#cases.get(key) ?? attack[side](this.#forge);
    this.#cases.set(key, asked);
    return asked;
  }

  async isRed(attack: Attack, judge: Judge): Promise<boolean> {
    const { outcome, code, check } = await judge(this.#case(attack, "attack"));
    return outcome !== attack.outcome || code !== attack.code || (check ?? "none") !== attack.check;
  }

  async isTwinRed(attack: Attack, judge: Judge): Promise<boolean> {
    return (await judge(this.#case(attack, "twin"))).outcome !== attack.twinOutcome;
  }

  async exclude(judge: Judge): Promise<readonly string[]> {
    for (const attack of ATTACKS) if (await this.isRed(attack, judge)) this.#strange.add(attack.id);
    return [...this.#strange];
  }

  /** The first attack that shows the removal, those on the guard's own check first; then their twins. */
  async firstRed(check: string, judge: Judge): Promise<string | undefined> {
    const usable = ATTACKS.filter(({ id }) => !this.#strange.has(id));
    const own = usable.filter((attack) => attack.check === check);
    for (const attack of own) if (await this.isRed(attack, judge)) return attack.id;
    for (const attack of own) if (await this.isTwinRed(attack, judge)) return `the twin of ${attack.id}`;
    for (const attack of usable) if (attack.check !== check && (await this.isRed(attack, judge))) return attack.id;
    return undefined;
  }
}

interface Row {
  readonly guard: Guard;
  readonly red: string | undefined;
  readonly problem: string | undefined;
}

async function remove(guard: Guard, corpus: Corpus): Promise<Row> {
  try {
    const directory = mkdtempSync(join(work, "judge-"));
    const judge = createJudge(await libraryWith(guard.edits), directory);
    return { guard, red: await corpus.firstRed(guard.check, judge), problem: undefined };
  } catch (error) {
    return { guard, red: undefined, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The first attack on promote that is seen to end otherwise. */
async function removeFromPromotion(guard: Guard, published: Published): Promise<Row> {
  try {
    const library = await libraryWith(guard.edits);
    for (const attack of PROMOTION_ATTACKS) {
      const seen = await attackPromotion(library, attack, published);
      if (seen !== attack.seen) return { guard, red: `promote: ${attack.id}`, problem: undefined };
    }
    return { guard, red: undefined, problem: undefined };
  } catch (error) {
    return { guard, red: undefined, problem: error instanceof Error ? error.message : String(error) };
  }
}

async function promotionRows(wanted: string): Promise<readonly Row[]> {
  const guards = PROMOTION_GUARDS.filter(({ id }) => id.includes(wanted));
  if (guards.length === 0) return [];
  await using published = await publishForPromotion();
  const rows: Row[] = [];
  for (const guard of guards) {
    const row = await removeFromPromotion(guard, published);
    rows.push(row);
    print(row);
  }
  return rows;
}

/** The first probe of fetch that ends otherwise. */
async function removeFromFetch(guard: Guard, forge: Forge): Promise<Row> {
  try {
    const red = await firstRedProbe(await libraryWith(guard.edits), forge, mkdtempSync(join(work, "fetch-")));
    return { guard, red: red === undefined ? undefined : `fetch: ${red}`, problem: undefined };
  } catch (error) {
    return { guard, red: undefined, problem: error instanceof Error ? error.message : String(error) };
  }
}

async function fetchRows(wanted: string, forge: Forge): Promise<readonly Row[]> {
  const guards = FETCH_GUARDS.filter(({ id }) => id.includes(wanted));
  if (guards.length === 0) return [];
  const strange = await firstRedProbe(await libraryWith([]), forge, mkdtempSync(join(work, "fetch-")));
  if (strange !== undefined) throw new Error(`red before anything is removed: ${strange}`);
  const rows: Row[] = [];
  for (const guard of guards) {
    const row = await removeFromFetch(guard, forge);
    rows.push(row);
    print(row);
  }
  return rows;
}

function print(row: Row): void {
  console.log(`${row.guard.check.padEnd(22)}${row.guard.id.padEnd(48)}${row.red ?? unnoticedText(row)}`);
}

function isBacked({ guard, problem }: Row): boolean {
  return guard.backed !== undefined && problem === undefined;
}

function unnoticedText(row: Row): string {
  return isBacked(row) ? `not noticed: backed by ${row.guard.backed ?? ""}` : `UNNOTICED ${row.problem ?? ""}`;
}

async function main(wanted: string): Promise<number> {
  const forge = await startForge();
  try {
    const corpus = new Corpus(forge);
    const strange = await corpus.exclude(createJudge(await libraryWith([]), mkdtempSync(join(work, "judge-"))));
    if (strange.length > 0) console.log(`red before anything is removed, not counted: ${strange.join(", ")}`);
    const guards = GUARDS.filter(({ id }) => id.includes(wanted));
    const rows: Row[] = [];
    for (const guard of guards) {
      const row = await remove(guard, corpus);
      rows.push(row);
      print(row);
    }
    rows.push(...(await promotionRows(wanted)), ...(await fetchRows(wanted, forge)));
    const unnoticed = rows.filter((row) => row.red === undefined && !isBacked(row));
    const checks = new Set(rows.filter((row) => row.red !== undefined).map((row) => row.guard.check));
    const all: readonly string[] = [...core.AUTHENTICATE_CHECKS, ...core.DECIDE_CHECKS, ...core.RULE_CHECKS];
    const uncovered = wanted === "" ? all.filter((check) => !checks.has(check)) : [];
    console.log(
      `${rows.length} guards removed one by one, ${rows.filter((row) => row.red !== undefined).length} noticed, ${rows.filter(isBacked).length} backed by another`,
    );
    if (uncovered.length > 0) console.log(`checks without a guard here: ${uncovered.join(", ")}`);
    return unnoticed.length + uncovered.length === 0 ? 0 : 1;
  } finally {
    await forge.close();
    rmSync(work, { recursive: true });
  }
}

function mainOfStores(wanted: string): number {
  let unnoticed = 0;
  try {
    for (const { guard, isNoticed, problem } of removeStoreGuards(work, wanted, replaceOnce)) {
      if (!isNoticed) unnoticed += 1;
      console.log(`${guard.id.padEnd(54)}${isNoticed ? guard.test : `UNNOTICED ${problem ?? ""}`}`);
    }
  } finally {
    rmSync(work, { recursive: true });
  }
  return unnoticed === 0 ? 0 : 1;
}

const [first = "", second = ""] = process.argv.slice(2);
process.exitCode = first === "--stores" ? mainOfStores(second) : await main(first);
