// SPDX-License-Identifier: Apache-2.0
// Attacks on how bundle bytes are read: everything that two readers could read in two ways, and kinds of bundle that no
// rule asked for.
import { attacksOn } from "./spec.ts";
import type { BundleDocument } from "./forge/document.ts";

const first = <T>(list: readonly T[]): T => {
  const [value] = list;
  if (value === undefined) throw new RangeError("nothing there");
  return value;
};
const media = (mediaType: string) => ({ document: (d: BundleDocument): void => void (d.mediaType = mediaType) });
const replace = (from: string, to: string) => ({
  text: (text: string): string => {
    if (!text.includes(from)) throw new RangeError(`no ${from}`);
    return text.replace(from, to);
  },
});

export const BUNDLE_ATTACKS = attacksOn("bundle", "ERR_BUNDLE_INVALID", [
  {
    id: "bundle-not-json",
    why: "an error page saved as a bundle",
    attack: { text: () => "<html><body>503</body></html>" },
  },
  { id: "bundle-null", why: "JSON that is no object", attack: { text: () => "null" } },
  { id: "bundle-array", why: "a list of bundles is not a bundle", attack: { text: (t) => `[${t}]` } },
  { id: "bundle-cut-short", why: "an upload that stopped half-way", attack: { text: (t) => t.slice(0, -20) } },
  { id: "bundle-trailing-bytes", why: "a second document after the first", attack: { text: (t) => `${t}{}` } },
  {
    id: "bundle-byte-order-mark",
    why: "readers disagree about a byte order mark",
    attack: { text: (t) => `\uFEFF${t}` },
  },
  {
    id: "bundle-invalid-utf8",
    why: "lenient readers replace bytes that are not UTF-8",
    attack: {
      text: (t) =>
        Buffer.concat([Buffer.from(t.replace('"keyid":""', '"keyid":"')), Buffer.from([0xff]), Buffer.from('"}]}}')]),
    },
  },
  {
    id: "bundle-duplicate-envelope",
    why: "of two envelopes, one reader verifies the first and another shows the last",
    attack: { text: (t) => t.replace(/,"dsseEnvelope":(.*)\}$/, ',"dsseEnvelope":{},"dsseEnvelope":$1}') },
  },
  {
    id: "bundle-duplicate-payload",
    why: "duplicate key inside the envelope",
    attack: replace('"dsseEnvelope":{', '"dsseEnvelope":{"payload":"e30=",'),
  },
  {
    id: "bundle-duplicate-escaped-key",
    why: "the same key written with an escape",
    attack: replace('"dsseEnvelope":{', '"dsseEnvelope":{"p\\u0061yload":"e30=",'),
  },
  {
    id: "bundle-prototype-key",
    why: "__proto__ as a member",
    attack: replace('{"mediaType"', '{"__proto__":{"mediaType":"x"},"mediaType"'),
  },
  {
    id: "bundle-unknown-member",
    why: "a member that only newer readers know could change the meaning",
    attack: replace('{"mediaType"', '{"revoked":true,"mediaType"'),
  },
  {
    id: "bundle-snake-case",
    why: "protobuf readers also take dsse_envelope",
    attack: replace('"dsseEnvelope"', '"dsse_envelope"'),
  },
  {
    id: "media-type-v0.9",
    why: "a version from the future",
    attack: media("application/vnd.dev.sigstore.bundle.v0.9+json"),
  },
  {
    id: "media-type-v0.35",
    why: "a prefix of the version is not the version",
    attack: media("application/vnd.dev.sigstore.bundle+json;version=0.35"),
    twin: media("application/vnd.dev.sigstore.bundle+json;version=0.3"),
  },
  {
    id: "media-type-trailing",
    why: "junk after the media type",
    attack: media("application/vnd.dev.sigstore.bundle.v0.3+json; charset=utf-8"),
  },
  {
    id: "media-type-upper-case",
    why: "media types are compared whole",
    attack: media("Application/vnd.dev.sigstore.bundle.v0.3+json"),
  },
  {
    id: "media-type-absent",
    why: "no version, no rules",
    attack: { document: (d) => void Reflect.deleteProperty(d, "mediaType") },
  },
  {
    id: "v0.3-with-chain",
    why: "v0.3 has one certificate; a chain is another format's evidence",
    attack: (f) => ({
      document: (d) => {
        const leaf = d.verificationMaterial.certificate;
        Reflect.deleteProperty(d.verificationMaterial, "certificate");
        const intermediate = {
          rawBytes: Buffer.from(f.authorities.fulcio.intermediate.certificate).toString("base64"),
        };
        if (leaf !== undefined) d.verificationMaterial.x509CertificateChain = { certificates: [leaf, intermediate] };
      },
    }),
  },
  {
    id: "v0.3-certificate-and-chain",
    why: "two signers in one bundle",
    attack: {
      document: (d) => void (d.verificationMaterial.x509CertificateChain = { certificates: [{ rawBytes: "AA==" }] }),
    },
  },
  {
    id: "v0.2-with-certificate",
    why: "the newer field under the older version",
    base: { version: "0.2" },
    attack: {
      document: (d) => {
        const chain = d.verificationMaterial.x509CertificateChain;
        Reflect.deleteProperty(d.verificationMaterial, "x509CertificateChain");
        if (chain !== undefined) d.verificationMaterial.certificate = first(chain.certificates);
      },
    },
  },
  {
    id: "v0.2-without-inclusion-proof",
    why: "v0.2 demands a proof with a checkpoint, a promise is not enough",
    base: { version: "0.2", logs: [{ kind: "v1-dsse" }] },
    attack: { logs: [{ kind: "v1-dsse", edit: (e) => void Reflect.deleteProperty(e, "inclusionProof") }] },
  },
  {
    id: "v0.3-proof-without-checkpoint",
    why: "a proof against an unsigned root proves nothing",
    attack: { logs: [{ kind: "v2", edit: (e) => void Reflect.deleteProperty(e.inclusionProof, "checkpoint") }] },
  },
  {
    id: "v0.1-without-inclusion-promise",
    why: "v0.1 demands a promise",
    base: { version: "0.1", logs: [{ kind: "v1-dsse" }] },
    attack: { logs: [{ kind: "v1-dsse", edit: (e) => void Reflect.deleteProperty(e, "inclusionPromise") }] },
  },
  {
    id: "public-key-instead-of-certificate",
    why: "a key that nobody asked for",
    attack: {
      document: (d) => {
        Reflect.deleteProperty(d.verificationMaterial, "certificate");
        d.verificationMaterial["publicKey"] = { hint: "key" };
      },
    },
  },
  {
    id: "message-signature-instead-of-statement",
    why: "a signature over the bytes says nothing about how they were built",
    attack: (f) => ({
      document: (d) => {
        const { sig } = first(d.dsseEnvelope.signatures);
        Reflect.deleteProperty(d, "dsseEnvelope");
        d["messageSignature"] = {
          messageDigest: { algorithm: "SHA2_256", digest: f.key === undefined ? "" : "AAAA" },
          signature: sig,
        };
      },
    }),
  },
  {
    id: "envelope-and-message-signature",
    why: "two contents: one reader verifies one, another reads the other",
    attack: {
      document: (d) => {
        d["messageSignature"] = {
          messageDigest: { algorithm: "SHA2_256", digest: "AAAA" },
          signature: first(d.dsseEnvelope.signatures).sig,
        };
      },
    },
  },
  {
    id: "no-content",
    why: "nothing is signed",
    attack: { document: (d) => void Reflect.deleteProperty(d, "dsseEnvelope") },
  },
  {
    id: "no-signature",
    why: "an envelope that nobody signed",
    attack: { document: (d) => void (d.dsseEnvelope.signatures = []) },
  },
  {
    id: "two-signatures",
    why: "of two signatures one may be anybody's",
    attack: { document: (d) => void d.dsseEnvelope.signatures.push(first(d.dsseEnvelope.signatures)) },
  },
  {
    id: "signature-null",
    why: "null is absent",
    attack: { document: (d) => void (first(d.dsseEnvelope.signatures)["sig"] = "") },
  },
  {
    id: "base64-without-padding",
    why: "the payload's base64 must have one spelling",
    base: { payload: (p) => p + (p.length % 3 === 0 ? " " : "") },
    attack: { document: (d) => void (d.dsseEnvelope.payload = d.dsseEnvelope.payload.replace(/=+$/, "")) },
  },
  {
    id: "base64-with-junk",
    why: "lenient decoders skip characters that are no base64",
    attack: { document: (d) => void (d.dsseEnvelope.payload = `!${d.dsseEnvelope.payload}`) },
  },
  {
    id: "base64-with-newlines",
    why: "lines of 76 characters are MIME's base64",
    attack: { document: (d) => void (d.dsseEnvelope.payload = d.dsseEnvelope.payload.replace(/.{76}/, "$&\n")) },
  },
  {
    id: "base64-url-alphabet",
    why: "the other alphabet decodes to the same bytes",
    base: { signature: (s) => s },
    attack: {
      document: (d) => {
        const { rawBytes = "" } = d.verificationMaterial.certificate ?? {};
        d.verificationMaterial.certificate = { rawBytes: rawBytes.replace(/[+/]/g, (c) => (c === "+" ? "-" : "_")) };
      },
    },
  },
  {
    id: "base64-unused-bits",
    why: "bits that decode to nothing make two texts of one signature",
    base: { payload: (p) => p + " ".repeat((4 - (p.length % 3)) % 3) },
    attack: {
      document: (d) =>
        void (d.dsseEnvelope.payload = d.dsseEnvelope.payload.replace(/A==$/, "B==").replace(/g==$/, "h==")),
    },
  },
  {
    id: "log-index-negative",
    why: "a negative index",
    attack: { logs: [{ kind: "v2", edit: (e) => void (e.logIndex = "-1") }] },
  },
  {
    id: "log-index-fraction",
    why: "an index that is no integer",
    attack: { logs: [{ kind: "v2", edit: (e) => void (e.logIndex = "1.5") }] },
  },
  {
    id: "33-log-entries",
    why: "more evidence than anybody needs costs more than it is worth (design: limits; the code says bundle)",
    attack: { logs: Array.from({ length: 33 }, () => ({ kind: "v1-dsse" as const })) },
  },
  {
    id: "33-timestamps",
    why: "as above, timestamps",
    attack: (f) => ({ stamps: Array.from({ length: 33 }, (_, i) => ({ time: f.at(i * 1000) })) }),
    twin: (f) => ({ stamps: Array.from({ length: 32 }, (_, i) => ({ time: f.at(i * 1000) })) }),
  },
  {
    id: "deep-nesting",
    why: "a document that is deeper than a reader's stack",
    attack: { text: (t) => t.replace('"keyid":""', `"keyid":${"[".repeat(100_000)}${"]".repeat(100_000)}`) },
  },
  {
    id: "timestamp-junk",
    why: "a stamp that is no DER",
    attack: { stamps: [{}, { edit: () => Buffer.from("junk") }] },
  },
  { id: "media-type-long", why: "a very long media type", attack: media("x".repeat(1_000_000)) },
  {
    id: "payload-type-empty",
    why: "an envelope without a payload type",
    attack: { document: (d) => void (d.dsseEnvelope.payloadType = "") },
  },
]);
