// SPDX-License-Identifier: Apache-2.0
// Every bound on bytes, counts and time, each with its reason. A test names each one.

export const LIMITS = {
  /** A statement of 1,024 subjects with names of 100 characters is 200 KiB; a log entry repeats nothing of it. */
  bundleBytes: 4_194_304,
  /** Certificate, log entries, timestamps: what a bundle holds beside its payload. */
  bundleOverheadBytes: 262_144,
  /** A .jsonl file of bundles, as `gh attestation download` writes. */
  bundleFileBytes: 67_108_864,
  bundlesPerFile: 1024,
  /** The public-good root is 7 KiB. */
  trustedRootBytes: 1_048_576,
  signingConfigBytes: 262_144,
  policyBytes: 1_048_576,
  configBytes: 262_144,
  pinsBytes: 67_108_864,
  checksumFileBytes: 67_108_864,
  /** As other clients of the field allow. */
  logEntries: 32,
  timestamps: 32,
  certificates: 10,
  subjects: 1024,
  digestsPerSubject: 32,
  /** Deeper than any statement in use; shallow enough that no reader overflows its stack. */
  jsonDepth: 64,
  /** Any text field of an attestation that is compared or shown. */
  textBytes: 16_384,
  nameBytes: 4_096,
  tokenBytes: 32_768,
  /** A secret of Buildkite has 32 KiB at most; a line break ends it. */
  secretBytes: 32_770,
  /** A reply of Fulcio, Rekor, a timestamp authority or the agent. */
  serviceReplyBytes: 4_194_304,
  serviceTimeoutMs: 30_000,
  /** Names listed below one subject before the lookup gives up on that place. */
  referencesPerSubject: 1000,
  /** Bundles authenticated for one artifact, so that junk beside a good one costs little. */
  bundlesPerArtifact: 10,
  /** The same bytes may come out of many builds of an allowed builder. */
  bundlesPerBuilder: 100,
  /** Bundles whose authentication is remembered in a run, by their size; what they decode to is about ten times that. */
  authenticationCacheBytes: 16_777_216,
  /** Files hashed at once: small ones wait for the disk; two buffers each. */
  parallelFiles: 4,
  /** Zero-length objects written at once: each waits for the disk or the network, none for the processor. */
  parallelReferences: 32,
  /** Keys looked at at once: what is there is read whole. */
  parallelLooks: 8,
  /** From as many artifacts on, one listing is asked which are there already: a page holds 1,000. */
  looksBeforeListing: 64,
  /** Objects of others that such a listing may hold before looking at each artifact is cheaper. */
  listedInVain: 2000,
  /** Two of these are in memory while a file is hashed. */
  hashBufferBytes: 4_194_304,
  /** From here on a published file is hashed in a thread of its own: one at a time, other large ones on the main thread. */
  threadFileBytes: 67_108_864,
  /** Files that are hashed, signed and then sent are read once, up to this size each and this much together. */
  keptFileBytes: 65_536,
  keptFilesBytes: 16_777_216,
  /** As many as a pins file may name: each is held in memory and becomes a file of one new directory. */
  fetchedObjects: 100_000,
  /** What is in the way at a destination and has another size is read up to here, so that a message can name its digest. */
  conflictReadBytes: 1_073_741_824,
  predicateBytes: 16_777_216,
  lockFileBytes: 67_108_864,
  /** Clocks of services and verifiers differ by this much at most. */
  clockSkewMs: 300_000,
} as const;
