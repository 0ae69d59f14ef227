// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { predicateTypeFromName } from "./predicate-types.ts";

test.each([
  ["slsaprovenance", "https://slsa.dev/provenance/v0.2"],
  ["slsaprovenance02", "https://slsa.dev/provenance/v0.2"],
  ["slsaprovenance1", "https://slsa.dev/provenance/v1"],
  ["link", "https://in-toto.io/Link/v1"],
  ["spdx", "https://spdx.dev/Document"],
  ["spdxjson", "https://spdx.dev/Document"],
  ["cyclonedx", "https://cyclonedx.org/bom"],
  ["vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"],
  ["openvex", "https://openvex.dev/ns"],
  ["custom", "https://cosign.sigstore.dev/attestation/v1"],
  ["vsa", "https://slsa.dev/verification_summary/v1"],
  ["test-result", "https://in-toto.io/attestation/test-result/v0.1"],
  ["https://example.com/mine/v1", "https://example.com/mine/v1"],
  ["urn:example:x", "urn:example:x"],
])("%s means %s", (name, uri) => {
  expect(predicateTypeFromName(name)).toBe(uri);
});

test.each(["", "SPDX", "provenance", "toString", "__proto__", "example.com/x", "https://a b", "https:", "HTTPS://x"])(
  "%j means nothing",
  (name) => {
    expect(predicateTypeFromName(name)).toBeUndefined();
  },
);
