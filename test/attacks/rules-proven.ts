// SPDX-License-Identifier: Apache-2.0
// Attacks on the keys of a rule that a certificate proves: build, trigger, runner, commit. A certificate that does not
// state one never passes it.
import { attacksOn, type Spec } from "./spec.ts";
import { fulcioExtension, fulcioOid } from "./forge/der.ts";
import { JOB } from "./forge.ts";

const rule = (words: NonNullable<Spec["rule"]>): Spec => ({ rule: words });
const instead =
  (number: number, text: string): NonNullable<Spec["extensions"]> =>
  (list) =>
    list.map((e) => (e.oid === fulcioOid(number) ? fulcioExtension(number, text) : e));
const unproven = "ERR_RULE_UNPROVEN" as const;
const jobUrl = (build: string): string => `https://buildkite.com/acme/app/builds/${build}#${JOB.jobId}`;
const PROMOTION = "BUILDKITE_TRIGGERED_FROM_BUILD_NUMBER";
const OTHER = "1".repeat(40);
const withoutParameter =
  (key: string): NonNullable<Spec["provenance"]> =>
  (p) =>
    void Reflect.deleteProperty(p.buildDefinition.internalParameters.buildkite, key);

export const BUILD_ATTACKS = attacksOn("rule.build", "ERR_RULE", [
  {
    id: "older-build-replayed",
    why: "yesterday's genuine build instead of today's",
    base: rule({ build: 1514 }),
    attack: { job: { build: 1513 } },
  },
  {
    id: "newer-build",
    why: "a build that nobody approved yet",
    base: rule({ build: 1514 }),
    attack: { job: { build: 1515 } },
  },
  {
    id: "other-build-of-the-commit",
    why: "the same commit built again, by somebody else's click",
    base: rule({ build: 1514 }),
    attack: { job: { build: 1600, trigger: "ui" } },
  },
  {
    id: "build-number-prefix",
    why: "15 begins like 1514",
    base: rule({ build: 1514 }),
    attack: { job: { build: 15 } },
  },
  {
    id: "build-from-the-environment",
    why: "the promotion names another build",
    base: { ...rule({ build: { env: PROMOTION } }), env: { [PROMOTION]: "1514" } },
    attack: { job: { build: 1513 } },
  },
  {
    id: "exponent-build-replayed",
    why: "1.234567e+06 is 1234567 and nothing near it",
    base: rule({ build: 1_234_567 }),
    attack: { job: { build: 1_234_568 } },
    twin: { job: { build: 1_234_567 } },
  },
  {
    id: "million-as-1e+06",
    why: "1e+06 is one million",
    base: rule({ build: 1_000_000 }),
    attack: { job: { build: 1_000_001 } },
    twin: { job: { build: 1_000_000 } },
  },
  {
    id: "build-unproven",
    code: unproven,
    why: "a certificate without .21",
    base: rule({ build: 1514 }),
    attack: { without: [21] },
  },
  {
    id: "build-unproven-by-legacy-issuer",
    code: unproven,
    why: "a Fulcio that states nothing but the pipeline",
    base: rule({ build: 1514, branch: undefined, anyRef: true }),
    attack: { release: "1.6.0" },
  },
  {
    id: "build-number-hexadecimal",
    code: unproven,
    why: "a number that only a lenient reader reads",
    base: rule({ build: 1514 }),
    attack: { extensions: instead(21, jobUrl("0x5ea")) },
  },
  {
    id: "build-number-leading-zero",
    code: unproven,
    why: "01514 is no build number",
    base: rule({ build: 1514 }),
    attack: { extensions: instead(21, jobUrl("01514")) },
  },
  {
    id: "build-number-fraction",
    code: unproven,
    why: "1.5145e+03 is no build number",
    base: rule({ build: 1514 }),
    attack: { extensions: instead(21, jobUrl("1.5145e+03")) },
  },
]);

