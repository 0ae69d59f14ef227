// SPDX-License-Identifier: Apache-2.0
// --require-all-subjects: nothing that a verified statement speaks of may be missing from what was verified, and no
// statement of a set may have been withheld. Fed with verdicts, asked at the end; reads nothing else.
import type { DigestSet, Statement } from "@kiteseal/in-toto-attestation";
import { withCode } from "../decode.ts";
import { readSubjectSet, subjectSetDigest, type SubjectSet } from "../provenance/set.ts";
import { isVerified, type UnverifiedArtifact, type Verdict } from "./verdict.ts";

interface SetSeen {
  readonly set: SubjectSet;
  readonly indexes: Set<number>;
  readonly subjects: { readonly name: string; readonly digests: DigestSet }[];
}

export class Completeness {
  readonly #bundles = new Set<string>();
  readonly #expected = new Map<string, { readonly name: string; readonly digest: DigestSet }>();
  readonly #verified = new Set<string>();
  readonly #sets = new Map<string, SetSeen>();

  note(verdict: Verdict): void {
    if (!isVerified(verdict) || verdict.statement === undefined) return;
    this.#verified.add(verdict.artifact.digest["sha256"] ?? "");
    if (this.#bundles.has(verdict.bundleDigest)) return;
    this.#bundles.add(verdict.bundleDigest);
    this.#expect(verdict.statement);
  }

  /** One verdict for each subject, and each set, that is not complete. */
  missing(): readonly UnverifiedArtifact[] {
    const subjects = [...this.#expected]
      .filter(([sha256]) => !this.#verified.has(sha256))
      .map(([, { name, digest }]) =>
        incomplete({ name, digest }, "a verified statement names it and it was not verified"),
      );
    return [...subjects, ...[...this.#sets.values()].flatMap(setProblem)];
  }

  #expect(statement: Statement): void {
    for (const { name = "", digest } of statement.subject) {
      const { sha256 } = digest;
      if (sha256 !== undefined) this.#expected.set(sha256, { name, digest });
    }
    const set = withCode({ code: "ERR_STATEMENT_INVALID", what: "the provenance" }, () =>
      readSubjectSet(statement.predicate),
    );
    if (set === undefined) return;
    const seen = this.#sets.get(set.sha256) ?? { set, indexes: new Set(), subjects: [] };
    seen.indexes.add(set.index);
    seen.subjects.push(...statement.subject.map(({ name = "", digest }) => ({ name, digests: digest })));
    this.#sets.set(set.sha256, seen);
  }
}

function setProblem({ set, indexes, subjects }: SetSeen): readonly UnverifiedArtifact[] {
  const name = `set ${set.sha256}`;
  if (indexes.size < set.count) {
    return [incomplete({ name, digest: {} }, `found ${indexes.size} of its ${set.count} statements`)];
  }
  return subjectSetDigest(subjects) === set.sha256
    ? []
    : [incomplete({ name, digest: {} }, "its statements do not add up to it")];
}

function incomplete(o: { name: string; digest: DigestSet }, hint: string): UnverifiedArtifact {
  return {
    outcome: "rejected",
    code: "ERR_SET_INCOMPLETE",
    artifact: { ...o, origin: { kind: "digest" } },
    checks: [],
    attestations: [],
    places: [],
    hint,
  };
}
