// SPDX-License-Identifier: Apache-2.0
// Attacks that need more than one kind of signer or of content: bare keys, blobs, certificates of other issuers. Each is
// genuine for somebody; the rule asks for somebody else.
import { createPublicKey } from "node:crypto";
import { spkiOf } from "@kiteseal/sandbox";
import { attacksOn, type CertificateWords, type Spec } from "./spec.ts";
import { fulcioExtension, fulcioOid } from "./forge/der.ts";
import { preAuthEncoding } from "./forge/statement.ts";
import { publicPem, sha256Hex, type Forge } from "./forge.ts";

export const NOBODY = { organization: undefined, pipeline: undefined, branch: undefined };
export const key = (f: Forge): Spec => ({ rule: { ...NOBODY, key: [publicPem(f.key)] } });
export const keyed = (f: Forge): Spec => ({ ...key(f), keyed: "key" });
export const blob: Spec = { rule: { content: "blob" } };
const noLog: Spec = { root: (r) => void (r.tlogs = []), logs: [] };
const encoding = ({ payloadType, payload }: { payloadType: string; payload: Uint8Array }): Buffer =>
  preAuthEncoding(payloadType, payload);
const spkiOfOther = (f: Forge): Buffer => spkiOf(createPublicKey(f.otherKey));

export const ISSUER = "https://token.actions.githubusercontent.com";
export const WORKFLOW = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
export const certificate = (...words: readonly CertificateWords[]): Spec => ({
  rule: { ...NOBODY, certificate: words },
});
const foreign = (uri: string, issuer = ISSUER): Spec => ({
  leaf: { uris: [uri] },
  extensions: () => [{ oid: fulcioOid(1), value: Buffer.from(issuer) }, fulcioExtension(8, issuer)],
});
export const github = foreign(WORKFLOW);
export const exactly = certificate({ identity: WORKFLOW, issuer: ISSUER });

export const UNASKED_ATTACKS = attacksOn("bundle", "ERR_BUNDLE_INVALID", [
  {
    id: "key-where-a-certificate-is-asked",
    why: "a bundle does not choose by which evidence it is judged",
    attack: { keyed: "key" },
  },
  { id: "blob-where-a-statement-is-asked", why: "no rule takes blobs", attack: { message: {} } },
  {
    id: "key-blob-where-nothing-is-asked",
    why: "neither keys nor blobs are asked for",
    attack: { keyed: "key", message: {} },
  },
  {
    id: "blob-by-an-allowed-key",
    why: "the key is asked for, a blob is not",
    base: keyed,
    attack: { message: {} },
  },
  {
    id: "key-beside-the-certificate",
    why: "two signers in one bundle",
    base: keyed,
    attack: (f) => ({
      document: (d) => void (d.verificationMaterial.certificate = { rawBytes: f.parts({}).certificate.toString() }),
    }),
  },
  {
    id: "message-beside-the-envelope",
    why: "two contents in one bundle",
    base: blob,
    attack: {
      message: {},
      document: (d) => void Object.assign(d, { dsseEnvelope: { payload: "e30=", payloadType: "x", signatures: [] } }),
    },
    twin: { message: {} },
  },
]);

