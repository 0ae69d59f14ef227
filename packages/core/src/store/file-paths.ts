// SPDX-License-Identifier: Apache-2.0
// Paths below one directory, made from keys that somebody else chose: each means the same on every file system, and no two
// of them could be one file on any (letter case, normal forms, a file where another has a folder).
import { ATTESTATION_SUFFIXES } from "../artifact/attestation-names.ts";
import { KitesealError, quote } from "../errors.ts";
import { unportablePathReason } from "./keys.ts";

const MAX_SEGMENT_BYTES = 255;
const LONGEST_SUFFIX = Math.max(...ATTESTATION_SUFFIXES.map((suffix) => suffix.length));

interface Taken {
  /** Of the file itself, or that made the folder. */
  readonly path: string;
  readonly spelling: string;
  readonly isFile: boolean;
}

export class FilePaths {
  readonly #taken = new Map<string, Taken>();

  /** Throws ERR_KEY_INVALID, ERR_DUPLICATE_NAME. */
  add(path: string): void {
    const why = unportablePathReason(path) ?? tooLongForAttestation(path);
    if (why !== undefined) {
      throw new KitesealError("ERR_KEY_INVALID", `${quote(path)} cannot be a file's path: it ${why}`, {
        hint: "no name is ever rewritten silently: fetch what you need by addresses of its own, or publish this one under another name",
      });
    }
    const segments = path.split("/");
    for (let count = 1; count <= segments.length; count += 1) {
      this.#take({ path, spelling: segments.slice(0, count).join("/"), isFile: count === segments.length });
    }
  }

  #take(wanted: Taken): void {
    const key = folded(wanted.spelling);
    const known = this.#taken.get(key);
    this.#taken.set(key, known ?? wanted);
    if (known === undefined || (!known.isFile && !wanted.isFile && known.spelling === wanted.spelling)) return;
    throw new KitesealError(
      "ERR_DUPLICATE_NAME",
      `${quote(known.path)} and ${quote(wanted.path)} cannot both be below one directory: ${clash(known, wanted)}`,
      { hint: "fetch them in two runs, each to its own directory" },
    );
  }
}

function clash(known: Taken, wanted: Taken): string {
  const [a, b] = [quote(known.spelling), quote(wanted.spelling)];
  if (known.isFile !== wanted.isFile) return `${a} would be a file and a folder`;
  return a === b ? `${a} is there twice` : `${a} and ${b} are one name on some file systems`;
}

/** Equal for names that some file system does not tell apart; the detour by upper case folds ſ, ß and the like. */
function folded(text: string): string {
  return text.normalize("NFD").toUpperCase().toLowerCase().normalize("NFC");
}

function tooLongForAttestation(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const left = MAX_SEGMENT_BYTES - LONGEST_SUFFIX;
  return Buffer.byteLength(name) <= left ? undefined : `has a last segment of more than ${left} bytes`;
}
