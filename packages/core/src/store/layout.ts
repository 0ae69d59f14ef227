// SPDX-License-Identifier: Apache-2.0
// Where attestations lie below a root (docs/reference/layout.md). Bundles are named by their own digest and never
// change; references are zero-length names, so that nothing is ever read, changed and written back.
import { ATTESTATIONS_FOLDER, SIDECAR_SUFFIX } from "../artifact/attestation-names.ts";
import { isSha256Hex, sha256Hex } from "../artifact/digest.ts";
import type { KeyIdentity } from "../sigstore/certificate.ts";
import { parseKey, type Key } from "./keys.ts";

const ROOT_FOLDER = `${ATTESTATIONS_FOLDER}/`;
const NO_BUILD = "0000000000";

export function bundleKey(root: string, bundleDigest: string): Key {
  return parseKey(`${root}bundles/sha256/${bundleDigest.slice(0, 2)}/${bundleDigest}${SIDECAR_SUFFIX}`);
}

/** All references of one subject; `signer` narrows to one builder's. */
export function subjectPrefix(root: string, subjectDigest: string, signer?: string | KeyIdentity): string {
  const subject = `${root}subjects/sha256/${subjectDigest.slice(0, 2)}/${subjectDigest}/`;
  return signer === undefined ? subject : `${subject}${signerFolder(signer)}/`;
}

/** sha256 of the subject alternative name, or of the key. */
function signerFolder(signer: string | KeyIdentity): string {
  return typeof signer === "string" ? sha256Hex(signer) : signer.keyDigest;
}

export interface Reference {
  readonly subjectDigest: string;
  /** A subject alternative name, or a key. */
  readonly signer: string | KeyIdentity;
  readonly buildNumber?: number;
  readonly bundleDigest: string;
}

export function referenceKey(root: string, reference: Reference): Key {
  const { subjectDigest, signer, buildNumber, bundleDigest } = reference;
  const build = buildNumber === undefined ? NO_BUILD : String(buildNumber).padStart(NO_BUILD.length, "0");
  return parseKey(`${subjectPrefix(root, subjectDigest, signer)}${build}-${bundleDigest}`);
}

/** The bundle a reference names, or undefined for a name that is none. */
export function bundleOfReference(key: string): string | undefined {
  const name = key.slice(key.lastIndexOf("/") + 1);
  const digest = /^\d{10,16}-(.+)$/.exec(name)?.[1];
  return digest !== undefined && isSha256Hex(digest) ? digest : undefined;
}

/** Roots to look in for an artifact at `key`: `.kiteseal/` in each folder from the key's own up to the bucket's, nearest first. */
export function rootsAbove(key: string): readonly string[] {
  const folders = key.split("/").slice(0, -1);
  return folders.map((_, i) => `${folders.slice(0, folders.length - i).join("/")}/${ROOT_FOLDER}`).concat(ROOT_FOLDER);
}
