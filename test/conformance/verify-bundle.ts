// SPDX-License-Identifier: Apache-2.0
// verify-bundle of the sigstore-conformance protocol, through public entries: one bundle, one artifact by path or by
// digest, one signer. The protocol knows neither names nor predicate types nor refs, so none is compared.
import { readFile } from "node:fs/promises";
import {
  askedKinds,
  type Artifact,
  bundleHandles,
  type Context,
  createLookup,
  digestFile,
  flagPolicy,
  inlineCompute,
  inspectBundle,
  isKitesealError,
  KitesealError,
  loadTrust,
  type Policy,
  SHA256_PLAN,
  type Verdict,
  verifyAll,
} from "@kiteseal/core";

export interface VerifyBundle {
  readonly bundle: string;
  readonly trustedRoot: string;
  /** A path, or `sha256:` and 64 hex digits. */
  readonly artifact: string;
  readonly signer: { readonly key: string } | { readonly identity: string; readonly issuer: string };
}

const DIGEST = /^sha256:([0-9a-f]{64})$/;
const BUILDKITE_ISSUER = "https://agent.buildkite.com";

/** Errors: KitesealError for what the verdict cannot say: a trusted root, a key, a file that cannot be used. */
export async function verifyBundle(asked: VerifyBundle, ctx: Context): Promise<Verdict> {
  const trust = await loadTrust({ kind: "file", path: asked.trustedRoot }, ctx);
  const bytes = await readGiven(asked.bundle);
  const policy = await policyFor(asked.signer, bytes);
  const compute = await inlineCompute(trust, askedKinds(policy));
  const lookup = createLookup({ bundles: bundleHandles(asked.bundle, bytes), locate: () => undefined });
  const artifact = await artifactOf(asked.artifact, ctx);
  for await (const verdict of verifyAll([artifact], { policy, compute, lookup }, ctx)) return verdict;
  throw new Error("no verdict for one artifact");
}

/** The bytes of a file that the caller named. Throws ERR_UNREADABLE. */
export async function readGiven(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    throw new KitesealError("ERR_UNREADABLE", `cannot read ${JSON.stringify(path)}`, { cause });
  });
}

async function policyFor(signer: VerifyBundle["signer"], bundle: Uint8Array): Promise<Policy> {
  const rule = { anyName: true, ...unverifiedKind(bundle) };
  if ("key" in signer) {
    const pem = Buffer.from(await readGiven(signer.key)).toString("utf8");
    return flagPolicy({ ...rule, key: [pem] }, { env: {} });
  }
  const ref = signer.issuer === BUILDKITE_ISSUER ? { anyRef: true } : {};
  return flagPolicy({ ...rule, ...ref, certificate: [signer] }, { env: {} });
}

/** What the bundle says it holds is what is asked for; whether it holds it is verified. */
function unverifiedKind(bundle: Uint8Array): { content?: "blob"; type?: string } {
  try {
    const { content, unverifiedStatement } = inspectBundle(bundle);
    if (content === "message") return { content: "blob" };
    return unverifiedStatement === undefined ? {} : { type: unverifiedStatement.predicateType };
  } catch (error) {
    // The verdict says what is wrong with it.
    if (isKitesealError(error)) return {};
    throw error;
  }
}

async function artifactOf(text: string, ctx: Context): Promise<Artifact> {
  const hex = DIGEST.exec(text)?.[1];
  if (hex !== undefined) return { digest: { sha256: hex }, origin: { kind: "digest" } };
  const { size, digests } = await digestFile(text, SHA256_PLAN, ctx);
  return { digest: { sha256: digests.sha256 }, size, origin: { kind: "file", path: text } };
}
