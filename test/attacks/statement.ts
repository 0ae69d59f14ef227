// SPDX-License-Identifier: Apache-2.0
// Attacks by a genuine signer: payloads that mean one thing to this reader and another to the next, and names that do not
// look like what they are.
import { NAME, sha256Hex } from "./forge.ts";
import { attacksOn, type Spec, type SubjectSpec } from "./spec.ts";

const DIGEST = sha256Hex("the bytes that were built\n");
const good: SubjectSpec = { name: NAME, digest: { sha256: DIGEST } };
const named = (name: string): Spec => ({ subject: [good, { name, digest: { sha256: "0".repeat(64) } }] });
const statement = (key: string, value: unknown): Spec => ({ statement: (s) => ({ ...s, [key]: value }) });
const digest = (digests: Record<string, string>): Spec => ({ subject: [{ name: NAME, digest: digests }] });
/** The right digest beside others that nobody computes. */
function many(count: number): Spec {
  const others = Array.from({ length: count - 1 }, (_, i): [string, string] => [`x${i}`, "00"]);
  return digest({ sha256: DIGEST, ...Object.fromEntries<string>(others) });
}

export const STATEMENT_ATTACKS = attacksOn("statement", "ERR_STATEMENT_INVALID", [
  {
    id: "payload-type-json",
    why: "JSON that nobody meant as a statement",
    attack: { payloadType: "application/json" },
  },
  {
    id: "payload-type-with-parameter",
    why: "the type is compared whole",
    attack: { payloadType: "application/vnd.in-toto+json; charset=utf-8" },
  },
  {
    id: "payload-type-upper-case",
    why: "the type is compared whole",
    attack: { payloadType: "application/vnd.in-toto+JSON" },
  },
  { id: "payload-not-json", why: "signed text", attack: { payload: () => "build ok" } },
  {
    id: "payload-trailing-document",
    why: "a second statement after the first",
    attack: { payload: (p) => `${p}${p}` },
  },
  { id: "payload-byte-order-mark", why: "a byte order mark", attack: { payload: (p) => `\uFEFF${p}` } },
  {
    id: "payload-invalid-utf8",
    why: "bytes that are not UTF-8",
    attack: {
      payload: (p) =>
        Buffer.concat([Buffer.from(p.slice(0, -1)), Buffer.from([0x2c, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]),
    },
  },
  {
    id: "duplicate-subject",
    why: "the first subject list for one reader, the last for the next",
    attack: { payload: (p) => p.replace('"subject":', '"subject":[],"subject":') },
  },
  {
    id: "duplicate-digest",
    why: "two digests under one algorithm",
    attack: { payload: (p) => p.replace('{"sha256":', `{"sha256":"${"0".repeat(64)}","sha256":`) },
  },
  {
    id: "duplicate-escaped-key",
    why: "the same key written with an escape",
    attack: { payload: (p) => p.replace('"predicate":', '"predicat\\u0065":{},"predicate":') },
  },
  {
    id: "duplicate-in-the-predicate",
    why: "two builders in one predicate",
    attack: {
      payload: (p) =>
        p.replace('"builder":{', '"builder":{"id":"https://buildkite.com/evil/app","version":{}},"builder":{'),
    },
  },
  {
    id: "lone-surrogate",
    why: "text that is not Unicode",
    attack: { payload: (p) => p.replace('"make package"', '"\\ud800"') },
  },
  {
    id: "number-beyond-doubles",
    why: "a number that readers round differently",
    attack: { payload: (p) => p.replace('"build_number":1514', '"build_number":9007199254740993') },
  },
  {
    id: "deep-predicate",
    why: "deeper than a reader's stack",
    attack: { payload: (p) => p.replace('"make package"', `${"[".repeat(50_000)}${"]".repeat(50_000)}`) },
  },
  {
    id: "statement-v0.1",
    why: "the older statement has other rules",
    attack: statement("_type", "https://in-toto.io/Statement/v0.1"),
  },
  { id: "statement-without-type", why: "an object that is no statement", attack: statement("_type", undefined) },
  { id: "statement-list", why: "a list of statements", attack: { statement: (s) => [s] } },
  {
    id: "statement-type-slash",
    why: "the type is compared whole",
    attack: statement("_type", "https://in-toto.io/Statement/v1/"),
  },
  { id: "no-subjects", why: "a statement about nothing", attack: { subject: [] } },
  {
    id: "1025-subjects",
    why: "more subjects than a statement may have",
    attack: { subject: Array.from({ length: 1025 }, (_, i) => ({ ...good, name: i === 0 ? NAME : `f${i}` })) },
    twin: { subject: Array.from({ length: 1024 }, (_, i) => ({ ...good, name: i === 0 ? NAME : `f${i}` })) },
  },
  {
    id: "33-digests",
    why: "more digests than a subject may have",
    attack: many(33),
    twin: many(32),
  },
  {
    id: "subject-by-name-only",
    why: "a name without a digest is about no bytes",
    attack: { statement: (s) => ({ ...s, subject: [{ name: NAME, uri: "file:dist/app.tgz" }] }) },
  },
  { id: "subject-empty-digest", why: "an empty set of digests", attack: digest({}) },
  {
    id: "subject-without-name",
    why: "bytes under no name could be any file",
    attack: { subject: [{ digest: { sha256: DIGEST } }] },
  },
  { id: "digest-upper-case", why: "one digest has one spelling", attack: digest({ sha256: DIGEST.toUpperCase() }) },
  { id: "digest-cut-short", why: "a prefix of the digest", attack: digest({ sha256: DIGEST.slice(0, 32) }) },
  {
    id: "digest-with-prefix",
    why: "a digest with the algorithm in it",
    attack: digest({ sha256: `sha256:${DIGEST}` }),
  },
  { id: "digest-with-space", why: "a digest with white space", attack: digest({ sha256: `${DIGEST} ` }) },
  {
    id: "second-subject-same-name",
    why: "two files under one name",
    attack: { subject: [good, { ...good, digest: { sha256: "0".repeat(64) } }] },
  },
  {
    id: "name-not-normalised",
    why: "two spellings of one name",
    attack: named("caf\u0065\u0301.tgz"),
    twin: named("caf\u00e9.tgz"),
  },
  { id: "name-bidi-mark", why: "a name that is shown backwards", attack: named("dist/\u202Egpj.exe") },
  { id: "name-zero-width", why: "two names that look alike", attack: named("dist/app\u200B.tgz") },
  { id: "name-nul", why: "a name that other programs cut at the NUL", attack: named("dist/app.tgz\0.sig") },
  { id: "name-newline", why: "a name that forges a line of a report", attack: named("dist/x\nverified: dist/app.tgz") },
  { id: "name-escape-sequence", why: "a name that drives a terminal", attack: named("dist/\u001b[2J") },
  { id: "name-backslash", why: "a separator on one system only", attack: named("dist\\app.tgz") },
  { id: "name-absolute", why: "a name outside the working directory", attack: named("/etc/passwd") },
  { id: "name-climbs", why: "a name that climbs out", attack: named("dist/../../etc/passwd") },
  { id: "name-dot-segment", why: "a name with two spellings", attack: named("./dist/app.tgz") },
  { id: "name-empty-segment", why: "a name with two spellings", attack: named("dist//app.tgz") },
  { id: "name-very-long", why: "a name of a hundred thousand characters", attack: named("x".repeat(100_000)) },
  { id: "predicate-a-string", why: "a predicate that is no object", attack: statement("predicate", "provenance") },
  { id: "predicate-type-relative", why: "a type that is no absolute URI", attack: { predicateType: "slsa" } },
  { id: "provenance-a-shell", why: "provenance without a build", attack: { predicate: {} } },
  {
    id: "provenance-of-another-shape",
    why: "fields of other types",
    attack: { provenance: (p) => void Object.assign(p.buildDefinition, { externalParameters: "none" }) },
  },
  {
    id: "builder-id-look-alike",
    why: "a Cyrillic letter in the builder id is no URI",
    attack: { provenance: (p) => void (p.runDetails.builder.id = "https://buildkite.com/acme/\u0430pp") },
  },
  {
    id: "builder-id-with-nul",
    why: "a NUL in the builder id",
    attack: { provenance: (p) => void (p.runDetails.builder.id = "https://buildkite.com/acme/app\0") },
  },
]);
