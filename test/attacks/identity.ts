// SPDX-License-Identifier: Apache-2.0
// Attacks by genuine signers whom the rule does not allow: every one of them is consistent, logged and stamped.
import { attacksOn, type Spec } from "./spec.ts";
import { fulcioExtension, fulcioOid, tlv } from "./forge/der.ts";
import { JOB } from "./forge.ts";

const anyStatement: Spec = { predicateType: "https://cyclonedx.org/bom", predicate: {}, rule: { type: "cyclonedx" } };
const san = (text: string): Spec => ({
  ...anyStatement,
  leaf: { uris: [] },
  without: [21, 24],
  extensions: (list) => [...list, { oid: "2.5.29.17", critical: true, value: tlv(0x30, tlv(0x86, Buffer.from(text))) }],
});
const issuer = (text: string): Spec => ({
  ...anyStatement,
  extensions: (list) =>
    list.map((e) =>
      e.oid === fulcioOid(1)
        ? { ...e, value: Buffer.from(text) }
        : e.oid === fulcioOid(8)
          ? fulcioExtension(8, text)
          : e,
    ),
});
const honestSan = {
  ...san("https://buildkite.com/acme/app"),
  rule: { type: "cyclonedx", branch: undefined, anyRef: true },
};
const sanAttack = (text: string): Spec => ({
  ...san(text),
  rule: { type: "cyclonedx", branch: undefined, anyRef: true },
});

