// SPDX-License-Identifier: Apache-2.0
// What the certificate states, the provenance must state equally. The issuer decides whether this applies, never the
// statement: an unknown buildType under Buildkite's issuer is a contradiction, not a way out. Pure.
import { compareFacts, type FactName } from "../buildkite/facts.ts";
import type { CertificateFacts } from "../buildkite/certificate-facts.ts";
import { KitesealError, quote } from "../errors.ts";
import type { ProvenanceFacts } from "../provenance/facts.ts";

/** Facts that a Buildkite certificate can state and the provenance must then state too. */
const BINDING: ReadonlySet<FactName> = new Set<FactName>([
  "organization",
  "pipeline",
  "buildNumber",
  "jobId",
  "commit",
  "ref",
  "step",
  "trigger",
  "runner",
]);

function reject(expected: string, found: string): KitesealError {
  return new KitesealError("ERR_AGREEMENT", `provenance and certificate: expected ${expected}, found ${found}`, {
    details: { expected, found },
    hint: "the provenance was not made by the job that the certificate names: do not deploy, ask who signed it",
  });
}

/** The certificate's own extensions agree with each other and can be read in one way. Throws ERR_AGREEMENT. */
export function agreeWithin(certificate: CertificateFacts): void {
  const [contradiction] = certificate.contradictions;
  if (contradiction !== undefined) {
    const { fact, expected, found } = contradiction;
    throw reject(`one ${fact} in the certificate`, `${quote(expected)} and ${quote(found ?? "none")}`);
  }
  if (certificate.subjectKind === "ambiguous") {
    throw reject("a token subject that can be read in one way", certificate.problems.join(", "));
  }
}

/** Throws ERR_AGREEMENT; returns the facts that the certificate does not state ("unproven"). */
export function agreeWithProvenance(
  certificate: CertificateFacts,
  o: { subject: string; provenance: ProvenanceFacts },
): readonly FactName[] {
  const { provenance } = o;
  const [problem] = provenance.problems;
  if (problem !== undefined) throw reject("provenance of a Buildkite job", problem);
  if (provenance.builderId !== o.subject) throw reject(`builder.id ${quote(o.subject)}`, quote(provenance.builderId));
  if (certificate.commitText !== undefined && provenance.commitText !== certificate.commitText) {
    throw reject(`commit ${quote(certificate.commitText)}`, quote(provenance.commitText ?? "none"));
  }
  const { different, missing, unproven } = compareFacts(certificate.facts, provenance.facts);
  const [first] = [...different, ...missing].filter((d) => BINDING.has(d.fact));
  if (first !== undefined) {
    throw reject(`${first.fact} ${quote(first.expected)}`, first.found === undefined ? "none" : quote(first.found));
  }
  return unproven;
}
