// SPDX-License-Identifier: Apache-2.0
// The few keywords of JSON Schema that the schemas here use.

export type Schema = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Paths at which `value` is not what `schema` says, or has members that it does not name. */
export function problems(value: unknown, schema: Schema, o: { root: Schema; path: string }): readonly string[] {
  const { root, path } = o;
  const below = (member: unknown, inner: unknown, key: string): readonly string[] =>
    isObject(inner) ? problems(member, inner, { root, path: `${path}.${key}` }) : [];
  const ref = schema["$ref"];
  if (typeof ref === "string") {
    const definitions = root["definitions"];
    const inner = isObject(definitions) ? definitions[ref.replace("#/definitions/", "")] : undefined;
    return isObject(inner) ? problems(value, inner, o) : [`${path}: no ${ref}`];
  }
  const { anyOf } = schema;
  if (Array.isArray(anyOf)) {
    const tried = anyOf.map((inner: unknown) => (isObject(inner) ? problems(value, inner, o) : ["no schema"]));
    return tried.some((found) => found.length === 0) ? [] : (tried[0] ?? []);
  }
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
