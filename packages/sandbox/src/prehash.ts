// SPDX-License-Identifier: Apache-2.0
// ECDSA over a digest that is all there is of the message, which node:crypto cannot check. FIPS 186-5 §6.4.2.
import type { KeyObject } from "node:crypto";
import { p256, p384 } from "@noble/curves/nist.js";

/** Digest lengths in bytes, by name. */
export const DIGEST_BYTES = { sha256: 32, sha384: 48, sha512: 64 } as const;

/** True if the DER signature over the digest is the key's; false for keys on other curves and malformed signatures. */
export function verifyDigest(key: KeyObject, digest: Uint8Array, signature: Uint8Array): boolean {
  const named = key.asymmetricKeyDetails?.namedCurve;
  const curve = named === "prime256v1" ? p256 : named === "secp384r1" ? p384 : undefined;
  if (curve === undefined) return false;
  const { x = "", y = "" } = key.export({ format: "jwk" });
  const point = Buffer.concat([Uint8Array.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  try {
    return curve.verify(signature, digest, point, { prehash: false, format: "der", lowS: false });
  } catch {
    return false;
  }
}
