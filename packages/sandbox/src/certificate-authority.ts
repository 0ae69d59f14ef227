// SPDX-License-Identifier: Apache-2.0
// Two-level certificate authorities, and leaves as Fulcio shapes them: empty subject, one critical URI, ten minutes,
// SCTs embedded by way of a precertificate. Each property can be set otherwise, for certificates that must be refused.
import { createPublicKey, type KeyObject } from "node:crypto";
import { type CtLog, poisonExtension, sctExtension } from "./ct-log.ts";
import {
  authorityKeyIdentifier,
  basicConstraints,
  type DistinguishedName,
  type Extension,
  extendedKeyUsage,
  keyUsage,
  OID,
  randomSerial,
  signCertificate,
  spkiOf,
  subjectKeyIdentifier,
  uriNames,
} from "./x509.ts";

/** Name in the subject of every authority of the sandbox. */
export const SANDBOX_NAME = "kiteseal-sandbox";

const DAY_MS = 86_400_000;

/** How long the certificates of authorities are valid, from the day before `created`. */
export function authorityValidity(created: Date): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: new Date(created.getTime() - DAY_MS),
    notAfter: new Date(created.getTime() + 3_650 * DAY_MS),
  };
}

export interface AuthorityOptions {
  readonly key: KeyObject;
  readonly subject: DistinguishedName;
  readonly created: Date;
}

/** A self-signed root certificate, DER. */
export function selfSignedRoot({ key, subject, created }: AuthorityOptions): Buffer {
  const spki = spkiOf(key);
  const extensions = [keyUsage(5, 6), basicConstraints(true, 1), subjectKeyIdentifier(spki)];
  const fields = { serial: randomSerial(), issuer: subject, subject, ...authorityValidity(created), spki, extensions };
  return signCertificate(fields, key);
}

/** An intermediate that may issue code-signing leaves only, DER. */
export function intermediate(
  options: AuthorityOptions,
  issuer: { key: KeyObject; subject: DistinguishedName },
): Buffer {
  const spki = spkiOf(options.key);
  const fields = {
    serial: randomSerial(),
    issuer: issuer.subject,
    subject: options.subject,
    ...authorityValidity(options.created),
    spki,
    extensions: [
      keyUsage(5, 6),
      extendedKeyUsage([OID.codeSigning], false),
      basicConstraints(true, 0),
      subjectKeyIdentifier(spki),
      authorityKeyIdentifier(spkiOf(issuer.key)),
    ],
  };
  return signCertificate(fields, issuer.key);
}

/** An authority's key with its certificate. */
export interface Issuer {
  readonly key: KeyObject;
  readonly subject: DistinguishedName;
  readonly certificate: Uint8Array;
}

export interface CertificateAuthority {
  readonly root: Issuer;
  readonly intermediate: Issuer;
}

/** What a leaf says; what is left out is as Fulcio does it. */
export interface LeafOptions {
  /** P-256 or other key the certificate is for; private keys are reduced to their public part. */
  readonly publicKey: KeyObject;
  readonly notBefore: Date;
  /** Default ten minutes after `notBefore`. */
  readonly notAfter?: Date;
  /** URIs of the alternative name; none: no such extension. */
  readonly uris: readonly string[];
  readonly extensions: readonly Extension[];
  /** Extended key usage; default code signing, empty: no such extension. */
  readonly purposes?: readonly string[];
  /** Default absent, as in Fulcio's leaves. */
  readonly isCa?: boolean;
  readonly subject?: DistinguishedName;
  /** Logs whose SCTs it carries; empty: no such extension. */
  readonly ctLogs: readonly CtLog[];
  /** Time of the SCTs; default `notBefore`. */
  readonly sctTime?: Date;
  /** Default the intermediate. */
  readonly issuer?: "intermediate" | "root";
}

/** Issues a leaf, DER. */
export function issueLeaf(authority: CertificateAuthority, options: LeafOptions): Buffer {
  const issuer = authority[options.issuer ?? "intermediate"];
  const key = options.publicKey.type === "private" ? createPublicKey(options.publicKey) : options.publicKey;
  const purposes = options.purposes ?? [OID.codeSigning];
  const spki = spkiOf(key);
  const fields = {
    serial: randomSerial(),
    issuer: issuer.subject,
    subject: options.subject ?? {},
    notBefore: options.notBefore,
    notAfter: options.notAfter ?? new Date(options.notBefore.getTime() + 600_000),
    spki,
  };
  const extensions: readonly Extension[] = [
    keyUsage(0),
    ...(purposes.length === 0 ? [] : [extendedKeyUsage(purposes, false)]),
    ...(options.isCa === undefined ? [] : [basicConstraints(options.isCa)]),
    subjectKeyIdentifier(spki),
    authorityKeyIdentifier(spkiOf(issuer.key)),
    ...(options.uris.length === 0 ? [] : [uriNames(options.uris)]),
    ...options.extensions,
  ];
  if (options.ctLogs.length === 0) return signCertificate({ ...fields, extensions }, issuer.key);
  const precertificate = signCertificate({ ...fields, extensions: [...extensions, poisonExtension()] }, issuer.key);
  const time = options.sctTime ?? options.notBefore;
  const scts = options.ctLogs.map((log) => log.timestamp(precertificate, issuer.certificate, time));
  return signCertificate({ ...fields, extensions: [...extensions, sctExtension(scts)] }, issuer.key);
}
