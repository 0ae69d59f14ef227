// SPDX-License-Identifier: Apache-2.0
// A first policy from an attestation that verifies: who, which step, which ref; everything else as comments that say when
// it breaks a rollback or a promotion. Text, because people read it and edit it.
import { PREDICATE_TYPES } from "@kiteseal/in-toto-attestation";
import type { BuildFacts } from "../buildkite/facts.ts";
import { globProblem, isGlob } from "../glob.ts";
import { isKeyIdentity } from "../sigstore/certificate.ts";
import type { VerifiedArtifact } from "./verdict.ts";

export interface SuggestOptions {
  /** Globs of artifact names for the one rule. */
  readonly artifacts: readonly string[];
  /** PEM of the key that signed, where a key did. */
  readonly key?: string | undefined;
}

/** YAML of a policy that the artifact passes. */
export function suggestPolicy(verified: VerifiedArtifact, { artifacts, key }: SuggestOptions): string {
  const { statement } = verified;
  const type = statement?.predicateType;
  const head = [
    "version: 1",
    "rules:",
    "  artifact:",
    `    artifacts: [${artifacts.map(scalar).join(", ")}]`,
    ...(statement === undefined ? ["    content: blob"] : []),
    ...(type === undefined || type === PREDICATE_TYPES.slsaProvenanceV1 ? [] : [`    type: ${scalar(type)}`]),
  ];
  return `${[...head, ...signerLines(verified, key)].join("\n")}\n`;
}

function signerLines({ signer, build }: VerifiedArtifact, key: string | undefined): readonly string[] {
  if (build !== undefined) return buildkiteLines(build);
  if (isKeyIdentity(signer)) {
    const pem = (key ?? "").trim().split(/\r?\n/);
    return [`    # sha256:${signer.keyDigest}`, "    key: |", ...pem.map((line) => `      ${line}`)];
  }
  const { subject, issuer } = signer;
  return ["    certificate:", `      identity: ${scalar(subject)}`, `      issuer: ${scalar(issuer)}`];
}

/** A double-quoted YAML scalar of printable ASCII: the signer chose the text, and a reader must see all of it. */
function scalar(text: string): string {
  return JSON.stringify(text).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const COMMENT_COLUMN = 34;

/** A made-up branch may be named like a pattern, which would allow every branch that it matches. */
function sourceLine(ref: BuildFacts["ref"]): string {
  if (ref === undefined) return "    source: { ref: any } # the certificate proves no ref";
  return isGlob(ref.name) || globProblem(ref.name) !== undefined
    ? `    # source: name the branches or tags; this one, ${scalar(ref.name)}, is spelt like a pattern`
    : `    source: { ${ref.kind}: ${scalar(ref.name)} }`;
}

function buildkiteLines(build: BuildFacts): readonly string[] {
  const { organization = "", pipeline = "", step, ref, buildNumber, commit, trigger, runner } = build;
  const comment = (key: string, value: string | number | undefined, why: string): readonly string[] =>
    value === undefined ? [] : [`    # ${`${key}: ${String(value)}`.padEnd(COMMENT_COLUMN)} # ${why}`];
  const builder = [`organization: ${scalar(organization)}`, `pipeline: ${scalar(pipeline)}`];
  return [
    `    builder: { ${[...builder, ...(step === undefined ? [] : [`step: ${scalar(step)}`])].join(", ")} }`,
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
