// SPDX-License-Identifier: Apache-2.0
// What was signed, as the verifier asks for it: a DSSE envelope's pre-authentication encoding, or the digest of a blob.
// A blob's signature is checked over its digest alone, so that neither the blob's size nor its presence matters; node
// has no pre-hashed ECDSA, hence @noble/curves, loaded only for such bundles.
import type { KeyObject } from "node:crypto";
import { crypto } from "@sigstore/core";
import type { SignedEntity } from "@sigstore/verify";
import { KitesealError } from "../errors.ts";
import type { DsseEnvelope, MessageSignature } from "../sigstore/bundle.ts";
import { preAuthEncoding } from "../sigstore/envelope.ts";

type SignatureContent = SignedEntity["signature"];

export function envelopeSignature(envelope: DsseEnvelope): SignatureContent {
  const payload = Buffer.from(envelope.payload);
  const signature = Buffer.from(envelope.signature);
  const signed = Buffer.from(preAuthEncoding(envelope.payloadType, payload));
  return {
    signature,
    compareSignature: (other) => crypto.bufferEqual(other, signature),
    compareDigest: (digest) => crypto.bufferEqual(digest, crypto.digest("sha256", payload)),
    compareSignedDigest: (digest) => crypto.bufferEqual(digest, crypto.digest("sha256", signed)),
    verifySignature: (key) => crypto.verify(signed, key, signature),
  };
}

/** Checks an ECDSA signature (DER) over a digest; `point` is the uncompressed public point. */
export type PrehashVerifier = (o: {
  curve: Curve;
  signature: Uint8Array;
  digest: Uint8Array;
  point: Uint8Array;
}) => boolean;
export type Curve = "P-256" | "P-384" | "P-521";

/** Digest algorithms of message signatures: bundle's name → DigestSet's name and length in bytes. */
const ALGORITHMS: ReadonlyMap<string, { readonly name: "sha256" | "sha384" | "sha512"; readonly bytes: number }> =
  new Map([
    ["SHA2_256", { name: "sha256", bytes: 32 }],
    ["SHA2_384", { name: "sha384", bytes: 48 }],
    ["SHA2_512", { name: "sha512", bytes: 64 }],
  ]);

/** The digest that a message signature claims to be over. Throws ERR_BUNDLE_INVALID for an unknown algorithm or length. */
export function messageDigest(message: MessageSignature): { readonly name: string; readonly hex: string } {
  const algorithm = ALGORITHMS.get(message.algorithm);
  if (algorithm === undefined || algorithm.bytes !== message.digest.length) {
    throw new KitesealError("ERR_BUNDLE_INVALID", "the bundle's message digest is of an unknown algorithm or length", {
      details: { expected: [...ALGORITHMS.keys()].join(", "), found: message.algorithm.slice(0, 64) },
    });
  }
  return { name: algorithm.name, hex: Buffer.from(message.digest).toString("hex") };
}

export function blobSignature(message: MessageSignature, verifyPrehash: PrehashVerifier): SignatureContent {
  const digest = Buffer.from(message.digest);
  const signature = Buffer.from(message.signature);
  return {
    signature,
    compareSignature: (other) => crypto.bufferEqual(other, signature),
    compareDigest: (other) => crypto.bufferEqual(other, digest),
    compareSignedDigest: (other) => crypto.bufferEqual(other, digest),
    verifySignature: (key) => verifyDigest(key, { digest, signature }, verifyPrehash),
  };
}

const CURVES: Readonly<Record<string, Curve>> = { "P-256": "P-256", "P-384": "P-384", "P-521": "P-521" };

/** ECDSA only: an RSA or Ed25519 signature cannot be checked against a digest here, and so is not accepted. */
function verifyDigest(
  key: KeyObject,
  o: { digest: Uint8Array; signature: Uint8Array },
  verifyPrehash: PrehashVerifier,
): boolean {
  if (key.asymmetricKeyType !== "ec") return false;
  const { crv = "", x = "", y = "" } = key.export({ format: "jwk" });
  const curve = Object.hasOwn(CURVES, crv) ? CURVES[crv] : undefined;
  if (curve === undefined) return false;
  const point = Buffer.concat([Uint8Array.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  return verifyPrehash({ ...o, curve, point });
}
