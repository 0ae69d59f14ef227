// SPDX-License-Identifier: Apache-2.0
// Where attestations lie in a store, written down from docs/reference/layout.md and not from the code that reads it.
import { createHash } from "node:crypto";
import type { BundleFile } from "../spec.ts";

const ROOT = "dist/.kiteseal/";
/** sha256 of the corpus' artifact. */
const SUBJECT = createHash("sha256").update("the bytes that were built\n").digest("hex");

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

export function bundlePath(bundle: Uint8Array, digest: string = sha256(bundle)): string {
  return `${ROOT}bundles/sha256/${digest.slice(0, 2)}/${digest}.sigstore.json`;
}

/** The zero-length object that says that a bundle is about the corpus' artifact. */
export function reference(
  bundle: Uint8Array | string,
  o: { signer?: string; build?: number; subject?: string } = {},
): BundleFile {
  const { signer = "https://buildkite.com/acme/app", build = 1514, subject = SUBJECT } = o;
  const digest = typeof bundle === "string" ? bundle : sha256(bundle);
  const name = `${String(build).padStart(10, "0")}-${digest}`;
  const folder = `${ROOT}subjects/sha256/${subject.slice(0, 2)}/${subject}/${sha256(signer)}`;
  return { name: `${folder}/${name}`, bytes: new Uint8Array() };
}

/** The bundle under its digest, and its reference. */
export function storedBundle(bundle: Uint8Array, o: { signer?: string; build?: number } = {}): readonly BundleFile[] {
  return [{ name: bundlePath(bundle), bytes: bundle }, reference(bundle, o)];
}
