// SPDX-License-Identifier: Apache-2.0
// Attacks by whoever writes the store: junk, references to nothing, evidence spread over bundles, bundles withheld. A
// store may choose "no" and "could not tell"; it never chooses "verified".
import { attacksOn, type BundleFile, type Spec } from "./spec.ts";
import { bundlePath, reference, storedBundle } from "./forge/stored.ts";
import { NAME } from "./forge.ts";

const SIDECAR = `${NAME}.sigstore.json`;
const hex = (i: number): string => i.toString(16).padStart(64, "0");
const LAX = "https://buildkite.com/acme/lax";
const stored: Spec = { stored: (bundle) => storedBundle(bundle) };
const junk = (count: number, o: { signer?: string; build?: number }): BundleFile[] =>
  Array.from({ length: count }, (_, i) => reference(hex(i), o));
const jsonl = (...bundles: readonly Uint8Array[]): BundleFile => ({
  name: "all.jsonl",
  bytes: Buffer.from(bundles.map((b) => Buffer.from(b).toString().trim()).join("\n")),
});

export const NO_ROW_ATTACKS = attacksOn("none", "ERR_UNATTESTED", [
  {
    id: "attestation-withheld",
    outcome: "unattested",
    why: "the store hides the bundle",
    base: stored,
    attack: { stored: () => [{ name: NAME, bytes: Buffer.alloc(0) }] },
  },
  {
    id: "reference-of-another-subject",
    outcome: "unattested",
    why: "a reference filed under other bytes",
    base: stored,
    attack: {
      stored: (b) =>
        storedBundle(b).map((f) => ({
          ...f,
          name: f.name.includes("/subjects/") ? reference(b, { subject: hex(1) }).name : f.name,
        })),
    },
  },
  {
    id: "reference-to-nothing",
    code: "ERR_CANDIDATE_UNREADABLE",
    outcome: "undetermined",
    why: "a reference to a bundle that is not there",
    base: stored,
    attack: { stored: (b) => [reference(b)] },
  },
  {
    id: "10000-junk-references-of-the-builder",
    code: "ERR_CANDIDATE_UNREADABLE",
    outcome: "undetermined",
    why: "ten thousand references in the allowed builder's folder to nothing",
    base: stored,
    attack: { stored: () => junk(10_000, {}) },
    twin: { stored: (b) => [...storedBundle(b), ...junk(10_000, { signer: LAX })] },
  },
  {
    id: "junk-references-of-strangers",
    code: "ERR_CANDIDATE_UNREADABLE",
    outcome: "undetermined",
    why: "references of other signers to nothing",
    base: stored,
    attack: { stored: () => junk(500, { signer: LAX }) },
    twin: { stored: (b) => [...storedBundle(b), ...junk(500, { signer: LAX })] },
  },
  {
    id: "reference-name-junk",
    outcome: "unattested",
    why: "names that are no references",
    base: stored,
    attack: { stored: (b) => storedBundle(b).map((f) => ({ ...f, name: f.name.replace(/\/\d{10}-/, "/x-") })) },
  },
]);

export const STORE_BUNDLE_ATTACKS = attacksOn("bundle", "ERR_BUNDLE_INVALID", [
  {
    id: "store-returns-other-bytes",
    code: "ERR_STORE_TAMPERED",
    why: "the bundle under a digest is not the one of that digest",
    base: stored,
    attack: {
      stored: (b) => [reference(b), { name: bundlePath(b), bytes: Buffer.from(`${Buffer.from(b).toString()} `) }],
    },
  },
  {
    id: "sidecar-junk",
    why: "junk where every client looks",
    base: { stored: (b) => [{ name: SIDECAR, bytes: b }] },
    attack: { stored: () => [{ name: SIDECAR, bytes: Buffer.from("junk") }] },
  },
  {
    id: "many-junk-bundles",
    why: "a thousand documents of nothing; the twin has the good one last",
    base: { files: (b) => [jsonl(...Array.from({ length: 1000 }, (_, i) => Buffer.from(`{"junk":${i}}`)), b)] },
    attack: { files: () => [jsonl(...Array.from({ length: 1001 }, (_, i) => Buffer.from(`{"junk":${i}}`)))] },
  },
  {
    id: "stored-junk-bundles",
    why: "the store is full of bundles of nothing in the builder's folder",
    base: { stored: (b) => [...storedBundle(b, { build: 1 }), ...junkBundles(50)] },
    attack: { stored: () => junkBundles(50) },
  },
]);

function junkBundles(count: number): BundleFile[] {
  return Array.from({ length: count }, (_, i) => storedBundle(Buffer.from(`{"junk":${i}}`))).flat();
}

/** Evidence of two bundles is never combined: each fails for its own reason. */
export const COMBINED_ATTACKS = [
  ...attacksOn("time", "ERR_TIME", [
    {
      id: "two-halves-log-and-time",
      why: "one bundle has the log entry, the other the stamp",
      base: {},
      attack: (f) => ({ files: () => [jsonl(f.bundle({ stamps: [] }), f.bundle({ logs: [] }))] }),
    },
  ]),
  ...attacksOn("identity", "ERR_IDENTITY", [
    {
      id: "two-halves-builder-and-name",
      why: "the allowed builder attests other bytes, a stranger these",
      attack: (f) => ({
        files: () => [
          jsonl(
            f.bundle({ job: { pipeline: "lax" } }),
            f.bundle({ subject: [{ name: NAME, digest: { sha256: hex(1) } }] }),
          ),
        ],
      }),
      twin: (f) => ({ files: (b) => [jsonl(f.bundle({ job: { pipeline: "lax" } }), b)] }),
    },
  ]),
  ...attacksOn("predicate", "ERR_PREDICATE_TYPE", [
    {
      id: "two-halves-type-and-branch",
      why: "an SBOM from main, provenance from a branch",
      attack: (f) => ({
        files: () => [
          jsonl(
            f.bundle({ predicateType: "https://cyclonedx.org/bom", predicate: {} }),
            f.bundle({ job: { branch: "evil" }, subject: [{ name: NAME, digest: { sha256: hex(1) } }] }),
          ),
        ],
      }),
    },
  ]),
  ...attacksOn("identity", "ERR_IDENTITY", [
    {
      id: "another-pipelines-bundle-in-the-store",
      why: "found although no allowed builder attested: rejected, naming its signer",
      base: stored,
      attack: { job: { pipeline: "lax" }, stored: (b) => storedBundle(b, { signer: LAX }) },
    },
    {
      id: "another-pipelines-bundle-in-our-folder",
      why: "filed under the allowed builder's name",
      base: stored,
      attack: { job: { pipeline: "lax" } },
    },
  ]),
];
