// SPDX-License-Identifier: Apache-2.0
// The object resource of the JSON API, decoded. Untrusted: what is not a number or a name as documented is refused.
// https://cloud.google.com/storage/docs/json_api/v1/objects
import { quote } from "@kiteseal/core/store";
import type { Key, StoredObject } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { keyOf } from "../objects.ts";
import type { Page } from "../transfer/pages.ts";

export interface GcsObject {
  readonly name: string;
  readonly size: number;
  readonly generation: string;
  /** Base64, as the service computed it; absent of composed objects. */
  readonly md5Hash: string | undefined;
  readonly crc32c: string | undefined;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

const MAX_GENERATION = 2n ** 63n - 1n;

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True for what can be the generation of an object. */
export function isGeneration(pin: string): boolean {
  return /^[1-9]\d{0,18}$/.test(pin) && BigInt(pin) <= MAX_GENERATION;
}

/** Throws AdapterError Unavailable. */
export function decodeObject(value: unknown): GcsObject {
  if (!isRecord(value)) throw unexpected("an object resource", value);
  const generation = String(value["generation"]);
  const size = Number(value["size"]);
  if (typeof value["name"] !== "string") throw unexpected("a name", value["name"]);
  if (!isGeneration(generation)) throw unexpected("a generation", value["generation"]);
  if (!/^\d{1,16}$/.test(String(value["size"])) || !Number.isSafeInteger(size))
    throw unexpected("a size", value["size"]);
  return {
    name: value["name"],
    size,
    generation,
    md5Hash: optionalText(value["md5Hash"]),
    crc32c: optionalText(value["crc32c"]),
    contentType: optionalText(value["contentType"]),
    metadata: isRecord(value["metadata"])
      ? Object.fromEntries(Object.entries(value["metadata"]).map(([name, text]) => [name, String(text)]))
      : {},
  };
}

/** One page of a listing. Throws AdapterError Unavailable. */
export function decodePage(value: unknown): Page<GcsObject> {
  // Nothing else in an empty page says what it is.
  if (!isRecord(value) || value["kind"] !== "storage#objects") throw unexpected("a page of a listing", value);
  const items = value["items"] ?? [];
  if (!Array.isArray(items)) throw unexpected("items", items);
  const token = value["nextPageToken"];
  if (token !== undefined && typeof token !== "string") throw unexpected("a page token", token);
  return { items: items.map(decodeObject), next: token };
}

/** What the store says that it stored must be what it was sent. Throws ChecksumRejected. */
export function requireStored(stored: GcsObject, sent: { readonly key: Key; readonly md5?: string | undefined }): void {
  const expected = sent.md5 === undefined ? undefined : Buffer.from(sent.md5, "hex").toString("base64");
  if (stored.name === sent.key && (expected === undefined || (stored.md5Hash ?? expected) === expected)) return;
  throw new AdapterError("ChecksumRejected", `the store stored something else than it was sent for ${quote(sent.key)}`);
}

/** undefined for a name that no key can have. */
export function storedObject(object: GcsObject): StoredObject | undefined {
  const key = keyOf(object.name);
  return key === undefined ? undefined : { key, size: object.size, pin: object.generation };
}

function optionalText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function unexpected(expected: string, found: unknown): AdapterError {
  return new AdapterError(
    "Unavailable",
    `the store's reply is not what Google Cloud Storage documents: expected ${expected}, found ${quote(String(found))}`,
  );
}
