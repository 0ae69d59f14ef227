// SPDX-License-Identifier: Apache-2.0
// Paths below one directory, made from keys that somebody else chose: each means the same on every file system, and no two
// of them could be one file on any (letter case, normal forms, a file where another has a folder).
import { ATTESTATION_SUFFIXES } from "../artifact/attestation-names.ts";
import { KitesealError, quote } from "../errors.ts";
import { unportablePathReason } from "./keys.ts";

const MAX_SEGMENT_BYTES = 255;
const LONGEST_SUFFIX = Math.max(...ATTESTATION_SUFFIXES.map((suffix) => suffix.length));

interface Taken {
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
        hint: "no name is ever rewritten silently: leave it out, or fetch what you need by its own address",
      });
    }
    const segments = path.split("/");
    for (let count = 1; count <= segments.length; count += 1) {
      this.#take({ spelling: segments.slice(0, count).join("/"), isFile: count === segments.length });
    }
  }

  #take(wanted: Taken): void {
    const key = folded(wanted.spelling);
    const known = this.#taken.get(key);
    this.#taken.set(key, known ?? wanted);
    if (known === undefined || (!known.isFile && !wanted.isFile && known.spelling === wanted.spelling)) return;
    throw new KitesealError(
      "ERR_DUPLICATE_NAME",
      `${quote(known.spelling)} and ${quote(wanted.spelling)} would be one name below the directory`,
      { hint: "fetch them in two runs, each to its own directory" },
    );
  }
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
