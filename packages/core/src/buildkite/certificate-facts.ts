// SPDX-License-Identifier: Apache-2.0
// Build facts in a Fulcio certificate of the Buildkite issuer (reference: fulcio's config/identity, docs/oid-info.md):
// SAN = pipeline, .11 runner, .13 commit, .20 trigger, .21 run invocation, .24 token subject. Whether the certificate
// is genuine is decided elsewhere. Every extension may be absent; two that disagree prove nothing and are reported.
import type { SignerIdentity } from "../sigstore/certificate.ts";
import { compareFacts, isFullCommit, isRunner, isTrigger, type BuildFacts, type FactDifference } from "./facts.ts";
import { parseTokenSubject, type TokenSubject } from "./token-subject.ts";

export interface CertificateFacts {
  /** What the certificate proves: nothing at all if its fields contradict each other. */
  readonly facts: BuildFacts;
  /** The commit as text, also where it is symbolic and so no fact. */
  readonly commitText?: string;
  readonly subjectKind: TokenSubject["kind"] | "absent";
  /** The UUID of a customised token subject; it does not say of what. */
  readonly customSubject?: string;
  /** Two fields of the certificate that disagree, commits as texts. */
  readonly contradictions: readonly FactDifference[];
  /** Fields that are there and cannot be read, in words. */
  readonly problems: readonly string[];
}

/** Of an organization or a pipeline; the source of an expression. */
export const SLUG = "[A-Za-z0-9][A-Za-z0-9._-]*";
const SAN = new RegExp(`^https://buildkite\\.com/(${SLUG})/(${SLUG})$`);
const INVOCATION = new RegExp(`^https://buildkite\\.com/(${SLUG})/(${SLUG})/builds/([0-9.e+]+)#([A-Za-z0-9-]+)$`);
/** The issuer prints a JSON number as a float does: from 1,000,000 on as `1.234567e+06`. */
const BUILD_NUMBER = /^(?:[1-9]\d{0,15}|[1-9](?:\.\d{1,15})?e\+\d{2})$/;

interface Reading {
  readonly facts: BuildFacts;
  readonly problem?: string;
}

/** Reads `signer`, whatever its issuer; the caller has checked that the issuer is Buildkite's. Never throws. */
export function certificateFacts(signer: SignerIdentity): CertificateFacts {
  const { tokenSubject, sourceRepositoryDigest, runInvocationUri } = signer.extensions;
  const subject = tokenSubject === undefined ? undefined : parseTokenSubject(tokenSubject);
  const readings = [
    readSan(signer.subject),
    readInvocation(runInvocationUri),
    readSimple(signer),
    readSubject(subject),
  ];
  const contradictions: FactDifference[] = [];
  let facts: BuildFacts = {};
  for (const reading of readings) {
    contradictions.push(...compareFacts(facts, reading.facts).different);
    facts = { ...reading.facts, ...facts };
  }
  const commits = [sourceRepositoryDigest, subject?.kind === "standard" ? subject.commitText : undefined];
  const [commit, other] = commits.filter((text) => text !== undefined);
  if (commit !== undefined && other !== undefined && commit !== other) {
    contradictions.push({ fact: "commit", expected: commit, found: other });
  }
  if (commit !== undefined && isFullCommit(commit)) facts = { ...facts, commit };
  return {
    facts: contradictions.length === 0 ? facts : {},
    ...(commit !== undefined && { commitText: commit }),
    subjectKind: subject?.kind ?? "absent",
    ...(subject?.kind === "custom" && { customSubject: subject.value }),
    contradictions,
    problems: readings.flatMap(({ problem }) => (problem === undefined ? [] : [problem])),
  };
}

function readSan(san: string): Reading {
  const [, organization, pipeline] = SAN.exec(san) ?? [];
  return organization === undefined || pipeline === undefined
    ? { facts: {}, problem: "the subject alternative name is not a pipeline's address" }
    : { facts: { organization, pipeline } };
}

function readInvocation(uri: string | undefined): Reading {
  if (uri === undefined) return { facts: {} };
  const [, organization, pipeline, number, jobId] = INVOCATION.exec(uri) ?? [];
  const buildNumber = number === undefined ? undefined : parseBuildNumber(number);
  if (organization === undefined || pipeline === undefined || jobId === undefined || buildNumber === undefined) {
    return { facts: {}, problem: "the run invocation URI is not a job's address" };
  }
  return { facts: { organization, pipeline, buildNumber, jobId } };
}

/** A build number as a certificate prints it, decimal or with an exponent; undefined if it is not a safe positive integer. */
export function parseBuildNumber(text: string): number | undefined {
  const value = BUILD_NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

function readSimple({ extensions }: SignerIdentity): Reading {
  const { buildTrigger: trigger, runnerEnvironment: runner } = extensions;
  const unread = [
    trigger !== undefined && !isTrigger(trigger) ? "build trigger" : "",
    runner !== undefined && !isRunner(runner) ? "runner environment" : "",
  ].filter((name) => name !== "");
  const facts: BuildFacts = {
    ...(isTrigger(trigger) && { trigger }),
    ...(isRunner(runner) && { runner }),
  };
  return unread.length === 0 ? { facts } : { facts, problem: `unknown value of the ${unread.join(" and the ")}` };
}

function readSubject(subject: TokenSubject | undefined): Reading {
  if (subject?.kind === "ambiguous") return { facts: {}, problem: `the token subject is ambiguous: ${subject.reason}` };
  if (subject?.kind !== "standard") return { facts: {} };
  // The commit is compared as text, because a symbolic one is no fact and yet must not differ.
  const { commit: _compared, ...facts } = subject.facts;
  return { facts };
}
