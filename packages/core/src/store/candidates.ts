// SPDX-License-Identifier: Apache-2.0
// Bundles that were found → candidates for a decision. Each bundle is read and authenticated once a run, also when several
// artifacts ask for it at the same time; the oldest results are forgotten first.
import { sha256Hex } from "../artifact/digest.ts";
import type { Compute } from "../compute.ts";
import type { Context } from "../context.ts";
import { isKitesealError, type KitesealError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Candidate } from "../policy/decide.ts";
import type { Authentication } from "../verification/authenticate.ts";
import { AUTHENTICATE_CHECKS, checkOf, notRun } from "../verification/check.ts";
import type { BundleHandle } from "./attestations.ts";

export class CandidateReader {
  readonly #compute: Compute;
  readonly #known = new Map<string, { readonly result: Promise<Authentication>; readonly bytes: number }>();
  #bytes = 0;

  constructor(compute: Compute) {
    this.#compute = compute;
  }

  /** Never throws for what is in the bundle or for a store's outage: that is a candidate that could not be read. */
  async read(handle: BundleHandle, ctx: Context): Promise<Candidate> {
    const { place } = handle;
    try {
      const authentication = await this.#authenticate(handle, ctx);
      return { place, result: authentication };
    } catch (error) {
      if (!isKitesealError(error) || error.kind === "interrupted") throw error;
      return { place, result: refusal(handle, error) };
    }
  }

  async #authenticate(handle: BundleHandle, ctx: Context): Promise<Authentication> {
    const named = handle.digest === undefined ? undefined : this.#known.get(handle.digest);
    if (named !== undefined) return named.result;
    const bytes = await handle.read(ctx);
    const digest = sha256Hex(bytes);
    return this.#known.get(digest)?.result ?? this.#start(bytes, digest);
  }

  #start(bytes: Uint8Array, digest: string): Promise<Authentication> {
    const size = bytes.length;
    const result = this.#compute.authenticate(bytes, digest);
    this.#known.set(digest, { result, bytes: size });
    this.#bytes += size;
    for (const [oldest, entry] of this.#known) {
      if (this.#bytes <= LIMITS.authenticationCacheBytes || oldest === digest) break;
      this.#known.delete(oldest);
      this.#bytes -= entry.bytes;
    }
    return result;
  }
}

function refusal(handle: BundleHandle, error: KitesealError): Candidate["result"] {
  if (error.kind === "undetermined") return { kind: "unreadable", code: error.code, message: error.message };
  const failing = error.code === "ERR_LIMIT_EXCEEDED" ? "limits" : "bundle";
  const checks = AUTHENTICATE_CHECKS.map((id) => (id === failing ? checkOf(id, error) : notRun(id)));
  return { kind: "refused", failure: { bundleDigest: handle.digest ?? "", code: error.code, checks } };
}
