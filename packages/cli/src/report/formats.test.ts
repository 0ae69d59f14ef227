// SPDX-License-Identifier: Apache-2.0
// JUnit, SARIF and Markdown against their schemas, from command lines over one of everything; and names that try to write
// markup of their own.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { useFixture } from "../fixture.testkit.ts";
import { isObject, problems } from "./json-schema.testkit.ts";
import { type Element, junitProblems, parseXml } from "./markup.testkit.ts";
import { SARIF } from "./sarif-schema.testkit.ts";

const fixture = useFixture();
const { cli, published, verify } = fixture;

const EVIL = `a]]>&amp;<b>"'\`|[x](javascript:1)@all.tgz`;
let store: string;

/** One that passes, one that is rejected and whose name is markup. */
beforeAll(async () => {
  store = await published();
  const ran = await cli(["attest", "dist/app.tgz", "--bundle", "one.json"], { env: fixture.sandbox.jobEnv() });
  expect(ran.code).toBe(0);
  const mixed = join(fixture.root, "mixed", "dist");
  await mkdir(mixed, { recursive: true });
  await writeFile(join(mixed, "app.tgz"), "the application");
  await writeFile(join(mixed, EVIL), "another");
});

const mixed = (format: string): ReturnType<typeof verify> =>
  verify(["mixed", "--bundle", "one.json", "--format", format]);

function casesOf(document: Element): readonly Element[] {
  return document.children.flatMap((suite) => suite.children).filter(({ name }) => name === "testcase");
}

test("JUnit: one case a target, failures with check, expected, found and hint", async () => {
  const ran = await mixed("junit");
  expect(ran.code).toBe(20);
  const document = parseXml(ran.stdout);
  expect(junitProblems(document)).toStrictEqual([]);
  const cases = casesOf(document);
  expect(cases).toHaveLength(2);
  const [failed] = cases.filter(({ children }) => children.length > 0);
  const [failure] = failed?.children ?? [];
  expect(failure).toMatchObject({ name: "failure", attributes: { type: "ERR_SUBJECT_DIGEST" } });
  for (const label of ["check: subject", "expected: ", "found: ", "hint: "]) expect(failure?.text).toContain(label);
  expect(failed?.attributes["name"]).toContain("a]]>&amp;<b>\"'`|[x](javascript:1)@all.tgz");
});

test("JUnit: what could not be told, or asked, is an error and no failure", async () => {
  const broken = await published();
  await rm(join(broken, ".kiteseal", "bundles"), { recursive: true });
  const ran = await verify([join(broken, "1", "dist", "app.tgz"), "--format", "junit"]);
  expect(ran.code).toBe(30);
  const document = parseXml(ran.stdout);
  expect(junitProblems(document)).toStrictEqual([]);
  expect(document.attributes).toMatchObject({ tests: "1", failures: "0", errors: "1" });
});

test("the validators can fail", async () => {
  const { stdout } = await mixed("junit");
  expect(() => parseXml(stdout.replace("</testsuites>", ""))).toThrow("not one element");
  expect(junitProblems(parseXml(stdout.replaceAll('failures="1"', 'failures="2"')))).not.toStrictEqual([]);
  expect(junitProblems(parseXml(stdout.replace("classname", "class")))).not.toStrictEqual([]);
  const sarif: unknown = JSON.parse((await mixed("sarif")).stdout.replace('"ruleIndex"', '"ruleindex"'));
  expect(problems(sarif, SARIF, { root: SARIF, path: "$" })).not.toStrictEqual([]);
});

interface Sarif {
  readonly runs: readonly [
    {
      readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
      readonly results: readonly {
        readonly ruleId: string;
        readonly ruleIndex: number;
        readonly level: string;
        readonly message: { readonly text: string };
        readonly locations: readonly {
          readonly physicalLocation?: { readonly artifactLocation: { readonly uri: string } };
        }[];
        readonly properties: Readonly<Record<string, unknown>>;
      }[];
      readonly invocations: readonly { readonly exitCode: number; readonly executionSuccessful: boolean }[];
    },
  ];
}

test("SARIF: one result a failure, its rule the check, its location the file", async () => {
  const ran = await mixed("sarif");
  expect(ran.code).toBe(20);
  const parsed: unknown = JSON.parse(ran.stdout);
  expect(isObject(parsed)).toBe(true);
  expect(problems(parsed, SARIF, { root: SARIF, path: "$" })).toStrictEqual([]);
  const [run] = (parsed as Sarif).runs;
  expect(run.results).toHaveLength(1);
  const [result] = run.results;
  expect(result).toMatchObject({ ruleId: "subject", level: "error", properties: { code: "ERR_SUBJECT_DIGEST" } });
  expect(run.tool.driver.rules[result?.ruleIndex ?? -1]?.id).toBe("subject");
  const uri = result?.locations[0]?.physicalLocation?.artifactLocation.uri ?? "";
  expect(decodeURIComponent(new URL(uri).pathname)).toBe(join(fixture.root, "mixed", "dist", EVIL));
  expect(result?.message.text).toContain("\\[x\\]");
  expect(Object.keys(result?.properties ?? {})).toStrictEqual(expect.arrayContaining(["expected", "found", "hint"]));
  expect(run.invocations).toStrictEqual([expect.objectContaining({ exitCode: 20, executionSuccessful: false })]);
  expect(new Set(run.tool.driver.rules.map(({ id }) => id)).size).toBe(run.tool.driver.rules.length);
});

test("SARIF and JUnit of a run that passes hold no result and no failure", async () => {
  const sarif = JSON.parse((await verify([store, "--format", "sarif"])).stdout) as Sarif;
  expect(sarif.runs[0].results).toStrictEqual([]);
  expect(problems(sarif, SARIF, { root: SARIF, path: "$" })).toStrictEqual([]);
  const junit = parseXml((await verify([store, "--format", "junit"])).stdout);
  expect(junit.attributes).toMatchObject({ tests: "2", failures: "0", errors: "0" });
});

test("Markdown: the outcome first, a table for each failure, no markup of a name", async () => {
  const ran = await mixed("markdown");
  expect(ran.code).toBe(20);
  expect(ran.stdout.split("\n")[0]).toBe("## kiteseal: do not release (exit 20)");
  for (const label of ["| check | subject (ERR", "| expected |", "| found |", "| what to do |"])
    expect(ran.stdout).toContain(label);
  expect(ran.stdout).not.toMatch(/\[x\]|<b>|@all/);
  const passed = await verify([store, "--format", "markdown"]);
  expect(passed.stdout.split("\n")[0]).toBe("## kiteseal: verified");
});
