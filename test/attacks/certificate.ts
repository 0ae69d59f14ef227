// SPDX-License-Identifier: Apache-2.0
// Attacks on the signing certificate: other authorities, other purposes, encodings that two readers read in two ways.
import { certificateIdentity, issueLeaf, OID, signCertificate, spkiOf } from "@kiteseal/sandbox";
import { claimsOf, DAY, JOB, MINUTE, newKey } from "./forge.ts";
import { fulcioExtension, fulcioOid, tlv, utf8String } from "./forge/der.ts";
import { attacksOn, type Spec } from "./spec.ts";
import type { Forge } from "./forge.ts";

const UNKNOWN = { oid: "1.3.6.1.4.1.99999.1", value: Buffer.from([0x05, 0x00]) };
/** A root that ends no log and no SCT, so that only the certificate is in question. */
const bare: Spec = { root: (r) => void ((r.ctlogs = []), (r.tlogs = [])), leaf: { ctLogs: [] }, logs: [] };

function selfSigned(forge: Forge): Buffer {
  const name = { organization: "kiteseal-sandbox", commonName: "self" };
  const basic = { oid: "2.5.29.19", critical: true, value: tlv(0x30, Buffer.from([0x01, 0x01, 0xff])) };
  const fields = {
    serial: Uint8Array.of(7),
    issuer: name,
    subject: name,
    notBefore: forge.at(-DAY),
    notAfter: forge.at(DAY),
  };
  return signCertificate({ ...fields, spki: spkiOf(forge.otherKey), extensions: [basic] }, forge.otherKey);
}

