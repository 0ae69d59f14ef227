// SPDX-License-Identifier: Apache-2.0
// Checksum files as sha256sum writes them, in its own form and in BSD's. The file says what to look at, never what is
// right: each listed file is hashed, compared with its line and then verified. Untrusted, read strictly.
import { KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { checkedName } from "./names.ts";

export interface ChecksumEntry {
  /** The subject name: without `*` and `./`, in normal form C. */
  readonly name: string;
  /** As written, to open the file by; relative to the checksum file. */
  readonly path: string;
  /** Lower-case hex. */
  readonly sha256: string;
  /** From 1. */
  readonly line: number;
}

const GNU = /^([0-9A-Fa-f]+) [ *](.+)$/s;
const BSD = /^SHA256 \((.+)\) = ([0-9A-Fa-f]+)$/s;

/**
 * The entries of a SHA256SUMS file, in its order. Errors: ERR_CONFIG_INVALID for a line that is none (other algorithms
 * and sha256sum's escaped names included), ERR_NAME_INVALID for an absolute path, `..` and the like, ERR_DUPLICATE_NAME,
 * ERR_NO_MATCH for a file without entries, ERR_LIMIT_EXCEEDED.
 */
export function parseChecksums(bytes: Uint8Array): ChecksumEntry[] {
  if (bytes.byteLength > LIMITS.checksumFileBytes) {
    throw new KitesealError(
      "ERR_LIMIT_EXCEEDED",
      `the checksum file has ${bytes.byteLength} bytes, the limit is ${LIMITS.checksumFileBytes}`,
    );
  }
  const lines = decode(bytes).split("\n");
  if (lines.at(-1) === "") lines.pop();
  const entries = new Map<string, ChecksumEntry>();
  for (const [index, text] of lines.entries()) {
    const entry = parseLine(text.replace(/\r$/, ""), index + 1);
    const known = entries.get(entry.name);
    if (known !== undefined) {
      throw new KitesealError(
        "ERR_DUPLICATE_NAME",
        `lines ${known.line} and ${entry.line} of the checksum file both name ${quote(entry.name)}`,
      );
    }
    entries.set(entry.name, entry);
  }
  if (entries.size === 0) throw new KitesealError("ERR_NO_MATCH", "the checksum file lists nothing");
  return [...entries.values()];
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new KitesealError("ERR_CONFIG_INVALID", "the checksum file is not UTF-8", { cause });
  }
}

function parseLine(text: string, line: number): ChecksumEntry {
  const [, gnuDigest, gnuPath] = GNU.exec(text) ?? [];
  const [, bsdPath, bsdDigest] = BSD.exec(text) ?? [];
  const digest = gnuDigest ?? bsdDigest;
  const path = gnuPath ?? bsdPath;
  if (digest?.length !== 64 || path === undefined) {
    const found = digest === undefined ? quote(text) : `a digest of ${digest.length} digits`;
    throw new KitesealError(
      "ERR_CONFIG_INVALID",
      `line ${line} of the checksum file: expected a sha256 and a file name, found ${found}`,
      {
        hint: "sha256sum FILE… > SHA256SUMS writes such a file",
      },
    );
  }
  const name = checkedName(path.replace(/^(?:\.\/+)+/, "").normalize("NFC"));
  return { name, path, sha256: digest.toLowerCase(), line };
}
