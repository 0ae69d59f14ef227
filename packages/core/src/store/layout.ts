// SPDX-License-Identifier: Apache-2.0
// Where attestations lie below a root (docs/reference/layout.md). Bundles are named by their own digest and never
// change; references are zero-length names, so that nothing is ever read, changed and written back.
import { createHash } from "node:crypto";
import { parseKey, type Key } from "./keys.ts";

/** The folder below a store's fixed part that holds attestations. */
const ROOT_FOLDER = ".kiteseal/";
/** The name other clients look for beside an artifact. */
export const SIDECAR_SUFFIX = ".sigstore.json";
const NO_BUILD = "0000000000";
const HEX = /^[0-9a-f]{64}$/;

export function bundleKey(root: string, bundleDigest: string): Key {
  return parseKey(`${root}bundles/sha256/${bundleDigest.slice(0, 2)}/${bundleDigest}.sigstore.json`);
}

/** All references of one subject; `signer` narrows to one builder's. */
export function subjectPrefix(root: string, subjectDigest: string, signer?: string): string {
  const subject = `${root}subjects/sha256/${subjectDigest.slice(0, 2)}/${subjectDigest}/`;
  return signer === undefined ? subject : `${subject}${signerFolder(signer)}/`;
}

/** sha256 of the subject alternative name. */
function signerFolder(subjectAlternativeName: string): string {
  return createHash("sha256").update(subjectAlternativeName).digest("hex");
}

export interface Reference {
  readonly subjectDigest: string;
  readonly signer: string;
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
  return digest !== undefined && HEX.test(digest) ? digest : undefined;
}

/** Roots to look in for an artifact at `key`: `.kiteseal/` in each folder from the key's own up to the bucket's, nearest first. */
export function rootsAbove(key: string): readonly string[] {
  const folders = key.split("/").slice(0, -1);
  return folders.map((_, i) => `${folders.slice(0, folders.length - i).join("/")}/${ROOT_FOLDER}`).concat(ROOT_FOLDER);
}