export const IDENTITY_ATTACKS = attacksOn("identity", "ERR_IDENTITY", [
  { id: "another-pipeline", why: "another pipeline of the organisation", attack: { job: { pipeline: "lax" } } },
  {
    id: "same-slug-elsewhere",
    why: "a pipeline of the same name in another organisation",
    attack: { job: { organization: "evil" } },
  },
  { id: "organisation-prefix", why: "acme-labs begins like acme", attack: { job: { organization: "acme-labs" } } },
  { id: "pipeline-prefix", why: "app-debug begins like app", attack: { job: { pipeline: "app-debug" } } },
  { id: "pipeline-other-case", why: "slugs are compared with their case", attack: { job: { pipeline: "App" } } },
  {
    id: "pipeline-regex-dot",
    why: "a dot in the rule stands for a dot",
    base: { rule: { pipeline: ["a.p"] } },
    attack: { job: { pipeline: "app" } },
    twin: { job: { pipeline: "a.p" } },
  },
  {
    id: "lax-pipeline-output-as-dist",
    why: "the lax pipeline signs dist/app.tgz itself",
    base: { rule: { pipeline: ["app", "app-release"] } },
    attack: { job: { pipeline: "tools" } },
  },
  {
    id: "swapped-slugs",
    why: "organisation and pipeline the other way round",
    attack: { job: { organization: "app", pipeline: "acme" } },
  },
  {
    id: "lists-are-not-pairs-of-one",
    why: "each list is any-of, nothing outside both",
    base: { rule: { organization: ["acme", "beta"], pipeline: ["app", "web"] } },
    attack: { job: { organization: "beta", pipeline: "db" } },
  },
  {
    id: "alternative-name-newline",
    why: "a line feed after the allowed name",
    base: honestSan,
    attack: sanAttack("https://buildkite.com/acme/app\n"),
  },
  {
    id: "alternative-name-two-lines",
    why: "the allowed name on a second line",
    base: honestSan,
    attack: sanAttack("https://evil.example\nhttps://buildkite.com/acme/app"),
  },
  {
    id: "alternative-name-trailing-slash",
    why: "names are compared whole",
    base: honestSan,
    attack: sanAttack("https://buildkite.com/acme/app/"),
  },
  {
    id: "alternative-name-http",
    why: "another scheme",
    base: honestSan,
    attack: sanAttack("http://buildkite.com/acme/app"),
  },
  {
    id: "alternative-name-look-alike",
    why: "a Cyrillic letter",
    base: honestSan,
    attack: sanAttack("https://buildkite.com/acme/\u0430pp"),
  },
  {
    id: "alternative-name-full-width",
    why: "a compatibility character",
    base: honestSan,
    attack: sanAttack("https://buildkite.com/acme/\uff41pp"),
  },
  {
    id: "alternative-name-nul",
    why: "a NUL after the allowed name",
    base: honestSan,
    attack: sanAttack("https://buildkite.com/acme/app\0.evil.example"),
  },
  {
    id: "alternative-name-other-host",
    why: "the allowed name as a path of another host",
    base: honestSan,
    attack: sanAttack("https://evil.example/https://buildkite.com/acme/app"),
  },
  {
    id: "alternative-name-userinfo",
    why: "the allowed host as a user name",
    base: honestSan,
    attack: sanAttack("https://buildkite.com@evil.example/acme/app"),
  },
  {
    id: "alternative-name-very-long",
    why: "ten thousand characters",
    base: honestSan,
    attack: sanAttack(`https://buildkite.com/acme/${"a".repeat(10_000)}`),
  },
  {
    id: "another-issuer",
    why: "a GitHub workflow with Buildkite's names in it",
    base: anyStatement,
    attack: issuer("https://token.actions.githubusercontent.com"),
  },
  {
    id: "issuer-prefix",
    why: "a host that begins like the issuer",
    base: anyStatement,
    attack: issuer("https://agent.buildkite.com.evil.example"),
  },
  {
    id: "issuer-trailing-slash",
    why: "issuers are compared whole",
    base: anyStatement,
    attack: issuer("https://agent.buildkite.com/"),
  },
  {
    id: "issuer-escapes-agreement",
    why: "provenance under another issuer is not compared with the certificate, so it must not pass",
    attack: issuer("https://token.actions.githubusercontent.com"),
    base: {},
  },
  { id: "another-branch", why: "a feature branch", attack: { job: { branch: "feature" } } },
  { id: "branch-prefix", why: "main-old begins like main", attack: { job: { branch: "main-old" } } },
  {
    id: "branch-in-a-folder",
    why: "a pattern from the end would take user/main",
    attack: { job: { branch: "mallory/main" } },
  },
  { id: "branch-other-case", why: "branches are compared with their case", attack: { job: { branch: "Main" } } },
  {
    id: "branch-regex-dot",
    why: "release-1x0 is not release-1.0",
    base: { rule: { branch: ["release-1.0"] } },
    attack: { job: { branch: "release-1x0" } },
    twin: { job: { branch: "release-1.0" } },
  },
  {
    id: "branch-star-spans-no-slash",
    why: "release/* is one segment",
    base: { rule: { branch: ["release/*"] } },
    attack: { job: { branch: "release/1.0/evil" } },
    twin: { job: { branch: "release/1.0" } },
  },
  { id: "branch-literal-star", why: "a branch called * is not every branch", attack: { job: { branch: "*" } } },
  {
    id: "branch-named-like-a-ref",
    why: "refs/heads/main as the name of a branch",
    attack: { job: { branch: "refs/heads/main" } },
  },
  {
    id: "branch-other-normal-form",
    why: "git knows two branches where Unicode sees one",
    base: { rule: { branch: ["caf\u00e9"] } },
    attack: { job: { branch: "cafe\u0301" } },
    twin: { job: { branch: "caf\u00e9" } },
  },
  {
    id: "branch-pattern-other-normal-form",
    why: "as above, under a pattern",
    base: { rule: { branch: ["caf\u00e9/*"] } },
    attack: { job: { branch: "cafe\u0301/x" } },
    twin: { job: { branch: "caf\u00e9/x" } },
  },
  {
    id: "branch-pattern-from-the-end",
    why: "release/* does not take mallory/release/1",
    base: { rule: { branch: ["release/*"] } },
    attack: { job: { branch: "mallory/release/1" } },
    twin: { job: { branch: "release/1" } },
  },
  { id: "branch-look-alike", why: "a Cyrillic letter", attack: { job: { branch: "m\u0430in" } } },
  { id: "pull-request-branch", why: "an honest pull-request build", attack: { job: { branch: "pull/7/head" } } },
  { id: "tag-for-a-branch-rule", why: "the tag main is not the branch main", attack: { job: { tag: "main" } } },
  {
    id: "branch-for-a-tag-rule",
    why: "the branch v1.0 is not the tag v1.0",
    base: { rule: { branch: undefined, tag: ["v*"] } },
    attack: { job: { branch: "v1.0" } },
    twin: { job: { tag: "v1.0" } },
  },
  {
    id: "tag-outside-the-pattern",
    why: "another tag",
    base: { rule: { branch: undefined, tag: ["v1.*"] } },
    attack: { job: { tag: "v2.0" } },
    twin: { job: { tag: "v1.0" } },
  },
  {
    id: "another-step",
    why: "another step of the right build",
    base: { rule: { step: ["package"] } },
    attack: { job: { step: "lint" } },
  },
  {
    id: "no-step",
    code: "ERR_IDENTITY_UNPROVEN",
    why: "a job without a step key",
    base: { rule: { step: ["package"] } },
    attack: { job: { step: null } },
  },
  {
    id: "branch-unproven",
    code: "ERR_IDENTITY_UNPROVEN",
    why: "a certificate without .24 proves no branch",
    attack: { without: [24] },
  },
  {
    id: "step-unproven",
    code: "ERR_IDENTITY_UNPROVEN",
    why: "a certificate without .24 proves no step",
    base: { rule: { branch: undefined, anyRef: true, step: ["package"] } },
    attack: { without: [24] },
  },
  {
    id: "branch-unproven-by-old-fulcio",
    code: "ERR_IDENTITY_UNPROVEN",
    why: "Fulcio 1.7.0 proves no branch",
    attack: { release: "1.7.0" },
  },
  {
    id: "branch-unproven-by-legacy-issuer",
    code: "ERR_IDENTITY_UNPROVEN",
    why: "a Fulcio that states nothing but the pipeline",
    attack: { release: "1.6.0" },
  },
  {
    id: "custom-subject-hides-the-branch",
    code: "ERR_IDENTITY_UNPROVEN",
    why: "the step asks for a token whose subject is a UUID",
    attack: { claims: { sub: JOB.pipelineId } },
  },
]);
