// SPDX-License-Identifier: Apache-2.0
// The identity row: who signed is whom the rule allows. Issuer and subject are compared whole; then step and ref, from the
// certificate alone. Pure. Nothing is compared by prefix or without case.
import { BUILDKITE_ISSUER, factText, type BuildFacts, type FactName } from "../buildkite/facts.ts";
import { quote } from "../errors.ts";
import { compileGlob, isGlob } from "../glob.ts";
import { isKeyIdentity, signerText, type Signer, type SignerIdentity } from "../sigstore/certificate.ts";
import type { AuthenticAttestation } from "../verification/authenticate.ts";
import { failed, passed, type Check, type CheckId } from "../verification/check.ts";
import { allowedSubjects } from "./rule.ts";
import type {
  BuildkiteExpectation,
  CertificateExpectation,
  KeyExpectation,
  RefPattern,
  Rule,
  TextExpectation,
} from "./rule.ts";
import { slipHint } from "./slip.ts";

export const quoteList = (values: readonly string[]): string => values.map(quote).join(" or ");

export function identity(rule: Rule, attestation: AuthenticAttestation): Check {
  const { signer } = attestation;
  if (rule.signer.kind === "key") return byKey(rule.signer, signer);
  if (isKeyIdentity(signer)) {
    return failed("identity", "ERR_IDENTITY", { expected: "a certificate", found: signerText(signer) });
  }
  if (rule.signer.kind === "certificate") return byCertificate(rule.signer, signer);
  return byBuildkite(rule.signer, signer, attestation.build?.facts ?? {});
}

function byKey({ keys }: KeyExpectation, signer: Signer): Check {
  if (isKeyIdentity(signer) && keys.some((key) => key.digest === signer.keyDigest)) {
    return passed("identity", { note: `signed by ${signerText(signer)}` });
  }
  const expected = keys.map((key) => `key sha256:${key.digest}`).join(" or ");
  return failed("identity", "ERR_IDENTITY", { expected, found: quote(signerText(signer)) });
}

function expectationText(expectation: TextExpectation): string {
  return "equals" in expectation ? quote(expectation.equals) : `/${expectation.matches.source}/`;
}

function matches(expectation: TextExpectation, text: string): boolean {
  return "equals" in expectation ? expectation.equals === text : expectation.matches.test(text);
}

function byCertificate({ identities }: CertificateExpectation, signer: SignerIdentity): Check {
  const expected = identities.map((i) => `${expectationText(i.subject)} of ${expectationText(i.issuer)}`).join(" or ");
  const found = `${quote(signer.subject)} of ${quote(signer.issuer)}`;
  if (signer.issuer === BUILDKITE_ISSUER) {
    const hint = "Buildkite's builders are named by organisation, pipeline and ref: --org, --pipeline, --branch";
    return failed("identity", "ERR_IDENTITY", { expected, found, hint });
  }
  if (identities.some((i) => matches(i.subject, signer.subject) && matches(i.issuer, signer.issuer))) {
    return passed("identity", { note: `signed by ${quote(signer.subject)}` });
  }
  const literals = identities.flatMap((i) => ("equals" in i.subject ? [i.subject.equals] : []));
  return refused({ expected, found, slip: slipHint(signer.subject, literals, quote) });
}

function refused(o: { expected: string; found: string; slip: string | undefined }): Check {
  const { expected, found, slip } = o;
  return failed("identity", "ERR_IDENTITY", { expected, found, ...(slip === undefined ? {} : { hint: slip }) });
}

function byBuildkite(expectation: BuildkiteExpectation, signer: SignerIdentity, facts: BuildFacts): Check {
  if (signer.issuer !== BUILDKITE_ISSUER) {
    return refused({
      expected: `issuer ${BUILDKITE_ISSUER}`,
      found: `issuer ${quote(signer.issuer)}`,
      slip: undefined,
    });
  }
  const subjects = allowedSubjects(expectation);
  if (!subjects.includes(signer.subject)) {
    const slip = slipHint(signer.subject, subjects, quote);
    return refused({ expected: quoteList(subjects), found: quote(signer.subject), slip });
  }
  return (
    step(expectation, facts) ?? ref(expectation, facts) ?? passed("identity", { note: who(signer.subject, facts) })
  );
}

function who(subject: string, facts: BuildFacts): string {
  const on = factText(facts, "ref");
  const parts = [
    "signed by",
    subject,
    on === undefined ? "" : `on ${on}`,
    facts.step === undefined ? "" : `step ${facts.step}`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}

function step({ steps }: BuildkiteExpectation, facts: BuildFacts): Check | undefined {
  if (steps === undefined) return undefined;
  const expected = `step ${quoteList(steps)}`;
  if (facts.step === undefined) return unproven("identity", expected, "step");
  if (steps.includes(facts.step)) return undefined;
  return refused({ expected, found: `step ${quote(facts.step)}`, slip: slipHint(facts.step, steps, quote) });
}

function ref(expectation: BuildkiteExpectation, facts: BuildFacts): Check | undefined {
  if (expectation.ref === "any") return undefined;
  const expected = expectation.ref.map((p) => `${p.kind} ${quote(p.pattern.value)}`).join(" or ");
  if (facts.ref === undefined) return unproven("identity", expected, "ref");
  if (expectation.ref.some((pattern) => matchesRef(pattern, facts.ref))) return undefined;
  const allowed = expectation.ref.map((p) => p.pattern.value);
  return refused({
    expected,
    found: `${facts.ref.kind} ${quote(facts.ref.name)}`,
    slip: slipHint(facts.ref.name, allowed, quote),
  });
}

function matchesRef(pattern: RefPattern, found: BuildFacts["ref"]): boolean {
  if (found === undefined || found.kind !== pattern.kind) return false;
  const { value } = pattern.pattern;
  // git keeps names byte by byte: two that look alike are two branches. A glob compares in normal form C.
  return isGlob(value)
    ? found.name.normalize("NFC") === found.name && compileGlob(`/${value}`)(found.name)
    : found.name === value;
}

/** The certificate says nothing about what the rule demands. */
export function unproven(id: CheckId, expected: string, fact: FactName): Check {
  return failed(id, id === "identity" ? "ERR_IDENTITY_UNPROVEN" : "ERR_RULE_UNPROVEN", {
    expected,
    found: `the certificate does not state the ${fact}`,
    hint:
      fact === "commit"
        ? "the build was created without a full commit: pass `commit` in the trigger step or the API call"
        : "the certificate service is too old or the token's subject is customised: remove the key from the rule or change the signer",
  });
}
