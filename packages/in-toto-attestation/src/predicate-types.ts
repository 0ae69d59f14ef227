// SPDX-License-Identifier: Apache-2.0
// Predicate type URIs, and the short names people type for them. The names are cosign's `--type` names with cosign's
// meaning, plus two of in-toto's and SLSA's own. Compared by ===, never by prefix.
import { isTypeUri } from "./resource-descriptor.ts";

/** The URIs of well-known predicates. */
export const PREDICATE_TYPES = {
  slsaProvenanceV02: "https://slsa.dev/provenance/v0.2",
  slsaProvenanceV1: "https://slsa.dev/provenance/v1",
  vsaV1: "https://slsa.dev/verification_summary/v1",
  link: "https://in-toto.io/Link/v1",
  testResult: "https://in-toto.io/attestation/test-result/v0.1",
  spdx: "https://spdx.dev/Document",
  cyclonedx: "https://cyclonedx.org/bom",
  openvex: "https://openvex.dev/ns",
  cosignVuln: "https://cosign.sigstore.dev/attestation/vuln/v1",
  cosignCustom: "https://cosign.sigstore.dev/attestation/v1",
} as const;

/** Short names to URIs. `slsaprovenance` is v0.2, as in cosign; v1 is `slsaprovenance1`. */
export const PREDICATE_TYPE_NAMES: ReadonlyMap<string, string> = new Map([
  ["slsaprovenance", PREDICATE_TYPES.slsaProvenanceV02],
  ["slsaprovenance02", PREDICATE_TYPES.slsaProvenanceV02],
  ["slsaprovenance1", PREDICATE_TYPES.slsaProvenanceV1],
  ["vsa", PREDICATE_TYPES.vsaV1],
  ["link", PREDICATE_TYPES.link],
  ["test-result", PREDICATE_TYPES.testResult],
  ["spdx", PREDICATE_TYPES.spdx],
  ["spdxjson", PREDICATE_TYPES.spdx],
  ["cyclonedx", PREDICATE_TYPES.cyclonedx],
  ["openvex", PREDICATE_TYPES.openvex],
  ["vuln", PREDICATE_TYPES.cosignVuln],
  ["custom", PREDICATE_TYPES.cosignCustom],
]);

/** The URI for a short name, an absolute URI as it is, undefined for anything else. */
export function predicateTypeFromName(nameOrUri: string): string | undefined {
  return PREDICATE_TYPE_NAMES.get(nameOrUri) ?? (isTypeUri(nameOrUri) ? nameOrUri : undefined);
}
