// SPDX-License-Identifier: Apache-2.0
// Rule key → Check. One small function a row; each says what was expected and what was found. Pure.
// Nothing here compares by prefix, by regular expression or without case; globs are glob.ts' whole-name matches.
import { allowedSubjects, type BuildkiteExpectation, type Given, type RefPattern, type Rule } from "./rule.ts";
import { failed, passed, type Check, type CheckId, type RuleCheckId } from "../verification/check.ts";
import type { AuthenticAttestation } from "../verification/authenticate.ts";
import type { BuildFacts, FactName } from "../buildkite/facts.ts";
import { BUILDKITE_ISSUER, factText } from "../buildkite/facts.ts";
import { compileGlob, isGlob } from "../glob.ts";
import { quote } from "../errors.ts";
import { canonicalRepository } from "../provenance/repository.ts";

const list = (values: readonly string[]): string => values.map(quote).join(" or ");

/** Issuer and subject equal one allowed identity, whole; then step and ref, from the certificate alone. */
export function identity(rule: Rule, attestation: AuthenticAttestation): Check {
  const { signer } = attestation;
  if (rule.signer.kind === "certificate") {
    const { identities } = rule.signer;
    if (signer.issuer === BUILDKITE_ISSUER) {
      const hint = "Buildkite's builders are named by organisation, pipeline and ref";
      return failed("identity", "ERR_IDENTITY", { expected: "another issuer", found: quote(signer.issuer), hint });
    }
    const found = identities.some((i) => i.subject === signer.subject && i.issuer === signer.issuer);
    if (found) return passed("identity", { note: `signed by ${signer.subject}` });
    return failed("identity", "ERR_IDENTITY", {
      expected: identities.map((i) => `${quote(i.subject)} of ${quote(i.issuer)}`).join(" or "),
      found: `${quote(signer.subject)} of ${quote(signer.issuer)}`,
    });
  }
  if (signer.issuer !== BUILDKITE_ISSUER) {
    return failed("identity", "ERR_IDENTITY", {
      expected: `issuer ${BUILDKITE_ISSUER}`,
      found: `issuer ${quote(signer.issuer)}`,
    });
  }
  const subjects = allowedSubjects(rule.signer);
  if (!subjects.includes(signer.subject)) {
    return failed("identity", "ERR_IDENTITY", { expected: list(subjects), found: quote(signer.subject) });
  }
  const facts = attestation.build?.facts ?? {};
  return (
    step(rule.signer, facts) ?? ref(rule.signer, facts) ?? passed("identity", { note: who(signer.subject, facts) })
  );
}

function who(subject: string, facts: BuildFacts): string {
  const ref = factText(facts, "ref");
  return [
    "signed by",
    subject,
    ref === undefined ? "" : `on ${ref}`,
    facts.step === undefined ? "" : `step ${facts.step}`,
  ]
    .filter((part) => part !== "")
    .join(" ");
}

function step(expectation: BuildkiteExpectation, facts: BuildFacts): Check | undefined {
  if (expectation.steps === undefined) return undefined;
  if (facts.step === undefined) return unproven("identity", `step ${list(expectation.steps)}`, "step");
  if (expectation.steps.includes(facts.step)) return undefined;
  return failed("identity", "ERR_IDENTITY", {
    expected: `step ${list(expectation.steps)}`,
    found: `step ${quote(facts.step)}`,
  });
}

function ref(expectation: BuildkiteExpectation, facts: BuildFacts): Check | undefined {
  if (expectation.ref === "any") return undefined;
  const expected = expectation.ref.map((p) => `${p.kind} ${quote(p.pattern.value)}`).join(" or ");
  if (facts.ref === undefined) return unproven("identity", expected, "ref");
  if (expectation.ref.some((pattern) => matchesRef(pattern, facts.ref))) return undefined;
  return failed("identity", "ERR_IDENTITY", { expected, found: `${facts.ref.kind} ${quote(facts.ref.name)}` });
}

function matchesRef(pattern: RefPattern, ref: BuildFacts["ref"]): boolean {
  if (ref === undefined || ref.kind !== pattern.kind) return false;
  const { value } = pattern.pattern;
  // git keeps names byte by byte: two that look alike are two branches. A glob compares in normal form C.
  return isGlob(value)
    ? ref.name.normalize("NFC") === ref.name && compileGlob(`/${value}`)(ref.name)
    : ref.name === value;
}

function unproven(id: CheckId, expected: string, fact: FactName): Check {
  return failed(id, id === "identity" ? "ERR_IDENTITY_UNPROVEN" : "ERR_RULE_UNPROVEN", {
    expected,
    found: `the certificate does not state the ${fact}`,
    hint:
      fact === "commit"
        ? "the build was created without a full commit: pass `commit` in the trigger step or the API call"
        : "the certificate service is too old or the token's subject is customised: remove the key from the rule or change the signer",
  });
}

