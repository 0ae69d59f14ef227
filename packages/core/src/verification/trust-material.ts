// SPDX-License-Identifier: Apache-2.0
// A decoded trusted root → the verifier's trust material, once a root. A key or certificate that cannot be read
// makes the whole root unusable: half a root would silently accept less or, worse, demand less.
import { ASN1Obj, X509Certificate } from "@sigstore/core";
import { HashAlgorithm, PublicKeyDetails, type TrustedRoot as ProtoTrustedRoot } from "@sigstore/protobuf-specs";
import { toTrustMaterial, type TrustMaterial } from "@sigstore/verify";
import { KitesealError } from "../errors.ts";
import { useExactEncoder } from "../sigstore/asn1.ts";
import {
  decodeTrustedRoot,
  type TrustedAuthority,
  type TrustedLog,
  type TrustedRoot,
} from "../sigstore/trusted-root.ts";

/** A trusted root ready for use. */
export interface PreparedRoot {
  readonly root: TrustedRoot;
  readonly material: TrustMaterial;
  /** Issuer name and serial number (DER contents, hex) of each timestamp authority's signing certificate. */
  readonly stampSigners: readonly { readonly id: string; readonly name: string }[];
}

/** Throws ERR_TRUST_ROOT_INVALID. */
export function prepareRoot(rootBytes: Uint8Array): PreparedRoot {
  useExactEncoder();
  const root = decodeTrustedRoot(rootBytes);
  try {
    return {
      root,
      material: toTrustMaterial(protoRoot(root)),
      stampSigners: root.timestampAuthorities.map(stampSigner),
    };
  } catch (cause) {
    throw new KitesealError(
      "ERR_TRUST_ROOT_INVALID",
      "the trusted root holds a key or certificate that cannot be read",
      {
        cause,
      },
    );
  }
}

export function stampSignerId(issuer: Uint8Array, serial: Uint8Array): string {
  return `${Buffer.from(issuer).toString("hex")}/${Buffer.from(serial).toString("hex")}`;
}

function stampSigner(authority: TrustedAuthority): { id: string; name: string } {
  const [leaf] = authority.chain;
  if (leaf === undefined) throw new KitesealError("ERR_TRUST_ROOT_INVALID", "a timestamp authority has no certificate");
  const certificate = X509Certificate.parse(Buffer.from(leaf));
  return {
    id: stampSignerId(certificate.issuer, certificate.serialNumber),
    name: authority.operator || authority.uri || authority.commonName,
  };
}

function protoRoot(root: TrustedRoot): ProtoTrustedRoot {
  return {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    certificateAuthorities: root.certificateAuthorities.map(protoAuthority),
    timestampAuthorities: root.timestampAuthorities.map(protoAuthority),
    tlogs: root.logs.map(protoLog),
    ctlogs: root.ctLogs.map(protoLog),
  };
}

/** Exactly one DER value: bytes behind the key would make two files of one root. */
function guardKey({ publicKey }: TrustedLog): void {
  const key = Buffer.from(publicKey);
  if (!ASN1Obj.parseBuffer(key).toDER().equals(key)) {
    throw new KitesealError("ERR_TRUST_ROOT_INVALID", "a log's key is not canonical DER, or has bytes behind it");
  }
}

const SEQUENCE = 0x30;
const BIT_STRING = 0x03;

/** What nothing signs is fixed: the tags, the algorithm (RFC 5280 §4.1.1.2), whole octets of signature (X.690 §8.6). */
function guardCertificate(certificate: Uint8Array): void {
  const whole = ASN1Obj.parseBuffer(Buffer.from(certificate));
  const [tbs, beside, signature, ...others] = whole.subs;
  const inside = tbs?.subs[tbs.subs[0]?.tag.isContextSpecific(0) === true ? 2 : 1];
  const isSound =
    whole.tag.toDER() === SEQUENCE &&
    whole.toDER().equals(certificate) &&
    inside !== undefined &&
    beside?.toDER().equals(inside.toDER()) === true &&
    signature?.tag.toDER() === BIT_STRING &&
    signature.value[0] === 0 &&
    others.length === 0;
  if (!isSound) throw new KitesealError("ERR_TRUST_ROOT_INVALID", "a certificate is not what its issuer signed");
}

function protoAuthority(a: TrustedAuthority): ProtoTrustedRoot["certificateAuthorities"][number] {
  for (const certificate of a.chain) guardCertificate(certificate);
  return {
    subject: { organization: a.organization, commonName: a.commonName },
    uri: a.uri,
    certChain: { certificates: a.chain.map((rawBytes) => ({ rawBytes: Buffer.from(rawBytes) })) },
    validFor: { start: a.validFor.start, end: a.validFor.end },
    operator: a.operator,
  };
}

function protoLog(log: TrustedLog): ProtoTrustedRoot["tlogs"][number] {
  guardKey(log);
  return {
    baseUrl: log.baseUrl,
    hashAlgorithm: HashAlgorithm.SHA2_256,
    publicKey: {
      rawBytes: Buffer.from(log.publicKey),
      keyDetails: PublicKeyDetails[log.keyDetails],
      validFor: { start: log.validFor.start, end: log.validFor.end },
    },
    logId: { keyId: Buffer.from(log.logId) },
    checkpointKeyId: log.checkpointKeyId === undefined ? undefined : { keyId: Buffer.from(log.checkpointKeyId) },
    operator: log.operator,
  };
}
