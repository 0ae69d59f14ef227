// SPDX-License-Identifier: Apache-2.0
// What clients are given: the trusted root (whom to believe) and the signing config (where to go). Base URLs in the
// trusted root are names, not addresses: they stay the same on every port, and each log's host name is the origin of
// its checkpoints, as verifiers demand. protobuf-specs TrustedRoot 0.1, SigningConfig 0.2.
import type { KeyObject } from "node:crypto";
import { authorityValidity, type CertificateAuthority, SANDBOX_NAME } from "./certificate-authority.ts";
import type { CtLog } from "./ct-log.ts";
import type { TransparencyLog } from "./log.ts";
import type { TimestampAuthority } from "./timestamp.ts";
import { spkiOf } from "./x509.ts";

/** Host names of the authorities; no port, no address, so that they outlive a run. */
export const HOSTS: Readonly<Record<"fulcio" | "ctLog" | "rekorV1" | "rekorV2" | "timestamp", string>> = {
  fulcio: `fulcio.${SANDBOX_NAME}.localhost`,
  ctLog: `ct.${SANDBOX_NAME}.localhost`,
  rekorV1: `rekor.${SANDBOX_NAME}.localhost`,
  rekorV2: `rekor2.${SANDBOX_NAME}.localhost`,
  timestamp: `timestamp.${SANDBOX_NAME}.localhost`,
};

interface Validity {
  start: string;
  end?: string;
}

export interface TrustedAuthority {
  subject: { organization: string; commonName: string };
  uri: string;
  certChain: { certificates: { rawBytes: string }[] };
  validFor: Validity;
}

export interface TrustedLog {
  baseUrl: string;
  hashAlgorithm: string;
  publicKey: { rawBytes: string; keyDetails: string; validFor: Validity };
  logId: { keyId: string };
}

/** TrustedRoot as protobuf JSON; plain data, copy it before changing it. */
export interface TrustedRoot {
  mediaType: string;
  tlogs: TrustedLog[];
  certificateAuthorities: TrustedAuthority[];
  ctlogs: TrustedLog[];
  timestampAuthorities: TrustedAuthority[];
}

export interface TrustedParties {
  readonly created: Date;
  readonly fulcio: CertificateAuthority;
  readonly ctLog: CtLog | undefined;
  /** Each log with its host name. */
  readonly logs: readonly { readonly host: string; readonly log: TransparencyLog }[];
  readonly timestamp: TimestampAuthority;
}

export function trustedRoot(parties: TrustedParties): TrustedRoot {
  const validFor = { start: authorityValidity(parties.created).notBefore.toISOString() };
  const log = (host: string, { key, id }: { key: KeyObject; id: Uint8Array }): TrustedLog => ({
    baseUrl: `http://${host}`,
    hashAlgorithm: "SHA2_256",
    publicKey: {
      rawBytes: base64(spkiOf(key)),
      keyDetails: key.asymmetricKeyType === "ed25519" ? "PKIX_ED25519" : "PKIX_ECDSA_P256_SHA_256",
      validFor: { ...validFor },
    },
    logId: { keyId: base64(id) },
  });
  const authority = (host: string, commonName: string, chain: readonly Uint8Array[]): TrustedAuthority => ({
    subject: { organization: SANDBOX_NAME, commonName },
    uri: `http://${host}`,
    certChain: { certificates: chain.map((certificate) => ({ rawBytes: base64(certificate) })) },
    validFor: { ...validFor },
  });
  const { fulcio, timestamp } = parties;
  return {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: parties.logs.map((entry) => log(entry.host, { key: entry.log.identity.signer.key, id: entry.log.id })),
    certificateAuthorities: [
      authority(HOSTS.fulcio, SANDBOX_NAME, [fulcio.intermediate.certificate, fulcio.root.certificate]),
    ],
    ctlogs: parties.ctLog === undefined ? [] : [log(HOSTS.ctLog, parties.ctLog)],
    timestampAuthorities: [
      authority(HOSTS.timestamp, `${SANDBOX_NAME}-timestamp`, [timestamp.certificate, timestamp.root.certificate]),
    ],
  };
}

export interface ServiceUrl {
  url: string;
  majorApiVersion: number;
  validFor: Validity;
  operator: string;
}

/** SigningConfig as protobuf JSON. */
export interface SigningConfig {
  mediaType: string;
  caUrls: ServiceUrl[];
  oidcUrls: ServiceUrl[];
  rekorTlogUrls: ServiceUrl[];
  rekorTlogConfig?: { selector: string };
  tsaUrls: ServiceUrl[];
  tsaConfig?: { selector: string };
}

export interface Services {
  readonly url: string;
  readonly created: Date;
  /** API versions of Rekor to offer, the preferred one first. */
  readonly rekor: readonly (1 | 2)[];
  readonly timestamps: boolean;
}

export function signingConfig({ url, created, rekor, timestamps }: Services): SigningConfig {
  const service = (address: string, majorApiVersion: number): ServiceUrl => ({
    url: address,
    majorApiVersion,
    validFor: { start: authorityValidity(created).notBefore.toISOString() },
    operator: SANDBOX_NAME,
  });
  return {
    mediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    caUrls: [service(url, 1)],
    oidcUrls: [service(url, 1)],
    rekorTlogUrls: rekor.map((version) => service(url, version)),
    ...(rekor.length === 0 ? {} : { rekorTlogConfig: { selector: "ANY" } }),
    tsaUrls: timestamps ? [service(`${url}/api/v1/timestamp`, 1)] : [],
    ...(timestamps ? { tsaConfig: { selector: "ANY" } } : {}),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
