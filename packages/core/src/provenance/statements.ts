// SPDX-License-Identifier: Apache-2.0
// From a job and its subjects to the statements to be signed. More subjects than one statement holds become several that
// name each other's whole: a verifier that is shown only some of them notices. Pure.
import {
  PREDICATE_TYPES,
  STATEMENT_TYPE_V1,
  type DigestSet,
  type ResourceDescriptor,
  type SlsaProvenance,
  type Statement,
} from "@kiteseal/in-toto-attestation";
import { checkedName, sortByName } from "../artifact/names.ts";
import type { UnverifiedClaims } from "../buildkite/claims.ts";
import { isFullCommit } from "../buildkite/facts.ts";
import type { Job } from "../buildkite/job.ts";
import { KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { imagesInCommand } from "./dependencies.ts";
import { pluginDependencies } from "./plugins.ts";
import { provenancePredicate } from "./predicate.ts";
import { subjectSetDigest, type SubjectSet } from "./set.ts";
import { canonicalRepository, locationAt } from "./repository.ts";

export interface ProvenanceSubject {
  readonly name: string;
  /** Lower-case hex. */
  readonly digests: DigestSet & { readonly sha256: string };
}

export interface ProvenanceInput {
  readonly job: Job;
  readonly token: UnverifiedClaims;
  readonly subjects: readonly ProvenanceSubject[];
  /** In addition to the source, the plugins and the images, which are found here. */
  readonly dependencies: readonly ResourceDescriptor[];
  /** The commit at which the working directory stands. */
  readonly checkoutCommit?: string | undefined;
  readonly kitesealVersion: string;
  readonly startedOn?: Date | undefined;
  readonly finishedOn?: Date | undefined;
  /** `batched`: as few statements as possible. `per-artifact`: one each, for those who hand single bundles on. */
  readonly split: "batched" | "per-artifact";
}

export interface Provenance {
  /** Subjects in the order of their names' bytes. */
  readonly statements: readonly Statement<SlsaProvenance>[];
  /** For humans: what the provenance will not prove. */
  readonly warnings: readonly string[];
}

/** Errors: ERR_NO_MATCH without subjects, ERR_DUPLICATE_NAME, ERR_NAME_INVALID. */
export function buildProvenance(input: ProvenanceInput): Provenance {
  const { job, token, kitesealVersion, startedOn, finishedOn } = input;
  const subjects = checkedSubjects(input.subjects);
  const { dependencies: source, warnings } = sourceDependencies(input);
  const resolvedDependencies = [
    ...source,
    ...pluginDependencies(job.plugins),
    ...imagesInCommand(job.command ?? ""),
    ...input.dependencies,
  ];
  const batches = chunk(subjects, input.split === "per-artifact" ? 1 : LIMITS.subjects);
  const sha256 = input.split === "batched" && batches.length > 1 ? subjectSetDigest(subjects) : undefined;
  const statements = batches.map((batch, index) => {
    const set: SubjectSet | undefined = sha256 === undefined ? undefined : { index, count: batches.length, sha256 };
    const predicate = provenancePredicate({
      job,
      token,
      resolvedDependencies,
      kitesealVersion,
      set,
      startedOn,
      finishedOn,
    });
    return statement(batch, PREDICATE_TYPES.slsaProvenanceV1, predicate);
  });
  return { statements, warnings };
}

/** A statement of any other predicate. Errors: as buildProvenance; ERR_LIMIT_EXCEEDED for more subjects than one holds. */
export function statementForPredicate<P>(
  subjects: readonly ProvenanceSubject[],
  predicateType: string,
  predicate: P,
): Statement<P> {
  if (subjects.length > LIMITS.subjects) {
    throw new KitesealError(
      "ERR_LIMIT_EXCEEDED",
      `expected at most ${LIMITS.subjects} subjects of one predicate, found ${subjects.length}`,
      {
        hint: "only provenance is split into several statements; attest the files in smaller groups",
      },
    );
  }
  return statement(checkedSubjects(subjects), predicateType, predicate);
}

function checkedSubjects(subjects: readonly ProvenanceSubject[]): ProvenanceSubject[] {
  if (subjects.length === 0)
    throw new KitesealError("ERR_NO_MATCH", "there is nothing to attest: no subject was given");
  const names = new Set<string>();
  for (const { name } of subjects) {
    if (names.has(checkedName(name))) {
      throw new KitesealError("ERR_DUPLICATE_NAME", `two subjects are named ${quote(name)}`);
    }
    names.add(name);
  }
  return sortByName(subjects);
}

function statement<P>(subjects: readonly ProvenanceSubject[], predicateType: string, predicate: P): Statement<P> {
  return {
    _type: STATEMENT_TYPE_V1,
    subject: subjects.map(({ name, digests }) => ({ name, digest: digests })),
    predicateType,
    predicate,
  };
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** The commit that the token proves, and, where that is another or none, the one that the checkout stands at. */
function sourceDependencies(input: ProvenanceInput): { dependencies: ResourceDescriptor[]; warnings: string[] } {
  const { job, token, checkoutCommit } = input;
  const requested = token.commitText ?? job.requestedCommit;
  const proven = [token.facts.commit, requested].find((text) => text !== undefined && isFullCommit(text));
  const claimed = [checkoutCommit, job.facts.commit].find((text) => text !== undefined && isFullCommit(text));
  const ref = token.facts.ref ?? job.facts.ref;
  const repository = job.repository === undefined ? undefined : canonicalRepository(job.repository);
  const place = ref === undefined ? "" : `refs/${ref.kind === "tag" ? "tags" : "heads"}/${ref.name}`;
  const uri = repository === undefined || place === "" ? repository : locationAt(repository, place);
  const commit = proven ?? claimed;
  const dependencies: ResourceDescriptor[] = [];
  if (uri !== undefined || commit !== undefined) {
    dependencies.push({
      name: "source",
      ...(uri !== undefined && { uri }),
      ...(commit !== undefined && { digest: { gitCommit: commit } }),
    });
  }
  const warnings: string[] = [];
  if (proven === undefined) {
    const found =
      commit === undefined
        ? "the checkout's commit is not known either"
        : `the checkout's ${commit} is recorded as a claim`;
    warnings.push(
      `the build's commit is ${quote(requested)}: no rule about the commit will pass, ${found}; pass the commit in the trigger`,
    );
  } else if (checkoutCommit !== undefined && checkoutCommit !== proven) {
    dependencies.push({
      name: "checkout",
      ...(repository !== undefined && { uri: repository }),
      digest: { gitCommit: checkoutCommit },
    });
    warnings.push(`the checkout stands at ${checkoutCommit}, not at the build's commit ${proven}; both are recorded`);
  }
  return { dependencies, warnings };
}
