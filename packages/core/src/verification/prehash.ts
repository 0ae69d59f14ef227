// SPDX-License-Identifier: Apache-2.0
// ECDSA over a digest that was computed elsewhere (FIPS 186-5 §6.4.2), by @noble/curves. Imported only when a rule asks
// for blob signatures.
import { p256, p384, p521 } from "@noble/curves/nist.js";
import type { PrehashVerifier } from "./signature.ts";

const CURVES = { "P-256": p256, "P-384": p384, "P-521": p521 } as const;

/** False for anything malformed. High-S signatures are accepted, as OpenSSL makes them. */
export const verifyPrehash: PrehashVerifier = ({ curve, signature, digest, point }) => {
  try {
    return CURVES[curve].verify(signature, digest, point, { prehash: false, format: "der", lowS: false });
  } catch {
    return false;
  }
};
