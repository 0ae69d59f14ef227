// SPDX-License-Identifier: Apache-2.0
// What `policy check` says beyond errors: what a valid policy believes without proof, and exceptions that end. Pure.
import type { BuildkiteExpectation, CertificateExpectation, Policy, PolicyException, Rule } from "@kiteseal/core";

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

/** One sentence each, in the order of the policy. */
export function lintPolicy(policy: Policy, now: Date): readonly string[] {
  return [
    ...policy.warnings,
    ...policy.rules.flatMap((rule) => ruleRemarks(rule).map((text) => `rule ${rule.id}: ${text}`)),
    ...(policy.exceptions ?? []).flatMap((exception) => exceptionRemarks(exception, now)),
  ];
}

function ruleRemarks(rule: Rule): readonly string[] {
  const { signer } = rule;
  return [
    ...(signer.kind === "buildkite" ? buildkiteRemarks(signer) : []),
    ...(signer.kind === "certificate" ? certificateRemarks(signer) : []),
    ...(signer.kind === "key" ? ["nobody vouches for a key: whoever holds it signs, from anywhere"] : []),
    ...(rule.anyName ? ["any-name: an artifact of this builder passes under any other's name"] : []),
    ...(rule.repositories === undefined ? [] : ["repository is the builder's claim; it can only reject"]),
    ...(rule.dependencies === undefined ? [] : ["dependencies are the builder's claim; they can only reject"]),
  ];
}

function buildkiteRemarks({
  ref,
  steps,
  triggers,
  organizationIds,
  pipelineIds,
}: BuildkiteExpectation): readonly string[] {
  const branches = ref === "any" || ref.some((pattern) => pattern.kind === "branch");
  return [
    ...(ref === "any" ? ["any ref: every branch and tag, and whoever may push one, decides what is released"] : []),
    ...(branches
      ? ["no certificate says whether a build was of a fork's pull request: keep fork builds off these pipelines"]
      : []),
    ...(steps === undefined ? [] : ["a step's key is what the pipeline file of that build says, on any allowed ref"]),
    ...(triggers === undefined
      ? ["any trigger: branch and commit of ui, api and trigger_job builds are the word of whoever created the build"]
      : []),
    ...(organizationIds === undefined && pipelineIds === undefined
      ? []
      : ["organization-id and pipeline-id are proven only where the pipeline's tokens have them as subject"]),
  ];
}

function certificateRemarks({ identities }: CertificateExpectation): readonly string[] {
  const patterns = identities.some(({ subject, issuer }) => "matches" in subject || "matches" in issuer);
  return patterns ? ["a regular expression names signers: it matches whole, and everything that fits it passes"] : [];
}

function exceptionRemarks({ rule, sha256, owner, expires }: PolicyException, now: Date): readonly string[] {
  const days = Math.ceil((expires.getTime() - now.getTime()) / DAY_MS);
  const what = `exception of rule ${rule} for sha256:${sha256.slice(0, 12)}…, owned by ${owner},`;
  if (days <= 0) return [`${what} has expired: remove it`];
  return days <= SOON_DAYS ? [`${what} ends in ${days} day${days === 1 ? "" : "s"}`] : [];
}
