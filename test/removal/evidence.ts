// SPDX-License-Identifier: Apache-2.0
// Guards of times, certificates, SCTs, log entries and the signature.
import { S, V, backed, guard, type Guard } from "./guard.ts";

export const EVIDENCE_GUARDS: readonly Guard[] = [
  guard(
    "time",
    "a time at all",
    [`${V}time.ts`, "if (times.length === 0) {", "if (times.length < 0) {"],
    [`${V}sigstore.ts`, "timestampThreshold: 1,", "timestampThreshold: 0,"],
  ),
  guard("time", "times within the certificate", [
    `${V}time.ts`,
    "if (!(time >= notBefore && time <= notAfter)) {",
    "if (time === undefined) {",
  ]),
  guard("time", "stamps of listed authorities only", [
    `${V}time.ts`,
    "if (signer === undefined) return undefined;",
    'if (signer === undefined) return { parsed, time: { kind: "timestamp-authority", authority: "", time: parsed.signingTime } };',
  ]),
  guard(
    "time",
    "times of promises only",
    [
      `${V}time.ts`,
      ".filter(({ entry }) => entry.inclusionPromise !== undefined)",
      ".filter(({ entry }) => entry.integratedTime > 0n)",
    ],
    [`${V}sigstore.ts`, "timestampThreshold: 1,", "timestampThreshold: 0,"],
  ),
  guard(
    "time",
    "stamps verified",
    [
      `${V}sigstore.ts`,
      '...stamps.map(({ parsed }) => ({ $case: "timestamp-authority" as const, timestamp: parsed })),',
      "",
    ],
    [`${V}sigstore.ts`, "timestampThreshold: 1,", "timestampThreshold: 0,"],
  ),
  backed(
    "the ASN.1 reader of @sigstore/core",
    guard("certificate", "canonical DER", [
      `${V}certificate.ts`,
      "if (!certificate.root.toDER().equals(bytes)) throw",
      "if (bytes.length < 0) throw",
    ]),
  ),
  guard("certificate", "unknown critical extension", [
    `${V}certificate.ts`,
    "if (critical && !UNDERSTOOD.has(oid)) throw",
    "if (critical && oid === undefined) throw",
  ]),
  guard("certificate", "code signing", [
    `${V}certificate.ts`,
    "if (!extendedKeyUsage.includes(CODE_SIGNING)) {",
    "if (extendedKeyUsage === undefined) {",
  ]),
  guard("certificate", "not an authority, by constraint", [
    `${V}certificate.ts`,
    "certificate.extBasicConstraints?.isCA === true ||",
    "",
  ]),
  guard("certificate", "not an authority, by key usage", [
    `${V}certificate.ts`,
    "|| certificate.extKeyUsage?.keyCertSign === true",
    "",
  ]),
  guard("certificate", "key may sign", [
    `${V}certificate.ts`,
    "if (certificate.extKeyUsage !== undefined && !certificate.extKeyUsage.digitalSignature) {",
    "if (certificate === undefined) {",
  ]),
  guard("certificate", "no root in the bundle", [
    `${V}certificate.ts`,
    "if (certificate.subject.equals(certificate.issuer)) {",
    "if (certificate === undefined) {",
  ]),
  guard("certificate", "chain is readable", [
    `${V}sigstore.ts`,
    'if (signer.kind === "certificate") guardChain(signer.chain);',
    "",
  ]),
  guard("certificate", "one alternative name", [
    `${S}certificate.ts`,
    "if (others.length > 0) throw",
    "if (others.length < 0) throw",
  ]),
  guard("certificate", "kind of alternative name", [
    `${S}certificate.ts`,
    "if (!isUri && !isMailbox) {",
    "if (value === undefined) {",
  ]),
  guard("certificate", "each extension once", [
    `${S}certificate.ts`,
    "if (values.has(oid)) throw",
    "if (oid === undefined) throw",
  ]),
  guard("certificate", "one issuer", [
    `${S}certificate.ts`,
    "if (legacyIssuer !== undefined && legacyIssuer !== issuer) {",
    "if (legacyIssuer === null) {",
  ]),
  guard("certificate", "an issuer at all", [
    `${S}certificate.ts`,
    'if (issuer === undefined) throw invalid("the certificate names no issuer");',
    'if (issuer === undefined) return { issuer: "https://agent.buildkite.com", subject: subjectAlternativeName(values.get(SAN_OID)), extensions };',
  ]),
  guard("certificate", "extensions are strings", [
    `${S}certificate.ts`,
    "if (parsed.tag.number !== UTF8_STRING || parsed.tag.constructed || parsed.toDER().length !== bytes.length) {",
    "if (parsed === undefined) {",
  ]),
  guard("certificate", "strings are UTF-8", [
    `${S}certificate.ts`,
    'new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })',
    'new TextDecoder("utf-8", { fatal: false, ignoreBOM: true })',
  ]),
  guard("certificate", "the verifier's call", [
    `${V}sigstore.ts`,
    "callVerifier(entity, materialFor(signer, prepared), applies);",
    "",
  ]),
  guard("sct", "an SCT at all", [`${V}sigstore.ts`, "ctlogThreshold: applies.sct ? 1 : 0,", "ctlogThreshold: 0,"]),
  guard("sct", "codes of SCTs", [
    `${V}sigstore.ts`,
    "meaning === CERTIFICATE && ABOUT_SCTS.test(cause.message) ? SCT : meaning",
    "meaning",
  ]),
  guard(
    "log",
    "an entry at all",
    [`${V}sigstore.ts`, "if (entries.length === 0) {", "if (entries.length < 0) {"],
    [`${V}sigstore.ts`, "tlogThreshold: applies.log ? 1 : 0,", "tlogThreshold: 0,"],
  ),
  guard("log", "the root decides whether a log is asked for", [
    `${V}sigstore.ts`,
    "log: prepared.root.logs.length > 0,",
    "log: bundle.logEntries.length > 0,",
  ]),
  guard("log", "entries of listed logs only", [
    `${V}log.ts`,
    "logs.find((log) => Buffer.from(log.checkpointKeyId ?? log.logId).equals(entry.logId))",
    "logs.find((log) => entry.logId.length > 0 && log.logId.length > 0)",
  ]),
  guard("log", "entry of this certificate", [
    `${V}log.ts`,
    "if (found.kind !== verifier.kind || !Buffer.from(found.der).equals(verifier.der)) {",
    "if (found.kind !== verifier.kind) {",
  ]),
  guard("log", "entry of a certificate", [
    `${V}log.ts`,
    'if (found === undefined) throw reject("ERR_LOG_BODY", "a certificate or a key", "something unreadable");',
    "if (found === undefined) return;",
  ]),
  backed(
    "the verifier's own count",
    guard("log", "entry of one signature", [
      `${V}log.ts`,
      "if (others.length > 0) throw",
      "if (others.length < 0) throw",
    ]),
  ),
  guard("log", "entry of this signature", [
    `${V}signature.ts`,
    'compareSignature: (other) => crypto.bufferEqual(other, signature), compareDigest: (digest) => crypto.bufferEqual(digest, crypto.digest("sha256", payload)),',
    'compareSignature: () => true, compareDigest: (digest) => crypto.bufferEqual(digest, crypto.digest("sha256", payload)),',
  ]),
  guard("log", "entry of this payload", [
    `${V}signature.ts`,
    'compareDigest: (digest) => crypto.bufferEqual(digest, crypto.digest("sha256", payload)),',
    "compareDigest: () => true,",
  ]),
  guard("log", "entry of this envelope", [
    `${V}signature.ts`,
    'compareSignedDigest: (digest) => crypto.bufferEqual(digest, crypto.digest("sha256", signed)),',
    "compareSignedDigest: () => true,",
  ]),
  guard("log", "size of the proof", [`${V}log.ts`, "if (size !== String(proof.treeSize)) {", "if (size === null) {"]),
  guard("log", "root of the proof", [
    `${V}log.ts`,
    'if (root !== Buffer.from(proof.rootHash).toString("base64")) {',
    "if (root === null) {",
  ]),
  guard("log", "one index", [
    `${V}log.ts`,
    "if (entry.inclusionPromise === undefined && entry.logIndex !== proof.logIndex) {",
    "if (entry === undefined) {",
  ]),
  guard("log", "validity of the log's key", [
    `${V}log.ts`,
    "if (time < start || (end !== undefined && time > end)) {",
    "if (time === undefined) {",
  ]),
  guard("signature", "the signature", [
    `${V}signature.ts`,
    "verifySignature: (key) => crypto.verify(signed, key, signature),",
    "verifySignature: () => true,",
  ]),
  guard("signature", "the encoding", [
    `${V}signature.ts`,
    "verifySignature: (key) => crypto.verify(signed, key, signature),",
    'verifySignature: (key) => crypto.verify(signed, key, signature) || crypto.verify(Buffer.from(payload.toString("base64")), key, signature),',
  ]),
];
