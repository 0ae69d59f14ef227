// SPDX-License-Identifier: Apache-2.0
// A file of bundles given by hand: one JSON document, or one a line (.jsonl), with CRLF or a trailing newline.
import { KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { BundleHandle } from "./attestations.ts";

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * The bundles of a file, not yet looked into. Throws ERR_LIMIT_EXCEEDED, and ERR_BUNDLE_INVALID for an empty file.
 * `.jsonl`: one a line. Anything else is one document, so that a pretty-printed bundle is not torn apart.
 */
export function bundleHandles(path: string, bytes: Uint8Array): readonly BundleHandle[] {
  if (bytes.length > LIMITS.bundleFileBytes) {
    throw new KitesealError("ERR_LIMIT_EXCEEDED", `${quote(path)} is larger than ${LIMITS.bundleFileBytes} bytes`);
  }
  const documents = path.endsWith(".jsonl") ? lines(bytes) : [bytes];
  if (documents.length > LIMITS.bundlesPerFile) {
    throw new KitesealError("ERR_LIMIT_EXCEEDED", `${quote(path)} holds more than ${LIMITS.bundlesPerFile} bundles`);
  }
  if (documents.length === 0 || bytes.length === 0) {
    throw new KitesealError("ERR_BUNDLE_INVALID", `${quote(path)} holds no bundle`, {
      details: { expected: "a Sigstore bundle", found: "an empty file" },
    });
  }
  const place = (i: number): string => (documents.length === 1 ? path : `${path}, line ${i + 1}`);
  return documents.map((document, i) => ({ place: place(i), read: () => Promise.resolve(document) }));
}

function lines(bytes: Uint8Array): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    const line = bytes.subarray(start, bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end);
    if (line.length > 0 && found.push(line) > LIMITS.bundlesPerFile) return found;
    start = end + 1;
  }
  return found;
}
