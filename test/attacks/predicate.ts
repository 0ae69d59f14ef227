// SPDX-License-Identifier: Apache-2.0
// Attacks that offer one kind of statement for another: all of them by the allowed builder, about the right bytes.
import { attacksOn, type Spec } from "./spec.ts";

const of = (predicateType: string, predicate: unknown = {}): Spec => ({ predicateType, predicate });

export const PREDICATE_ATTACKS = attacksOn("predicate", "ERR_PREDICATE_TYPE", [
  {
    id: "sbom-as-provenance",
    why: "an SBOM of the bytes says nothing about their build",
    attack: of("https://cyclonedx.org/bom"),
  },
  { id: "spdx-as-provenance", why: "as above", attack: of("https://spdx.dev/Document") },
  {
    id: "summary-as-provenance",
    why: "a verifier's summary is not the builder's provenance",
    attack: of("https://slsa.dev/verification_summary/v1", { verificationResult: "PASSED" }),
  },
  {
    id: "test-result-as-provenance",
    why: "tests that passed are not provenance",
    attack: of("https://in-toto.io/attestation/test-result/v0.1", { result: "PASSED" }),
  },
  {
    id: "provenance-v0.2",
    why: "the older provenance has other rules",
    attack: of("https://slsa.dev/provenance/v0.2", { builder: { id: "https://buildkite.com/acme/app" } }),
  },
  {
    id: "provenance-type-slash",
    why: "types are compared whole",
    attack: { predicateType: "https://slsa.dev/provenance/v1/" },
  },
  {
    id: "provenance-type-version",
    why: "v1.1 is another type until a rule names it",
    attack: { predicateType: "https://slsa.dev/provenance/v1.1" },
  },
  { id: "provenance-type-http", why: "another scheme", attack: { predicateType: "http://slsa.dev/provenance/v1" } },
  { id: "provenance-type-case", why: "another spelling", attack: { predicateType: "https://slsa.dev/Provenance/v1" } },
  {
    id: "provenance-as-sbom",
    why: "provenance where the rule asks for an SBOM",
    base: { rule: { type: "cyclonedx" } },
    attack: {},
    twin: of("https://cyclonedx.org/bom"),
  },
  {
    id: "custom-type-as-another",
    why: "a type of one's own for another",
    base: { rule: { type: "https://acme.example/approval/v1" } },
    attack: of("https://acme.example/approval/v2"),
    twin: of("https://acme.example/approval/v1"),
  },
]);
