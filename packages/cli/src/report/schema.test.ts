// SPDX-License-Identifier: Apache-2.0
// The published schemas against what commands really write. Knows the few keywords that those schemas use.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { useFixture } from "../fixture.testkit.ts";

const { published, verify } = useFixture();

type Schema = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Paths at which `value` is not what `schema` says, or has members that it does not name. */
function problems(value: unknown, schema: Schema, o: { root: Schema; path: string }): readonly string[] {
  const { root, path } = o;
  const below = (member: unknown, inner: unknown, key: string): readonly string[] =>
    isObject(inner) ? problems(member, inner, { root, path: `${path}.${key}` }) : [];
  const name = typeof schema["$ref"] === "string" ? schema["$ref"].replace("#/$defs/", "") : undefined;
  if (name !== undefined) return below(value, isObject(root["$defs"]) ? root["$defs"][name] : undefined, name);
  const found: string[] = [];
  const kind = Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value;
  if (schema["type"] !== undefined && schema["type"] !== kind) found.push(`${path}: ${kind}`);
  if ("const" in schema && schema["const"] !== value) found.push(`${path}: const`);
  if (Array.isArray(schema["enum"]) && !schema["enum"].includes(value)) found.push(`${path}: enum`);
  if (typeof schema["pattern"] === "string" && !new RegExp(schema["pattern"]).test(String(value)))
    found.push(`${path}: pattern`);
  if (Array.isArray(value)) found.push(...value.flatMap((item, i) => below(item, schema["items"], String(i))));
  if (isObject(value)) {
    for (const key of Array.isArray(schema["required"]) ? schema["required"] : [])
      if (!(String(key) in value)) found.push(`${path}: no ${key}`);
    const { properties, additionalProperties } = schema;
    for (const [key, member] of Object.entries(value)) {
      const inner = isObject(properties) ? properties[key] : undefined;
      if (inner === undefined && additionalProperties === false) found.push(`${path}.${key}: unknown`);
      found.push(...below(member, inner ?? additionalProperties, key));
    }
  }
  return found;
}

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

test("pins files are as published", async () => {
  const store = await published("--pins", "pins.json");
  const text = await readFile(join(store, "..", "pins.json"), "utf8");
  expect(await check("pins", text)).toStrictEqual([]);
  expect(await check("pins", text.replace('"size"', '"sizes"'))).not.toStrictEqual([]);
});
