// SPDX-License-Identifier: Apache-2.0
// Rules about other signers that allow more than they seem to: refused before any bundle is looked at.
import { attacksOn, type CertificateWords, type Spec } from "./spec.ts";
import { publicPem, type Forge } from "./forge.ts";
import { blob, certificate, exactly, github, ISSUER, key, keyed, NOBODY, twoRules, WORKFLOW } from "./signers.ts";

const input = (id: string, why: string, attack: Spec | ((f: Forge) => Spec), twin: Spec | ((f: Forge) => Spec)) => ({
  id,
  why,
  attack,
  twin,
});
const anyOf = (words: CertificateWords): Spec => ({ ...certificate(words), ...github });
const asBuildkite = (words: CertificateWords, more: NonNullable<Spec["rule"]>): Spec => ({
  rule: { ...NOBODY, ...more, certificate: [{ issuer: "https://agent.buildkite.com", ...words }] },
});
const APP = { identity: "https://buildkite.com/acme/app" };
const honestApp = asBuildkite(APP, { branch: ["main"] });
const honest: Spec = { ...exactly, ...github };

export const SIGNER_POLICY_ATTACKS = attacksOn("none", "ERR_POLICY_INVALID", [
  input(
    "pattern-break-out",
    "a pattern that closes the group",
    anyOf({ identityRegexp: "a)|(?:.*", issuer: ISSUER }),
    honest,
  ),
  input("pattern-break-out-of-the-issuer", "as above", anyOf({ identity: WORKFLOW, issuerRegexp: "a)|(?:.*" }), honest),
  input("identity-empty", "an identity that says nothing", anyOf({ identity: "", issuer: ISSUER }), honest),
  input("identity-without-issuer", "whose word is it?", anyOf({ identity: WORKFLOW }), honest),
  input(
    "identity-text-and-pattern",
    "which of the two?",
    anyOf({ identity: WORKFLOW, identityRegexp: ".*", issuer: ISSUER }),
    honest,
  ),
  input("buildkite-issuer-without-ref", "Buildkite's issuer takes a ref", asBuildkite(APP, {}), honestApp),
  input(
    "buildkite-issuer-with-a-pattern",
    "a builder is named whole",
    asBuildkite({ identityRegexp: "https://buildkite.com/.*" }, { branch: ["main"] }),
    honestApp,
  ),
  input(
    "buildkite-issuer-with-both",
    "a text beside a pattern",
    asBuildkite({ ...APP, identityRegexp: ".*" }, { branch: ["main"] }),
    honestApp,
  ),
  input(
    "buildkite-identity-prefix",
    "no pipeline",
    asBuildkite({ identity: "https://buildkite.com/acme/" }, { branch: ["main"] }),
    honestApp,
  ),
  input(
    "branch-of-another-builder",
    "a branch that only Buildkite proves",
    { ...github, rule: { ...exactly.rule, branch: ["main"] } },
    honest,
  ),
  input(
    "branch-of-a-key",
    "a branch that no key proves",
    (f) => ({ ...keyed(f), rule: { ...key(f).rule, branch: ["main"] } }),
    keyed,
  ),
  input(
    "key-and-certificate",
    "two kinds of signer",
    (f) => ({ ...keyed(f), rule: { ...key(f).rule, ...exactly.rule } }),
    keyed,
  ),
  input("key-and-builder", "two kinds of signer", (f) => ({ rule: { key: [publicPem(f.key)] } }), keyed),
  input(
    "private-key",
    "a private key in a rule",
    (f) => ({ ...keyed(f), rule: { ...NOBODY, key: [f.key.export({ type: "pkcs8", format: "pem" }).toString()] } }),
    keyed,
  ),
  input(
    "two-keys-in-one-text",
    "one is looked at, two are meant",
    (f) => ({ ...keyed(f), rule: { ...NOBODY, key: [publicPem(f.key) + publicPem(f.otherKey)] } }),
    keyed,
  ),
  input("no-keys", "a list of none", { rule: { ...NOBODY, key: [] } }, keyed),
  input("no-certificates", "a list of none", certificate(), honest),
  input("logs-zero", "a threshold of nothing", { rule: { logs: 0 } }, { rule: { logs: 1 } }),
  input("timestamps-fraction", "half an authority", { rule: { timestamps: 0.5 } }, { rule: { timestamps: 1 } }),
  input(
    "type-of-a-blob",
    "a blob has no type",
    { rule: { content: "blob", type: "cyclonedx" }, message: {} },
    { ...blob, message: {} },
  ),
  input(
    "required-by-no-rule",
    "`by` names a rule that is not there",
    {
      policy: `${twoRules("    builder: { organization: acme, pipeline: app }\n    source: { branch: main }\n")}    also-required: { type: cyclonedx, by: missing }\n`,
    },
    { policy: twoRules("    builder: { organization: acme, pipeline: app }\n    source: { branch: main }\n") },
  ),
]);
