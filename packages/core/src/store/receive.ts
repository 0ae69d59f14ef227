// SPDX-License-Identifier: Apache-2.0
// One object of a store, received: found and pinned, streamed once while it is written and hashed, judged by the digest of
// exactly those bytes. Where it goes is decided before; whether it may stay, by who reads the answer.
import { digestFile, digestStream, SHA256_PLAN } from "../artifact/digest.ts";
import { rehashPlan, withDigests } from "../artifact/rehash.ts";
import type { Artifact, DigestPlan, SourceDigests } from "../artifact/source.ts";
import type { Staging } from "../artifact/staging.ts";
import type { Context } from "../context.ts";
import { isKitesealError, type KitesealError } from "../errors.ts";
import { isVerified, type Verdict } from "../policy/verdict.ts";
import type { CandidateReader } from "./candidates.ts";
import type { Store, StoredObject } from "./contract.ts";
import { judge, type VerifyRequest } from "./judge.ts";
import type { ArtifactPlace } from "./lookup.ts";
import { bundleFile, type PassedBundles } from "./passed-bundles.ts";

/** An object as it was first seen. */
export interface FoundObject {
  readonly store: Store;
  readonly object: StoredObject;
  /** What is asked about it: chooses the rule, and has to agree with the attested name. */
  readonly name: string;
  /** Throws for other bytes than those that are expected. */
  accept?(sha256: string): void;
}

export interface FetchTarget {
  /** As reports name it while there is no verdict. */
  readonly label: string;
  /** Where it goes below the directory, `/`-separated. May be somebody else's choice. */
  readonly path: string;
  /** Throws ERR_NO_MATCH, ERR_PIN_CHANGED, those of stores. */
  find(ctx: Context): Promise<FoundObject>;
}

/** What became of a target, or of a subject that `requireAllSubjects` misses. */
export type Fetched =
  | {
      readonly verdict: Verdict;
      /** Below the directory, if it is there in the end. */
      readonly files: readonly string[];
    }
  | { readonly target: FetchTarget; readonly error: KitesealError };

/** What a run keeps of each object, and what it judges by. */
export interface ReceiveRequest extends Omit<VerifyRequest, "rehash"> {
  /** `bundles`: nothing but what attests them. */
  readonly keep: "artifacts" | "artifacts-and-bundles" | "bundles";
  /** Where each artifact came from: filled here, for the lookup's `locate`. */
  readonly places: WeakMap<Artifact, ArtifactPlace>;
}

export interface Receiving {
  readonly request: ReceiveRequest;
  readonly staging: Staging;
  readonly reader: CandidateReader;
  /** Has seen what the request's lookup found. */
  readonly bundles: PassedBundles;
}

/** What goes wrong with one target is its answer. Throws ERR_OUTPUT, which is every target's, and ERR_INTERRUPTED. */
export async function receive(target: FetchTarget, run: Receiving, ctx: Context): Promise<Fetched> {
  try {
    return await received(target, run, ctx);
  } catch (error) {
    if (!isKitesealError(error) || error.kind === "interrupted" || error.code === "ERR_OUTPUT") throw error;
    return { target, error };
  }
}

/** Where the bytes are not kept, every digest that a statement may state is computed while they go by. */
const ALL_PLAN: DigestPlan = { algorithms: ["sha256", "sha384", "sha512"] };

async function received(target: FetchTarget, run: Receiving, ctx: Context): Promise<Fetched> {
  const { request, staging, reader } = run;
  const { path } = target;
  const found = await target.find(ctx);
  const { store, object, name } = found;
  const bytes = shown(store.get(object, { maxBytes: object.size }, ctx), { name, total: object.size }, ctx);
  const kept = request.keep !== "bundles";
  const { digests } = kept
    ? await staging.receive(path, { bytes, plan: SHA256_PLAN }, ctx)
    : await digestStream(bytes, ALL_PLAN, ctx);
  found.accept?.(digests.sha256);
  const origin = { kind: "stored", url: store.url(object.key), pin: object.pin } as const;
  const artifact: Artifact = { name, digest: { sha256: digests.sha256 }, size: object.size, origin };
  request.places.set(artifact, { store, key: object.key });
  const again = async (plan: DigestPlan, now: Context): Promise<SourceDigests> =>
    kept ? (await digestFile(staging.pathOf(path), plan, now)).digests : digests;
  const rehash: VerifyRequest["rehash"] = async (known, algorithms, now) =>
    withDigests(known, await again(rehashPlan(algorithms), now));
  const verdict = await judge(artifact, { request: { ...request, rehash }, reader }, ctx);
  if (!mayStay(verdict)) return { verdict, files: [] };
  return { verdict, files: [...(kept ? [path] : []), ...(await keepBundles(verdict, { path, run }, ctx))] };
}

/** Verified, or let through by an exception of the policy. */
export function mayStay(verdict: Verdict): boolean {
  return isVerified(verdict) || verdict.outcome === "excepted";
}

async function keepBundles(
  verdict: Verdict,
  { path, run: { request, staging, bundles } }: { path: string; run: Receiving },
  ctx: Context,
): Promise<readonly string[]> {
  if (request.keep === "artifacts" || !isVerified(verdict)) return [];
  const file = bundleFile(path, await bundles.of(verdict, ctx));
  const bytes = (async function* () {
    yield file.bytes;
  })();
  await staging.receive(file.path, { bytes, plan: SHA256_PLAN }, ctx);
  return [file.path];
}

/** The bytes, told of as they come. */
async function* shown(
  bytes: AsyncIterable<Uint8Array>,
  { name, total }: { name: string; total: number },
  ctx: Context,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of bytes) {
    done += chunk.length;
    ctx.progress?.({ stage: "fetch", subject: name, done, total, unit: "bytes" });
    yield chunk;
  }
}
