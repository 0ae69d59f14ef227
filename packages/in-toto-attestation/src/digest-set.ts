// SPDX-License-Identifier: Apache-2.0
// DigestSet, in-toto attestation v1: digests of one artifact by algorithm name. Inputs of the decoder are untrusted.
// https://github.com/in-toto/attestation/blob/main/spec/v1/digest_set.md
import { asRecord, asString, DecodeError, describeValue, type Decoder } from "./decode.ts";

/** Algorithm name to digest; lower-case hex for every algorithm that the specification defines. */
export type DigestSet = Readonly<Record<string, string>>;

/** The most digests one set may hold: more than the specification names. */
export const MAX_DIGESTS = 32;

const ANY_LENGTH: readonly number[] = [];

// Hex characters of each algorithm of the specification; ANY_LENGTH where the output length is the user's choice.
const HEX_LENGTHS: ReadonlyMap<string, readonly number[]> = new Map([
  ["sha256", [64]],
  ["sha224", [56]],
  ["sha384", [96]],
  ["sha512", [128]],
  ["sha512_224", [56]],
  ["sha512_256", [64]],
  ["sha3_224", [56]],
  ["sha3_256", [64]],
  ["sha3_384", [96]],
  ["sha3_512", [128]],
  ["shake128", ANY_LENGTH],
  ["shake256", ANY_LENGTH],
  ["blake2b", ANY_LENGTH],
  ["blake2s", ANY_LENGTH],
  ["ripemd160", [40]],
  ["sm3", [64]],
  ["gost", [64]],
  ["sha1", [40]],
  ["md5", [32]],
  ["dirHash", [64]],
  ["gitCommit", [40, 64]],
  ["gitTree", [40, 64]],
  ["gitBlob", [40, 64]],
  ["gitTag", [40, 64]],
]);

const LOWER_HEX = /^(?:[0-9a-f]{2})+$/;
const ALGORITHM_NAME = /^[\x21-\x7e]{1,64}$/;
const DIGEST_LENGTH = { min: 1, max: 1024 };

/** The algorithms that may decide whether two sets mean one artifact. Everything else is carried, never compared. */
export const ACCEPTED_ALGORITHMS = ["sha256", "sha384", "sha512"] as const;
export type AcceptedAlgorithm = (typeof ACCEPTED_ALGORITHMS)[number];

/** Whether `value` has the encoding and length of `algorithm`; false for an algorithm the specification does not name. */
export function isDigest(algorithm: string, value: string): boolean {
  const lengths = HEX_LENGTHS.get(algorithm);
  if (lengths === undefined || !LOWER_HEX.test(value)) return false;
  return lengths === ANY_LENGTH || lengths.includes(value.length);
}

/**
 * A DigestSet of 1 to 32 digests. Digests of algorithms the specification names must be lower-case hex of the right
 * length; others are kept as they are, for consumers to ignore. Throws DecodeError.
 */
export const decodeDigestSet: Decoder<DigestSet> = (value, path) =>
  asRecord(value, path, { min: 1, max: MAX_DIGESTS, decode: decodeDigest });

/** How two digest sets compare, by algorithm name. */
export interface DigestComparison {
  /** Accepted algorithms in both sets with equal digests. */
  readonly matched: AcceptedAlgorithm[];
  /** Accepted algorithms in both sets with different digests, or with a value that is no digest. */
  readonly mismatched: AcceptedAlgorithm[];
  /** What `claimed` states and nobody compared: unaccepted algorithms, and accepted ones that `known` lacks. */
  readonly unknown: string[];
}

/** Compares what was computed with what was claimed, on ACCEPTED_ALGORITHMS only. */
export function matchDigests(known: DigestSet, claimed: DigestSet): DigestComparison {
  const shared = ACCEPTED_ALGORITHMS.filter(
    (algorithm) => known[algorithm] !== undefined && claimed[algorithm] !== undefined,
  );
  const equal = (algorithm: AcceptedAlgorithm): boolean => {
    const digest = known[algorithm];
    return digest !== undefined && digest === claimed[algorithm] && isDigest(algorithm, digest);
  };
  return {
    matched: shared.filter((algorithm) => equal(algorithm)),
    mismatched: shared.filter((algorithm) => !equal(algorithm)),
    unknown: Object.keys(claimed).filter((algorithm) => !shared.some((name) => name === algorithm)),
  };
}

/**
 * Whether the two sets mean the same bytes: at least one accepted algorithm is shared and every shared one is equal.
 * Stricter than the specification, where any equal digest is enough: a set that is right under one algorithm and wrong
 * under another was not made from one artifact.
 */
export function sameArtifact(known: DigestSet, claimed: DigestSet): boolean {
  const { matched, mismatched } = matchDigests(known, claimed);
  return matched.length > 0 && mismatched.length === 0;
}

function decodeDigest(value: unknown, path: string, algorithm: string): string {
  if (!ALGORITHM_NAME.test(algorithm)) {
    throw new DecodeError(path, "an algorithm name of 1 to 64 printable characters", describeValue(algorithm));
  }
  const digest = asString(value, path, DIGEST_LENGTH);
  if (HEX_LENGTHS.has(algorithm) && !isDigest(algorithm, digest)) {
    throw new DecodeError(path, describeDigest(algorithm), describeValue(digest));
  }
  return digest;
}

function describeDigest(algorithm: string): string {
  const lengths = HEX_LENGTHS.get(algorithm) ?? ANY_LENGTH;
  return lengths === ANY_LENGTH ? "lower-case hex" : `${lengths.join(" or ")} lower-case hex digits`;
}
