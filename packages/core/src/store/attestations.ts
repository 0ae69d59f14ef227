// SPDX-License-Identifier: Apache-2.0
// Writing attestations and finding them again. Writing: the bundle under its own digest, then one zero-length reference
// a subject, create-only. Finding: everything that comes back is untrusted bytes under the digest they were asked by.
import { SIDECAR_LINES_SUFFIX, SIDECAR_SUFFIX } from "../artifact/attestation-names.ts";
import { bytesSource, sha256Hex } from "../artifact/digest.ts";
import type { Context } from "../context.ts";
import { isKitesealError, KitesealError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { forEachLimited } from "../concurrency.ts";
import type { PlaceReport, Unseen } from "../policy/verdict.ts";
import type { KeyIdentity } from "../sigstore/certificate.ts";
import type { Location, PutRequest, Store } from "./contract.ts";
import { parseKey, type Key } from "./keys.ts";
import { bundleHandles } from "./bundle-file.ts";
import { bundleKey, bundleOfReference, referenceKey, subjectPrefix } from "./layout.ts";

/** One bundle that may be about the artifact. `digest` is what its name claims; `read` checks it. */
export interface BundleHandle {
  readonly place: string;
  readonly digest?: string;
  /** Throws ERR_CANDIDATE_UNREADABLE, ERR_STORE_TAMPERED (other bytes than the name says), ERR_LIMIT_EXCEEDED, store errors. */
  read(ctx: Context): Promise<Uint8Array>;
}

/** What one place held. `unseen`: of `denied` and `unavailable`. */
export interface Found {
  readonly place: string;
  readonly outcome: "found" | "nothing" | "denied" | "unavailable" | "capped";
  readonly handles: readonly BundleHandle[];
  readonly unseen?: Unseen;
}

export function placeReport({ place, outcome, handles, unseen }: Found): PlaceReport {
  return { place, outcome, count: handles.length, ...unseen };
}

export interface NewAttestation {
  readonly bundle: Uint8Array;
  /** The signer's subject alternative name, or its key. */
  readonly signer: string | KeyIdentity;
  readonly buildNumber?: number;
  /** sha256, hex. */
  readonly subjects: readonly string[];
}

/** The bundle first, then its references, so that no reference ever names a bundle that is not there. Returns the bundle's key. */
export async function putAttestation(root: Location, attestation: NewAttestation, ctx: Context): Promise<Key> {
  const bundleDigest = sha256Hex(attestation.bundle);
  const key = bundleKey(root.prefix, bundleDigest);
  const source = bytesSource(attestation.bundle, root.store.digestPlan(attestation.bundle.length));
  await putNamed(root.store, { key, object: { source, contentType: "application/json" } }, ctx);
  const empty = bytesSource(new Uint8Array(), root.store.digestPlan(0));
  const { signer, buildNumber } = attestation;
  await forEachLimited(attestation.subjects, LIMITS.parallelReferences, async (subjectDigest) => {
    const reference = { subjectDigest, signer, bundleDigest, ...(buildNumber === undefined ? {} : { buildNumber }) };
    await putNamed(root.store, { key: referenceKey(root.prefix, reference), object: { source: empty } }, ctx);
  });
  return key;
}

/** The key says which bytes it holds: others there are no other build's, but somebody's doing. Throws ERR_STORE_TAMPERED. */
async function putNamed(store: Store, { key, object }: { key: Key; object: PutRequest }, ctx: Context): Promise<void> {
  try {
    await store.put(key, object, ctx);
  } catch (error) {
    if (!isKitesealError(error) || error.code !== "ERR_STORE_CONFLICT") throw error;
    throw new KitesealError("ERR_STORE_TAMPERED", `${store.url(key)} is not the bytes that its name says`, {
      details: error.details,
      hint: "somebody changed the attestation in the store: find out who, restore or remove that object, and run this again",
      cause: error,
    });
  }
}

export interface FindOptions {
  readonly subjectDigest: string;
  /** Subject alternative names of the builders that the rule allows: their references are listed first. */
  readonly signers: readonly string[];
  /** References of this build come first. */
  readonly buildNumber?: number;
  /** How many of anybody's bundles, if no builder is asked for or has any: LIMITS.bundlesPerArtifact unless given. */
  readonly atMost?: number;
}

/** Bundles that references below `root` name for a subject. Store outages become the outcome, never absence. */
export async function findBundles(root: Location, options: FindOptions, ctx: Context): Promise<Found> {
  const place = rootUrl(root);
  try {
    const { subjectDigest, signers } = options;
    const own = await forEachLimited(signers, LIMITS.parallelFiles, (signer) =>
      listReferences(root.store, subjectPrefix(root.prefix, subjectDigest, signer), ctx),
    );
    const listed = own.flatMap((l) => l.digests);
    if (listed.length > 0 || own.some((l) => l.capped)) {
      const capped = own.some((l) => l.capped) || listed.length > LIMITS.bundlesPerBuilder;
      return found(root, { place, digests: order(listed, options).slice(0, LIMITS.bundlesPerBuilder), capped });
    }
    const others = await listReferences(root.store, subjectPrefix(root.prefix, subjectDigest), ctx);
    const all = order(others.digests, options);
    const digests = all.slice(0, options.atMost ?? LIMITS.bundlesPerArtifact);
    return found(root, { place, digests, capped: others.capped || all.length > digests.length });
  } catch (error) {
    return outage(place, error);
  }
}

interface Listed {
  readonly digests: readonly { readonly name: string; readonly digest: string }[];
  readonly capped: boolean;
}

async function listReferences(store: Store, prefix: string, ctx: Context): Promise<Listed> {
  const digests: { name: string; digest: string }[] = [];
  let listed = 0;
  for await (const { key } of store.list(prefix, ctx)) {
    // Junk counts too: whoever writes the store must not choose how long this takes.
    if (++listed > LIMITS.referencesPerSubject) return { digests, capped: true };
    const digest = bundleOfReference(key);
    if (digest !== undefined) digests.push({ name: key.slice(key.lastIndexOf("/") + 1), digest });
  }
  return { digests, capped: false };
}

/** The asked-for build first, then the newest: a name's first ten digits are the build number. */
function order(listed: Listed["digests"], { buildNumber }: FindOptions): readonly string[] {
  const wanted = buildNumber === undefined ? undefined : `${String(buildNumber).padStart(10, "0")}-`;
  const rank = (name: string): number => (wanted !== undefined && name.startsWith(wanted) ? 0 : 1);
  const sorted = listed.toSorted((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? 1 : -1));
  return [...new Set(sorted.map((l) => l.digest))];
}

function found(root: Location, o: { place: string; digests: readonly string[]; capped: boolean }): Found {
  const handles = o.digests.map((digest) => storedHandle(root, digest));
  return { place: o.place, outcome: o.capped ? "capped" : handles.length > 0 ? "found" : "nothing", handles };
}

/** The bundle of a known digest below a root. */
function storedHandle(root: Location, digest: string): BundleHandle {
  const key = bundleKey(root.prefix, digest);
  const place = root.store.url(key);
  const read = async (ctx: Context): Promise<Uint8Array> => {
    const bytes = await readObject(root.store, { key, maxBytes: LIMITS.bundleBytes }, ctx);
    if (bytes === undefined) {
      throw new KitesealError("ERR_CANDIDATE_UNREADABLE", `a reference names ${place}, which is not there`, {
        hint: "the store is incomplete: a replica that lags, or somebody deleted the attestation",
      });
    }
    const actual = sha256Hex(bytes);
    if (actual === digest) return bytes;
    throw new KitesealError("ERR_STORE_TAMPERED", `${place} is not the bytes that its name says`, {
      details: { expected: digest, found: actual },
      hint: "somebody changed the attestation in the store: restore it, or publish again",
    });
  };
  return { place, digest, read };
}

/** Those of the bundles that lie below this root; a pinned bundle may lie below another. */
export async function findPinned(root: Location, digests: readonly string[], ctx: Context): Promise<Found> {
  const place = rootUrl(root);
  try {
    const there = await Promise.all(digests.map((digest) => root.store.head(bundleKey(root.prefix, digest), ctx)));
    const handles = digests.filter((_, i) => there[i] !== undefined).map((digest) => storedHandle(root, digest));
    return { place, outcome: handles.length > 0 ? "found" : "nothing", handles };
  } catch (error) {
    return outage(place, error);
  }
}

function rootUrl(root: Location): string {
  return root.store.url(parseKey(`${root.prefix}subjects`)).replace(/subjects$/, "");
}

/** A whole small object, or undefined if it is proven absent. */
async function readObject(
  store: Store,
  { key, maxBytes }: { key: Key; maxBytes: number },
  ctx: Context,
): Promise<Uint8Array | undefined> {
  const object = await store.head(key, ctx);
  if (object === undefined) return undefined;
  if (object.size > maxBytes) {
    throw new KitesealError("ERR_LIMIT_EXCEEDED", `${store.url(key)} is larger than ${maxBytes} bytes`, {
      details: { expected: `at most ${maxBytes} bytes`, found: `${object.size} bytes` },
    });
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.get(object, { maxBytes }, ctx)) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** The bundle beside an artifact, under the name that other clients look for; if there is none, the file with several. */
export async function findSidecar(store: Store, key: Key, ctx: Context): Promise<Found> {
  const [one, several] = await Promise.all([
    readSidecar(store, key + SIDECAR_SUFFIX, ctx),
    readSidecar(store, key + SIDECAR_LINES_SUFFIX, ctx),
  ]);
  return one.outcome === "nothing" && several.outcome !== "nothing" ? several : one;
}

async function readSidecar(store: Store, name: string, ctx: Context): Promise<Found> {
  const sidecar = parseKey(name);
  const place = store.url(sidecar);
  const maxBytes = name.endsWith(SIDECAR_LINES_SUFFIX) ? LIMITS.bundleFileBytes : LIMITS.bundleBytes;
  try {
    const bytes = await readObject(store, { key: sidecar, maxBytes }, ctx);
    if (bytes === undefined) return { place, outcome: "nothing", handles: [] };
    if (name.endsWith(SIDECAR_SUFFIX)) {
      return { place, outcome: "found", handles: [{ place, read: () => Promise.resolve(bytes) }] };
    }
    const handles = bundleHandles(place, bytes);
    // Junk beside a good one must cost little: whoever writes the store writes this.
    const capped = handles.length > LIMITS.bundlesPerBuilder;
    return { place, outcome: capped ? "capped" : "found", handles: handles.slice(0, LIMITS.bundlesPerBuilder) };
  } catch (error) {
    // A name too long for the store cannot be there; what is there and is no small object is a bundle that fails.
    if (isKitesealError(error) && error.code === "ERR_KEY_INVALID") return { place, outcome: "nothing", handles: [] };
    if (isKitesealError(error) && error.kind === "refused") {
      return { place, outcome: "found", handles: [{ place, read: () => Promise.reject(error) }] };
    }
    return outage(place, error);
  }
}

function outage(place: string, error: unknown): Found {
  // A listing that holds what is no object may hide what is one: it is no answer.
  const noAnswer = isKitesealError(error) && (error.kind === "undetermined" || error.code === "ERR_STORE_TAMPERED");
  if (!noAnswer) throw error;
  const { code, message, hint } = error;
  const outcome = code === "ERR_STORE_DENIED" ? "denied" : "unavailable";
  return { place, outcome, handles: [], unseen: { code, message, ...(hint === undefined ? {} : { hint }) } };
}
