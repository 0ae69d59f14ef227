// SPDX-License-Identifier: Apache-2.0
// Attacks on the keys of a rule that rest on the signer's own words or on time: repository, the two ids, max-age. Claims
// can only reject; what is not stated never passes.
import { DAY, JOB } from "./forge.ts";
import { attacksOn, type Spec } from "./spec.ts";
import type { Provenance } from "./forge/statement.ts";

const rule = (words: NonNullable<Spec["rule"]>): Spec => ({ rule: words });
const unproven = "ERR_RULE_UNPROVEN" as const;
const REPOSITORY = rule({ repository: ["https://github.com/acme/app"] });
const from = (repository: string): Spec => ({
  provenance: (p) => void (p.buildDefinition.externalParameters.repository = repository),
});
const states = (key: string, value: unknown): Spec => ({
  provenance: (p: Provenance) => void (p.buildDefinition.internalParameters.buildkite[key] = value),
});
const ORGANIZATION = rule({ organizationId: [JOB.organizationId] });
const PIPELINE = rule({ pipelineId: [JOB.pipelineId] });
const STRANGER = "11111111-2222-4333-8444-555555555555";
const anyRef = { branch: undefined, anyRef: true } as const;
const sbom: Spec = { predicateType: "https://cyclonedx.org/bom", predicate: {} };
const ofSbom = { type: "cyclonedx" } as const;

export const REPOSITORY_ATTACKS = attacksOn("rule.repository", "ERR_RULE", [
  {
    id: "another-repository",
    why: "the pipeline was pointed at a fork",
    base: REPOSITORY,
    attack: from("https://github.com/mallory/app.git"),
  },
  {
    id: "repository-prefix",
    why: "acme/app-evil begins like acme/app",
    base: REPOSITORY,
    attack: from("https://github.com/acme/app-evil.git"),
    twin: from("git@github.com:acme/app.git"),
  },
  {
    id: "repository-other-host",
    why: "the same path elsewhere",
    base: REPOSITORY,
    attack: from("https://gitlab.com/acme/app.git"),
  },
  {
    id: "repository-userinfo-host",
    why: "the allowed host as a user name",
    base: REPOSITORY,
    attack: from("https://github.com@evil.example/acme/app.git"),
  },
  {
    id: "repository-climbs",
    why: "a path that climbs to another",
    base: REPOSITORY,
    attack: from("https://github.com/acme/app/../../mallory/app"),
  },
  {
    id: "repository-other-port",
    why: "another server on the same host",
    base: REPOSITORY,
    attack: from("https://github.com:8443/acme/app.git"),
  },
  {
    id: "repository-plain-http",
    why: "an address that anybody on the way can answer",
    base: REPOSITORY,
    attack: from("http://github.com/acme/app.git"),
  },
  {
    id: "repository-other-case",
    why: "paths are compared with their case",
    base: REPOSITORY,
    attack: from("https://github.com/ACME/app.git"),
  },
  {
    id: "repository-local",
    why: "a path of the agent's disk",
    base: REPOSITORY,
    attack: from("/srv/git/acme/app.git"),
  },
  {
    id: "repository-file",
    why: "a file URL that ends like it",
    base: REPOSITORY,
    attack: from("file:///github.com/acme/app.git"),
  },
  {
    id: "repository-absent",
    code: unproven,
    why: "provenance without a repository",
    base: REPOSITORY,
    attack: { provenance: (p) => void Reflect.deleteProperty(p.buildDefinition.externalParameters, "repository") },
  },
  {
    id: "repository-of-an-sbom",
    code: unproven,
    why: "an SBOM claims no repository",
    base: sbom,
    attack: rule({ ...ofSbom, repository: ["https://github.com/acme/app"] }),
    twin: rule(ofSbom),
  },
]);