export const TRIGGER_ATTACKS = attacksOn("rule.trigger", "ERR_RULE", [
  {
    id: "ui-build-of-a-made-up-branch",
    why: "branch and commit of a UI build are the creator's words",
    base: rule({ trigger: ["webhook"] }),
    attack: { job: { trigger: "ui" } },
  },
  {
    id: "api-build",
    why: "as above, through the API",
    base: rule({ trigger: ["webhook"] }),
    attack: { job: { trigger: "api" } },
  },
  {
    id: "triggered-build",
    why: "as above, from another pipeline",
    base: rule({ trigger: ["webhook"] }),
    attack: { job: { trigger: "trigger_job" } },
  },
  {
    id: "scheduled-build",
    why: "a schedule where a push is asked for",
    base: rule({ trigger: ["webhook"] }),
    attack: { job: { trigger: "schedule" } },
  },
  {
    id: "trigger-outside-the-list",
    why: "a list is any-of, nothing else",
    base: rule({ trigger: ["webhook", "schedule"] }),
    attack: { job: { trigger: "ui" } },
  },
  {
    id: "trigger-unproven",
    code: unproven,
    why: "a certificate without .20: what the provenance says does not count",
    base: rule({ trigger: ["webhook"] }),
    attack: { without: [20] },
  },
  {
    id: "trigger-upper-case",
    code: unproven,
    why: "a trigger that is not known is not proven",
    base: rule({ trigger: ["webhook"] }),
    attack: { extensions: instead(20, "Webhook") },
  },
  {
    id: "trigger-with-newline",
    code: unproven,
    why: "values are compared whole",
    base: rule({ trigger: ["webhook"] }),
    attack: { extensions: instead(20, "webhook\n") },
  },
]);

export const RUNNER_ATTACKS = attacksOn("rule.runner", "ERR_RULE", [
  {
    id: "self-hosted-runner",
    why: "an agent that somebody runs at home",
    base: rule({ runner: ["buildkite-hosted"] }),
    attack: { job: { runner: "self-hosted" } },
    twin: { job: { runner: "buildkite-hosted" } },
  },
  {
    id: "hosted-runner",
    why: "a hosted agent where one's own is asked for",
    base: rule({ runner: ["self-hosted"] }),
    attack: { job: { runner: "buildkite-hosted" } },
  },
  {
    id: "runner-unproven",
    code: unproven,
    why: "a certificate without .11",
    base: rule({ runner: ["self-hosted"] }),
    attack: { without: [11] },
  },
  {
    id: "runner-unproven-by-legacy-issuer",
    code: unproven,
    why: "a Fulcio that states nothing but the pipeline",
    base: rule({ runner: ["self-hosted"], branch: undefined, anyRef: true }),
    attack: { release: "1.6.0" },
  },
  {
    id: "runner-unknown",
    code: unproven,
    why: "an environment that nobody knows",
    base: { ...rule({ runner: ["self-hosted"] }), provenance: withoutParameter("runner_environment") },
    attack: { extensions: instead(11, "self-hosted-gpu") },
    twin: { provenance: () => undefined },
  },
  {
    id: "runner-other-case",
    code: unproven,
    why: "another spelling",
    base: { ...rule({ runner: ["self-hosted"] }), provenance: withoutParameter("runner_environment") },
    attack: { extensions: instead(11, "Self-Hosted") },
    twin: { provenance: () => undefined },
  },
]);

export const COMMIT_ATTACKS = attacksOn("rule.commit", "ERR_RULE", [
  {
    id: "another-commit",
    why: "another commit of the same branch",
    base: rule({ commit: [JOB.commit] }),
    attack: { job: { commit: OTHER } },
  },
  {
    id: "commit-prefix",
    why: "a SHA-256 commit that begins like the allowed one",
    base: rule({ commit: [JOB.commit] }),
    attack: { job: { commit: JOB.commit + "0".repeat(24) } },
  },
  {
    id: "commit-outside-the-list",
    why: "a list is any-of, nothing else",
    base: rule({ commit: [JOB.commit, "2".repeat(40)] }),
    attack: { job: { commit: OTHER } },
  },
  {
    id: "symbolic-commit",
    code: unproven,
    why: "a UI build's token says HEAD; the provenance's word does not count",
    base: rule({ commit: [JOB.commit] }),
    attack: { job: { commit: "HEAD" } },
  },
  {
    id: "commit-upper-case",
    code: unproven,
    why: "another spelling is no commit id",
    base: rule({ commit: [JOB.commit] }),
    attack: { job: { commit: JOB.commit.toUpperCase() } },
  },
  {
    id: "short-commit",
    code: unproven,
    why: "seven digits prove nothing",
    base: rule({ commit: [JOB.commit] }),
    attack: { job: { commit: JOB.commit.slice(0, 7) } },
  },
  {
    id: "commit-unproven",
    code: unproven,
    why: "neither .13 nor .24",
    base: rule({ commit: [JOB.commit], branch: undefined, anyRef: true }),
    attack: { without: [13, 24] },
    twin: { without: [24] },
  },
  {
    id: "commit-unproven-by-custom-subject",
    code: unproven,
    why: "no .13 and a subject that is a UUID",
    base: { ...rule({ commit: [JOB.commit], branch: undefined, anyRef: true }), without: [13] },
    attack: { claims: { sub: JOB.pipelineId } },
  },
]);
