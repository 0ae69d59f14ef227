// SPDX-License-Identifier: Apache-2.0
// Certificates from their fields, with no opinion on whether they make sense: the authorities here use it properly,
// tests use it to forge. ECDSA only. RFC 5280 §4.1, §4.2.
import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import {
  bitString,
  boolean,
  certificateTime,
  children,
  context,
  expectTag,
  integer,
  octetString,
  oid,
  readDer,
  sequence,
  setOf,
  TAG,
  tlv,
  utf8,
} from "./der.ts";

/** Object identifiers of certificates, as dotted decimals. */
export const OID = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAlternativeName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  timeStamping: "1.3.6.1.5.5.7.3.8",
  serverAuthentication: "1.3.6.1.5.5.7.3.1",
  precertificatePoison: "1.3.6.1.4.1.11129.2.4.3",
  signedCertificateTimestamps: "1.3.6.1.4.1.11129.2.4.2",
  organizationName: "2.5.4.10",
  commonName: "2.5.4.3",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  ecdsaWithSha384: "1.2.840.10045.4.3.3",
} as const;

/** A distinguished name; an empty one encodes as an empty sequence. */
export interface DistinguishedName {
  readonly organization?: string;
  readonly commonName?: string;
}

/** One extension; `value` is what goes inside the OCTET STRING. */
export interface Extension {
  readonly oid: string;
  readonly critical?: boolean;
  readonly value: Uint8Array;
}

export interface CertificateFields {
  readonly serial: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly extensions: readonly Extension[];
}

/** A positive serial number of 19 octets. */
export function randomSerial(): Uint8Array {
  const serial = randomBytes(19);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

/** AlgorithmIdentifier and digest name that go with a P-256 or P-384 key. */
export function ecdsaAlgorithm(key: KeyObject): { digest: "sha256" | "sha384"; identifier: Buffer } {
  const large = key.asymmetricKeyDetails?.namedCurve === "secp384r1";
  return {
    digest: large ? "sha384" : "sha256",
    identifier: sequence(oid(large ? OID.ecdsaWithSha384 : OID.ecdsaWithSha256)),
  };
}

/** The to-be-signed part, for the key that will sign it. */
export function tbsCertificate(fields: CertificateFields, signingKey: KeyObject): Buffer {
  return sequence(
    context(0, integer(2)),
    integer(fields.serial),
    ecdsaAlgorithm(signingKey).identifier,
    encodeName(fields.issuer),
    sequence(certificateTime(fields.notBefore), certificateTime(fields.notAfter)),
    encodeName(fields.subject),
    fields.spki,
    ...(fields.extensions.length === 0 ? [] : [context(3, sequence(...fields.extensions.map(encodeExtension)))]),
  );
}

/** A whole signed certificate, DER. */
export function signCertificate(fields: CertificateFields, signingKey: KeyObject): Buffer {
  const tbs = tbsCertificate(fields, signingKey);
  const { digest, identifier } = ecdsaAlgorithm(signingKey);
  return sequence(tbs, identifier, bitString(sign(digest, tbs, signingKey)));
}

export function encodeName(name: DistinguishedName): Buffer {
  const attribute = (type: string, value: string | undefined): Buffer[] =>
    value === undefined ? [] : [setOf(sequence(oid(type), utf8(value)))];
  return sequence(...attribute(OID.organizationName, name.organization), ...attribute(OID.commonName, name.commonName));
}

function encodeExtension(extension: Extension): Buffer {
  const critical = extension.critical === true ? [boolean(true)] : [];
  return sequence(oid(extension.oid), ...critical, octetString(extension.value));
}

/** `bits` from the left: 0 digitalSignature, 5 keyCertSign, 6 cRLSign. */
export function keyUsage(...bits: readonly number[]): Extension {
  const octet = bits.reduce((sum, bit) => sum | (0x80 >> bit), 0);
  return { oid: OID.keyUsage, critical: true, value: bitString(Uint8Array.of(octet), 7 - Math.max(...bits)) };
}

export function extendedKeyUsage(purposes: readonly string[], critical: boolean): Extension {
  return { oid: OID.extendedKeyUsage, critical, value: sequence(...purposes.map((purpose) => oid(purpose))) };
}

export function basicConstraints(isCa: boolean, pathLength?: number): Extension {
  const fields = isCa ? [boolean(true), ...(pathLength === undefined ? [] : [integer(pathLength)])] : [];
  return { oid: OID.basicConstraints, critical: true, value: sequence(...fields) };
}

/** Alternative names, URIs only. */
export function uriNames(uris: readonly string[]): Extension {
  const names = uris.map((uri) => tlv(0x86, Buffer.from(uri, "utf8")));
  return { oid: OID.subjectAlternativeName, critical: true, value: sequence(...names) };
}

export function subjectKeyIdentifier(spki: Uint8Array): Extension {
  return { oid: OID.subjectKeyIdentifier, value: octetString(keyIdentifier(spki)) };
}

export function authorityKeyIdentifier(issuerSpki: Uint8Array): Extension {
  return { oid: OID.authorityKeyIdentifier, value: sequence(tlv(0x80, keyIdentifier(issuerSpki))) };
}

/** SHA-1 over the key's bits. RFC 5280 §4.2.1.2 (1). */
function keyIdentifier(spki: Uint8Array): Buffer {
  const bits = expectTag(children(readDer(spki))[1], TAG.bitString);
  return createHash("sha1").update(bits.content.subarray(1)).digest();
}

/** SubjectPublicKeyInfo of a public or private key, DER. */
export function spkiOf(key: KeyObject): Buffer {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return publicKey.export({ type: "spki", format: "der" });
}

export function pemOf(certificate: Uint8Array): string {
  const lines =
    Buffer.from(certificate)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