export const KEY_LOG_ATTACKS = attacksOn("log", "ERR_LOG_BODY", [
  {
    id: "wrong-key",
    why: "another key than the rule's",
    base: key,
    attack: { keyed: "other" },
    twin: { keyed: "key" },
  },
  {
    id: "entry-of-another-key",
    why: "the entry was logged under another key",
    base: keyed,
    attack: (f) => ({ logs: [{ kind: "v2", about: { publicKey: spkiOfOther(f) } }] }),
  },
  {
    id: "v1-entry-of-another-key",
    why: "as above, in a v1 log",
    base: keyed,
    attack: (f) => ({ logs: [{ kind: "v1-dsse", about: { publicKey: spkiOfOther(f) } }] }),
    twin: { logs: [{ kind: "v1-dsse" }] },
  },
  {
    id: "certificate-in-the-entry-of-a-key",
    why: "the certificate's entry under the key's name",
    base: keyed,
    attack: {
      logs: [
        {
          kind: "v2",
          body: (body) => body.replace(/"publicKey":\{("rawBytes":"[^"]+")\}/, '"x509Certificate":{$1}'),
        },
      ],
    },
  },
  {
    id: "blob-digest-of-other-bytes",
    why: "the bundle says another digest than was signed and logged",
    base: blob,
    attack: { message: { digest: Buffer.from(sha256Hex("other"), "hex") } },
    twin: { message: {} },
  },
]);

export const BLOB_SIGNATURE_ATTACKS = attacksOn("signature", "ERR_SIGNATURE", [
  {
    id: "envelope-as-message",
    why: "a statement's signature wrapped as one over the blob",
    base: { ...blob, message: {} },
    attack: { over: encoding },
  },
  {
    id: "message-of-other-bytes",
    why: "a signature over other bytes",
    base: { ...blob, message: {} },
    attack: { over: () => Buffer.from("other") },
  },
  {
    id: "changed-signature-by-the-first-of-two-keys",
    why: "the key that was logged speaks, not the last of the list",
    base: (f) => ({ rule: { ...NOBODY, key: [publicPem(f.key), publicPem(f.otherKey)] }, keyed: "key" }),
    attack: { signature: () => Buffer.from([0]) },
  },
  {
    id: "message-one-byte",
    why: "a signature that is none",
    base: { ...blob, message: {} },
    attack: { signature: () => Buffer.from([0]) },
  },
  {
    id: "wrong-key-without-a-log",
    why: "another key than the rule's",
    base: (f) => ({ ...key(f), ...noLog }),
    attack: { keyed: "other" },
    twin: { keyed: "key" },
  },
]);

export const BLOB_SUBJECT_ATTACKS = attacksOn("subject", "ERR_SUBJECT_DIGEST", [
  {
    id: "blob-of-another-file",
    why: "a genuine signature of other bytes",
    base: blob,
    attack: { message: { bytes: "other" } },
    twin: { message: {} },
  },
  {
    id: "encoding-as-blob",
    why: "a genuine statement's encoding is a blob, but not these bytes",
    base: blob,
    attack: (f) => ({ message: { bytes: encoding(f.parts({})) } }),
    twin: { message: {} },
  },
  {
    id: "key-signed-another-file",
    why: "the right key over other bytes",
    base: (f) => ({ rule: { ...key(f).rule, content: "blob" }, keyed: "key" }),
    attack: { message: { bytes: "other" } },
    twin: { message: {} },
  },
]);

export const twoRules = (second: string): string => `version: 1
rules:
  app:
    artifacts: dist/**
    builder: { organization: acme, pipeline: app }
    source: { branch: main }
  tools:
    artifacts: tools/**
${second}`;

export const CONTENT_ATTACKS = attacksOn("predicate", "ERR_PREDICATE_TYPE", [
  {
    id: "statement-where-a-blob-is-asked",
    why: "another kind of signature",
    base: blob,
    attack: {},
    twin: { message: {} },
  },
  {
    id: "blob-that-another-rule-asks-for",
    why: "what one rule takes another does not",
    base: {
      policy: twoRules(
        "    builder: { organization: acme, pipeline: app }\n    source: { branch: main }\n    content: blob\n",
      ),
    },
    attack: { message: {} },
  },
]);

const identity = (id: string, why: string, words: CertificateWords, uri: string, issuer = ISSUER) => ({
  id,
  why,
  base: certificate(words),
  attack: foreign(uri, issuer),
  twin: github,
});

export const SIGNER_ATTACKS = attacksOn("identity", "ERR_IDENTITY", [
  {
    id: "certificate-where-a-key-is-asked",
    why: "a builder where the operator's key is asked for",
    base: key,
    attack: {},
    twin: { keyed: "key" },
  },
  {
    id: "key-of-another-rule",
    why: "the tools' key for the application",
    base: (f) => ({ policy: twoRules(`    key: ${JSON.stringify(publicPem(f.key))}\n`) }),
    attack: { keyed: "key" },
  },
  {
    id: "flags-to-escape-the-ref",
    why: "Buildkite's builders have a rule of their own, which needs a ref",
    base: certificate({ identityRegexp: ".*", issuerRegexp: ".*" }),
    attack: {},
    twin: github,
  },
  {
    id: "issuer-pattern-to-escape-the-ref",
    why: "as above, with a pattern that names the issuer",
    base: certificate({ identityRegexp: ".*", issuerRegexp: "https://(agent[.]buildkite|token[.]actions.*)[.]com" }),
    attack: { job: { branch: "evil" } },
    twin: github,
  },
  identity(
    "identity-literal-dot",
    "a dot in a text stands for a dot",
    { identity: WORKFLOW, issuer: ISSUER },
    WORKFLOW.replace("release.yml", "releaseXyml"),
  ),
  identity(
    "identity-suffix",
    "more after the allowed identity",
    { identity: WORKFLOW, issuer: ISSUER },
    `${WORKFLOW}-evil`,
  ),
  identity(
    "identity-pattern-unanchored-end",
    "a pattern matches all of it",
    { identityRegexp: "https://github[.]com/acme/app/[^@]*@refs/heads/main", issuer: ISSUER },
    `${WORKFLOW}-evil`,
  ),
  identity(
    "identity-pattern-unanchored-start",
    "a pattern matches from the first character",
    { identityRegexp: "https://github[.]com/acme/app/.*", issuer: ISSUER },
    `https://evil.example/?${WORKFLOW}`,
  ),
  identity(
    "identity-pattern-alternation",
    "an alternative is as whole as the rest",
    { identityRegexp: "https://evil|https://github[.]com/acme/app/.*", issuer: ISSUER },
    "https://evil.example/x",
  ),
  identity(
    "identity-second-line",
    "the allowed identity on a second line",
    { identityRegexp: "https://github[.]com/acme/.*", issuer: ISSUER },
    `https://evil.example\n${WORKFLOW}`,
  ),
  identity(
    "identity-line-feed",
    "a line feed after the allowed identity",
    { identityRegexp: "https://github[.]com/acme/.*", issuer: ISSUER },
    `${WORKFLOW}\n`,
  ),
  identity(
    "identity-multiline-modifier",
    "a modifier in the pattern does not reach the anchors",
    { identityRegexp: "(?m:^https://github[.]com/acme/.*$)", issuer: ISSUER },
    `${WORKFLOW}\nevil`,
  ),
  identity(
    "identity-other-case",
    "compared with their case",
    { identity: WORKFLOW, issuer: ISSUER },
    WORKFLOW.replace("acme", "Acme"),
  ),
  identity(
    "issuer-of-somebody-else",
    "the right workflow by another issuer",
    { identity: WORKFLOW, issuer: ISSUER },
    WORKFLOW,
    "https://issuer.evil.example",
  ),
  identity(
    "issuer-suffix",
    "more after the allowed issuer",
    { identity: WORKFLOW, issuer: ISSUER },
    WORKFLOW,
    `${ISSUER}/evil`,
  ),
  identity(
    "issuer-pattern-unanchored",
    "a pattern matches all of it",
    { identity: WORKFLOW, issuerRegexp: "https://token[.]actions[.]githubusercontent[.]com" },
    WORKFLOW,
    `${ISSUER}.evil.example`,
  ),
  {
    id: "identities-are-pairs",
    why: "one's identity by the other's issuer",
    base: certificate(
      { identity: WORKFLOW, issuer: ISSUER },
      { identity: "https://gitlab.example/acme/app", issuer: "https://gitlab.example" },
    ),
    attack: foreign(WORKFLOW, "https://gitlab.example"),
    twin: github,
  },
  {
    id: "other-builder-where-buildkite-is-asked",
    why: "another issuer that names a Buildkite pipeline",
    attack: foreign("https://buildkite.com/acme/app"),
  },
]);

export const OLD_STATEMENT_ATTACKS = attacksOn("statement", "ERR_STATEMENT_INVALID", [
  {
    id: "statement-v0.1-by-buildkite",
    why: "the older form is taken from other builders only",
    base: { statement: (s) => ({ ...s, _type: "https://in-toto.io/Statement/v0.1" }) },
    attack: {},
    twin: { ...github, ...exactly },
  },
]);
