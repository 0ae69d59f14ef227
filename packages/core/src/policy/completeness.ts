// SPDX-License-Identifier: Apache-2.0
// --require-all-subjects: nothing that a verified statement speaks of may be missing from what was verified, and no
// statement of a set may have been withheld. Fed with verdicts, asked at the end; reads nothing else.
import { PREDICATE_TYPES, type DigestSet, type Statement } from "@kiteseal/in-toto-attestation";
import { DecodeError } from "@kiteseal/in-toto-attestation/json";
import { readSubjectSet, subjectSetDigest, type SubjectSet } from "../provenance/set.ts";
import { KNOWN_ALGORITHMS } from "./subject.ts";
import { isVerified, type UnverifiedArtifact, type Verdict } from "./verdict.ts";

interface SetSeen {
  readonly set: SubjectSet;
  readonly indexes: Set<number>;
  /** By name and digest: a job that is retried says the same again. */
  readonly subjects: Map<string, { readonly name: string; readonly digests: DigestSet }>;
}

/** Each digest that means equal bytes, as text. */
function digestKeys(digest: DigestSet): readonly string[] {
  return KNOWN_ALGORITHMS.flatMap((algorithm) => {
    const value = digest[algorithm];
    return value === undefined ? [] : [`${algorithm}:${value}`];
  });
}

export class Completeness {
  readonly #bundles = new Set<string>();
  readonly #expected = new Map<string, { readonly name: string; readonly digest: DigestSet }>();
  readonly #verified = new Set<string>();
  readonly #sets = new Map<string, SetSeen>();
  readonly #unreadable: UnverifiedArtifact[] = [];

  note(verdict: Verdict): void {
    // An excepted artifact is there, by the word of the exception's owner.
    if (!isVerified(verdict) && verdict.outcome !== "excepted") return;
    for (const key of digestKeys(verdict.artifact.digest)) this.#verified.add(key);
    if (!isVerified(verdict) || verdict.statement === undefined || this.#bundles.has(verdict.bundleDigest)) return;
    this.#bundles.add(verdict.bundleDigest);
    this.#expect(verdict.statement);
  }

  /** One verdict for each subject, and each set, that is not complete. */
  missing(): readonly UnverifiedArtifact[] {
    const subjects = [...this.#expected]
      .filter(([, { digest }]) => !digestKeys(digest).some((key) => this.#verified.has(key)))
      .map(([, { name, digest }]) =>
        incomplete({ name, digest }, "a verified statement names it and it was not verified"),
      );
    return [...subjects, ...this.#unreadable, ...[...this.#sets.values()].flatMap(setProblem)];
  }

  #expect(statement: Statement): void {
    for (const { name = "", digest } of statement.subject) {
      this.#expected.set(digestKeys(digest).join(" ") || name, { name, digest });
    }
    const set = this.#setOf(statement);
    if (set === undefined) return;
    const key = `${set.sha256} ${set.count}`;
    const seen = this.#sets.get(key) ?? { set, indexes: new Set(), subjects: new Map() };
    seen.indexes.add(set.index);
    for (const { name = "", digest } of statement.subject) {
      seen.subjects.set(`${digestKeys(digest).join(" ")}  ${name}`, { name, digests: digest });
    }
    this.#sets.set(key, seen);
  }

  /** A set that cannot be read is not complete; the other artifacts still have their answers. */
  #setOf({ predicate, predicateType }: Statement): SubjectSet | undefined {
    if (predicateType !== PREDICATE_TYPES.slsaProvenanceV1) return undefined;
    try {
      return readSubjectSet(predicate);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#unreadable.push(incomplete({ name: "a set", digest: {} }, `it cannot be read: ${error.message}`));
      return undefined;
    }
  }
}

function setProblem({ set, indexes, subjects }: SetSeen): readonly UnverifiedArtifact[] {
  const name = `set ${set.sha256}`;
  if (indexes.size < set.count) {
    return [incomplete({ name, digest: {} }, `found ${indexes.size} of its ${set.count} statements`)];
  }
  return subjectSetDigest([...subjects.values()]) === set.sha256
    ? []
    : [incomplete({ name, digest: {} }, "its statements do not add up to it")];
}

function incomplete(o: { name: string; digest: DigestSet }, found: string): UnverifiedArtifact {
  return {
    outcome: "rejected",
    code: "ERR_SET_INCOMPLETE",
    artifact: { ...o, origin: { kind: "digest" } },
    checks: [],
    attestations: [],
    places: [],
    hint: `${found}; verify all artifacts of the release in one run, and fetch what is not there`,
  };
}