export const CERTIFICATE_ATTACKS = attacksOn("certificate", "ERR_CERTIFICATE", [
  { id: "unknown-authority", why: "a certificate of another Fulcio", attack: { authority: "other" }, base: bare },
  {
    id: "authority-removed",
    why: "the root lists another authority instead",
    attack: { root: (r, f) => void (r.certificateAuthorities = f.otherRoot.certificateAuthorities) },
  },
  {
    id: "authority-expired",
    why: "the authority's validity in the root ended before the signature",
    attack: { root: (r, f) => r.certificateAuthorities.forEach((a) => (a.validFor.end = f.at(-DAY).toISOString())) },
    twin: { root: (r, f) => r.certificateAuthorities.forEach((a) => (a.validFor.end = f.at(DAY).toISOString())) },
  },
  {
    id: "authority-not-yet-valid",
    why: "the authority's validity in the root begins after the signature",
    attack: {
      root: (r, f) => r.certificateAuthorities.forEach((a) => (a.validFor.start = f.at(MINUTE).toISOString())),
    },
    twin: { root: (r, f) => r.certificateAuthorities.forEach((a) => (a.validFor.start = f.at(-MINUTE).toISOString())) },
  },
  {
    id: "no-code-signing-purpose",
    why: "a certificate without an extended key usage",
    attack: { leaf: { purposes: [] } },
  },
  {
    id: "server-certificate",
    why: "a TLS certificate of the same authority",
    attack: { leaf: { purposes: [OID.serverAuthentication] } },
    twin: { leaf: { purposes: [OID.serverAuthentication, OID.codeSigning] } },
  },
  {
    id: "timestamping-certificate",
    why: "a time-stamping certificate of the same authority",
    attack: { leaf: { purposes: [OID.timeStamping] } },
  },
  {
    id: "leaf-is-an-authority",
    why: "an authority's certificate signs an artifact",
    attack: { leaf: { isCa: true } },
    twin: { leaf: { isCa: false } },
  },
  {
    id: "unknown-critical-extension",
    why: "a restriction that the verifier does not understand",
    attack: { extensions: (list) => [...list, { ...UNKNOWN, critical: true }] },
    twin: { extensions: (list) => [...list, UNKNOWN] },
  },
  {
    id: "issued-by-the-intermediates-sibling",
    why: "a leaf under a self-made intermediate of the same name",
    base: bare,
    attack: (f) => ({ leafDer: () => impostorLeaf(f) }),
  },
  {
    id: "self-signed-leaf",
    why: "a certificate that vouches for itself",
    base: bare,
    attack: (f) => ({ leafDer: () => selfSignedLeaf(f) }),
  },
  {
    id: "root-in-a-v0.2-chain",
    why: "the bundle brings its own root",
    base: { version: "0.2" },
    attack: (f) => ({ chain: [f.authorities.fulcio.intermediate.certificate, f.authorities.fulcio.root.certificate] }),
    twin: (f) => ({ chain: [f.authorities.fulcio.intermediate.certificate] }),
  },
  {
    id: "self-signed-in-a-v0.2-chain",
    why: "a stranger's root in the chain",
    base: { version: "0.2" },
    attack: (f) => ({ chain: [selfSigned(f)] }),
    twin: (f) => ({ chain: [f.authorities.fulcio.intermediate.certificate] }),
  },
  {
    id: "junk-in-a-v0.2-chain",
    why: "bytes that are no certificate",
    base: { version: "0.2" },
    attack: { chain: [Buffer.from("junk")] },
    twin: (f) => ({ chain: [f.authorities.fulcio.intermediate.certificate] }),
  },
  {
    id: "own-authority-in-a-v0.2-chain",
    why: "leaf and intermediate of a stranger, both in the bundle",
    base: { ...bare, version: "0.2" },
    attack: (f) => ({ authority: "other", chain: [f.other.fulcio.intermediate.certificate] }),
  },
  {
    id: "certificate-trailing-bytes",
    why: "bytes after the certificate",
    attack: { leafDer: (der) => Buffer.concat([der, Buffer.from([0])]) },
  },
  {
    id: "certificate-long-length",
    why: "the same certificate with a length that is not minimal",
    attack: { leafDer: (der) => Buffer.concat([Buffer.from([0x30, 0x83, 0x00]), der.subarray(2)]) },
  },
  {
    id: "certificate-junk",
    why: "bytes that are no certificate",
    attack: { leafDer: () => Buffer.from("not a certificate") },
    base: { logs: [], root: (r) => void (r.tlogs = []) },
  },
  {
    id: "certificate-cut-short",
    why: "half a certificate",
    base: { logs: [], root: (r) => void (r.tlogs = []) },
    attack: { leafDer: (der) => der.subarray(0, 200) },
  },
  {
    id: "two-alternative-names",
    why: "one name for the verifier, one for the reader",
    attack: { leaf: { uris: ["https://buildkite.com/acme/app", "https://buildkite.com/evil/app"] } },
  },
  { id: "no-alternative-name", why: "a certificate of nobody", attack: { leaf: { uris: [] } } },
  {
    id: "extension-twice",
    why: "two run invocations: the first is compared, the last is shown",
    attack: { extensions: (list) => [...list, fulcioExtension(13, "0".repeat(40))] },
  },
  {
    id: "two-issuers",
    why: "the old and the new issuer extension disagree",
    attack: {
      extensions: (list) =>
        list.map((e) => (e.oid === fulcioOid(1) ? { ...e, value: Buffer.from("https://evil.example") } : e)),
    },
  },
  {
    id: "no-issuer",
    why: "a certificate that does not say whose token it was made for",
    attack: { without: [1, 8] },
    twin: { without: [1] },
  },
  {
    id: "extension-not-a-string",
    why: "an extension that is no UTF8String",
    attack: {
      extensions: (list) =>
        list.map((e) => (e.oid === fulcioOid(13) ? { ...e, value: tlv(0x04, Buffer.from("x")) } : e)),
    },
  },
  {
    id: "extension-trailing-bytes",
    why: "bytes after the string inside the extension",
    attack: {
      extensions: (list) =>
        list.map((e) =>
          e.oid === fulcioOid(13)
            ? { ...e, value: Buffer.concat([utf8String("a".repeat(40)), Buffer.from([5, 0])]) }
            : e,
        ),
    },
  },
  {
    id: "extension-invalid-utf8",
    why: "a string that is not UTF-8",
    attack: { extensions: (list) => [...list, { oid: fulcioOid(22), value: tlv(0x0c, Buffer.from([0xc3, 0x28])) }] },
  },
  {
    id: "alternative-name-invalid-utf8",
    why: "a name that is shown otherwise than it is compared",
    attack: {
      leaf: { uris: [] },
      extensions: (list) => [
        ...list,
        { oid: "2.5.29.17", critical: true, value: tlv(0x30, tlv(0x86, Buffer.from([0x68, 0xff]))) },
      ],
    },
  },
  {
    id: "alternative-name-dns",
    why: "a host name is no identity",
    attack: {
      leaf: { uris: [] },
      extensions: (list) => [
        ...list,
        { oid: "2.5.29.17", critical: true, value: tlv(0x30, tlv(0x82, Buffer.from("buildkite.com"))) },
      ],
    },
  },
  {
    id: "key-may-not-sign",
    why: "a certificate whose key is for agreement only",
    base: { ...bare },
    attack: (f) => ({ leafDer: () => usageLeaf(f, 0x08) }),
    twin: (f) => ({ leafDer: () => usageLeaf(f, 0x80) }),
  },
  {
    id: "key-may-sign-certificates",
    why: "an authority by its key usage alone",
    base: { ...bare },
    attack: (f) => ({ leafDer: () => usageLeaf(f, 0x84) }),
    twin: (f) => ({ leafDer: () => usageLeaf(f, 0x80) }),
  },
  {
    id: "alternative-name-an-e-mail-address",
    why: "an e-mail address that reads like the pipeline's URL is another kind of name",
    attack: {
      leaf: { uris: [] },
      extensions: (list) => [
        ...list,
        {
          oid: "2.5.29.17",
          critical: true,
          value: tlv(0x30, tlv(0x81, Buffer.from("https://buildkite.com/acme/app"))),
        },
      ],
    },
  },
  {
    id: "certificate-signature-changed",
    why: "the last byte of the authority's signature",
    base: bare,
    attack: {
      leafDer: (der) => {
        const copy = Buffer.from(der);
        copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
        return copy;
      },
    },
  },
]);

