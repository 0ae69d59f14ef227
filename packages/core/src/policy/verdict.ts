// SPDX-License-Identifier: Apache-2.0
// What verification answers. Plain data, but for VerifiedArtifact, which carries a brand that only decide.ts can give.
import type { Statement } from "@kiteseal/in-toto-attestation";
import type { Artifact } from "../artifact/source.ts";
import type { ErrorCode } from "../errors.ts";
import type { Signer } from "../sigstore/certificate.ts";
import type { BuildFacts } from "../buildkite/facts.ts";
import type { VerifiedTime } from "../verification/time.ts";
import type { PolicyException } from "./rule.ts";
import type { Check } from "../verification/check.ts";

/** Why a place, or part of it, could not be looked at. */
export interface Unseen {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** One place where attestations were looked for, and what came of it. `code` and so on: of `denied` and `unavailable`. */
export interface PlaceReport extends Partial<Unseen> {
  readonly place: string;
  readonly outcome: "found" | "nothing" | "denied" | "unavailable" | "capped";
  readonly count: number;
}

/** One attestation that was considered. */
export interface AttestationReport {
  readonly place: string;
  readonly bundleDigest?: string;
  readonly outcome: "passed" | "rejected" | "undetermined";
  readonly code?: ErrorCode;
  readonly checks: readonly Check[];
  readonly signer?: Signer;
  /** What the certificate proves of the build. */
  readonly build?: BuildFacts;
  readonly times?: readonly VerifiedTime[];
}

/** What every verdict says. */
export interface Judged {
  readonly artifact: Artifact;
  /** The rule's id; absent only when no rule is about the name. */
  readonly rule?: string;
  /** The rows of the attestation that passed, or of the one that came nearest. */
  readonly checks: readonly Check[];
  readonly attestations: readonly AttestationReport[];
  readonly places: readonly PlaceReport[];
}

/** What a pass rests on. */
export interface Evidence extends Judged {
  readonly rule: string;
  /** Absent for a signature over a blob. */
  readonly statement?: Statement;
  readonly signer: Signer;
  /** What the certificate proves of the build; absent for other builders than Buildkite. */
  readonly build?: BuildFacts;
  readonly times: readonly VerifiedTime[];
  readonly bundleDigest: string;
  /** Digests of all bundles that the pass needs: that one, and those which the rule also requires. */
  readonly restsOn: readonly string[];
}

export interface UnverifiedArtifact extends Judged {
  /** `excepted`: would be one of the others, and a policy's exception lets exactly these bytes through. */
  readonly outcome: "rejected" | "unattested" | "undetermined" | "excepted";
  /** Of the verdict without the exception. */
  readonly code: ErrorCode;
  readonly hint?: string;
  readonly exception?: PolicyException;
}

const MAKER = Symbol("decide");

/**
 * These bytes were signed by whom the rule allows. The class is exported for decide.ts only (an architecture test
 * holds that); its private member makes it impossible to write one down, and lets `isVerified` tell at run time.
 */
export class VerifiedArtifact implements Evidence {
  readonly #genuine = true;
  readonly outcome = "verified";
  readonly artifact: Artifact;
  readonly rule: string;
  readonly checks: readonly Check[];
  readonly attestations: readonly AttestationReport[];
  readonly places: readonly PlaceReport[];
  readonly statement?: Statement;
  readonly signer: Signer;
  readonly build?: BuildFacts;
  readonly times: readonly VerifiedTime[];
  readonly bundleDigest: string;
  readonly restsOn: readonly string[];

  /** `maker` is this module's own: a genuine verdict's constructor makes no others. */
  constructor(maker: symbol, evidence: Evidence) {
    if (maker !== MAKER) throw new TypeError("a verdict is made by decide");
    this.artifact = evidence.artifact;
    this.rule = evidence.rule;
    this.checks = evidence.checks;
    this.attestations = evidence.attestations;
    this.places = evidence.places;
    if (evidence.statement !== undefined) this.statement = evidence.statement;
    this.signer = evidence.signer;
    if (evidence.build !== undefined) this.build = evidence.build;
    this.times = evidence.times;
    this.bundleDigest = evidence.bundleDigest;
    this.restsOn = evidence.restsOn;
    Object.freeze(this);
  }

  static isGenuine(value: unknown): value is VerifiedArtifact {
    return typeof value === "object" && value !== null && #genuine in value && value.#genuine;
  }
}

/** For decide.ts, which alone may say it (an architecture test holds that). */
export function makeVerified(evidence: Evidence): VerifiedArtifact {
  return new VerifiedArtifact(MAKER, evidence);
}

export type Verdict = VerifiedArtifact | UnverifiedArtifact;

/** True only for what `decide` made in this process; a copy, a parsed report or a look-alike is not verified. */
export function isVerified(value: unknown): value is VerifiedArtifact {
  return VerifiedArtifact.isGenuine(value);
}
