// SPDX-License-Identifier: Apache-2.0
// Attacks on the verifier's memory and time: sizes beyond limits.ts, in the bundle and around it. Each twin is the same
// bundle at or below the limit.
import { LIMITS } from "@kiteseal/core";
import { attacksOn } from "./spec.ts";
import { NAME } from "./forge.ts";
import { bundlePath, reference } from "./forge/stored.ts";

const padTo =
  (size: number) =>
  (text: string): string =>
    text + " ".repeat(size - Buffer.byteLength(text));
const sidecar = `${NAME}.sigstore.json`;

export const LIMIT_ATTACKS = attacksOn("limits", "ERR_LIMIT_EXCEEDED", [
  {
    id: "bundle-one-byte-too-large",
    why: "white space after the JSON is not signed and can be any amount",
    attack: { text: padTo(LIMITS.bundleBytes + 1) },
    twin: { text: padTo(LIMITS.bundleBytes) },
  },
  {
    id: "bundle-large-key-id",
    why: "the envelope's key id is not signed and can be any text",
    attack: { document: (d) => d.dsseEnvelope.signatures.forEach((s) => (s.keyid = "k".repeat(LIMITS.bundleBytes))) },
    twin: { document: (d) => d.dsseEnvelope.signatures.forEach((s) => (s.keyid = "k".repeat(1024))) },
  },
  {
    id: "bundle-large-signed-payload",
    why: "a genuine signer signs five megabytes of predicate",
    attack: {
      provenance: (p) => void (p.buildDefinition.internalParameters.buildkite["unverified"] = "x".repeat(5_000_000)),
    },
    twin: {
      provenance: (p) => void (p.buildDefinition.internalParameters.buildkite["unverified"] = "x".repeat(500_000)),
    },
  },
  {
    id: "bundle-large-log-body",
    why: "a log that takes any body returns a huge one",
    attack: { logs: [{ kind: "v1-dsse", body: (b) => b + " ".repeat(4_000_000) }] },
    twin: { logs: [{ kind: "v1-dsse", body: (b) => b + " ".repeat(4_000) }] },
  },
  {
    id: "bundle-8-megabytes-of-nothing",
    why: "bytes that are not even JSON must not reach a parser",
    attack: { text: () => Buffer.alloc(8_000_000, "[") },
  },
  {
    id: "sidecar-of-100-megabytes",
    why: "whoever writes the store puts a huge file where every client looks",
    base: { stored: (bundle) => [{ name: sidecar, bytes: bundle }] },
    attack: { stored: (bundle) => [{ name: sidecar, bytes: Buffer.concat([bundle, Buffer.alloc(100_000_000, " ")]) }] },
  },
  {
    id: "stored-bundle-too-large",
    why: "the bundle that a reference names has the right digest and five megabytes",
    base: { stored: (bundle) => [reference(bundle), { name: bundlePath(bundle), bytes: bundle }] },
    attack: { text: padTo(LIMITS.bundleBytes + 1) },
  },
  {
    id: "jsonl-line-too-large",
    why: "one line of a file of bundles is larger than a bundle may be",
    base: { files: (bundle) => [{ name: "all.jsonl", bytes: Buffer.concat([bundle, Buffer.from("\r\n")]) }] },
    attack: { text: padTo(LIMITS.bundleBytes + 1) },
  },
]);

/** Refused before a bundle is looked at. */
export const FILE_ATTACKS = attacksOn("none", "ERR_LIMIT_EXCEEDED", [
  {
    id: "given-file-empty",
    outcome: "input",
    code: "ERR_BUNDLE_INVALID",
    why: "no bytes are no bundle",
    attack: { text: () => "" },
  },
  {
    id: "given-file-of-100-megabytes",
    outcome: "input",
    why: "a huge file is given by hand",
    attack: { files: () => [{ name: "bundle.sigstore.json", bytes: Buffer.alloc(100_000_000, " ") }] },
  },
  {
    id: "given-file-of-1025-bundles",
    outcome: "input",
    why: "a file of more bundles than anybody needs",
    attack: {
      files: (bundle) => [{ name: "all.jsonl", bytes: Buffer.concat(lines(bundle, LIMITS.bundlesPerFile + 1)) }],
    },
    twin: { files: (bundle) => [{ name: "all.jsonl", bytes: Buffer.concat(lines(bundle, LIMITS.bundlesPerFile)) }] },
  },
]);

function lines(bundle: Uint8Array, count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(i === count - 1 ? `${Buffer.from(bundle).toString()}\n` : `{}\n`),
  );
}
