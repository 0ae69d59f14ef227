// SPDX-License-Identifier: Apache-2.0
// Rows and runs as plain data for machines. JSON Schema: docs/reference/verify-report.schema.json. Dates are ISO 8601;
// integers that JSON numbers cannot hold are strings.
import { errorEntry, isKeyIdentity, isVerified, type Signer, type Verdict } from "@kiteseal/core";
import { escapeJson } from "./escape.ts";
import { outcomeOf, type Row, type Run } from "./run.ts";
import type { Tally } from "./tally.ts";

export const REPORT_VERSION = 1;

export function rowRecord(row: Row): object {
  const outcome = outcomeOf(row);
  if (row.kind === "failure") {
    const { code, message, hint, details } = row.error;
    return { name: row.label, outcome, code, message, hint, details, checks: [], attestations: [], places: [] };
  }
  const { verdict, files } = row;
  return { ...artifactOf(verdict), outcome, files, ...judgementOf(verdict) };
}

function artifactOf({ artifact }: Verdict): object {
  const { name, origin, digest, size } = artifact;
  return { name, origin, digest, size };
}

function judgementOf(verdict: Verdict): object {
  const { rule, checks, attestations, places } = verdict;
  if (!isVerified(verdict)) {
    const { code, exception } = verdict;
    const hint = verdict.hint ?? errorEntry(code).next;
    return { code, hint, rule, exception, checks, attestations, places };
  }
  const { signer, build, times, bundleDigest, statement } = verdict;
  return {
    rule,
    signer: signerRecord(signer),
    build,
    times,
    bundleDigest,
    predicateType: statement?.predicateType,
    checks,
    attestations,
    places,
  };
}

/** Who signed: a certificate's names, or a key's digest. */
export function signerRecord(signer: Signer): object {
  if (isKeyIdentity(signer)) return { keyDigest: signer.keyDigest };
  const { issuer, subject } = signer;
  return { issuer, subject };
}

export function runRecord({ trust, policy, startedAt, files, ignored, version }: Run): object {
  return {
    kiteseal: version,
    startedAt,
    trust: { path: trust.source.path, digest: trust.digest, asOf: trust.asOf, sandbox: trust.sandbox },
    policy: {
      ...policy.source,
      digest: policy.digest,
      rules: policy.rules.map((rule) => rule.id),
      warnings: policy.warnings,
    },
    files,
    ignored,
  };
}

/** How a run ended; valid when its rows have. */
export function endRecord(run: Run, tally: Tally): object {
  const { exitCode, counts } = tally;
  const passed = counts.excepted > 0 ? "excepted" : "verified";
  return {
    outcome: exitCode === 0 ? passed : "not-verified",
    exitCode,
    ...(exitCode === 0 && run.output !== undefined ? { output: run.output } : {}),
    tally: counts,
    ...(tally.endedEarly ? { endedEarly: true } : {}),
    attestationsLeftOut: run.leftOut.count,
  };
}

/** One JSON text; `indent` for people's eyes. */
export function toJson(value: object, indent?: number): string {
  return escapeJson(
    JSON.stringify(value, (_, member: unknown) => (typeof member === "bigint" ? member.toString() : member), indent),
  );
}
