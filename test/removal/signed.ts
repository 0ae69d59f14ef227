// SPDX-License-Identifier: Apache-2.0
// Guards of what is signed: the statement, and its agreement with the certificate.
import { B, I, V, guard, type Guard } from "./guard.ts";

export const SIGNED_GUARDS: readonly Guard[] = [
  guard("statement", "payload type", [
    `${V}statement.ts`,
    "if (envelope.payloadType !== STATEMENT_PAYLOAD_TYPE)",
    "if (envelope === undefined)",
  ]),
  guard("statement", "a name for each subject", [
    `${V}statement.ts`,
    'if (name === undefined) throw reject("a name for each subject", "a subject without one");',
    "if (name === undefined) continue;",
  ]),
  guard("statement", "clean names", [`${V}statement.ts`, "if (why !== undefined) throw", "if (why === null) throw"]),
  guard("statement", "unique names", [
    `${V}statement.ts`,
    "if (repeated !== undefined) throw",
    "if (repeated === null) throw",
  ]),
  guard("statement", "count of subjects", [`${I}statement.ts`, "{ min: 1, max: maxSubjects }", "{ min: 0 }"]),
  guard("statement", "a digest for each subject", [
    `${I}statement.ts`,
    "if (descriptor.digest === undefined) throw",
    "if (descriptor === undefined) throw",
  ]),
  guard("statement", "spelling of digests", [
    `${I}digest-set.ts`,
    "if (HEX_LENGTHS.has(algorithm) && !isDigest(algorithm, digest)) {",
    "if (digest === undefined) {",
  ]),
  guard("statement", "count of digests", [`${I}digest-set.ts`, "max: MAX_DIGESTS", "max: 1000"]),
  guard("statement", "statement type", [
    `${I}statement.ts`,
    'object.oneOf("_type", types)',
    'object.oneOf("_type", [...types, STATEMENT_TYPE_V01])',
  ]),
  guard("statement", "shape of the provenance", [
    `${V}authenticate.ts`,
    "const provenance = withCode(",
    'try { provenanceFacts(statement.predicate); } catch { rows.push(agreementRow([])); return { kind: "statement", statement }; }\n const provenance = withCode(',
  ]),
  guard("agreement", "the certificate within itself", [`${V}authenticate.ts`, "agreeWithin(build);", ""]),
  guard("agreement", "contradictions in the certificate", [
    `${V}agreement.ts`,
    "if (contradiction !== undefined) {",
    "if (contradiction === null) {",
  ]),
  guard("agreement", "ambiguous subjects", [
    `${V}agreement.ts`,
    'if (certificate.subjectKind === "ambiguous") {',
    "if (certificate === undefined) {",
  ]),
  guard("agreement", "provenance and certificate", [
    `${V}authenticate.ts`,
    "rows.push(agreementRow(agreeWithProvenance(o.build, { subject: o.signer.subject, provenance })));",
    "rows.push(agreementRow([]));",
  ]),
  guard("agreement", "problems of the provenance", [
    `${V}agreement.ts`,
    "if (problem !== undefined) throw",
    "if (problem === null) throw",
  ]),
  guard(
    "agreement",
    "builder id is the alternative name",
    [`${V}agreement.ts`, "if (provenance.builderId !== o.subject) throw", "if (provenance === undefined) throw"],
    [`${V}agreement.ts`, '"organization",', ""],
    [`${V}agreement.ts`, '"pipeline",', ""],
  ),
  ...["buildNumber", "jobId", "ref", "step", "trigger", "runner"].map((fact) =>
    guard("agreement", `fact ${fact}`, [`${V}agreement.ts`, `"${fact}",`, ""]),
  ),
  guard(
    "agreement",
    "fact commit",
    [`${V}agreement.ts`, '"commit",', ""],
    [
      `${V}agreement.ts`,
      "if (certificate.commitText !== undefined && provenance.commitText !== certificate.commitText) {",
      "if (certificate.commitText === null) {",
    ],
  ),
  guard("agreement", "symbolic commits", [
    `${V}agreement.ts`,
    "if (certificate.commitText !== undefined && provenance.commitText !== certificate.commitText) {",
    "if (certificate.commitText === null) {",
  ]),
  guard("agreement", "what is missing in the provenance", [
    `${V}agreement.ts`,
    "[...different, ...missing]",
    "[...different]",
  ]),
  guard("agreement", "build type", [
    "core/src/provenance/facts.ts",
    "if (buildDefinition.buildType !== BUILD_TYPE) {",
    "if (buildDefinition === undefined) {",
  ]),
  guard("agreement", "unknown parameters", [
    "core/src/provenance/facts.ts",
    "for (const path of unknown) problems.push(",
    "for (const path of unknown) [].push.call([],",
  ]),
  guard("agreement", "pipeline parameter", [
    "core/src/provenance/facts.ts",
    "if (pipeline !== builderId)",
    "if (pipeline === undefined)",
  ]),
  guard("agreement", "repeated facts", [
    "core/src/provenance/facts.ts",
    "if (found === undefined || expected === undefined || found === String(expected)) continue;",
    "continue;",
  ]),
  guard("agreement", "known triggers and runners", [
    "core/src/provenance/facts.ts",
    "if (!known) problems.push(",
    "if (known === undefined) problems.push(",
  ]),
  guard("agreement", "fields of the token subject", [
    `${B}token-subject.ts`,
    "if (fields.length !== LABELS.length * 2) return",
    "if (fields.length < LABELS.length * 2) return",
  ]),
  guard("agreement", "control characters in the token subject", [
    `${B}token-subject.ts`,
    "if (/[\\u0000-\\u001f\\u007f]/.test(subject)) return",
    "if (subject === undefined) return",
  ]),
  guard("agreement", "kind of ref in the token subject", [
    `${B}token-subject.ts`,
    "if (ref === undefined) return",
    "if (ref === null) return",
  ]),
  guard("agreement", "two commits in the certificate", [
    `${B}certificate-facts.ts`,
    "if (commit !== undefined && other !== undefined && commit !== other) {",
    "if (commit === null) {",
  ]),
  guard("agreement", "two readings of one fact", [
    `${B}certificate-facts.ts`,
    "contradictions.push(...compareFacts(facts, reading.facts).different);",
    "",
  ]),
];