export const ORGANIZATION_ID_ATTACKS = attacksOn("rule.organization-id", "ERR_RULE", [
  {
    id: "slug-reused-by-another-organisation",
    why: "the slug was freed and taken by somebody else",
    base: ORGANIZATION,
    attack: states("organization_id", STRANGER),
  },
  {
    id: "organisation-id-upper-case",
    why: "ids have one spelling",
    base: ORGANIZATION,
    attack: states("organization_id", JOB.organizationId.toUpperCase()),
  },
  {
    id: "pipeline-id-for-the-organisation",
    why: "the right id in the wrong place",
    base: ORGANIZATION,
    attack: states("organization_id", JOB.pipelineId),
  },
  {
    id: "organisation-id-with-space",
    why: "ids are compared whole",
    base: ORGANIZATION,
    attack: states("organization_id", `${JOB.organizationId} `),
  },
  {
    id: "organisation-id-absent",
    code: unproven,
    why: "nobody states it",
    base: ORGANIZATION,
    attack: states("organization_id", undefined),
  },
  {
    id: "organisation-id-empty",
    code: unproven,
    why: "empty is absent",
    base: ORGANIZATION,
    attack: states("organization_id", ""),
  },
  {
    id: "organisation-id-proven-other",
    code: unproven,
    why: "the token's subject is another id and nothing is claimed",
    base: {
      ...rule({ ...anyRef, organizationId: [JOB.organizationId] }),
      ...states("organization_id", undefined),
      claims: { sub: JOB.organizationId },
    },
    attack: { claims: { sub: STRANGER } },
  },
]);

export const PIPELINE_ID_ATTACKS = attacksOn("rule.pipeline-id", "ERR_RULE", [
  {
    id: "slug-reused-by-another-pipeline",
    why: "the pipeline was renamed and its slug taken",
    base: PIPELINE,
    attack: states("pipeline_id", STRANGER),
  },
  {
    id: "pipeline-id-upper-case",
    why: "ids have one spelling",
    base: PIPELINE,
    attack: states("pipeline_id", JOB.pipelineId.toUpperCase()),
  },
  {
    id: "organisation-id-for-the-pipeline",
    why: "the right id in the wrong place",
    base: PIPELINE,
    attack: states("pipeline_id", JOB.organizationId),
  },
  {
    id: "pipeline-id-absent",
    code: unproven,
    why: "nobody states it",
    base: PIPELINE,
    attack: states("pipeline_id", undefined),
  },
  {
    id: "pipeline-id-proven-other",
    code: unproven,
    why: "the token's subject is another id and nothing is claimed",
    base: {
      ...rule({ ...anyRef, pipelineId: [JOB.pipelineId] }),
      ...states("pipeline_id", undefined),
      claims: { sub: JOB.pipelineId },
    },
    attack: { claims: { sub: STRANGER } },
  },
  {
    id: "pipeline-id-of-an-sbom",
    code: unproven,
    why: "an SBOM claims no pipeline id",
    base: sbom,
    attack: rule({ ...ofSbom, pipelineId: [JOB.pipelineId] }),
    twin: rule(ofSbom),
  },
]);

const age = (maxAge: string): Spec => rule({ maxAge });

export const MAX_AGE_ATTACKS = attacksOn("rule.max-age", "ERR_RULE", [
  {
    id: "old-build-replayed",
    why: "last month's genuine build",
    base: age("7d"),
    attack: (f) => ({ signed: f.at(-30 * DAY) }),
  },
  { id: "one-second-too-old", why: "an hour and a second", base: age("1h"), attack: (f) => ({ signed: f.at(-1000) }) },
  { id: "stale-for-a-minute-rule", why: "an hour old where a minute is allowed", attack: age("60s"), twin: age("61m") },
  {
    id: "oldest-time-counts",
    why: "a fresh stamp does not make an old entry young",
    base: (f) => ({ ...age("2h"), leaf: { notBefore: f.at(-2 * DAY), notAfter: f.at(DAY) } }),
    attack: (f) => ({ stamps: [{}, { time: f.at(-DAY) }] }),
  },
  {
    id: "oldest-promise-counts",
    why: "a fresh stamp beside an old promise",
    base: (f) => ({ ...age("2h"), leaf: { notBefore: f.at(-2 * DAY), notAfter: f.at(DAY) } }),
    attack: (f) => ({ logs: [{ kind: "v1-dsse", integrated: f.at(-DAY) }] }),
    twin: { logs: [{ kind: "v1-dsse" }] },
  },
]);
