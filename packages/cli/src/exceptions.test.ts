// SPDX-License-Identifier: Apache-2.0
// Exceptions of a policy: exit 0, and never taken for a pass.
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { useFixture } from "./fixture.testkit.ts";
import { isObject, problems } from "./report/json-schema.testkit.ts";
import { parseXml, junitProblems } from "./report/markup.testkit.ts";
import { readFile } from "node:fs/promises";

const fixture = useFixture();
const { cli, published } = fixture;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A policy that only another pipeline's artifacts pass, with an exception for these bytes. */
async function excepting(bytes: string, expires: string): Promise<string> {
  const path = join(fixture.root, `policy-${fixture.next()}.yaml`);
  await writeFile(
    path,
    `version: 1
rules:
  app:
    artifacts: "dist/*.tgz"
    builder: { organization: acme, pipeline: release }
    source: { branch: main }
exceptions:
  - { sha256: ${sha256(bytes)}, rule: app, reason: "rollback of INC-7", owner: sam, expires: ${expires} }
`,
  );
  return path;
}

async function run(bytes: string, o: { expires?: string; format?: string } = {}): ReturnType<typeof cli> {
  const store = await published();
  const policy = await excepting(bytes, o.expires ?? "2999-01-31");
  const format = o.format === undefined ? [] : ["--format", o.format];
  return cli(["verify", join(store, "1", "dist", "app.tgz"), ...fixture.roots(), "--policy", policy, ...format]);
}

test("exactly these bytes pass, loudly, counted apart", async () => {
  const text = await run("the application");
  expect(text.code).toBe(0);
  expect(text.stderr).toContain("! EXCEPTED");
  expect(text.stderr).toContain("NOT VERIFIED");
  expect(text.stderr).toContain("0 verified, 1 excepted");
  for (const fact of ["rollback of INC-7", "sam", "2999-02-01"]) expect(text.stderr).toContain(fact);
});

test("for machines it is its own outcome with the exception, as the schema says", async () => {
  const ran = await run("the application", { format: "json" });
  const report: unknown = JSON.parse(ran.stdout);
  expect(report).toMatchObject({
    outcome: "excepted",
    exitCode: 0,
    tally: { verified: 0, excepted: 1 },
    artifacts: [{ outcome: "excepted", code: "ERR_IDENTITY", exception: { owner: "sam", rule: "app" } }],
  });
  const schema: unknown = JSON.parse(
    await readFile(new URL("../../../docs/reference/verify-report.schema.json", import.meta.url), "utf8"),
  );
  if (!isObject(schema)) throw new TypeError("a schema is an object");
  expect(problems(report, schema, { root: schema, path: "$" })).toStrictEqual([]);
});

test("documents say it too", async () => {
  const junit = parseXml((await run("the application", { format: "junit" })).stdout);
  expect(junitProblems(junit)).toStrictEqual([]);
  expect(JSON.stringify(junit)).toContain("NOT VERIFIED");
  const sarif = await run("the application", { format: "sarif" });
  expect(sarif.code).toBe(0);
  expect(JSON.parse(sarif.stdout)).toMatchObject({ runs: [{ results: [{ level: "warning" }] }] });
  const markdown = await run("the application", { format: "markdown" });
  expect(markdown.stdout).toContain("with exceptions");
});

test("other bytes, or another day, are refused", async () => {
  expect(await run("another application")).toMatchObject({ code: 20 });
  const late = await run("the application", { expires: "2020-01-31" });
  expect(late.code).toBe(20);
  expect(late.stderr).toContain("expired");
});
