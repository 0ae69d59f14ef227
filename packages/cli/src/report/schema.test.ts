// SPDX-License-Identifier: Apache-2.0
// The published schemas against what commands really write.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { useFixture, WHO } from "../fixture.testkit.ts";
import { isObject, problems, type Schema } from "./json-schema.testkit.ts";

const { cli, published, roots, verify } = useFixture();

async function schemaOf(name: string): Promise<Schema> {
  const parsed: unknown = JSON.parse(
    await readFile(new URL(`../../../../docs/reference/${name}.schema.json`, import.meta.url), "utf8"),
  );
  if (!isObject(parsed)) throw new TypeError("a schema is an object");
  return parsed;
}

async function check(name: string, text: string): Promise<readonly string[]> {
  const schema = await schemaOf(name);
  return problems(JSON.parse(text), schema, { root: schema, path: "$" });
}

test("reports of passes, refusals and absences are as published", async () => {
  const store = await published();
  const all = await verify([store, "--format", "json"]);
  expect(await check("verify-report", all.stdout)).toStrictEqual([]);
  await writeFile(join(store, "1", "dist", "app.tgz"), "other");
  const some = await verify([store, "--format", "json"]);
  expect(await check("verify-report", some.stdout)).toStrictEqual([]);
  await rm(join(store, ".kiteseal", "bundles"), { recursive: true });
  expect(await check("verify-report", (await verify([store, "--format", "json"])).stdout)).toStrictEqual([]);
  expect(await check("verify-report", all.stdout.replace('"exitCode":0', '"exitCode":7'))).toStrictEqual([
    "$.exitCode: enum",
  ]);
});

test("reports of fetch are as published", async () => {
  const store = await published();
  const argv = ["fetch", `file://${store}/1/`, "--recursive", ...roots(), ...WHO, "--format", "json", "--output"];
  const all = await cli([...argv, "schema-all"]);
  expect(all.code).toBe(0);
  expect(await check("verify-report", all.stdout)).toStrictEqual([]);
  expect(await check("verify-report", all.stdout.replaceAll(/"files":\[("[^"]*")\]/g, '"files":$1'))).not.toStrictEqual(
    [],
  );
  await writeFile(join(store, "1", "dist", "app.tgz"), "other");
  const some = await cli([...argv, "schema-some"]);
  expect(some.code).toBe(21);
  expect(await check("verify-report", some.stdout)).toStrictEqual([]);
});

test("pins files are as published", async () => {
  const store = await published("--pins", "pins.json");
  const text = await readFile(join(store, "..", "pins.json"), "utf8");
  expect(await check("pins", text)).toStrictEqual([]);
  expect(await check("pins", text.replace('"size"', '"sizes"'))).not.toStrictEqual([]);
});
