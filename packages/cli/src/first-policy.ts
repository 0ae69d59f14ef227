// SPDX-License-Identifier: Apache-2.0
// What `policy init` does with one target: finds attestations of it, verifies them under the rule that flags are or, without
// flags, under whoever signed: cryptography and trusted root then vouch that it was they, and a person has to say whether
// they are the right ones.
import { createPublicKey } from "node:crypto";
import { dirname, extname } from "node:path";
import {
  type Artifact,
  askedKinds,
  type BundleHandle,
  type Context,
  createLookup,
  flagPolicy,
  inlineCompute,
  inspectBundle,
  type Inspection,
  isKeyIdentity,
  isKitesealError,
  KitesealError,
  sha256Hex,
  LIMITS,
  type Lookup,
  type Policy,
  quote,
  type RuleInput,
  type Trust,
  type VerifiedArtifact,
  verify,
} from "@kiteseal/core";
import { readBundles } from "./input.ts";
import type { RedactedIo } from "./io.ts";
import { rehashing } from "./lookup.ts";

/** An artifact and attestations that may be of it. */
export interface Candidates {
  readonly artifact: Artifact;
  readonly handles: readonly BundleHandle[];
}

/** What a bundle's file says that it is about; undefined for a file that is no bundle. Throws ERR_UNREADABLE. */
export async function bundleCandidates(path: string, cwd: string, ctx: Context): Promise<Candidates | undefined> {
  if (!/\.jsonl?$/.test(path)) return undefined;
  const handles = await readBundles(path, cwd);
  const [first] = handles;
  const inspection = first === undefined ? undefined : inspected(await first.read(ctx));
  const subject = inspection?.unverifiedStatement?.subject[0];
  if (subject?.name === undefined) return undefined;
  return { artifact: { name: subject.name, digest: subject.digest, origin: { kind: "digest" } }, handles };
}

function inspected(bytes: Uint8Array): Inspection | undefined {
  try {
    return inspectBundle(bytes);
  } catch (error) {
    if (isKitesealError(error)) return undefined;
    throw error;
  }
}

/** Every attestation that a lookup finds, whoever signed it. */
export async function foundCandidates(artifact: Artifact, lookup: Lookup, ctx: Context): Promise<Candidates> {
  const handles: BundleHandle[] = [];
  for await (const found of lookup(artifact, { signers: [] }, ctx)) handles.push(...found.handles);
  if (handles.length > 0) return { artifact, handles };
  throw new KitesealError("ERR_UNATTESTED", `no attestation of ${quote(artifact.name ?? "the artifact")} was found`, {
    hint: "name one with --bundle, or its place with --attestations",
  });
}

export interface FirstPolicyRequest {
  readonly io: RedactedIo;
  readonly trust: Trust;
  /** The rule that flags are, if they are one. */
  readonly given: Policy | undefined;
}

export interface FirstVerified {
  readonly verified: VerifiedArtifact;
  readonly handle: BundleHandle;
}

/** The first attestation that verifies. Throws the last failure: VerificationError, ERR_BUNDLE_INVALID and the like. */
export async function firstVerified(
  { artifact, handles }: Candidates,
  { trust, given, io }: FirstPolicyRequest,
  ctx: Context,
): Promise<FirstVerified> {
  const failures: KitesealError[] = [];
  for (const handle of handles.slice(0, LIMITS.bundlesPerArtifact)) {
    try {
      const policy = given ?? signersPolicy(inspectBundle(await handle.read(ctx)));
      return { verified: await verifyBy(artifact, { policy, trust, handle, io }, ctx), handle };
    } catch (error) {
      if (!isKitesealError(error) || error.kind === "interrupted") throw error;
      failures.push(error);
    }
  }
  throw failures.at(-1) ?? new KitesealError("ERR_UNATTESTED", "no attestation was found");
}

async function verifyBy(
  artifact: Artifact,
  o: { policy: Policy; trust: Trust; handle: BundleHandle; io: RedactedIo },
  ctx: Context,
): Promise<VerifiedArtifact> {
  const { policy, trust, handle } = o;
  const compute = await inlineCompute(trust, askedKinds(policy));
  const lookup = createLookup({ bundles: [handle], locate: () => undefined });
  return verify(artifact, { policy, compute, rehash: rehashing(o.io), lookup }, ctx);
}

/** What was verified passes this policy too, under its signed name. Throws VerificationError. */
export async function requirePass(
  { verified, handle }: FirstVerified,
  o: { policy: Policy; trust: Trust; io: RedactedIo },
  ctx: Context,
): Promise<void> {
  await verifyBy({ ...verified.artifact, name: signedName(verified) }, { ...o, handle }, ctx);
}

const BUILDKITE_SUBJECT = /^https:\/\/buildkite\.com\/([^/]+)\/([^/]+)$/;

/** "Signed by whom it says": a rule made of an attestation's own, unverified, names. */
function signersPolicy({ unverifiedSigner, unverifiedBuild, unverifiedStatement }: Inspection): Policy {
  if (unverifiedSigner === undefined) {
    throw new KitesealError("ERR_USAGE", "the attestation names no signer", {
      hint: "say which key may have signed with --key FILE",
    });
  }
  const { subject, issuer } = unverifiedSigner;
  const type = unverifiedStatement?.predicateType;
  const [, organization, pipeline] = unverifiedBuild === undefined ? [] : (BUILDKITE_SUBJECT.exec(subject) ?? []);
  const signer: Partial<RuleInput> =
    organization !== undefined && pipeline !== undefined
      ? { organization: [organization], pipeline: [pipeline], anyRef: true }
      : { certificate: [{ identity: subject, issuer }] };
  return flagPolicy({ ...signer, type, content: unverifiedStatement === undefined ? "blob" : undefined }, { env: {} });
}

/** The signed name of what was verified; the asker's for a blob, which has none. */
export function signedName({ statement, artifact }: VerifiedArtifact): string {
  const { digest, name = "" } = artifact;
  const subject = statement?.subject.find((s) => s.digest["sha256"] === digest["sha256"]);
  return subject?.name ?? name;
}

/** A pattern that the names match and the next release's will too: `dist/*.tgz`. */
export function patternOf(name: string): string {
  const folder = dirname(name);
  if (/[*?]/.test(name)) {
    throw new KitesealError("ERR_USAGE", `the signed name ${quote(name)} is spelt like a pattern`, {
      hint: "write the rule by hand",
    });
  }
  if (extname(name) === "") return name;
  return `${folder === "." ? "" : `${folder}/`}*${extname(name)}`;
}

/** The one of these PEM keys that signed. */
export function signingKey({ signer }: VerifiedArtifact, keys: readonly string[]): string | undefined {
  if (!isKeyIdentity(signer)) return undefined;
  return keys.find((pem) => {
    const spki = createPublicKey(pem).export({ format: "der", type: "spki" });
    return sha256Hex(spki) === signer.keyDigest;
  });
}
