// SPDX-License-Identifier: Apache-2.0
// What must hold before an artifact may be released. Flags, policy files and self-verification compile to the
// same Rule. Keys are proven (the certificate states them) or claimed (only the signed predicate does);
// claimed keys can only reject, and a rule without proven builder keys cannot be made.
import type { Runner, Trigger } from "../buildkite/facts.ts";
import type { TrustedKey } from "../sigstore/trusted-key.ts";

/** A value given in a policy, or read from the environment because the policy says so. */
export interface Given<T> {
  readonly value: T;
  /** The variable it came from; nothing vouches for it unless `authenticated`. */
  readonly env?: string;
  readonly authenticated?: boolean;
}

/** One pattern of a ref: a literal or a glob, matched against the whole branch or tag name. */
export interface RefPattern {
  readonly kind: "branch" | "tag";
  readonly pattern: Given<string>;
}

/** Proven by a Buildkite certificate. A list is any-of; every list that is present must match. */
export interface BuildkiteExpectation {
  readonly kind: "buildkite";
  readonly organizations: readonly string[];
  readonly pipelines: readonly string[];
  readonly steps?: readonly string[];
  readonly ref: "any" | readonly RefPattern[];
  readonly build?: Given<number>;
  readonly triggers?: readonly Trigger[];
  readonly runners?: readonly Runner[];
  readonly commits?: readonly Given<string>[];
  readonly organizationIds?: readonly string[];
  readonly pipelineIds?: readonly string[];
}

/** Compared whole: equal, or matched from the first character to the last. */
export type TextExpectation = { readonly equals: string } | { readonly matches: RegExp };

/** A certificate of any other issuer. Buildkite's never pass here: they have a rule of their own, which needs a ref. */
export interface CertificateExpectation {
  readonly kind: "certificate";
  readonly identities: readonly { readonly subject: TextExpectation; readonly issuer: TextExpectation }[];
}

export interface KeyExpectation {
  readonly kind: "key";
  readonly keys: readonly TrustedKey[];
}

export type SignerExpectation = BuildkiteExpectation | CertificateExpectation | KeyExpectation;

/** Another attestation of the same artifact that must pass too. */
export interface AlsoRequired {
  readonly predicateType: string;
  /** The id of the rule whose signer made it; absent: this rule's, in the same build. */
  readonly by?: string;
}

/** Claimed: what the provenance says of its dependencies. */
export interface DependencyConditions {
  /** Every plugin named by a full commit. */
  readonly plugins?: "pinned";
  /** Every image named by digest. */
  readonly images?: "digest";
}

export interface Rule {
  readonly id: string;
  /** Globs of requested names; matched from the end unless they start with "/". */
  readonly artifacts: readonly string[];
  /** True waives the comparison of names; reported. */
  readonly anyName: boolean;
  readonly predicateType: string;
  /** `blob`: a signature over the bytes themselves, without a statement. */
  readonly content: "statement" | "blob";
  readonly signer: SignerExpectation;
  /** Claimed: the predicate's repository must be one of these. */
  readonly repositories?: readonly string[];
  /** Against the earliest verified time. */
  readonly maxAgeSeconds?: number;
  /** At least this many distinct transparency logs, or timestamp authorities. */
  readonly logs?: number;
  readonly timestamps?: number;
  readonly alsoRequired?: readonly AlsoRequired[];
  readonly dependencies?: DependencyConditions;
}

/** Break-glass: exactly these bytes may pass a rule until a day, by somebody's word. */
export interface PolicyException {
  readonly sha256: string;
  readonly rule: string;
  readonly reason: string;
  readonly owner: string;
  /** The first moment at which it no longer counts. */
  readonly expires: Date;
}

export interface Policy {
  readonly rules: readonly Rule[];
  /** The rule for names that no rule matches. */
  readonly otherwise?: string;
  readonly exceptions?: readonly PolicyException[];
  /** sha256 of the policy file's bytes; flags have none. */
  readonly digest?: string;
  readonly source:
    | { readonly kind: "flags" }
    | { readonly kind: "file"; readonly path: string }
    | { readonly kind: "self" };
  /** Things to know that are not wrong: caller's-word triggers, unauthenticated variables. */
  readonly warnings: readonly string[];
}

/** The SANs that a Buildkite expectation allows, for comparison and for listing the builders' own references first. */
export function allowedSubjects(signer: SignerExpectation): readonly string[] {
  if (signer.kind === "key") return [];
  if (signer.kind === "certificate") {
    return signer.identities.flatMap(({ subject }) => ("equals" in subject ? [subject.equals] : []));
  }
  return signer.organizations.flatMap((organization) =>
    signer.pipelines.map((pipeline) => `https://buildkite.com/${organization}/${pipeline}`),
  );
}

/** All keys that any rule asks for: no bundle signed with another key is looked into. */
export function policyKeys(policy: Policy): readonly TrustedKey[] {
  return policy.rules.flatMap(({ signer }) => (signer.kind === "key" ? signer.keys : []));
}
