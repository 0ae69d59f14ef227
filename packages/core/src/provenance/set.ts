// SPDX-License-Identifier: Apache-2.0
// More subjects than one statement may have are split over several, each naming the set, so that none can be withheld
// unnoticed (internalParameters.kiteseal.set).
import { createHash } from "node:crypto";
import type { DigestSet } from "@kiteseal/in-toto-attestation";
import { asObject, objectAt } from "@kiteseal/in-toto-attestation/json";
import { sortByName } from "../artifact/names.ts";

/** Says that a statement is one of several about one set of subjects. */
export interface SubjectSet {
  /** From 0. */
  readonly index: number;
  readonly count: number;
  /** Of all subjects' lines; see subjectSetDigest. */
  readonly sha256: string;
}

/** sha256 over the lines `<sha256>  <name>\n` of all subjects, sorted by the names' bytes. */
export function subjectSetDigest(subjects: readonly { readonly name: string; readonly digests: DigestSet }[]): string {
  const hash = createHash("sha256");
  for (const { name, digests } of sortByName(subjects)) hash.update(`${digests["sha256"] ?? ""}  ${name}\n`);
  return hash.digest("hex");
}

/** The set that a provenance predicate names, if it names one. Throws DecodeError for one that cannot be read. */
export function readSubjectSet(predicate: unknown): SubjectSet | undefined {
  let at = objectAt(predicate, "$");
  for (const key of ["buildDefinition", "internalParameters", "kiteseal", "set"]) {
    const next = at.optional(key, asObject);
    if (next === undefined) return undefined;
    at = objectAt(next, at.at(key));
  }
  const count = at.integer("count", { min: 1, max: 100_000 });
  return {
    index: at.integer("index", { min: 0, max: count - 1 }),
    count,
    sha256: at.string("sha256", { min: 64, max: 64 }),
  };
}
