// SPDX-License-Identifier: Apache-2.0
// Attacks on what the statement is about: genuine attestations of other bytes, or of these bytes under another name.
import { NAME, sha256Hex } from "./forge.ts";
import { attacksOn, type Spec } from "./spec.ts";
import { createHash } from "node:crypto";

const BYTES = "the bytes that were built\n";
const DIGEST = sha256Hex(BYTES);
const sha512 = (text: string): string => createHash("sha512").update(text).digest("hex");
const about = (name: string, digest: Readonly<Record<string, string>> = { sha256: DIGEST }): Spec => ({
  subject: [{ name, digest }],
});
const POLICY = `version: 1
rules:
  app: { artifacts: ["dist/*.tgz"], builder: { organization: acme, pipeline: app }, source: { branch: main } }
  tools: { artifacts: ["tools/**"], builder: { organization: acme, pipeline: [app, tools] }, source: { ref: any } }
`;
const outputs: Spec = {
  subject: [
    { name: "dist/app.tgz", digest: { sha256: DIGEST } },
    { name: "dist/debug.tgz", digest: { sha256: sha256Hex("debug") } },
  ],
};

export const SUBJECT_ATTACKS = attacksOn("subject", "ERR_SUBJECT_DIGEST", [
  { id: "other-bytes", why: "the artifact was exchanged", attack: { bytes: "other bytes\n" } },
  { id: "one-byte-more", why: "a byte was added", attack: { bytes: `${BYTES} ` } },
  { id: "empty-artifact", why: "the artifact was emptied", attack: { bytes: "" } },
  {
    id: "old-release-under-the-new-name",
    why: "the attested bytes are another version's",
    attack: { bytes: "the bytes of last year\n" },
  },
  {
    id: "digest-in-another-algorithm",
    why: "SHA-1 decides nothing",
    attack: about(NAME, { sha1: createHash("sha1").update(BYTES).digest("hex") }),
  },
  {
    id: "digest-under-an-invented-algorithm",
    why: "an algorithm that nobody computes",
    attack: about(NAME, { "sha-256": DIGEST }),
  },
  {
    id: "digest-under-an-upper-case-algorithm",
    why: "names of algorithms are compared whole",
    attack: about(NAME, { SHA256: DIGEST }),
  },
  { id: "git-digest", why: "a commit with the artifact's digits", attack: about(NAME, { gitCommit: DIGEST }) },
  {
    id: "prototype-algorithm",
    why: "__proto__ as an algorithm",
    attack: { payload: (p) => p.replace('{"sha256":', '{"__proto__":') },
  },
  {
    id: "one-digest-right-one-wrong",
    why: "every known digest must match",
    base: { digest: { sha256: DIGEST, sha512: sha512(BYTES) } },
    attack: about(NAME, { sha256: DIGEST, sha512: sha512("other") }),
    twin: about(NAME, { sha256: DIGEST, sha512: sha512(BYTES) }),
  },
  {
    id: "second-digest-not-computed",
    why: "a digest that nobody compared is no match",
    attack: about(NAME, { sha256: DIGEST, sha512: sha512(BYTES) }),
  },
  {
    id: "asked-digest-upper-case",
    why: "the asker's digest has one spelling too",
    attack: { digest: { sha256: DIGEST.toUpperCase() } },
  },
  {
    id: "asked-without-known-digest",
    why: "an artifact with an MD5 only",
    attack: { digest: { md5: createHash("md5").update(BYTES).digest("hex") } },
  },
  {
    id: "subjects-share-nothing",
    why: "the digest is in the predicate, not among the subjects",
    attack: {
      subject: [{ name: NAME, digest: { sha256: sha256Hex("x") } }],
      provenance: (p) =>
        void p.buildDefinition.resolvedDependencies.push({ uri: "file:x", digest: { sha256: DIGEST } }),
    },
  },
  {
    id: "two-outputs-swapped",
    code: "ERR_SUBJECT_NAME",
    why: "the debug build is served as the release",
    base: outputs,
    attack: { name: "dist/app.tgz", bytes: "debug" },
  },
  {
    id: "lax-rule-bytes-under-the-strict-name",
    code: "ERR_SUBJECT_NAME",
    why: "tools/x of the same pipeline is served as dist/app.tgz",
    base: { policy: POLICY },
    attack: about("tools/x"),
  },
  {
    id: "name-suffix-without-a-slash",
    code: "ERR_SUBJECT_NAME",
    why: "myapp.tgz ends like app.tgz",
    attack: about("dist/myapp.tgz"),
    base: { name: "app.tgz" },
  },
  {
    id: "name-prefix",
    code: "ERR_SUBJECT_NAME",
    why: "dist/app.tgz.sig begins like dist/app.tgz",
    attack: about("dist/app.tgz.sig"),
  },
  {
    id: "name-in-another-folder",
    code: "ERR_SUBJECT_NAME",
    why: "debug/app.tgz is not dist/app.tgz",
    attack: about("debug/app.tgz"),
  },
  {
    id: "name-other-case",
    code: "ERR_SUBJECT_NAME",
    why: "names are compared with their case",
    attack: about("dist/APP.tgz"),
  },
  { id: "name-look-alike", code: "ERR_SUBJECT_NAME", why: "a Cyrillic letter", attack: about("dist/\u0430pp.tgz") },
  {
    id: "name-other-normal-form",
    code: "ERR_SUBJECT_NAME",
    why: "compatibility characters are other characters",
    attack: about("dist/\uff41pp.tgz"),
  },
  {
    id: "subject-name-outside-the-rule",
    code: "ERR_SUBJECT_NAME",
    why: "the requested name fits the rule, the subject's own does not",
    base: { policy: POLICY, name: "dist/app.tgz" },
    attack: about("app.tgz"),
  },
  {
    id: "name-regex-characters",
    code: "ERR_SUBJECT_NAME",
    why: "a dot stands for a dot",
    base: { name: "dist/app.tgz" },
    attack: about("dist/appxtgz"),
  },
]);
