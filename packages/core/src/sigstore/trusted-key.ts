// SPDX-License-Identifier: Apache-2.0
// Public keys that an operator names in a rule or by --key: PEM → key. Nobody vouches for a bare key but the operator.
import { createPublicKey } from "node:crypto";
import { sha256Hex } from "../artifact/digest.ts";
import { KitesealError } from "../errors.ts";

/** `spki` is DER; `digest` is its sha256, hex: the signer's identity. */
export interface TrustedKey {
  readonly spki: Uint8Array;
  readonly digest: string;
}

/** Reads one PEM `PUBLIC KEY`. Throws ERR_POLICY_INVALID for anything else; a private key is never accepted. */
export function readTrustedKey(pem: string): TrustedKey {
  if (!/^\s*-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/.test(pem)) {
    throw new KitesealError("ERR_POLICY_INVALID", "expected one PEM public key (BEGIN PUBLIC KEY)");
  }
  try {
    const spki = new Uint8Array(createPublicKey(pem).export({ format: "der", type: "spki" }));
    return { spki, digest: sha256Hex(spki) };
  } catch (cause) {
    throw new KitesealError("ERR_POLICY_INVALID", "the public key cannot be read", { cause });
  }
}
