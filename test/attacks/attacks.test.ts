// SPDX-License-Identifier: Apache-2.0
// Every attack of the corpus against the library, through its public entries: stopped, by the check that is there to stop
// it, with the code that says so. And every twin, which differs in nothing but the attack: verified.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as core from "@kiteseal/core";
import { parseKey } from "@kiteseal/core/store";
import { openStore } from "@kiteseal/storage-adapters";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKS } from "./corpus.ts";
import { startForge, type Forge } from "./forge.ts";
import { createJudge, type Judge } from "./judge.ts";

const CHECKS: readonly string[] = [...core.AUTHENTICATE_CHECKS, ...core.DECIDE_CHECKS, ...core.RULE_CHECKS];
const MINIMUM = 5;

let forge: Forge;
let judge: Judge;
const directory = mkdtempSync(join(tmpdir(), "kiteseal-attacks-"));

beforeAll(async () => {
  forge = await startForge();
  judge = createJudge({ ...core, parseKey, openStore }, directory);
});

afterAll(async () => {
  await forge.close();
  rmSync(directory, { recursive: true });
  const counts = countsByCheck();
  console.info([...counts].map(([check, count]) => `${check.padEnd(22)}${count}`).join("\n"));
  console.info(`${"all".padEnd(22)}${ATTACKS.length}`);
});

function countsByCheck(): ReadonlyMap<string, number> {
  return new Map([...CHECKS, "none"].map((check) => [check, ATTACKS.filter((a) => a.check === check).length]));
}

describe("the corpus", () => {
  test("names each attack once", () => {
    const names = ATTACKS.map((a) => a.id);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    expect(names.filter((name) => !/^[a-z0-9][a-z0-9.+-]*$/.test(name))).toEqual([]);
  });

  test("has at least five attacks for each check and 150 in all", () => {
    const few = [...countsByCheck()].filter(([, count]) => count < MINIMUM);
    expect(few).toEqual([]);
    expect(ATTACKS.length).toBeGreaterThanOrEqual(150);
  });

  test("names a code that belongs to the check", () => {
    const group = (check: string): string => (check.startsWith("rule.") ? "rule" : check);
    const strange = ATTACKS.filter((a) => a.check !== "none" && core.errorEntry(a.code).check !== group(a.check));
    expect(strange.map((a) => a.id)).toEqual([]);
  });
});

describe.each([...CHECKS, "none"])("%s", (check) => {
  test.each(ATTACKS.filter((a) => a.check === check))("$id: $why", async (attack) => {
    const { outcome, code, check: failing, text } = await judge(attack.attack(forge));
    expect({ outcome, code, check: failing ?? "none" }, text).toEqual({
      outcome: attack.outcome,
      code: attack.code,
      check: attack.check,
    });
    const twin = await judge(attack.twin(forge));
    expect(twin.outcome, `the twin: ${twin.code ?? ""} ${twin.check ?? ""} ${twin.text}`).toBe(attack.twinOutcome);
  });
});
