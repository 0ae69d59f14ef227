// SPDX-License-Identifier: Apache-2.0
// The bundle as JSON, in every version's shape, for attacks to edit. sigstore_bundle.proto, JSON form.
import { createHash } from "node:crypto";
import type { TransparencyLogEntry } from "@kiteseal/sandbox";
import type { MessageSpec, Parts } from "../spec.ts";

export interface BundleDocument {
  mediaType: string;
  verificationMaterial: Record<string, unknown> & {
    certificate?: { rawBytes: string };
    x509CertificateChain?: { certificates: { rawBytes: string }[] };
    tlogEntries: (TransparencyLogEntry & Record<string, unknown>)[];
    timestampVerificationData?: { rfc3161Timestamps: { signedTimestamp: string }[] };
  };
  dsseEnvelope: Record<string, unknown> & {
    payload: string;
    payloadType: string;
    signatures: (Record<string, unknown> & { sig: string; keyid?: string })[];
  };
  [key: string]: unknown;
}

const MEDIA_TYPES = {
  "0.1": "application/vnd.dev.sigstore.bundle+json;version=0.1",
  "0.2": "application/vnd.dev.sigstore.bundle+json;version=0.2",
  "0.3": "application/vnd.dev.sigstore.bundle.v0.3+json",
} as const;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

export function documentOf(o: {
  version: "0.1" | "0.2" | "0.3";
  parts: Parts;
  chain: readonly Uint8Array[];
  entries: readonly TransparencyLogEntry[];
  stamps: readonly Uint8Array[];
}): BundleDocument {
  const { version, parts, chain, entries, stamps } = o;
  const leaf = { rawBytes: base64(parts.certificate) };
  const others = chain.map((der) => ({ rawBytes: base64(der) }));
  return {
    mediaType: MEDIA_TYPES[version],
    verificationMaterial: {
      ...(version === "0.3" ? { certificate: leaf } : { x509CertificateChain: { certificates: [leaf, ...others] } }),
      tlogEntries: entries.map((entry) => ({ ...structuredClone(entry) })),
      ...(stamps.length === 0
        ? {}
        : { timestampVerificationData: { rfc3161Timestamps: stamps.map((s) => ({ signedTimestamp: base64(s) })) } }),
    },
    dsseEnvelope: {
      payload: base64(parts.payload),
      payloadType: parts.payloadType,
      signatures: [{ sig: base64(parts.signature), keyid: "" }],
    },
  };
}

/** A key's hint instead of a certificate. */
export function keyedDocument({ verificationMaterial }: BundleDocument, hint: string): void {
  Reflect.deleteProperty(verificationMaterial, "certificate");
  Reflect.deleteProperty(verificationMaterial, "x509CertificateChain");
  verificationMaterial["publicKey"] = { hint };
}

/** A signature over bytes instead of an envelope. */
export function messageDocument(document: BundleDocument, message: MessageSpec, parts: Parts): void {
  Reflect.deleteProperty(document, "dsseEnvelope");
  document["messageSignature"] = {
    messageDigest: {
      algorithm: message.algorithm ?? "SHA2_256",
      digest: base64(message.digest ?? createHash("sha256").update(parts.encoding).digest()),
    },
    signature: base64(parts.signature),
  };
}
