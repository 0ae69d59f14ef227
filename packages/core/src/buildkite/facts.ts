// SPDX-License-Identifier: Apache-2.0
// The one vocabulary of a build. Four readers fill it (environment, token claims, certificate, provenance);
// compareFacts is the only comparison. What a source cannot prove is absent, never empty.

export const TRIGGERS = ["ui", "api", "webhook", "trigger_job", "schedule"] as const;
export type Trigger = (typeof TRIGGERS)[number];
export const RUNNERS = ["buildkite-hosted", "self-hosted"] as const;
export type Runner = (typeof RUNNERS)[number];

/** The issuer of job tokens, and so of the certificates made from them. */
export const BUILDKITE_ISSUER = "https://agent.buildkite.com";

export interface Ref {
  readonly kind: "branch" | "tag";
  readonly name: string;
}

export interface BuildFacts {
  readonly organization?: string;
  readonly pipeline?: string;
  readonly buildNumber?: number;
  readonly jobId?: string;
  /** 40 or 64 lower-case hex; a symbolic commit (`HEAD`) proves nothing and is absent. */
  readonly commit?: string;
  readonly ref?: Ref;
  readonly step?: string;
  readonly trigger?: Trigger;
  readonly runner?: Runner;
  /** UUIDs; a certificate proves one only through a customised token subject. */
  readonly organizationId?: string;
  readonly pipelineId?: string;
}

export type FactName = keyof BuildFacts;

const FACT_NAMES: readonly FactName[] = [
  "organization",
  "pipeline",
  "buildNumber",
  "jobId",
  "commit",
  "ref",
  "step",
  "trigger",
  "runner",
  "organizationId",
  "pipelineId",
];

export interface FactDifference {
  readonly fact: FactName;
  /** What the first reader states; shown as text. */
  readonly expected: string;
  readonly found: string | undefined;
}

export function factText(facts: BuildFacts, name: FactName): string | undefined {
  const value = facts[name];
  if (value === undefined) return undefined;
  return typeof value === "object" ? `${value.kind} ${value.name}` : String(value);
}

export interface FactComparison {
  readonly equal: readonly FactName[];
  readonly different: readonly FactDifference[];
  /** Stated by `authority`, absent in `claimed`. */
  readonly missing: readonly FactDifference[];
  /** Stated by `claimed` only: nothing proves it. */
  readonly unproven: readonly FactName[];
}

/** Compares fact by fact, whole and case-sensitive. `authority` is the reader that is believed. */
export function compareFacts(authority: BuildFacts, claimed: BuildFacts): FactComparison {
  const equal: FactName[] = [];
  const different: FactDifference[] = [];
  const missing: FactDifference[] = [];
  const unproven: FactName[] = [];
  for (const fact of FACT_NAMES) {
    const expected = factText(authority, fact);
    const found = factText(claimed, fact);
    if (expected === undefined) {
      if (found !== undefined) unproven.push(fact);
    } else if (found === undefined) missing.push({ fact, expected, found });
    else if (expected === found) equal.push(fact);
    else different.push({ fact, expected, found });
  }
  return { equal, different, missing, unproven };
}

export function isTrigger(value: unknown): value is Trigger {
  return TRIGGERS.some((t) => t === value);
}

export function isRunner(value: unknown): value is Runner {
  return RUNNERS.some((r) => r === value);
}

/** A full SHA-1 or SHA-256 commit id in lower case. */
export function isFullCommit(value: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(value);
}

/** `https://buildkite.com/ORG/PIPELINE`: the certificate's SAN and the builder id. */
export function pipelineUrl(organization: string, pipeline: string): string {
  return `https://buildkite.com/${organization}/${pipeline}`;
}

/** `…/builds/N#JOB`: the run invocation URI and the invocation id. */
export function jobUrl(facts: { organization: string; pipeline: string; buildNumber: number; jobId: string }): string {
  return `${pipelineUrl(facts.organization, facts.pipeline)}/builds/${facts.buildNumber}#${facts.jobId}`;
}
