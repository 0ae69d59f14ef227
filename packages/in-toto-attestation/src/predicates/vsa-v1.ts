// SPDX-License-Identifier: Apache-2.0
// SLSA Verification Summary v1, in its JSON shape and field order. Inputs of the decoder are untrusted: a summary counts
// only if its signer is one that may speak for its verifier. https://slsa.dev/spec/v1.0/verification_summary
import { asInteger, asString, DecodeError, describeValue, type Decoder } from "../decode.ts";
import type { DigestSet } from "../digest-set.ts";
import { readObject, type ObjectReader } from "../object-reader.ts";
import {
  decodeResourceUri,
  decodeTimestamp,
  decodeTypeUri,
  readResourceDescriptor,
  type ResourceDescriptor,
} from "../resource-descriptor.ts";

export interface VerificationSummary {
  readonly verifier: { readonly id: string };
  /** RFC 3339, UTC. */
  readonly timeVerified: string;
  readonly resourceUri: string;
  readonly policy: ResourceDescriptor & { readonly uri: string };
  readonly inputAttestations?: readonly InputAttestation[];
  readonly verificationResult: "PASSED" | "FAILED";
  /** SLSA_BUILD_LEVEL_0 to _3, FAILED, or a custom value. */
  readonly verifiedLevels: readonly string[];
  /** Number of transitive dependencies at each level. */
  readonly dependencyLevels?: Readonly<Record<string, number>>;
  /** MAJOR.MINOR */
  readonly slsaVersion?: string;
}

export interface InputAttestation extends ResourceDescriptor {
  readonly digest: DigestSet;
}

export interface DecodedVerificationSummary {
  readonly predicate: VerificationSummary;
  /** Paths of members that the specification does not define. */
  readonly ignoredFields: readonly string[];
}

const MAX_ATTESTATIONS = 16_384;
const MAX_LEVELS = 64;
const SLSA_VERSION = /^(?:0|[1-9][0-9]{0,3})\.(?:0|[1-9][0-9]{0,3})$/;

/**
 * Decodes the predicate of a statement; paths start at `$.predicate`. null is absent; unknown members are ignored and
 * listed. Throws DecodeError for a missing or mistyped field, a PASSED result with the level FAILED, a policy without uri
 * and an input attestation without digest.
 */
export function decodeVerificationSummary(value: unknown): DecodedVerificationSummary {
  const ignored = new Set<string>();
  const predicate = readObject(value, "$.predicate", { absent: "null", ignored, read: readSummary });
  return { predicate, ignoredFields: [...ignored] };
}

function readSummary(object: ObjectReader): VerificationSummary {
  const verifier = object.object("verifier", (inner) => ({ id: inner.required("id", decodeTypeUri) }));
  const timeVerified = object.required("timeVerified", decodeTimestamp);
  const resourceUri = object.required("resourceUri", decodeResourceUri);
  const policy = object.object("policy", readPolicy);
  const inputAttestations = object.optionalObjects("inputAttestations", readInput, { max: MAX_ATTESTATIONS });
  const verificationResult = object.oneOf("verificationResult", ["PASSED", "FAILED"]);
  const verifiedLevels = object.array("verifiedLevels", decodeLevel, { max: MAX_LEVELS });
  if (verificationResult === "PASSED" && verifiedLevels.includes("FAILED")) {
    throw new DecodeError(object.at("verifiedLevels"), "levels that passed", '"FAILED"');
  }
  const dependencyLevels = object.optionalRecord("dependencyLevels", decodeCount, { max: MAX_LEVELS });
  const slsaVersion = object.optional("slsaVersion", decodeSlsaVersion);
  return {
    verifier,
    timeVerified,
    resourceUri,
    policy,
    ...(inputAttestations && { inputAttestations }),
    verificationResult,
    verifiedLevels,
    ...(dependencyLevels && { dependencyLevels }),
    ...(slsaVersion !== undefined && { slsaVersion }),
  };
}

function readPolicy(object: ObjectReader): VerificationSummary["policy"] {
  const uri = object.required("uri", decodeResourceUri);
  return { ...readResourceDescriptor(object), uri };
}

function readInput(object: ObjectReader): InputAttestation {
  const descriptor = readResourceDescriptor(object);
  if (descriptor.digest === undefined) throw new DecodeError(object.at("digest"), "a digest", "nothing");
  return { ...descriptor, digest: descriptor.digest };
}

const decodeLevel: Decoder<string> = (value, path) => asString(value, path, { min: 1, max: 256 });

const decodeCount: Decoder<number> = (value, path) => asInteger(value, path, { min: 0 });

const decodeSlsaVersion: Decoder<string> = (value, path) => {
  const version = asString(value, path, { max: 16 });
  if (!SLSA_VERSION.test(version)) throw new DecodeError(path, "MAJOR.MINOR", describeValue(version));
  return version;
};
