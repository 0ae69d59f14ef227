// SPDX-License-Identifier: Apache-2.0
// The bytes of the bundles that passes rest on, for whoever keeps them: read once more, under the digests of the verdict.
// Many artifacts share a bundle, so what was read is remembered within a bound.
import { SIDECAR_LINES_SUFFIX, SIDECAR_SUFFIX } from "../artifact/attestation-names.ts";
import type { Context } from "../context.ts";
import { LIMITS } from "../limits.ts";
import type { VerifiedArtifact } from "../policy/verdict.ts";
import { KeptEvidence } from "./evidence.ts";
import type { Lookup } from "./lookup.ts";
import { readPassed } from "./promoted-attestations.ts";

export class PassedBundles {
  readonly #evidence = new KeptEvidence();
  readonly #bytes = new Map<string, Uint8Array>();
  #size = 0;

  /** The same lookup; what it finds can be read again. */
  watch(lookup: Lookup): Lookup {
    return this.#evidence.watch(lookup);
  }

  /** The bundle that passed first, then those that the rule also required. Throws readPassed's. */
  async of(verdict: VerifiedArtifact, ctx: Context): Promise<readonly Uint8Array[]> {
    this.#evidence.keep(verdict);
    const handles = this.#evidence.of(verdict);
    const bundles: Uint8Array[] = [];
    for (const [i, digest] of verdict.restsOn.entries()) {
      const handle = handles[i];
      if (handle === undefined) throw new TypeError(`no bundle for ${digest}`);
      const bytes = this.#bytes.get(digest) ?? (await readPassed(handle, digest, ctx));
      this.#remember(digest, bytes);
      bundles.push(bytes);
    }
    return bundles;
  }

  #remember(digest: string, bytes: Uint8Array): void {
    if (this.#bytes.has(digest)) return;
    this.#bytes.set(digest, bytes);
    this.#size += bytes.length;
    for (const [oldest, { length }] of this.#bytes) {
      if (this.#size <= LIMITS.authenticationCacheBytes || oldest === digest) break;
      this.#bytes.delete(oldest);
      this.#size -= length;
    }
  }
}

/** The attestations of the file at `path`, beside it: one as it is (.json), several one a line (.jsonl). */
export function bundleFile(path: string, bundles: readonly Uint8Array[]): { path: string; bytes: Uint8Array } {
  const [only, ...more] = bundles;
  if (only !== undefined && more.length === 0) return { path: path + SIDECAR_SUFFIX, bytes: only };
  return { path: path + SIDECAR_LINES_SUFFIX, bytes: new Uint8Array(Buffer.concat(bundles.map(asLine))) };
}

/** Between JSON's tokens a line's end is as good as a space; inside its strings there is none. */
function asLine(bundle: Uint8Array): Uint8Array {
  const line = bundle.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte));
  return Buffer.concat([line, Buffer.from("\n")]);
}
