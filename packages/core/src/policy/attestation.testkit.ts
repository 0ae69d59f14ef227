// SPDX-License-Identifier: Apache-2.0
// Attestations as authentication hands them on, every row passed, for tests of what is decided about them.
import { STATEMENT_TYPE_V1, type ResourceDescriptor, type Subject } from "@kiteseal/in-toto-attestation";
import type { Artifact } from "../artifact/source.ts";
import type { BuildFacts } from "../buildkite/facts.ts";
import type { Signer } from "../sigstore/certificate.ts";
import type { AuthenticAttestation } from "../verification/authenticate.ts";
import { AUTHENTICATE_CHECKS, notApplicable, passed } from "../verification/check.ts";
import { compileRule, type RuleInput } from "./compile.ts";
import { decide } from "./decide.ts";
import type { Rule } from "./rule.ts";
import type { Verdict } from "./verdict.ts";

export const NOW = new Date("2026-03-01T12:00:00Z");
export const A = "aa".repeat(32);
export const B = "bb".repeat(32);
export const FACTS: BuildFacts = {
  organization: "acme",
  pipeline: "app",
  ref: { kind: "branch", name: "main" },
  step: "package",
  buildNumber: 7,
};

export interface AttestationWords {
  readonly facts?: BuildFacts;
  readonly signer?: Signer;
  readonly subject?: readonly Subject[];
  readonly type?: string;
  readonly predicate?: Readonly<Record<string, unknown>>;
  readonly dependencies?: readonly ResourceDescriptor[];
  /** Hex, for a signature over a blob. */
  readonly blob?: string;
  readonly bundleDigest?: string;
}

export function attestation(words: AttestationWords = {}): AuthenticAttestation {
  const { facts = FACTS, blob, predicate = {}, type = "https://slsa.dev/provenance/v1" } = words;
  const { organization = "", pipeline = "" } = facts;
  const signer = words.signer ?? {
    issuer: "https://agent.buildkite.com",
    subject: `https://buildkite.com/${organization}/${pipeline}`,
    extensions: {},
  };
  const build = { facts, subjectKind: "absent" as const, contradictions: [], problems: [] };
  const subject = words.subject ?? [{ name: "dist/a", digest: { sha256: A } }];
  const excused: ReadonlySet<string> = new Set([
    ...(blob === undefined ? [] : ["statement", "agreement"]),
    ...("keyDigest" in signer ? ["certificate", "agreement"] : []),
  ]);
  return {
    bundleDigest: words.bundleDigest ?? "1".repeat(64),
    signer,
    ...(words.signer === undefined ? { build } : {}),
    times: [{ kind: "timestamp-authority", authority: "one", time: NOW }],
    logs: [{ log: "one", index: 1n }],
    content:
      blob === undefined
        ? { kind: "statement", statement: { _type: STATEMENT_TYPE_V1, subject, predicateType: type, predicate } }
        : { kind: "blob", digest: { sha256: blob } },
    checks: AUTHENTICATE_CHECKS.map((id) => (excused.has(id) ? notApplicable(id, "not here") : passed(id))),
  };
}

export function ruleOf(change: Partial<RuleInput> = {}): Rule {
  const input = { id: "r", artifacts: ["**"], organization: ["acme"], pipeline: ["app"], branch: ["main"] };
  return compileRule({ ...input, ...change }, { env: {} });
}

export const artifactOf = (sha256: string, name = "dist/a"): Artifact => ({
  name,
  digest: { sha256 },
  origin: { kind: "digest" },
});

/** What is decided of an artifact under a rule, with these attestations. */
export function verdictOf(o: {
  artifact?: Artifact;
  rule?: Rule;
  rules?: readonly Rule[];
  attestations: readonly AuthenticAttestation[];
}): Verdict {
  const { artifact = artifactOf(A), rule = ruleOf(), rules = [rule] } = o;
  const candidates = o.attestations.map((one) => ({
    place: "here",
    result: { kind: "authentic" as const, attestation: one },
  }));
  return decide({ artifact, rule, rules, candidates, places: [], now: NOW });
}
