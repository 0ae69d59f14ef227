// SPDX-License-Identifier: Apache-2.0
// A DOUBLE of Google Cloud Storage: what a bucket keeps and what it refuses. Made from the documented behaviour
// (reference/storage.md §1.2), never compared with the real service. Stricter than the emulators: it verifies
// checksums, preconditions, generations, retention and holds.
import { createHash } from "node:crypto";
import { crc32cBase64 } from "./crc32c.ts";

/** A request refused, as the JSON API says it. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export interface ObjectMetadata {
  readonly contentType?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly md5Hash?: string | undefined;
  readonly crc32c?: string | undefined;
  readonly retention?: { readonly mode: string; readonly retainUntilTime: string } | undefined;
  readonly temporaryHold?: boolean | undefined;
  readonly eventBasedHold?: boolean | undefined;
}

export interface Preconditions {
  /** "0": nothing may be there. */
  readonly ifGenerationMatch?: string | undefined;
}

export interface StoredVersion {
  readonly name: string;
  readonly generation: string;
  readonly size: number;
  /** Undefined in a bucket that keeps no bytes (`discard`). */
  readonly bytes: Uint8Array | undefined;
  readonly md5Hash: string;
  readonly crc32c: string;
  readonly kmsKeyName: string | undefined;
  readonly metadata: ObjectMetadata;
}

/** The bytes of one upload: how many, what they hash to, and, unless discarded, themselves. */
export interface Received {
  readonly size: number;
  readonly md5Hash: string;
  readonly crc32c: string | undefined;
  readonly bytes: Uint8Array | undefined;
}

export interface BucketSettings {
  readonly name: string;
  /** What GET on the bucket answers beside its name. */
  readonly resource: Readonly<Record<string, unknown>>;
  /** Old generations stay readable. */
  readonly versioning: boolean;
  /** Preconditions are taken and not kept, as lesser servers do. */
  readonly ignorePreconditions: boolean;
  /** Checksums are taken and not compared, as lesser servers do. */
  readonly ignoreChecksums: boolean;
}

export interface Bucket {
  readonly settings: BucketSettings;
  get(name: string, generation: string | undefined): StoredVersion;
  peek(name: string): StoredVersion | undefined;
  check(name: string, conditions: Preconditions): void;
  put(request: PutVersion, conditions: Preconditions): StoredVersion;
  remove(name: string): void;
  names(): readonly string[];
}

export interface PutVersion {
  readonly name: string;
  readonly received: Received;
  readonly metadata: ObjectMetadata;
  readonly kmsKeyName: string | undefined;
}

export function receive(bytes: Uint8Array): Received {
  const md5Hash = createHash("md5").update(bytes).digest("base64");
  return { size: bytes.length, md5Hash, crc32c: crc32cBase64(bytes), bytes };
}

export function createBucket(settings: BucketSettings): Bucket {
  const live = new Map<string, StoredVersion>();
  const all = new Map<string, StoredVersion>();
  let last = 1_763_700_000_000_000n;
  const check = (name: string, conditions: Preconditions): void => {
    if (settings.ignorePreconditions || conditions.ifGenerationMatch === undefined) return;
    const found = live.get(name)?.generation ?? "0";
    if (found !== conditions.ifGenerationMatch) {
      throw new Refusal(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.");
    }
  };
  const refuseProtected = (name: string): void => {
    const there = live.get(name)?.metadata;
    if (there?.temporaryHold === true || there?.eventBasedHold === true) {
      throw new Refusal(
        403,
        "objectUnderActiveHold",
        `Object '${name}' is under active hold and cannot be overwritten.`,
      );
    }
    if (there?.retention !== undefined) {
      throw new Refusal(403, "retentionPolicyNotMet", `Object '${name}' is subject to object retention.`);
    }
  };
  return {
    settings,
    check,
    get(name, generation) {
      const found = generation === undefined ? live.get(name) : all.get(`${name}#${generation}`);
      if (found === undefined) throw new Refusal(404, "notFound", `No such object: ${settings.name}/${name}`);
      return found;
    },
    peek: (name) => live.get(name),
    put({ name, received, metadata, kmsKeyName }, conditions) {
      check(name, conditions);
      if (!settings.ignoreChecksums) refuseWrongChecksum(received, metadata);
      refuseProtected(name);
      last += 1000n;
      const { size, md5Hash, bytes } = received;
      const crc32c = received.crc32c ?? "";
      const version = { name, generation: String(last), size, bytes, md5Hash, crc32c, kmsKeyName, metadata };
      const replaced = live.get(name);
      if (replaced !== undefined && !settings.versioning) all.delete(`${name}#${replaced.generation}`);
      live.set(name, version);
      all.set(`${name}#${version.generation}`, version);
      return version;
    },
    remove(name) {
      const there = live.get(name);
      if (there === undefined) throw new Refusal(404, "notFound", `No such object: ${settings.name}/${name}`);
      refuseProtected(name);
      live.delete(name);
      if (!settings.versioning) all.delete(`${name}#${there.generation}`);
    },
    names: () => [...live.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  };
}

function refuseWrongChecksum(received: Received, metadata: ObjectMetadata): void {
  const wrong = (kind: string, given: string, found: string): Refusal =>
    new Refusal(400, "invalid", `Provided ${kind} hash "${given}" doesn't match calculated ${kind} hash "${found}".`);
  if (metadata.md5Hash !== undefined && metadata.md5Hash !== received.md5Hash) {
    throw wrong("MD5", metadata.md5Hash, received.md5Hash);
  }
  if (metadata.crc32c !== undefined && received.crc32c !== undefined && metadata.crc32c !== received.crc32c) {
    throw wrong("CRC32C", metadata.crc32c, received.crc32c);
  }
}

/** The object resource of the JSON API: 64-bit numbers are strings. */
export function resourceOf(bucket: Bucket, version: StoredVersion): Record<string, unknown> {
  const { metadata } = version;
  return {
    kind: "storage#object",
    id: `${bucket.settings.name}/${version.name}/${version.generation}`,
    name: version.name,
    bucket: bucket.settings.name,
    generation: version.generation,
    metageneration: "1",
    size: String(version.size),
    md5Hash: version.md5Hash,
    crc32c: version.crc32c,
    contentType: metadata.contentType ?? "application/octet-stream",
    ...(metadata.metadata === undefined ? {} : { metadata: metadata.metadata }),
    ...(metadata.retention === undefined ? {} : { retention: metadata.retention }),
    ...(metadata.temporaryHold === undefined ? {} : { temporaryHold: metadata.temporaryHold }),
    ...(metadata.eventBasedHold === undefined ? {} : { eventBasedHold: metadata.eventBasedHold }),
    ...(version.kmsKeyName === undefined ? {} : { kmsKeyName: `${version.kmsKeyName}/cryptoKeyVersions/1` }),
  };
}
