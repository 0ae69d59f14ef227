// SPDX-License-Identifier: Apache-2.0
// kiteseal.yaml → typed values. One in the checkout is written by whoever writes the code: it may say where things are,
// never what decides (design §4). The machine's own may say both, and lock keys. yaml is loaded only if a file exists.
import { dirname, resolve } from "node:path";
import { KitesealError, LIMITS, quote } from "@kiteseal/core";
import type { WriteSettings } from "@kiteseal/storage-adapters";
import { BUCKET_OWNER, ENCRYPTION_KEY, retentionOf } from "./flags.ts";
import { readInput } from "./input.ts";
import { present } from "./present.ts";

/** Where attestations are: one root, or store prefix → root. */
export type AttestationRoots = string | ReadonlyMap<string, string>;

export interface ConfigFile {
  readonly path: string;
  readonly store?: string;
  readonly attestations?: AttestationRoots;
  readonly transparency?: "public";
  /** Absolute. */
  readonly signingConfig?: string;
  /** Absolute. */
  readonly signingRoot?: string;
  readonly format?: string;
  /** How new objects are kept. */
  readonly write?: WriteSettings;
  /** Machine configuration only; absolute. */
  readonly trustedRoot?: string;
  /** Machine configuration only; absolute. */
  readonly policy?: string;
  /** Machine configuration only: keys that nothing else may set. */
  readonly locked: readonly string[];
}

export const CONFIG_NAME = "kiteseal.yaml";
const KEYS = ["store", "attestations", "transparency", "signing", "format", "write"];
const MACHINE_KEYS = ["trusted-root", "policy", "locked"];
const LOCKABLE: readonly string[] = [...KEYS, "trusted-root", "policy"];

/** Every name under which somebody might try to say who may sign, and by which root. */
const DECIDING: ReadonlySet<string> = new Set(
  (
    "trusted-root trusted_root trustedRoot trust root tuf tuf-root tuf-mirror policy policy-sha256 rules rule otherwise " +
    "org organization pipeline step branch tag ref any-ref build builder source trigger runner repository commit max-age " +
    "type predicate-type any-name name identity certificate certificate-identity certificate-identity-regexp cert-identity " +
    "certificate-oidc-issuer certificate-oidc-issuer-regexp cert-oidc-issuer issuer key keys content logs timestamps " +
    "also-required dependencies require-all-subjects fail-fast threshold thresholds " +
    "revocations exceptions locked"
  ).split(" "),
);

type Fields = ReadonlyMap<string, unknown>;

/** Throws ERR_CONFIG_INVALID, ERR_CONFIG_DECIDES. */
export async function readConfigFile(path: string, whose: "checkout" | "machine"): Promise<ConfigFile> {
  const bytes = await readInput({
    path,
    what: "the configuration",
    maxBytes: LIMITS.configBytes,
    code: "ERR_CONFIG_INVALID",
  });
  const fields = asFields(await parseYaml(path, bytes), path, "the file");
  const known = whose === "machine" ? [...KEYS, ...MACHINE_KEYS] : KEYS;
  for (const key of fields.keys()) if (!known.includes(key)) throw unknownKey(path, key, known);
  const signing = fields.has("signing") ? asFields(fields.get("signing"), path, "signing") : new Map<string, unknown>();
  for (const key of signing.keys()) {
    if (key !== "config" && key !== "trusted-root")
      throw unknownKey(path, `signing.${key}`, ["signing.config", "signing.trusted-root"]);
  }
  const file = (from: Fields, key: string): string | undefined => {
    const text = asText(from.get(key), path, key);
    return text === undefined ? undefined : resolve(dirname(path), text);
  };
  return {
    path,
    ...present({
      store: asText(fields.get("store"), path, "store"),
      attestations: asRoots(fields.get("attestations"), path),
      transparency: asTransparency(fields.get("transparency"), path),
      signingConfig: file(signing, "config"),
      signingRoot: file(signing, "trusted-root"),
      format: asText(fields.get("format"), path, "format"),
      write: asWrite(fields.get("write"), path),
      trustedRoot: file(fields, "trusted-root"),
      policy: file(fields, "policy"),
    }),
    locked: asLocked(fields.get("locked"), path),
  };
}