function impostorLeaf(forge: Forge): Buffer {
  const { fulcio } = forge.authorities;
  const impostor = { ...fulcio, intermediate: { ...fulcio.intermediate, key: newKey() } };
  return issueLeaf(impostor, {
    publicKey: forge.key,
    notBefore: forge.at(-MINUTE),
    uris: ["https://buildkite.com/acme/app"],
    extensions: [fulcioExtension(8, "https://agent.buildkite.com")],
    ctLogs: [],
  });
}

/** Everything that an honest certificate has, under another key usage. */
function usageLeaf(forge: Forge, usage: number): Buffer {
  const { intermediate } = forge.authorities.fulcio;
  const { extensions } = certificateIdentity(claimsOf(JOB), "1.8.8");
  const fields = {
    serial: Uint8Array.of(9),
    issuer: intermediate.subject,
    subject: {},
    notBefore: forge.at(-MINUTE),
    notAfter: forge.at(9 * MINUTE),
    spki: spkiOf(forge.key),
    extensions: [
      { oid: OID.keyUsage, critical: true, value: tlv(0x03, Uint8Array.of(0, usage)) },
      { oid: OID.extendedKeyUsage, value: tlv(0x30, tlv(0x06, Buffer.from([0x2b, 6, 1, 5, 5, 7, 3, 3]))) },
      {
        oid: OID.subjectAlternativeName,
        critical: true,
        value: tlv(0x30, tlv(0x86, Buffer.from("https://buildkite.com/acme/app"))),
      },
      ...extensions,
    ],
  };
  return signCertificate(fields, intermediate.key);
}

function selfSignedLeaf(forge: Forge): Buffer {
  const name = { commonName: "self" };
  const purposes = { oid: OID.extendedKeyUsage, value: tlv(0x30, tlv(0x06, Buffer.from([0x2b, 6, 1, 5, 5, 7, 3, 3]))) };
  const fields = {
    serial: Uint8Array.of(7),
    issuer: name,
    subject: name,
    notBefore: forge.at(-MINUTE),
    notAfter: forge.at(9 * MINUTE),
  };
  const extensions = [
    purposes,
    { oid: "2.5.29.17", critical: true, value: tlv(0x30, tlv(0x86, Buffer.from("https://buildkite.com/acme/app"))) },
    fulcioExtension(8, "https://agent.buildkite.com"),
  ];
  return signCertificate({ ...fields, spki: spkiOf(forge.key), extensions }, forge.key);
}
