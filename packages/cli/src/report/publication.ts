// SPDX-License-Identifier: Apache-2.0
// What publish and attest made: for people what is where and how to verify it, for machines the same as plain data.
import type { Attestation, Job, PublishedArtifact } from "@kiteseal/core/sign";
import { signerText, type Trust } from "@kiteseal/core";
import type { Style } from "../terminal/style.ts";
import { escapeText, shellWord } from "./escape.ts";
import { REPORT_VERSION, signerRecord, toJson } from "./record.ts";
import { describeBuild } from "./text.ts";

export interface Made {
  readonly kind: "kiteseal.publish" | "kiteseal.attest";
  readonly job: Job;
  readonly trust: Trust;
  readonly artifacts: readonly PublishedArtifact[];
  readonly attestations: readonly Attestation[];
  /** Files that were written beside the stores. */
  readonly files: readonly string[];
  readonly warnings: readonly string[];
}

export function madeText(made: Made, o: { style: Style; quiet: boolean }): string {
  const { style } = o;
  const warnings = made.warnings.map((warning) => style("loud", `warning: ${escapeText(warning)}`));
  const sandbox = made.trust.sandbox
    ? [style("loud", "SANDBOX: signed by a sandbox; this proves nothing in production")]
    : [];
  if (o.quiet) return [...warnings, ...sandbox].map((line) => `${line}\n`).join("");
  const lines = [
    ...made.artifacts.map(
      ({ name, url, sha256, outcome }) =>
        `${style("good", "✓ stored  ")} ${escapeText(name)}  ${escapeText(url)}${outcome === "created" ? "" : " (was there)"}  sha256:${sha256}`,
    ),
    ...made.attestations.map((attestation) => attestationLine(attestation, style)),
    ...made.files.map((path) => `${style("good", "✓ wrote   ")} ${escapeText(path)}`),
    ...warnings,
    ...sandbox,
    ...verifyLine(made),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function attestationLine({ verified, subjects, bundleDigest }: Attestation, style: Style): string {
  const who = describeBuild(verified.build) ?? escapeText(signerText(verified.signer));
  const what = subjects.length === 1 ? escapeText(subjects[0]?.name ?? "") : `${subjects.length} artifacts`;
  return `${style("good", "✓ attested")} ${what}  by ${who}  bundle sha256:${bundleDigest}`;
}

function verifyLine({ artifacts, trust, job }: Made): readonly string[] {
  const [first] = artifacts;
  if (first === undefined) return [];
  return [`to verify: ${verifyCommand({ target: [first.url], trustedRoot: trust.source.path, job: job.facts })}`];
}

/** The command line that verifies what a job made, for a shell. */
export function verifyCommand(o: {
  target: readonly string[];
  trustedRoot: string;
  job: { organization: string; pipeline: string; ref?: { kind: "branch" | "tag"; name: string } };
}): string {
  const { organization, pipeline, ref } = o.job;
  const who = ["--trusted-root", o.trustedRoot, "--org", organization, "--pipeline", pipeline];
  const words = [
    "kiteseal",
    "verify",
    ...o.target,
    ...who,
    ...(ref === undefined ? ["--any-ref"] : [`--${ref.kind}`, ref.name]),
  ];
  return escapeText(words.map(shellWord).join(" "));
}

export function madeJson({ kind, artifacts, attestations, files, warnings, trust }: Made): string {
  const record = {
    version: REPORT_VERSION,
    kind,
    artifacts,
    attestations: attestations.map(({ bundleDigest, subjects, verified, buildNumber }) => ({
      bundleDigest,
      signer: signerRecord(verified.signer),
      build: verified.build,
      buildNumber,
      times: verified.times,
      predicateType: verified.statement?.predicateType,
      subjects: subjects.map(({ name, digests }) => ({
        name,
        digest: { sha256: digests.sha256, sha384: digests.sha384, sha512: digests.sha512 },
      })),
    })),
    trust: { path: trust.source.path, digest: trust.digest, sandbox: trust.sandbox },
    files,
    warnings,
  };
  return `${toJson(record, 2)}\n`;
}
