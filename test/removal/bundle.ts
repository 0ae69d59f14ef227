// SPDX-License-Identifier: Apache-2.0
// Guards of how bundle bytes are read, and of the strict JSON below them.
import { I, S, guard, type Guard } from "./guard.ts";

export const BUNDLE_GUARDS: readonly Guard[] = [
  guard("limits", "bundle size", [
    "core/src/decode.ts",
    "if (input.length > options.maxBytes) {",
    "if (input.length < 0) {",
  ]),
  guard("none", "size of a file of bundles", [
    "core/src/store/bundle-file.ts",
    "if (bytes.length > LIMITS.bundleFileBytes) {",
    "if (bytes.length < 0) {",
  ]),
  guard("none", "count of bundles in a file", [
    "core/src/store/bundle-file.ts",
    "if (documents.length > LIMITS.bundlesPerFile) {",
    "if (documents.length < 0) {",
  ]),
  guard("none", "empty file of bundles", [
    "core/src/store/bundle-file.ts",
    "if (documents.length === 0 || bytes.length === 0) {",
    "if (documents.length < 0) {",
  ]),
  guard("bundle", "digest of a stored bundle", [
    "core/src/store/attestations.ts",
    "if (actual === digest) return bytes;",
    "return bytes;",
  ]),
  guard("bundle", "media type", [
    `${S}bundle.ts`,
    "MEDIA_TYPES.get(mediaType);",
    'MEDIA_TYPES.get(mediaType) ?? "0.3";',
  ]),
  guard(
    "bundle",
    "certificate field by version",
    [
      `${S}bundle.ts`,
      'const certificateKey = version === "0.3" ? "certificate" : "x509CertificateChain";',
      'const certificateKey = m.has("certificate") ? "certificate" : "x509CertificateChain";',
    ],
    [`${S}bundle.ts`, 'if (version === "0.3") return { kind', 'if (certificateKey === "certificate") return { kind'],
  ),
  guard("bundle", "one content kind", [
    `${I}object-reader.ts`,
    "if (only !== undefined && present.length === 1) return only;",
    "if (only !== undefined) return only;",
  ]),
  guard("bundle", "one signature", [`${S}bundle.ts`, "{ min: 1, max: 1 },", "{ min: 1, max: 2 },"]),
  guard("bundle", "proof or promise by version", [
    `${S}bundle.ts`,
    'if (version === "0.1" ? inclusionPromise !== undefined : inclusionProof?.checkpoint !== undefined) return entry;',
    "if (inclusionPromise !== undefined || inclusionProof !== undefined) return entry;",
  ]),
  guard("bundle", "count of log entries", [`${S}bundle.ts`, "{ max: LIMITS.logEntries }", "{ max: 1000 }"]),
  guard("bundle", "count of timestamps", [`${S}bundle.ts`, "max: LIMITS.timestamps", "max: 1000"]),
  guard("bundle", "unknown members", [
    `${I}object-reader.ts`,
    'if (ignored === undefined) throw new DecodeError(this.at(key), "no such member", "one");',
    "if (ignored === undefined) continue;",
  ]),
  guard("bundle", "duplicate members", [`${I}json.ts`, "if (key in object) {", "if (key === undefined) {"]),
  guard("bundle", "bytes after the document", [
    `${I}json.ts`,
    "if (this.#position < this.#text.length) throw",
    "if (this.#position < 0) throw",
  ]),
  guard(
    "bundle",
    "byte order mark",
    [`${I}json.ts`, "if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {", "if (bytes.length < 0) {"],
    [
      `${I}json.ts`,
      'new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)',
      'new TextDecoder("utf-8", { fatal: true }).decode(bytes)',
    ],
  ),
  guard("bundle", "UTF-8", [
    `${I}json.ts`,
    'new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })',
    'new TextDecoder("utf-8", { fatal: false, ignoreBOM: true })',
  ]),
  guard("bundle", "depth of JSON", [`${I}json.ts`, "if (depth >= this.#maxDepth) throw", "if (depth < 0) throw"]),
  guard("bundle", "canonical base64", [
    `${I}decode.ts`,
    'if (bytes.toString("base64") !== value) {',
    "if (bytes.length < 0) {",
  ]),
  guard("statement", "numbers beyond 2^53", [
    `${I}json.ts`,
    "if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw",
    "if (value === undefined) throw",
  ]),
  guard("statement", "lone surrogates", [
    `${I}json.ts`,
    'if (typeof value !== "string" || !value.isWellFormed()) {',
    'if (typeof value !== "string") {',
  ]),
];
