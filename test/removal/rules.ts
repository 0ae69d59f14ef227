// SPDX-License-Identifier: Apache-2.0
// Guards of the decision: subject, identity, predicate, and a row for each further key of a rule.
import { B, P, guard, type Guard } from "./guard.ts";

export const RULE_GUARDS: readonly Guard[] = [
  guard("subject", "digests", [
    `${P}subject.ts`,
    'if (stated.length === 0 || shared.some((algorithm) => artifact[algorithm] !== subject[algorithm])) return "other";',
    'if (stated.length === 0) return "other";',
  ]),
  guard("subject", "every digest", [
    `${P}subject.ts`,
    "shared.some((algorithm) => artifact[algorithm] !== subject[algorithm])",
    "shared.every((algorithm) => artifact[algorithm] !== subject[algorithm])",
  ]),
  guard("subject", "a known digest", [`${P}subject.ts`, "if (stated.length === 0 ||", "if ("]),
  guard("subject", "digests that nobody computed", [
    `${P}subject.ts`,
    'return uncomputed.length === 0 ? "same" : { uncomputed };',
    'return uncomputed === undefined ? { uncomputed } : "same";',
  ]),
  guard("subject", "the name", [`${P}subject.ts`, "if (wrong !== undefined) return wrong;", ""]),
  guard("subject", "whole segments", [`${P}subject.ts`, "long.endsWith(`/${short}`)", "long.endsWith(short)"]),
  guard("subject", "the subject's own name fits the rule", [
    `${P}subject.ts`,
    '&& globs.some((glob) => glob(s.name ?? ""))',
    "",
  ]),
  guard("identity", "issuer", [
    `${P}identity.ts`,
    "if (signer.issuer !== BUILDKITE_ISSUER) {",
    "if (signer === undefined) {",
  ]),
  guard("identity", "alternative name", [
    `${P}identity.ts`,
    "if (!subjects.includes(signer.subject)) {",
    "if (subjects === undefined) {",
  ]),
  guard("identity", "alternative name whole", [
    `${P}identity.ts`,
    "if (!subjects.includes(signer.subject)) {",
    "if (!subjects.some((s) => signer.subject.startsWith(s))) {",
  ]),
  guard("identity", "step", [
    `${P}identity.ts`,
    "if (steps.includes(facts.step)) return undefined;",
    "return undefined;",
  ]),
  guard("identity", "unproven step", [
    `${P}identity.ts`,
    'if (facts.step === undefined) return unproven("identity", expected, "step");',
    "if (facts.step === undefined) return undefined;",
  ]),
  guard("identity", "ref", [
    `${P}identity.ts`,
    "if (expectation.ref.some((pattern) => matchesRef(pattern, facts.ref))) return undefined;",
    "return undefined;",
  ]),
  guard("identity", "unproven ref", [
    `${P}identity.ts`,
    'if (facts.ref === undefined) return unproven("identity", expected, "ref");',
    "if (facts.ref === undefined) return undefined;",
  ]),
  guard("identity", "kind of ref", [
    `${P}identity.ts`,
    "if (found === undefined || found.kind !== pattern.kind) return false;",
    "if (found === undefined) return false;",
  ]),
  guard("identity", "ref byte by byte", [
    `${P}identity.ts`,
    ": found.name === value;",
    ': found.name.normalize("NFC") === value;',
  ]),
  guard("identity", "ref from its beginning", [
    `${P}identity.ts`,
    ": found.name === value;",
    ": compileGlob(value)(found.name);",
  ]),
  guard("identity", "pattern of a ref from its beginning", [
    `${P}identity.ts`,
    "compileGlob(`/${value}`)(found.name)",
    "compileGlob(value)(found.name)",
  ]),
  guard("identity", "pattern of a ref in one normal form", [
    `${P}identity.ts`,
    'found.name.normalize("NFC") === found.name &&',
    "",
  ]),
  guard("predicate", "predicate type", [
    `${P}requirements.ts`,
    "if (predicateType === rule.predicateType) return",
    "if (predicateType !== undefined) return",
  ]),
  guard("rule.build", "facts", [
    `${P}requirements.ts`,
    "if (allowed.some((given) => String(given.value) === found)) return",
    "if (allowed.length > 0) return",
  ]),
  guard("rule.build", "unproven facts", [
    `${P}requirements.ts`,
    "if (found === undefined) return unproven(id, expected, name);",
    "if (found === undefined) return passed(id);",
  ]),
  ...["build", "trigger", "runner", "commit", "repository", "organization-id", "pipeline-id", "max-age"].map((key) =>
    guard(`rule.${key}`, `the row rule.${key}`, [
      `${P}requirements.ts`,
      `["rule.${key}",`,
      `["rule.${key}", 1 < 2 ? undefined :`,
    ]),
  ),
  guard(
    "rule.build",
    "spelling of build numbers",
    [`${B}certificate-facts.ts`, "BUILD_NUMBER.test(text) ? Number(text) : Number.NaN", "Number(text)"],
    [`${B}certificate-facts.ts`, "([0-9.e+]+)", "([0-9a-fx.+]+)"],
  ),
  guard("rule.build", "whole build numbers", [
    `${B}certificate-facts.ts`,
    "return Number.isSafeInteger(value) && value > 0 ? value : undefined;",
    "return Math.floor(value);",
  ]),
  guard("rule.commit", "full commits in the certificate", [
    `${B}facts.ts`,
    "return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(value);",
    "return /^[0-9a-fA-F]{7,64}$/.test(value);",
  ]),
  guard("rule.repository", "unstated repository", [
    `${P}requirements.ts`,
    "if (stated === undefined) {",
    'if (stated === undefined) return passed("rule.repository");\n if (stated === null) {',
  ]),
  guard("rule.repository", "the repository", [
    `${P}requirements.ts`,
    "if (canonical !== undefined && wanted.includes(canonical)) {",
    "if (wanted.length > 0) {",
  ]),
  guard("rule.organization-id", "unstated ids", [
    `${P}requirements.ts`,
    'if (claimed === undefined) return failed(id, "ERR_RULE_UNPROVEN", { expected, found: "neither proven nor claimed" });',
    "if (claimed === undefined) return passed(id);",
  ]),
  guard("rule.organization-id", "ids", [
    `${P}requirements.ts`,
    "if (allowed.includes(claimed)) return",
    "if (allowed.length > 0) return",
  ]),
  guard("rule.organization-id", "proven ids", [
    `${P}requirements.ts`,
    "if (proven !== undefined && allowed.includes(proven))",
    "if (proven !== undefined)",
  ]),
  guard("rule.max-age", "the age", [`${P}requirements.ts`, "if (age > seconds)", "if (age > seconds && seconds < 0)"]),
  guard("time", "no time of the future", [
    `${P}decide.ts`,
    "if (future === undefined) return check;",
    "if (future !== null) return check;",
  ]),
  guard("rule.max-age", "the earliest time", [
    `${P}requirements.ts`,
    "Math.min(...times.map((t) => t.time.getTime()))",
    "Math.max(...times.map((t) => t.time.getTime()))",
  ]),
  guard("identity", "a failed row", [`${P}decide.ts`, 'row.status === "passed" ||', 'row.status !== "not-run" ||']),
  guard("agreement", "a refused bundle", [
    `${P}decide.ts`,
    "if (passes(input.rule, checks)) return",
    "if (checks.length > 0) return",
  ]),
];
