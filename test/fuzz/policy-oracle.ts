// SPDX-License-Identifier: Apache-2.0
// Whether a policy permits the one honest build of the corpus, decided from the compiled rules by the simplest means: for
// mutated policies, which may well say something else and still permit it.
import type { Policy, Rule } from "@kiteseal/core";

export interface Facts {
  readonly name: string;
  readonly organization: string;
  readonly pipeline: string;
  readonly branch: string;
  readonly step: string;
  readonly build: number;
  readonly trigger: string;
  readonly runner: string;
  readonly commit: string;
  readonly organizationId: string;
  readonly pipelineId: string;
  readonly predicateType: string;
  readonly ageSeconds: number;
}

/** `*` and `?` within a segment, `**` for any segments. For the short patterns of a test. */
function matches(pattern: string, name: string): boolean {
  const source = pattern
    .split("/")
    .map((segment) =>
      segment === "**"
        ? "\u0000"
        : segment
            .replace(/[.+^$]/g, "\\$&")
            .replaceAll("*", "[^/]*")
            .replaceAll("?", "[^/]"),
    )
    .join("/")
    .replaceAll(/\u0000$/g, "[^/]+(?:/[^/]+)*")
    .replaceAll("\u0000/", "(?:[^/]+/)*");
  return new RegExp(`^${source}$`, "su").test(name);
}

function isAbout(rule: Rule, name: string): boolean {
  return rule.artifacts.some((glob) =>
    glob.startsWith("/") ? matches(glob.slice(1), name) : matches(`**/${glob}`, name),
  );
}

const allows = <T>(values: readonly T[] | undefined, value: T): boolean =>
  values === undefined || values.includes(value);

export function permits(policy: Policy, facts: Facts): boolean {
  const about = policy.rules.filter((rule) => isAbout(rule, facts.name));
  if (about.length > 1) return false;
  const rule = about[0] ?? policy.rules.find(({ id }) => id === policy.otherwise);
  if (rule === undefined || rule.signer.kind !== "buildkite") return false;
  const { signer } = rule;
  return (
    (rule.anyName || isAbout(rule, facts.name)) &&
    rule.predicateType === facts.predicateType &&
    signer.organizations.includes(facts.organization) &&
    signer.pipelines.includes(facts.pipeline) &&
    allows(signer.steps, facts.step) &&
    (signer.ref === "any" || signer.ref.some((r) => r.kind === "branch" && matches(r.pattern.value, facts.branch))) &&
    (signer.build === undefined || signer.build.value === facts.build) &&
    allows<string>(signer.triggers, facts.trigger) &&
    allows<string>(signer.runners, facts.runner) &&
    (signer.commits === undefined || signer.commits.some(({ value }) => value === facts.commit)) &&
    allows(signer.organizationIds, facts.organizationId) &&
    allows(signer.pipelineIds, facts.pipelineId) &&
    (rule.maxAgeSeconds === undefined || facts.ageSeconds <= rule.maxAgeSeconds)
  );
}
