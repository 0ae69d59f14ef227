// SPDX-License-Identifier: Apache-2.0
// Where the pure, heavy part of verification runs. Inline here; a pool of workers is another Compute, because what goes in
// and comes out is plain data.
import { policyKeys, type Policy } from "./policy/rule.ts";
import type { Trust } from "./sigstore/trust.ts";
import type { TrustedKey } from "./sigstore/trusted-key.ts";
import { authenticate, type Authentication, type Authority } from "./verification/authenticate.ts";
import { prepareRoot } from "./verification/trust-material.ts";

export interface Compute {
  authenticate(unverifiedBytes: Uint8Array, bundleDigest: string): Promise<Authentication>;
  /** Ends what it holds; nothing may be asked afterwards. */
  close(): Promise<void>;
}

/** Which bundles a policy wants looked into, as plain data. */
export interface AskedKinds {
  readonly keys: readonly TrustedKey[];
  readonly blobs: boolean;
}

export function askedKinds(policy: Policy): AskedKinds {
  return { keys: policyKeys(policy), blobs: policy.rules.some((rule) => rule.content === "blob") };
}

/** Only certificates over statements: what signing verifies of its own. */
export const STATEMENTS_ONLY: AskedKinds = { keys: [], blobs: false };

/** The trusted root is decoded once. Throws ERR_TRUST_ROOT_INVALID. */
export async function createAuthority(rootBytes: Uint8Array, asked: AskedKinds): Promise<Authority> {
  const { verifyPrehash } = asked.blobs ? await import("./verification/prehash.ts") : {};
  return { prepared: prepareRoot(rootBytes), keys: asked.keys, verifyPrehash };
}

/** Throws ERR_TRUST_ROOT_INVALID. */
export async function inlineCompute(trust: Trust, asked: AskedKinds): Promise<Compute> {
  const authority = await createAuthority(trust.rootBytes, asked);
  return {
    authenticate: (bytes, digest) => Promise.resolve(authenticate(bytes, digest, authority)),
    close: () => Promise.resolve(),
  };
}
