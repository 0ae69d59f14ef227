// SPDX-License-Identifier: Apache-2.0
// JSON in and out of the services: canonical form for what gets hashed or signed, and field readers that refuse
// (HTTP 400) what a request should not hold. Request bodies are untrusted. RFC 8785.
import { Refusal } from "./server.ts";

/** Canonical JSON: sorted keys, no white space. Values here are strings, safe integers, booleans, null. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (isRecord(value)) {
    const names = Object.keys(value).filter((name) => value[name] !== undefined);
    return `{${names
      .sort()
      .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`)
      .join(",")}}`;
  }
  return JSON.stringify(value);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A request body that must be a JSON object. Throws Refusal 400. */
export function parseObject(body: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (cause) {
    throw new Refusal(400, "request body is not JSON", { cause });
  }
  if (!isRecord(value)) throw new Refusal(400, "request body is not a JSON object");
  return value;
}

/** A field that must hold an object. Throws Refusal 400. */
export function objectField(record: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = record[name];
  if (!isRecord(value)) throw new Refusal(400, `${name} must be an object`);
  return value;
}

/** A field that must hold a string that is not empty. Throws Refusal 400. */
export function stringField(record: Record<string, unknown>, name: string): string {
  const value = record[name];
  if (typeof value !== "string" || value === "") throw new Refusal(400, `${name} must be a string`);
  return value;
}

/** A field that may be absent or null, else must be a string. Throws Refusal 400. */
export function optionalString(record: Record<string, unknown>, name: string): string | undefined {
  const value = record[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw new Refusal(400, `${name} must be a string`);
  return value;
}

/** A field that may be absent or null, else must be a list of strings. Throws Refusal 400. */
export function optionalStrings(record: Record<string, unknown>, name: string): readonly string[] {
  const value: unknown = record[name] ?? [];
  if (!Array.isArray(value)) throw new Refusal(400, `${name} must be a list`);
  return value.map((item: unknown) => {
    if (typeof item !== "string") throw new Refusal(400, `${name} must hold strings`);
    return item;
  });
}

/** A field in standard, padded, strict base64. Throws Refusal 400. */
export function base64Field(record: Record<string, unknown>, name: string): Buffer {
  return decodeBase64(stringField(record, name), name);
}

/** Standard base64 whose encoding is the text again. Throws Refusal 400. */
export function decodeBase64(text: string, name: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) throw new Refusal(400, `${name} is not base64`);
  return bytes;
}

/** Refuses fields other than those named. Throws Refusal 400. */
export function onlyFields(record: Record<string, unknown>, names: readonly string[]): void {
  const unknown = Object.keys(record).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Refusal(400, `unknown field ${JSON.stringify(unknown.slice(0, 64))}`);
}
