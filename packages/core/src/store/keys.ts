// SPDX-License-Identifier: Apache-2.0
// The grammar of storage keys. `parseKey` accepts what may be read; `portableKey` is what Kiteseal writes:
// valid, and meaning the same, on S3, Google Cloud Storage, Azure Blob, Artifactory and file systems.
import { ATTESTATION_SUFFIXES, ATTESTATIONS_FOLDER } from "../artifact/attestation-names.ts";
import { KitesealError, quote } from "../errors.ts";

declare const key: unique symbol;
export type Key = string & { readonly [key]: true };

const MAX_KEY_BYTES = 4096;
const MAX_PORTABLE_BYTES = 1024;
const MAX_SEGMENT_BYTES = 255;
/** Artifactory serves `X.sha256` as the digest of X: a file of that name cannot be told from it. */
const RESERVED_SUFFIXES = [".md5", ".sha1", ".sha256", ".sha512", ".asc"];
const encoder = new TextEncoder();

function reason(text: string): string | undefined {
  if (text.length === 0) return "is empty";
  if (encoder.encode(text).length > MAX_KEY_BYTES) return `is longer than ${MAX_KEY_BYTES} bytes`;
  if (/[\u0000-\u001f\u007f]/.test(text)) return "holds a control character";
  if (!text.isWellFormed()) return "is not well-formed Unicode";
  for (const segment of text.split("/")) {
    if (segment === "") return "has an empty segment";
    if (segment === "." || segment === "..") return `has the segment ${quote(segment)}`;
  }
  return undefined;
}

function isKey(text: string): text is Key {
  return reason(text) === undefined;
}

/** A key that can be read. Throws ERR_KEY_INVALID. */
export function parseKey(text: string): Key {
  if (isKey(text)) return text;
  throw new KitesealError("ERR_KEY_INVALID", `the key ${quote(text)} ${reason(text)}`);
}

/** What Windows opens a device for, with or without an extension. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?:\..*)?$/i;

/** Why `text` cannot be the path of a file below a directory, meaning the same on every file system, or undefined. */
export function unportablePathReason(text: string): string | undefined {
  const basic = reason(text);
  if (basic !== undefined) return basic;
  const bad = /[:;?#%\\*|<>"]/.exec(text);
  if (bad !== null) return `holds ${quote(bad[0])}`;
  if (text.normalize("NFC") !== text) return "is not in Unicode normal form C";
  for (const segment of text.split("/")) {
    if (encoder.encode(segment).length > MAX_SEGMENT_BYTES)
      return `has a segment of more than ${MAX_SEGMENT_BYTES} bytes`;
    if (segment.endsWith(".") || segment.endsWith(" ")) return "has a segment that ends in a dot or a space";
    if (DEVICE.test(segment)) return `has the segment ${quote(segment)}, which is a device on some systems`;
    if (segment.toLowerCase() === ATTESTATIONS_FOLDER)
      return `has the segment ${quote(ATTESTATIONS_FOLDER)}, which is kept for attestations`;
  }
  const attestation = ATTESTATION_SUFFIXES.find((s) => text.toLowerCase().endsWith(s));
  return attestation === undefined ? undefined : `ends in ${quote(attestation)}, which is an attestation's name`;
}

/** Why `text` cannot be written as (the relative part of) a key on every store, or undefined. */
export function unportableReason(text: string): string | undefined {
  const path = unportablePathReason(text);
  if (path !== undefined) return path;
  if (encoder.encode(text).length > MAX_PORTABLE_BYTES) return `is longer than ${MAX_PORTABLE_BYTES} bytes`;
  const suffix = RESERVED_SUFFIXES.find((s) => text.toLowerCase().endsWith(s));
  return suffix === undefined ? undefined : `ends in ${quote(suffix)}, which some stores serve themselves`;
}

/** `prefix` (operator's) + `relative` (an artifact's path), checked for every store. Throws ERR_KEY_INVALID. */
export function portableKey(prefix: string, relative: string): Key {
  const why = unportableReason(relative);
  if (why !== undefined) {
    throw new KitesealError("ERR_KEY_INVALID", `the artifact path ${quote(relative)} ${why}`, {
      hint: "rename the file; Kiteseal never rewrites a name silently",
    });
  }
  return parseKey(prefix + relative);
}
