// SPDX-License-Identifier: Apache-2.0
// What belongs in one room of the house, and the few imports that go against the order of the layers.
import type { PackageName } from "./sources.ts";

export interface Room {
  readonly what: string;
  readonly packages: readonly PackageName[];
  readonly pattern: RegExp;
  /** Below `packages/`. */
  readonly where: readonly string[];
}

const LIBRARIES = ["core", "in-toto-attestation", "storage-adapters"] as const;
const CLI_EDGE = ["cli/src/bin.ts", "cli/src/io.ts"];

export const ROOMS: readonly Room[] = [
  { what: "process", packages: LIBRARIES, pattern: /\bprocess\./, where: [] },
  { what: "the system's clock", packages: LIBRARIES, pattern: /\bDate\.now\(|\bnew Date\(\)/, where: [] },
  { what: "console", packages: [...LIBRARIES, "sandbox", "cli"], pattern: /\bconsole\./, where: [] },
  { what: "globalThis", packages: [...LIBRARIES, "sandbox"], pattern: /\bglobalThis\b/, where: [] },
  {
    what: "mutable module state",
    packages: [...LIBRARIES, "sandbox", "cli"],
    pattern: /^(?:export )?(?:let|var) |^(?:export )?const \w+.*= new (?:Weak)?(?:Map|Set)(?:<.*>)?\(\)/,
    where: [],
  },
  { what: "process of the command line", packages: ["cli"], pattern: /\bprocess\./, where: CLI_EDGE },
  { what: "process.exit", packages: ["cli", "sandbox"], pattern: /\bprocess\.exit\b/, where: ["cli/src/bin.ts"] },
  {
    what: "the clock of the command line",
    packages: ["cli"],
    pattern: /\bDate\.now\(|\bnew Date\(\)/,
    where: CLI_EDGE,
  },
  { what: "fetch", packages: LIBRARIES, pattern: /(?<![.\w])fetch\(/, where: ["core/src/http.ts"] },
  {
    what: "making a VerifiedArtifact",
    packages: ["core", "cli"],
    pattern: /(?<!function )\bmakeVerified\(/,
    where: ["core/src/policy/decide.ts"],
  },
  {
    what: "making a SignablePayload",
    packages: ["core", "cli"],
    pattern: /\b(?:as|is) SignablePayload\b/,
    where: ["core/src/signing/guard.ts"],
  },
  {
    what: "switching off certificate checks",
    packages: [...LIBRARIES, "sandbox", "cli"],
    pattern: /rejectUnauthorized|NODE_TLS_REJECT/,
    where: [],
  },
];

/** `file → imported file` in core, with the reason. Types only; an entry that is no longer needed fails the test. */
export const PERMITTED_INVERSIONS: Readonly<Record<string, string>> = {};
