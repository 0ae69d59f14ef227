// SPDX-License-Identifier: Apache-2.0
// Leaf certificate → SignerIdentity, for every issuer (Fulcio, docs/oid-info.md). Reads only; whether the
// certificate is to be believed is decided in verification/. Input: DER bytes, untrusted.
import { ASN1Obj, X509Certificate } from "@sigstore/core";
import { KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";

const FULCIO = "1.3.6.1.4.1.57264.1";

/** Extensions from .8 on are DER UTF8Strings; their numbers below 1.3.6.1.4.1.57264.1. */
const EXTENSIONS = {
  issuer: 8,
  buildSignerUri: 9,
  buildSignerDigest: 10,
  runnerEnvironment: 11,
  sourceRepositoryUri: 12,
  sourceRepositoryDigest: 13,
  sourceRepositoryRef: 14,
  sourceRepositoryIdentifier: 15,
  sourceRepositoryOwnerUri: 16,
  sourceRepositoryOwnerIdentifier: 17,
  buildConfigUri: 18,
  buildConfigDigest: 19,
  buildTrigger: 20,
  runInvocationUri: 21,
  sourceRepositoryVisibility: 22,
  deploymentEnvironment: 23,
  tokenSubject: 24,
} as const;

export type ExtensionName = keyof typeof EXTENSIONS;

/** Who a certificate names. `subject` is its one subject alternative name (a URI or an e-mail address). */
export interface SignerIdentity {
  readonly issuer: string;
  readonly subject: string;
  readonly extensions: Partial<Record<ExtensionName, string>>;
}

/** Who signed with a bare key: nobody vouches for a name. */
export interface KeyIdentity {
  /** sha256 of the key's SubjectPublicKeyInfo, hex. */
  readonly keyDigest: string;
}

export type Signer = SignerIdentity | KeyIdentity;

export function isKeyIdentity(signer: Signer): signer is KeyIdentity {
  return "keyDigest" in signer;
}

/** What a signer is known by: the certificate's subject alternative name, or the key's digest. */
export function signerName(signer: Signer): string {
  return isKeyIdentity(signer) ? signer.keyDigest : signer.subject;
}

/** One line naming the signer, for reports; not quoted. */
export function signerText(signer: Signer): string {
  return isKeyIdentity(signer) ? `key sha256:${signer.keyDigest}` : `${signer.subject} of ${signer.issuer}`;
}

const SAN_OID = "2.5.29.17";
const UTF8_STRING = 0x0c;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function extensionNames(): readonly ExtensionName[] {
  return Object.keys(EXTENSIONS).filter((name): name is ExtensionName => Object.hasOwn(EXTENSIONS, name));
}

function invalid(message: string): KitesealError {
  return new KitesealError("ERR_CERTIFICATE", message, { details: { found: message } });
}

function text(bytes: Uint8Array, what: string): string {
  if (bytes.length > LIMITS.textBytes) throw invalid(`${what} is ${bytes.length} bytes long`);
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new KitesealError("ERR_CERTIFICATE", `${what} is not UTF-8`, { cause });
  }
}

function utf8String(bytes: Uint8Array, what: string): string {
  const parsed = ASN1Obj.parseBuffer(Buffer.from(bytes));
  if (parsed.tag.number !== UTF8_STRING || parsed.tag.constructed || parsed.toDER().length !== bytes.length) {
    throw invalid(`${what} is not one DER UTF8String`);
  }
  return text(parsed.value, what);
}

/** The one general name of the SAN extension: URI (tag 6) or rfc822Name (tag 1). */
function subjectAlternativeName(extension: Uint8Array | undefined): string {
  if (extension === undefined) throw invalid("the certificate has no subject alternative name");
  const [name, ...others] = ASN1Obj.parseBuffer(Buffer.from(extension)).subs;
  if (name === undefined) throw invalid("the certificate has no subject alternative name");
  if (others.length > 0) throw invalid(`the certificate has ${others.length + 1} subject alternative names`);
  const value = text(name.value, "the subject alternative name");
  // Each kind must look like its kind: an e-mail address that reads like a URI would be compared as one.
  const isUri = name.tag.isContextSpecific(6) && /^[a-z][a-z0-9+.-]*:/i.test(value);
  const isMailbox = name.tag.isContextSpecific(1) && /^[^\s@:/]+@[^\s@:/]+$/.test(value);
  if (!isUri && !isMailbox) {
    throw invalid("the certificate's subject alternative name is neither a URI nor an e-mail address");
  }
  return value;
}

/** OID → extnValue octets. */
function extensionValues(certificate: X509Certificate): Map<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  for (const extension of certificate.extensions) {
    const oid = extension.subs[0]?.toOID();
    const value = extension.subs.at(-1)?.value;
    if (oid === undefined || value === undefined) throw invalid("the certificate has a malformed extension");
    if (values.has(oid)) throw invalid(`the certificate has the extension ${oid} twice`);
    values.set(oid, value);
  }
  return values;
}

/**
 * Reads issuer, subject and Fulcio's extensions of a leaf. Every extension may be absent (older services).
 * Throws ERR_CERTIFICATE if one is malformed, present twice, or the two issuer extensions differ.
 */
export function readSigner(certificate: X509Certificate): SignerIdentity {
  const values = extensionValues(certificate);
  const extensions: Partial<Record<ExtensionName, string>> = {};
  for (const name of extensionNames()) {
    const value = values.get(`${FULCIO}.${EXTENSIONS[name]}`);
    if (value !== undefined) extensions[name] = utf8String(value, `extension .${EXTENSIONS[name]} (${name})`);
  }
  const legacy = values.get(`${FULCIO}.1`);
  const legacyIssuer = legacy === undefined ? undefined : text(legacy, "extension .1 (issuer)");
  const issuer = extensions.issuer ?? legacyIssuer;
  if (issuer === undefined) throw invalid("the certificate names no issuer");
  if (legacyIssuer !== undefined && legacyIssuer !== issuer) {
    throw invalid(`the certificate names two issuers: ${quote(legacyIssuer)} and ${quote(issuer)}`);
  }
  return { issuer, subject: subjectAlternativeName(values.get(SAN_OID)), extensions };
}
