// SPDX-License-Identifier: Apache-2.0
// The bytes of the bundles that a pass rests on, for whoever keeps them. They go by on the way into the verification and
// are remembered within a bound; what was forgotten is read once more. Either way they have the digest of the verdict.
import { SIDECAR_LINES_SUFFIX, SIDECAR_SUFFIX } from "../artifact/attestation-names.ts";
import { sha256Hex } from "../artifact/digest.ts";
import type { Artifact } from "../artifact/source.ts";
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { VerifiedArtifact } from "../policy/verdict.ts";
import type { BundleHandle } from "./attestations.ts";
import type { Lookup } from "./lookup.ts";

interface Seen {
  readonly handle: BundleHandle;
  digest: string | undefined;
}

/** What a pass rests on. */
type Rested = Pick<VerifiedArtifact, "bundleDigest" | "checks" | "attestations">;

export class PassedBundles {
  readonly #seen = new WeakMap<Artifact, Seen[]>();
  readonly #bytes = new Map<string, Uint8Array>();
  #size = 0;

  /** The same lookup; what is read through it is remembered. */
  watch(lookup: Lookup): Lookup {
    const watched = (entry: Seen): BundleHandle => this.#watched(entry);
    const seenBy = this.#seen;
    return async function* (artifact, asked, ctx) {
      const seen: Seen[] = [];
      seenBy.set(artifact, seen);
      for await (const found of lookup(artifact, asked, ctx)) {
        const entries = found.handles.map((handle): Seen => ({ handle, digest: handle.digest }));
        seen.push(...entries);
        yield { ...found, handles: entries.map(watched) };
      }
    };
  }

  /**
   * The bundle that passed first, then, where the rule also required others, those. `artifact` is the one that was asked
   * about. Throws ERR_STORE_TAMPERED, ERR_CANDIDATE_UNREADABLE and those of reading.
   */
  async of(verdict: Rested, artifact: Artifact, ctx: Context): Promise<readonly Uint8Array[]> {
    const bundles: Uint8Array[] = [];
    for (const digest of digestsOf(verdict))
      bundles.push(await this.#read(digest, this.#seen.get(artifact) ?? [], ctx));
    return bundles;
  }

  async #read(digest: string, seen: readonly Seen[], ctx: Context): Promise<Uint8Array> {
    const known = this.#bytes.get(digest);
    if (known !== undefined) return known;
    const handle = seen.find((entry) => entry.digest === digest)?.handle;
    if (handle === undefined) throw new KitesealError("ERR_CANDIDATE_UNREADABLE", `the bundle ${digest} is gone`);
    const bytes = await handle.read(ctx);
    const found = sha256Hex(bytes);
    if (found === digest) return bytes;
    throw new KitesealError("ERR_STORE_TAMPERED", `${handle.place} changed after it was verified`, {
      details: { expected: digest, found },
    });
  }

  #watched(entry: Seen): BundleHandle {
    return {
      ...entry.handle,
      read: async (ctx) => {
        const bytes = await entry.handle.read(ctx);
        entry.digest = sha256Hex(bytes);
        this.#remember(entry.digest, bytes);
        return bytes;
      },
    };
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

/** Which of several satisfied what is also required is not in the verdict; all that are genuine are kept, and judged again. */
function digestsOf({ bundleDigest, checks, attestations }: Rested): readonly string[] {
  const genuine = checks.some(({ id }) => id === "rule.also-required")
    ? attestations.flatMap((report) => (report.signer === undefined ? [] : [report.bundleDigest ?? bundleDigest]))
    : [];
  return [...new Set([bundleDigest, ...genuine])];
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
