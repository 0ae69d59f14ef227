// SPDX-License-Identifier: Apache-2.0
// Guards on the leaf that the underlying verifier lacks (RFC 5280 §4.2, Fulcio's certificate specification): what it
// may be used for, that it is no authority, that its encoding is the canonical one. Input: DER, untrusted.
import { ASN1Obj, X509Certificate } from "@sigstore/core";
import { KitesealError } from "../errors.ts";

const OID = {
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
} as const;
const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
/** Critical extensions that are understood here; any other must fail (RFC 5280 §4.2). */
const UNDERSTOOD: ReadonlySet<string> = new Set(Object.values(OID));

function reject(expected: string, found: string): KitesealError {
  return new KitesealError("ERR_CERTIFICATE", `the signing certificate: expected ${expected}, found ${found}`, {
    details: { expected, found },
  });
}

/**
 * Parses a leaf whose bytes are exactly the canonical DER of what they say: the verifier checks signatures over a
 * re-encoding, so without this two byte strings could be one certificate. Throws ERR_CERTIFICATE.
 */
export function parseLeaf(der: Uint8Array): X509Certificate {
  const bytes = Buffer.from(der);
  let certificate: X509Certificate;
  try {
    certificate = X509Certificate.parse(bytes);
    if (!certificate.root.toDER().equals(bytes)) throw reject("canonical DER", "another encoding or bytes after it");
  } catch (cause) {
    if (cause instanceof KitesealError) throw cause;
    throw new KitesealError("ERR_CERTIFICATE", "the signing certificate cannot be parsed", { cause });
  }
  return certificate;
}

/** Throws ERR_CERTIFICATE unless the leaf is a code-signing end-entity certificate without unknown critical extensions. */
export function guardLeaf(certificate: X509Certificate): void {
  let extendedKeyUsage: readonly string[] = [];
  for (const extension of certificate.extensions) {
    const oid = extension.subs[0]?.toOID() ?? "";
    const critical = extension.subs.length === 3 && extension.subs[1]?.toBoolean() === true;
    if (critical && !UNDERSTOOD.has(oid)) throw reject("no unknown critical extension", oid);
    const value = extension.subs.at(-1)?.value;
    if (oid === OID.extendedKeyUsage && value !== undefined) {
      extendedKeyUsage = ASN1Obj.parseBuffer(Buffer.from(value)).subs.map((usage) => usage.toOID());
    }
  }
  if (!extendedKeyUsage.includes(CODE_SIGNING)) {
    throw reject("extended key usage code signing", extendedKeyUsage.join(", ") || "none");
  }
  if (certificate.extBasicConstraints?.isCA === true || certificate.extKeyUsage?.keyCertSign === true) {
    throw reject("an end-entity certificate", "a certificate authority");
  }
  if (certificate.extKeyUsage !== undefined && !certificate.extKeyUsage.digitalSignature) {
    throw reject("key usage digital signature", "none");
  }
}

/** The bundle may bring intermediates, never a root: trust comes from the trusted root alone. Throws ERR_CERTIFICATE. */
export function guardChain(chain: readonly Uint8Array[]): void {
  for (const der of chain.slice(1)) {
    const certificate = parseLeaf(der);
    if (certificate.subject.equals(certificate.issuer)) {
      throw reject("no self-signed certificate in the bundle", "one");
    }
  }
}
