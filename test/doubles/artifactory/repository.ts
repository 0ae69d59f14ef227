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
  const digester = createDigester();
  digester.update(bytes);
  return digester.finish();
}

interface Digester {
  update(bytes: Uint8Array): void;
  finish(): Checksums;
}

/** The server computes all three of whatever it is sent, as it comes. */
export function createDigester(): Digester {
  const [sha1, md5, sha256] = [createHash("sha1"), createHash("md5"), createHash("sha256")];
  return {
    update: (bytes) => [sha1, md5, sha256].forEach((hash) => hash.update(bytes)),
    finish: () => ({ sha1: sha1.digest("hex"), md5: md5.digest("hex"), sha256: sha256.digest("hex") }),
  };
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
