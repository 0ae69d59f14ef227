// SPDX-License-Identifier: Apache-2.0
// What the Artifactory double keeps: artifacts by path with their checksums, content by digest across repositories.
import { createHash } from "node:crypto";

export interface Checksums {
  readonly sha1: string;
  readonly md5: string;
  readonly sha256: string;
}

export interface Artifact {
  readonly bytes: Uint8Array;
  readonly checksums: Checksums;
  readonly original: Partial<Checksums>;
  readonly created: string;
  readonly createdBy: string;
  readonly properties: Readonly<Record<string, string>>;
}

export type Artifacts = Map<string, Artifact>;

export function checksumsOf(bytes: Uint8Array): Checksums {
  const hex = (algorithm: string): string => createHash(algorithm).update(bytes).digest("hex");
  return { sha1: hex("sha1"), md5: hex("md5"), sha256: hex("sha256") };
}

/** As the real one tells it, spaces and all. */
export function checksumMessage(item: string, found: Checksums, told: Partial<Checksums>): string {
  const names = { "SHA-1": "sha1", MD5: "md5", "SHA-256": "sha256" } as const;
  const details = Object.entries(names).map(
    ([label, name]) => `${label}: original='${told[name] ?? "null"}', actual='${found[name]}'`,
  );
  return `Checksum policy 'LocalRepoChecksumPolicy: CLIENT' rejected the artifact '${item}'. Checksums info: ${details.join(", ")}`;
}

export function errors(status: number, message: string): string {
  return JSON.stringify({ errors: [{ status, message }] }, undefined, 2);
}