/** The statement is of the type that the rule asks for. */
export function predicate(rule: Rule, attestation: AuthenticAttestation): Check {
  const { predicateType } = attestation.content.statement;
  if (predicateType === rule.predicateType) return passed("predicate", { note: predicateType });
  return failed("predicate", "ERR_PREDICATE_TYPE", { expected: rule.predicateType, found: quote(predicateType) });
}

type Requirement = (attestation: AuthenticAttestation, now: Date) => Check;

function fact<T extends string | number>(
  id: RuleCheckId,
  name: FactName,
  allowed: readonly Given<T>[] | undefined,
): Requirement | undefined {
  if (allowed === undefined) return undefined;
  const expected = allowed.map((given) => givenText(given)).join(" or ");
  return (attestation) => {
    const found = attestation.build === undefined ? undefined : factText(attestation.build.facts, name);
    if (found === undefined) return unproven(id, expected, name);
    if (allowed.some((given) => String(given.value) === found)) return passed(id, { note: found });
    return failed(id, "ERR_RULE", { expected, found: quote(found) });
  };
}

function givenText(given: Given<string | number>): string {
  const value = typeof given.value === "number" ? String(given.value) : quote(given.value);
  return given.env === undefined
    ? value
    : `${value} (from ${given.env}${given.authenticated === true ? "" : ", unauthenticated"})`;
}

const plain = <T>(values: readonly T[] | undefined): readonly Given<T>[] | undefined =>
  values?.map((value) => ({ value }));

/** Proven where the token's subject was customised to be the UUID; else a claim, which can only reject. */
function uuid(
  id: RuleCheckId,
  name: "organizationId" | "pipelineId",
  allowed: readonly string[] | undefined,
): Requirement | undefined {
  if (allowed === undefined) return undefined;
  const expected = list(allowed);
  return ({ build, content }) => {
    const proven = build?.customSubject;
    if (proven !== undefined && allowed.includes(proven)) return passed(id, { note: `${proven}, the token's subject` });
    const claimed = content.provenance?.facts[name];
    if (claimed === undefined)
      return failed(id, "ERR_RULE_UNPROVEN", { expected, found: "neither proven nor claimed" });
    if (allowed.includes(claimed)) return passed(id, { note: `${claimed}, claimed by the builder` });
    return failed(id, "ERR_RULE", { expected, found: `${quote(claimed)}, claimed by the builder` });
  };
}

function repository(allowed: readonly string[] | undefined): Requirement | undefined {
  if (allowed === undefined) return undefined;
  const wanted = allowed.map(canonicalRepository);
  return ({ content }) => {
    const stated = content.provenance?.repository;
    const expected = list(allowed);
    if (stated === undefined) {
      return failed("rule.repository", "ERR_RULE_UNPROVEN", { expected, found: "the provenance states no repository" });
    }
    const canonical = canonicalRepository(stated);
    if (canonical !== undefined && wanted.includes(canonical)) {
      return passed("rule.repository", { note: `${stated}, claimed by the builder` });
    }
    return failed("rule.repository", "ERR_RULE", { expected, found: `${quote(stated)}, claimed by the builder` });
  };
}

function maxAge(seconds: number | undefined): Requirement | undefined {
  if (seconds === undefined) return undefined;
  return ({ times }, now) => {
    const earliest = Math.min(...times.map((t) => t.time.getTime()));
    const age = Math.floor((now.getTime() - earliest) / 1000);
    const expected = `signed at most ${seconds} s before ${now.toISOString()}`;
    if (!Number.isFinite(earliest))
      return failed("rule.max-age", "ERR_RULE_UNPROVEN", { expected, found: "no verified time" });
    const found = `signed ${age} s ago, at ${new Date(earliest).toISOString()}`;
    if (age > seconds) return failed("rule.max-age", "ERR_RULE", { expected, found });
    return passed("rule.max-age", { note: found });
  };
}

/** The rows that this rule adds, by id. */
export function ruleRequirements(rule: Rule): ReadonlyMap<RuleCheckId, Requirement> {
  const buildkite = rule.signer.kind === "buildkite" ? rule.signer : undefined;
  const rows: readonly (readonly [RuleCheckId, Requirement | undefined])[] = [
    ["rule.build", fact("rule.build", "buildNumber", buildkite?.build === undefined ? undefined : [buildkite.build])],
    ["rule.trigger", fact("rule.trigger", "trigger", plain(buildkite?.triggers))],
    ["rule.runner", fact("rule.runner", "runner", plain(buildkite?.runners))],
    ["rule.commit", fact("rule.commit", "commit", buildkite?.commits)],
    ["rule.repository", repository(rule.repositories)],
    ["rule.organization-id", uuid("rule.organization-id", "organizationId", buildkite?.organizationIds)],
    ["rule.pipeline-id", uuid("rule.pipeline-id", "pipelineId", buildkite?.pipelineIds)],
    ["rule.max-age", maxAge(rule.maxAgeSeconds)],
  ];
  const present = rows.flatMap(([id, row]) => (row === undefined ? [] : [[id, row] as const]));
  return new Map(present);
}
