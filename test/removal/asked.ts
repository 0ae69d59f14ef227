// SPDX-License-Identifier: Apache-2.0
// Guards of what a policy asks for beyond one certificate over one statement: kinds of bundle, other signers, thresholds,
// attestations beside, exceptions, sets.
import { P, S, V, backed, guard, type Guard } from "./guard.ts";

const SET = "core/src/provenance/set.ts";

export const ASKED_GUARDS: readonly Guard[] = [
  backed(
    "the identity row, which takes no key where a certificate is asked for",
    guard("bundle", "keys that nobody asked for", [
      `${V}asked.ts`,
      'if (asked.keys.length === 0) throw unasked("a certificate", "a public key");',
      "",
    ]),
  ),
  guard("bundle", "blobs that nobody asked for", [
    `${V}asked.ts`,
    'if (verifyPrehash === undefined) throw unasked("a signed statement", "a signature over a blob");',
    "if (verifyPrehash === undefined) return blobSignature(content.message, () => true);",
  ]),
  guard("log", "the entry's own key", [
    `${V}log.ts`,
    "!Buffer.from(found.der).equals(verifier.der)",
    "found.der.length === 0",
  ]),
  guard("log", "a certificate is no key", [`${V}log.ts`, "found.kind !== verifier.kind ||", ""]),
  guard("signature", "the blob's signature", [
    `${V}prehash.ts`,
    'return CURVES[curve].verify(signature, digest, point, { prehash: false, format: "der", lowS: false });',
    "return CURVES[curve] !== undefined && signature.length + digest.length + point.length > 0;",
  ]),
  guard("subject", "the blob's digest", [
    `${P}subject.ts`,
    'if (compareDigests(artifact.digest, digest) === "same") {',
    "if (digest !== undefined) {",
  ]),
  guard("predicate", "the kind of content", [
    `${P}requirements.ts`,
    "if (content.kind !== rule.content) {",
    "if (content.kind === undefined) {",
  ]),
  guard("identity", "the rule's own keys", [
    `${P}identity.ts`,
    "if (isKeyIdentity(signer) && keys.some((key) => key.digest === signer.keyDigest)) {",
    "if (keys.length > 0) {",
  ]),
  guard("identity", "no key for a certificate", [
    `${P}identity.ts`,
    "if (isKeyIdentity(signer)) { return failed(",
    'if (isKeyIdentity(signer)) { return signer.keyDigest.length > 0 ? passed("identity") : failed(',
  ]),
  guard("identity", "Buildkite's certificates have their own rule", [
    `${P}identity.ts`,
    "if (signer.issuer === BUILDKITE_ISSUER) {",
    "if (signer.issuer === signer.subject) {",
  ]),
  guard("identity", "subject of other builders", [`${P}identity.ts`, "matches(i.subject, signer.subject) && ", ""]),
  guard("identity", "issuer of other builders", [`${P}identity.ts`, " && matches(i.issuer, signer.issuer)", ""]),
  guard("identity", "texts compared whole", [
    `${P}identity.ts`,
    "expectation.equals === text",
    "text.startsWith(expectation.equals)",
  ]),
  guard("identity", "patterns anchored at the start", [
    `${P}other-signers.ts`,
    'new RegExp(`^(?:${source})$`, "u")',
    'new RegExp(`(?:${source})$`, "u")',
  ]),
  guard("identity", "patterns anchored at the end", [
    `${P}other-signers.ts`,
    'new RegExp(`^(?:${source})$`, "u")',
    'new RegExp(`^(?:${source})`, "u")',
  ]),
  guard("identity", "alternatives grouped", [
    `${P}other-signers.ts`,
    'new RegExp(`^(?:${source})$`, "u")',
    'new RegExp(`^${source}$`, "u")',
  ]),
  guard("identity", "patterns of one line", [
    `${P}other-signers.ts`,
    'new RegExp(`^(?:${source})$`, "u")',
    'new RegExp(`^(?:${source})$`, "um")',
  ]),
  guard("none", "patterns valid by themselves", [
    `${P}other-signers.ts`,
    'const { source } = new RegExp(matches ?? "", "u");',
    'const source = matches ?? "";',
  ]),
  guard("none", "Buildkite's issuer needs a ref", [
    `${P}other-signers.ts`,
    "if (certificate.some((one) => one.issuer === BUILDKITE_ISSUER)) {",
    "if (certificate.length === 0) {",
  ]),
  guard("none", "a text or a pattern, not both, of a Buildkite identity", [
    `${P}other-signers.ts`,
    "|| patterns ||",
    "|| (patterns && false) ||",
  ]),
  guard("none", "a text or a pattern", [
    `${P}other-signers.ts`,
    "if ((equals === undefined) === (matches === undefined)) {",
    "if (equals === undefined && matches === undefined) {",
  ]),
  guard("none", "keys that only Buildkite proves", [
    `${P}other-signers.ts`,
    'if (given.length > 0) throw invalid(input.id, `${given.join(", ")}: only a Buildkite',
    'if (given.length > 99) throw invalid(input.id, `${given.join(", ")}: only a Buildkite',
  ]),
  guard("none", "one kind of signer", [`${P}compile.ts`, ".filter(Boolean).length > 1", ".filter(Boolean).length > 3"]),
  guard("none", "what no blob states", [
    `${P}compile.ts`,
    'if (input.content === "blob") refuseStatementKeys(input);',
    "",
  ]),
  guard("none", "thresholds of at least one", [`${P}compile.ts`, "Number.isSafeInteger(count) && count >= 1 &&", ""]),
  guard("none", "one public key a text", [
    `${S}trusted-key.ts`,
    "-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\\s]+-----END PUBLIC KEY-----",
    "-----BEGIN [A-Z ]*KEY-----[\\s\\S]+-----END [A-Z ]*KEY-----",
  ]),
  guard("statement", "the older statement of other builders only", [
    `${V}authenticate.ts`,
    "{ allowV01: o.build === undefined }",
    "{ allowV01: true }",
  ]),
  ...["logs", "timestamps", "dependencies"].map((key) =>
    guard(`rule.${key}`, `the row rule.${key}`, [
      `${P}requirements.ts`,
      `["rule.${key}",`,
      `["rule.${key}", 1 < 2 ? undefined :`,
    ]),
  ),
  guard("rule.logs", "distinct logs", [
    `${P}requirements.ts`,
    "distinct(a.logs.map((l) => l.log))",
    "a.logs.map((l) => l.log)",
  ]),
  backed(
    "distinctTimes, which keeps one time of each authority",
    guard("rule.timestamps", "distinct authorities", [
      `${P}requirements.ts`,
      "const distinct = (names: readonly string[]): readonly string[] => [...new Set(names)];",
      "const distinct = (names: readonly string[]): readonly string[] => names;",
    ]),
  ),
  guard("rule.timestamps", "authorities, not logs", [
    `${P}requirements.ts`,
    'times.filter((t) => t.kind === "timestamp-authority")',
    "times",
  ]),
  guard("rule.timestamps", "the threshold", [`${P}requirements.ts`, "found.length >= wanted", "found.length >= 1"]),
  guard("rule.dependencies", "full commits of plugins", [
    `${P}dependencies.ts`,
    '!isFullCommit(digest["gitCommit"] ?? "")',
    "Object.keys(digest).length === 0",
  ]),
  guard("rule.dependencies", "digests of images", [
    `${P}dependencies.ts`,
    'return digest["sha256"] === undefined;',
    "return Object.keys(digest).length === 0;",
  ]),
  guard("rule.dependencies", "no provenance", [
    `${P}dependencies.ts`,
    "if (stated === undefined) {",
    'if (stated === undefined) { if (content !== undefined) return passed("rule.dependencies");',
  ]),
  guard("rule.also-required", "the row rule.also-required", [
    `${P}decide.ts`,
    "if (required === undefined || !passes(alone, own)) return own;",
    'if (required === undefined || !passes(alone, own)) return own; if (own.length > 0) return [...own, { id: "rule.also-required", status: "passed" }];',
  ]),
  guard("rule.also-required", "the same build", [
    `${P}also-required.ts`,
    "(one.by === undefined && !isSameBuild(o.of, other))",
    "(one.by === undefined && o.of === undefined)",
  ]),
  guard("rule.also-required", "the same build number", [
    `${P}also-required.ts`,
    "first.buildNumber === second?.buildNumber",
    "second !== undefined",
  ]),
  guard("rule.also-required", "the same pipeline", [
    `${P}also-required.ts`,
    "first.pipeline === second.pipeline",
    "first.pipeline !== undefined",
  ]),
  guard("rule.also-required", "a build number", [
    `${P}also-required.ts`,
    "first?.buildNumber !== undefined &&",
    "first !== undefined &&",
  ]),
  guard("rule.also-required", "each of several", [
    `${P}also-required.ts`,
    "if (missing.length === 0)",
    "if (missing.length < required.length)",
  ]),
  guard("rule.also-required", "its own checks", [
    `${P}decide.ts`,
    "passes(other, ownRows(input, other, of))",
    "ownRows(input, other, of).length > 0",
  ]),
  guard("rule.also-required", "a statement, not a blob", [`${P}also-required.ts`, 'content: "statement",', ""]),
  guard("rule.also-required", "its type", [
    `${P}also-required.ts`,
    "predicateType: one.predicateType,",
    'predicateType: other.content.kind === "statement" ? other.content.statement.predicateType : "",',
  ]),
  guard("identity", "expiry of exceptions", [`${P}exceptions.ts`, "now < e.expires", "e.expires !== now"]),
  guard("identity", "bytes of exceptions", [
    `${P}exceptions.ts`,
    ' && exception.sha256 === artifact.digest["sha256"]',
    " && artifact !== undefined",
  ]),
  guard("identity", "rule of exceptions", [
    `${P}exceptions.ts`,
    "exception.rule === rule && ",
    "rule !== undefined && ",
  ]),
  guard("none", "exceptions of known rules", [
    `${P}schema.ts`,
    "if (!known(exception.rule)) throw",
    'if (exception.rule === "") throw',
  ]),
  guard("none", "subjects that were not verified", [
    `${P}completeness.ts`,
    "return [...subjects, ...this.#unreadable,",
    "return [...subjects.slice(subjects.length), ...this.#unreadable,",
  ]),
  backed(
    "the digest of the whole set",
    guard("none", "the number of a set's statements", [
      `${P}completeness.ts`,
      "if (indexes.size < set.count) {",
      "if (indexes.size < 0) {",
    ]),
  ),
  guard("none", "the digest of a set", [
    `${P}completeness.ts`,
    "return subjectSetDigest([...subjects.values()]) === set.sha256",
    "return subjects.size > 0",
  ]),
  guard(
    "none",
    "sets that cannot be read",
    [`${P}completeness.ts`, "this.#unreadable.push(incomplete({", "void [incomplete({"],
    [`${P}completeness.ts`, "`it cannot be read: ${error.message}`));", "`it cannot be read: ${error.message}`)];"],
  ),
  guard("none", "subjects of every known algorithm", [
    `${P}completeness.ts`,
    'this.#expected.set(digestKeys(digest).join(" ") || name, { name, digest });',
    'if (digest["sha256"] !== undefined) this.#expected.set(digestKeys(digest).join(" ") || name, { name, digest });',
  ]),
];

/** Indexes are read where sets are. */
export const SET_GUARDS: readonly Guard[] = [
  backed(
    "the digest of the whole set",
    guard("none", "an index within the set", [SET, "max: count - 1", "max: 100_000"]),
  ),
];
