// SPDX-License-Identifier: Apache-2.0
// Where the pure, heavy part of verification runs. Inline here; a pool of workers is another Compute (worker.ts), because
// what goes in and comes out is plain data.
import type { Trust } from "./sigstore/trust.ts";
import { authenticate, type Authentication } from "./verification/authenticate.ts";
import { prepareRoot } from "./verification/trust-material.ts";

export interface Compute {
  authenticate(unverifiedBytes: Uint8Array, bundleDigest: string): Promise<Authentication>;
}

/** The trusted root is decoded once. Throws ERR_TRUST_ROOT_INVALID. */
export function inlineCompute(trust: Trust): Compute {
  const prepared = prepareRoot(trust.rootBytes);
  return {
    authenticate: (bytes, digest) => Promise.resolve(authenticate(bytes, digest, prepared)),
  };
}
