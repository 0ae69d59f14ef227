// SPDX-License-Identifier: Apache-2.0
// Attacks and mistakes that must stop before any bundle is looked at: policies that allow more than they seem to, and
// trusted roots that demand less than they should. Nothing here may end in a verdict.
import { attacksOn, type Spec } from "./spec.ts";
import { NAME } from "./forge.ts";

const rule = (words: NonNullable<Spec["rule"]>): Spec => ({ rule: words });
const yaml = (body: string, head = "version: 1"): Spec => ({
  policy: `${head}\nrules:\n  app:\n${body
    .split("\n")
    .map((l) => `    ${l}`)
    .join("\n")}\n`,
});
const RULE = "artifacts: dist/*.tgz\nbuilder: { organization: acme, pipeline: app }\nsource: { branch: main }";
const base = yaml(RULE);

export const POLICY_ATTACKS = attacksOn("none", "ERR_POLICY_INVALID", [
  { id: "rule-without-organisation", why: "whose builds?", attack: rule({ organization: [] }) },
  { id: "rule-without-pipeline", why: "which pipeline?", attack: rule({ pipeline: [] }) },
  { id: "rule-without-ref", why: "which branch?", attack: rule({ branch: undefined }) },
  { id: "rule-with-two-refs", why: "branch and any ref", attack: rule({ anyRef: true }) },
  { id: "pipeline-wildcard", why: "a builder is named whole", attack: rule({ pipeline: ["*"] }) },
  { id: "pipeline-regex", why: "app.* is no slug", attack: rule({ pipeline: ["app.*"] }) },
  { id: "pipeline-url", why: "a path in a slug", attack: rule({ pipeline: ["app/../evil"] }) },
  {
    id: "organisation-look-alike",
    why: "letters outside the slug's alphabet",
    attack: rule({ organization: ["\u0430cme"] }),
  },
  { id: "branch-regex", why: "other tools' pattern characters", attack: rule({ branch: ["(main|evil)"] }) },
  { id: "branch-empty", why: "an empty name", attack: rule({ branch: [""] }) },
  { id: "build-zero", why: "no build number", attack: rule({ build: 0 }) },
  {
    id: "trigger-invented",
    why: "a trigger that does not exist can never be proven",
    attack: rule({ trigger: ["push"] }),
  },
  { id: "commit-abbreviated", why: "an abbreviated commit in a rule", attack: rule({ commit: ["9f31820"] }) },
  { id: "max-age-without-unit", why: "90 of what?", attack: rule({ maxAge: "90" }) },
  {
    id: "variable-unset",
    why: "a build number from a variable that is not set",
    base: { env: { NUMBER: "1514" } },
    attack: { ...rule({ build: { env: "NUMBER" } }), env: { NUMBER: "" } },
    twin: rule({ build: { env: "NUMBER" } }),
  },
  {
    id: "variable-malformed",
    why: "a build number from a variable that holds something else",
    attack: { ...rule({ build: { env: "NUMBER" } }), env: { NUMBER: "1514 || true" } },
    twin: { ...rule({ build: { env: "NUMBER" } }), env: { NUMBER: "1514" } },
  },
  {
    id: "variable-wildcard",
    why: "a branch from a variable that holds a star",
    attack: { ...rule({ branch: [{ env: "BRANCH" }] }), env: { BRANCH: "*" } },
    twin: { ...rule({ branch: [{ env: "BRANCH" }] }), env: { BRANCH: "main" } },
  },
  {
    id: "same-build-of-another-pipeline",
    why: "`same` in a job of another pipeline",
    base: {
      env: { BUILDKITE_ORGANIZATION_SLUG: "acme", BUILDKITE_PIPELINE_SLUG: "app", BUILDKITE_BUILD_NUMBER: "1514" },
      ...rule({ build: "same" }),
    },
    attack: { env: { BUILDKITE_PIPELINE_SLUG: "deploy" } },
  },
  { id: "policy-empty", why: "no rules at all", base, attack: { policy: "version: 1\nrules: {}\n" } },
  {
    id: "policy-unknown-key",
    why: "a key that this version does not know",
    base,
    attack: yaml(`${RULE}\nskip-checks: true`),
  },
  {
    id: "policy-duplicate-key",
    why: "two builders under one rule",
    base,
    attack: yaml(`${RULE}\nbuilder: { organization: evil, pipeline: app }`),
  },
  {
    id: "policy-duplicate-rule",
    why: "two rules of one name",
    base,
    attack: {
      policy: `${base.policy ?? ""}  app: { artifacts: "**", builder: { organization: evil, pipeline: app }, source: { ref: any } }\n`,
    },
  },
  {
    id: "policy-alias",
    why: "anchors and aliases make a small file large",
    base,
    attack: yaml(RULE.replace("pipeline: app", "pipeline: &p app").replace("branch: main", "branch: *p")),
  },
  {
    id: "policy-merge-key",
    why: "a merge key brings what nobody reads",
    base,
    attack: yaml(`${RULE}\n<<: { any-name: true }`),
  },
  {
    id: "policy-newer",
    why: "a policy for a newer program",
    base,
    attack: { policy: `requires: ">=99.0"\n${base.policy ?? ""}` },
  },
  {
    id: "policy-version-2",
    why: "another version of the format",
    base,
    attack: { policy: (base.policy ?? "").replace("version: 1", "version: 2") },
  },
  {
    id: "policy-otherwise-nothing",
    why: "`otherwise` names no rule",
    base,
    attack: { policy: `otherwise: none\n${base.policy ?? ""}` },
  },
  {
    id: "policy-two-rules-match",
    why: "which of two rules counts must not be a question of order",
    base: { ...base, name: NAME },
    attack: {
      policy: `${base.policy ?? ""}  all: { artifacts: "**", builder: { organization: evil, pipeline: app }, source: { ref: any } }\n`,
    },
  },
]);

