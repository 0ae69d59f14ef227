// SPDX-License-Identifier: Apache-2.0
// Rule key → Check. One small function a row; each says what was expected and what was found. Pure.
import { factText, type FactName } from "../buildkite/facts.ts";
import { quote } from "../errors.ts";
import type { ProvenanceFacts } from "../provenance/facts.ts";
import { canonicalRepository } from "../provenance/repository.ts";
import type { AuthenticAttestation } from "../verification/authenticate.ts";
import { failed, notApplicable, passed, type Check, type RuleCheckId } from "../verification/check.ts";
import { dependencies } from "./dependencies.ts";
import { quoteList, unproven } from "./identity.ts";
import type { Given, Rule } from "./rule.ts";

/** The statement is of the type that the rule asks for. */
export function predicate(rule: Rule, { content }: AuthenticAttestation): Check {
  if (content.kind !== rule.content) {
    const kinds = { statement: "a signed statement", blob: "a signature over a blob" };
    return failed("predicate", "ERR_PREDICATE_TYPE", { expected: kinds[rule.content], found: kinds[content.kind] });
  }
  if (content.kind === "blob") return notApplicable("predicate", "a signature over a blob");
  const { predicateType } = content.statement;
  if (predicateType === rule.predicateType) return passed("predicate", { note: predicateType });
  return failed("predicate", "ERR_PREDICATE_TYPE", { expected: rule.predicateType, found: quote(predicateType) });
}

function provenanceOf(content: AuthenticAttestation["content"]): ProvenanceFacts | undefined {
  return content.kind === "statement" ? content.provenance : undefined;
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
  const expected = quoteList(allowed);
  return ({ build, content }) => {
    const proven = build?.customSubject;
    if (proven !== undefined && allowed.includes(proven)) return passed(id, { note: `${proven}, the token's subject` });
    const claimed = provenanceOf(content)?.facts[name];
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
    const stated = provenanceOf(content)?.repository;
    const expected = quoteList(allowed);
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

const distinct = (names: readonly string[]): readonly string[] => [...new Set(names)];

function stampers({ times }: AuthenticAttestation): readonly string[] {
  return distinct(times.filter((t) => t.kind === "timestamp-authority").map((t) => t.authority));
}

/** Two entries of one log, or two stamps of one authority, count once. */
function atLeast(
  id: "rule.logs" | "rule.timestamps",
  wanted: number | undefined,
  names: (attestation: AuthenticAttestation) => readonly string[],
): Requirement | undefined {
  if (wanted === undefined) return undefined;
  return (attestation) => {
    const found = names(attestation);
    if (found.length >= wanted) return passed(id, { note: found.join(", ") });
    return failed(id, "ERR_RULE", { expected: `at least ${wanted} distinct`, found: found.join(", ") || "none" });
  };
}

/** The rows that this rule adds but "rule.also-required", which is about several attestations. */
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
    ["rule.logs", atLeast("rule.logs", rule.logs, (a) => distinct(a.logs.map((l) => l.log)))],
    ["rule.timestamps", atLeast("rule.timestamps", rule.timestamps, stampers)],
    ["rule.dependencies", rule.dependencies === undefined ? undefined : dependencies(rule.dependencies)],
  ];
  const present = rows.flatMap(([id, row]) => (row === undefined ? [] : [[id, row] as const]));
  return new Map(present);
}
