// SPDX-License-Identifier: Apache-2.0
// A first policy from an attestation that verifies: who, which step, which ref; everything else as comments that say when
// it breaks a rollback or a promotion. Text, because people read it and edit it.
import { PREDICATE_TYPES } from "@kiteseal/in-toto-attestation";
import { quote } from "../errors.ts";
import { globProblem, isGlob } from "../glob.ts";
import { isKeyIdentity } from "../sigstore/certificate.ts";
import type { BuildFacts } from "../buildkite/facts.ts";
import type { VerifiedArtifact } from "./verdict.ts";

/** YAML of a policy that the artifact passes. `pattern`: a glob of artifact names for its one rule. */
export function suggestPolicy(verified: VerifiedArtifact, pattern: string): string {
  const { signer, build } = verified;
  const head = ["version: 1", "rules:", "  artifact:", `    artifacts: [${quote(pattern)}]`, ...contentLines(verified)];
  if (build !== undefined) return [...head, ...buildkiteLines(build), ""].join("\n");
  if (isKeyIdentity(signer)) return [...head, "    key: |", "      # paste the PEM public key here", ""].join("\n");
  return [
    ...head,
    "    certificate:",
    `      identity: ${quote(signer.subject)}`,
    `      issuer: ${quote(signer.issuer)}`,
    "",
  ].join("\n");
}

/** What is neither provenance nor a statement must be asked for in so many words. */
function contentLines({ statement }: VerifiedArtifact): readonly string[] {
  if (statement === undefined) return ["    content: blob"];
  const { predicateType } = statement;
  return predicateType === PREDICATE_TYPES.slsaProvenanceV1 ? [] : [`    type: ${quote(predicateType)}`];
}

/** A made-up branch may be named like a pattern, which would allow every branch that it matches. */
function sourceLine(ref: BuildFacts["ref"]): string {
  if (ref === undefined) return "    source: { ref: any }                # the certificate proves no ref";
  return isGlob(ref.name) || globProblem(ref.name) !== undefined
    ? `    # source: name the branches or tags; this one, ${quote(ref.name)}, is spelt like a pattern`
    : `    source: { ${ref.kind}: ${quote(ref.name)} }`;
}

function buildkiteLines(build: BuildFacts): readonly string[] {
  const { organization = "", pipeline = "", step, ref, buildNumber, commit, trigger, runner } = build;
  const comment = (key: string, value: string | number | undefined, why: string): readonly string[] =>
    value === undefined
      ? []
      : [`    # ${key}: ${String(value)}${" ".repeat(Math.max(1, 32 - key.length - String(value).length))}# ${why}`];
  const builder = [`organization: ${quote(organization)}`, `pipeline: ${quote(pipeline)}`];
  return [
    `    builder: { ${[...builder, ...(step === undefined ? [] : [`step: ${quote(step)}`])].join(", ")} }`,
    sourceLine(ref),
    ...comment("trigger", trigger, "breaks rebuilds from the UI or the API"),
    ...comment("runner", runner, "breaks when the queue moves to other agents"),
    ...comment("build", buildNumber, "breaks every rollback and every other build"),
    ...comment(
      "build",
      "{ env: BUILDKITE_TRIGGERED_FROM_BUILD_NUMBER }",
      "only in a build triggered by the one that published",
    ),
    ...comment("commit", commit, "breaks every rollback"),
    ...comment("max-age", "90d", "breaks a rollback to anything older"),
  ];
}