export const NO_RULE_ATTACKS = attacksOn("none", "ERR_NO_RULE", [
  {
    id: "name-that-no-rule-is-about",
    why: "a file beside the rules must not slip through",
    base,
    attack: { name: "other/app.tgz", subject: [{ name: "other/app.tgz", digest: { sha256: "0".repeat(64) } }] },
  },
  {
    id: "name-outside-the-folder",
    why: "dist/sub/app.tgz is not dist/*.tgz",
    base,
    attack: { name: "dist/sub/app.tgz" },
  },
  {
    id: "no-name-for-a-named-rule",
    why: "bytes without a name have only rules for any name",
    base: { ...base },
    attack: { nameless: true },
  },
]);

export const ROOT_ATTACKS = attacksOn("none", "ERR_TRUST_ROOT_INVALID", [
  {
    id: "root-log-without-start",
    why: "a key that was always valid",
    attack: { root: (r) => r.tlogs.forEach((l) => void Reflect.deleteProperty(l.publicKey.validFor, "start")) },
  },
  {
    id: "root-authority-without-start",
    why: "an authority that was always valid",
    attack: { root: (r) => r.certificateAuthorities.forEach((a) => void Reflect.deleteProperty(a.validFor, "start")) },
  },
  {
    id: "root-log-without-validity",
    why: "no validity at all",
    attack: { root: (r) => r.tlogs.forEach((l) => void Reflect.deleteProperty(l.publicKey, "validFor")) },
  },
  {
    id: "root-snake-case",
    why: "a key that other readers ignore, and with it every log",
    attack: { rootText: (t) => t.replace('"tlogs"', '"transparency_logs"') },
  },
  { id: "root-empty", why: "a root that trusts nobody demands nothing", attack: { rootText: () => "{}" } },
  {
    id: "root-duplicate-logs",
    why: "the second list empties the first",
    attack: { rootText: (t) => t.replace(/\}$/, ',"tlogs":[]}') },
  },
  {
    id: "root-unknown-key-kind",
    why: "half a root demands less",
    attack: { root: (r) => r.tlogs.forEach((l) => (l.publicKey.keyDetails = "PKIX_ML_DSA_65")) },
  },
  {
    id: "root-key-junk",
    why: "a key that cannot be read",
    attack: { root: (r) => r.tlogs.forEach((l) => (l.publicKey.rawBytes = "AAAA")) },
  },
  {
    id: "root-certificate-junk",
    why: "a certificate that cannot be read",
    attack: {
      root: (r) => r.certificateAuthorities.forEach((a) => (a.certChain.certificates = [{ rawBytes: "AAAA" }])),
    },
  },
  {
    id: "root-date-junk",
    why: "a date that does not exist",
    attack: { root: (r) => r.tlogs.forEach((l) => (l.publicKey.validFor.start = "2026-02-30T00:00:00Z")) },
  },
  { id: "root-not-json", why: "an error page", attack: { rootText: () => "<html>" } },
  {
    id: "root-media-type",
    why: "another document of the same shape",
    attack: { root: (r) => void (r.mediaType = "application/vnd.dev.sigstore.signingconfig.v0.2+json") },
  },
]);
