// SPDX-License-Identifier: Apache-2.0
// A Sigstore trusted root, strict bytes → TrustedRoot (protobuf-specs, sigstore_trustroot.proto, JSON form).
// The file itself is trusted (flags or machine config name it); strictness is against mistakes: a start date that is
// missing, a snake_case key that other readers ignore, a key that cannot be read.
import type { ObjectReader } from "@kiteseal/in-toto-attestation/json";
import { decodeDocument } from "../decode.ts";
import { LIMITS } from "../limits.ts";

export interface Validity {
  readonly start: Date;
  readonly end?: Date;
}

/** A Merkle log: Rekor's or a certificate transparency log. `publicKey` is DER of the form that `keyDetails` names. */
export interface TrustedLog {
  readonly baseUrl: string;
  readonly hashAlgorithm: string;
  readonly keyDetails: KeyDetails;
  readonly publicKey: Uint8Array;
  readonly validFor: Validity;
  readonly logId: Uint8Array;
  readonly checkpointKeyId?: Uint8Array;
  readonly operator: string;
}

/** A certificate authority or a timestamp authority. `chain`: DER, leaf or lowest first, root last. */
export interface TrustedAuthority {
  readonly uri: string;
  readonly organization: string;
  readonly commonName: string;
  readonly chain: readonly Uint8Array[];
  readonly validFor: Validity;
  readonly operator: string;
}

export interface TrustedRoot {
  readonly certificateAuthorities: readonly TrustedAuthority[];
  readonly timestampAuthorities: readonly TrustedAuthority[];
  readonly logs: readonly TrustedLog[];
  readonly ctLogs: readonly TrustedLog[];
}

const MEDIA_TYPES = [
  "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
  "application/vnd.dev.sigstore.trustedroot.v0.1+json",
  "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
  "application/vnd.dev.sigstore.trustedroot.v0.2+json",
] as const;

/** The keys that the verifier can use; a root with others is refused rather than half read. */
export const KEY_DETAILS = [
  "PKIX_ECDSA_P256_SHA_256",
  "PKIX_ECDSA_P384_SHA_384",
  "PKIX_ED25519",
  "PKIX_RSA_PKCS1V15_2048_SHA256",
  "PKIX_RSA_PKCS1V15_3072_SHA256",
  "PKIX_RSA_PKCS1V15_4096_SHA256",
  "PKCS1_RSA_PKCS1V5",
] as const;
export type KeyDetails = (typeof KEY_DETAILS)[number];

const MAX_AUTHORITIES = 64;

/** Throws ERR_TRUST_ROOT_INVALID naming the field. */
export function decodeTrustedRoot(bytes: Uint8Array): TrustedRoot {
  return decodeDocument(bytes, {
    code: "ERR_TRUST_ROOT_INVALID",
    what: "the trusted root",
    maxBytes: LIMITS.trustedRootBytes,
    rules: { absent: "null" },
    hint: "give the trusted_root.json of a Sigstore instance; `kiteseal sandbox --state DIR` writes one",
    read: (o) => {
      o.oneOf("mediaType", MEDIA_TYPES);
      return {
        certificateAuthorities: o.objects("certificateAuthorities", readAuthority, { min: 1, max: MAX_AUTHORITIES }),
        timestampAuthorities: o.optionalObjects("timestampAuthorities", readAuthority, { max: MAX_AUTHORITIES }) ?? [],
        logs: o.optionalObjects("tlogs", readLog, { max: MAX_AUTHORITIES }) ?? [],
        ctLogs: o.optionalObjects("ctlogs", readLog, { max: MAX_AUTHORITIES }) ?? [],
      };
    },
  });
}

function readAuthority(o: ObjectReader): TrustedAuthority {
  const subject = o.optionalObject("subject", (s) => ({
    organization: s.optionalString("organization", { max: 256 }) ?? "",
    commonName: s.optionalString("commonName", { max: 256 }) ?? "",
  }));
  return {
    uri: o.optionalString("uri", { max: 2048 }) ?? "",
    organization: subject?.organization ?? "",
    commonName: subject?.commonName ?? "",
    chain: o.object("certChain", (c) =>
      c.objects("certificates", (x) => x.base64("rawBytes", { min: 1 }), { min: 1, max: LIMITS.certificates }),
    ),
    validFor: o.object("validFor", readValidity),
    operator: o.optionalString("operator", { max: 256 }) ?? "",
  };
}

function readLog(o: ObjectReader): TrustedLog {
  const key = o.object("publicKey", (k) => ({
    publicKey: k.base64("rawBytes", { min: 1 }),
    keyDetails: k.oneOf("keyDetails", KEY_DETAILS),
    validFor: k.object("validFor", readValidity),
  }));
  const checkpointKeyId = o.optionalObject("checkpointKeyId", (l) => l.base64("keyId", { min: 4, max: 64 }));
  return {
    baseUrl: o.string("baseUrl", { min: 1, max: 2048 }),
    hashAlgorithm: o.oneOf("hashAlgorithm", ["SHA2_256"]),
    ...key,
    logId: o.object("logId", (l) => l.base64("keyId", { min: 4, max: 64 })),
    ...(checkpointKeyId === undefined ? {} : { checkpointKeyId }),
    operator: o.optionalString("operator", { max: 256 }) ?? "",
  };
}

function readValidity(o: ObjectReader): Validity {
  const start = o.date("start");
  const end = o.optionalDate("end");
  return end === undefined ? { start } : { start, end };
}