async function parseYaml(path: string, bytes: Uint8Array): Promise<unknown> {
  const { LineCounter, parseDocument } = await import("yaml");
  const lines = new LineCounter();
  const text = decodeText(path, bytes);
  const document = parseDocument(text, {
    lineCounter: lines,
    strict: true,
    uniqueKeys: true,
    customTags: [],
    merge: false,
  });
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new KitesealError(
      "ERR_CONFIG_INVALID",
      `${path}:${line}:${col}: ${error.message.split("\n")[0] ?? "is not YAML"}`,
    );
  }
  try {
    return document.toJS({ maxAliasCount: 0, mapAsMap: true });
  } catch (cause) {
    throw new KitesealError("ERR_CONFIG_INVALID", `${quote(path)} has an alias: expected values written out`, {
      cause,
    });
  }
}

function decodeText(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new KitesealError("ERR_CONFIG_INVALID", `${quote(path)} is not UTF-8`, { cause });
  }
}

function unknownKey(path: string, key: string, known: readonly string[]): KitesealError {
  if (DECIDING.has(key)) {
    return new KitesealError("ERR_CONFIG_DECIDES", `${quote(path)} says ${quote(key)}, which decides what may pass`, {
      hint: `name it with a flag, or in the machine's own configuration; this file may hold ${KEYS.join(", ")}`,
      details: { key },
    });
  }
  return new KitesealError(
    "ERR_CONFIG_INVALID",
    `${quote(path)} has the unknown key ${quote(key)}: expected ${known.join(", ")}`,
    {
      details: { key },
    },
  );
}

function invalid(path: string, key: string, expected: string): KitesealError {
  return new KitesealError("ERR_CONFIG_INVALID", `${quote(path)}: ${key}: expected ${expected}`, { details: { key } });
}

function asFields(value: unknown, path: string, key: string): Fields {
  if (value === null || value === undefined) return new Map();
  if (!(value instanceof Map)) throw invalid(path, key, "a mapping");
  const fields = new Map<string, unknown>();
  for (const [name, member] of value) {
    if (typeof name !== "string") throw invalid(path, key, "keys that are text");
    fields.set(name, member);
  }
  return fields;
}

function asText(value: unknown, path: string, key: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "") throw invalid(path, key, "text");
  return value;
}

function asTransparency(value: unknown, path: string): "public" | undefined {
  const text = asText(value, path, "transparency");
  if (text !== undefined && text !== "public") throw invalid(path, "transparency", "public");
  return text;
}

function asRoots(value: unknown, path: string): AttestationRoots | undefined {
  if (!(value instanceof Map)) return asText(value, path, "attestations");
  const roots = new Map<string, string>();
  for (const [prefix, root] of asFields(value, path, "attestations")) {
    roots.set(prefix, asText(root, path, `attestations.${prefix}`) ?? "");
  }
  return roots;
}

const WRITE_KEYS = ["encryption-key", "retention", "legal-hold", "bucket-owner"];

function asWrite(value: unknown, path: string): WriteSettings | undefined {
  if (value === undefined) return undefined;
  const fields = asFields(value, path, "write");
  for (const key of fields.keys()) {
    if (!WRITE_KEYS.includes(key))
      throw unknownKey(
        path,
        `write.${key}`,
        WRITE_KEYS.map((known) => `write.${known}`),
      );
  }
  const kept = asText(fields.get("retention"), path, "write.retention");
  const retention = kept === undefined ? undefined : retentionOf(kept);
  if (kept !== undefined && retention === undefined)
    throw invalid(path, "write.retention", "governance:DAYS or compliance:DAYS");
  const legalHold = fields.get("legal-hold");
  if (legalHold !== undefined && typeof legalHold !== "boolean")
    throw invalid(path, "write.legal-hold", "true or false");
  const encryptionKey = asText(fields.get("encryption-key"), path, "write.encryption-key");
  if (encryptionKey !== undefined && !ENCRYPTION_KEY.test(encryptionKey))
    throw invalid(path, "write.encryption-key", "printable ASCII without spaces");
  const bucketOwner = asText(fields.get("bucket-owner"), path, "write.bucket-owner (in quotes)");
  if (bucketOwner !== undefined && !BUCKET_OWNER.test(bucketOwner))
    throw invalid(path, "write.bucket-owner", "the 12 digits of an AWS account");
  return present({ encryptionKey, retention, legalHold, bucketOwner });
}

function asLocked(value: unknown, path: string): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(path, "locked", "a list of keys");
  return value.map((key: unknown) => {
    if (typeof key === "string" && LOCKABLE.includes(key)) return key;
    throw invalid(path, "locked", `keys among ${LOCKABLE.join(", ")}`);
  });
}
