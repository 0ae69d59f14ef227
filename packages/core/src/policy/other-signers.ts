// SPDX-License-Identifier: Apache-2.0
// Signers that are not Buildkite builders: certificates of other issuers and bare keys. Buildkite's own issuer always
// becomes the Buildkite rule, whatever flag named it, so that nobody escapes its ref. Errors: ERR_POLICY_INVALID.
import { BUILDKITE_ISSUER } from "../buildkite/facts.ts";
import { KitesealError, quote } from "../errors.ts";
import { readTrustedKey } from "../sigstore/trusted-key.ts";
import type { RuleInput } from "./compile.ts";
import type { BuildkiteExpectation, CertificateExpectation, KeyExpectation, TextExpectation } from "./rule.ts";

const PIPELINE = /^https:\/\/buildkite\.com\/([^/]+)\/([^/]+)$/;

function invalid(id: string, message: string, hint?: string): KitesealError {
  return new KitesealError("ERR_POLICY_INVALID", `rule ${quote(id)}: ${message}`, { hint });
}

/** Keys that only a Buildkite certificate can prove. */
const BUILDKITE_KEYS = [
  "build",
  "trigger",
  "runner",
  "commit",
  "organizationId",
  "pipelineId",
  "branch",
  "tag",
  "anyRef",
] as const;

function refuseBuildkiteKeys(input: RuleInput): void {
  const given = BUILDKITE_KEYS.filter((key) => input[key] !== undefined);
  if (given.length > 0) throw invalid(input.id, `${given.join(", ")}: only a Buildkite builder proves that`);
}

export function compileCertificate(
  input: RuleInput,
  asBuildkite: (organization: string, pipeline: string) => BuildkiteExpectation,
): CertificateExpectation | BuildkiteExpectation {
  const { id, certificate = [] } = input;
  const [first, ...others] = certificate;
  if (first === undefined) throw invalid(id, "names no certificate identity");
  if (certificate.some((one) => one.issuer === BUILDKITE_ISSUER)) {
    const [, organization, pipeline] = PIPELINE.exec(first.identity ?? "") ?? [];
    const patterns = first.identityRegexp !== undefined || first.issuerRegexp !== undefined;
    if (organization === undefined || pipeline === undefined || patterns || others.length > 0) {
      throw invalid(
        id,
        "Buildkite's issuer takes one identity https://buildkite.com/ORG/PIPELINE",
        "use --org, --pipeline and --branch",
      );
    }
    return asBuildkite(organization, pipeline);
  }
  refuseBuildkiteKeys(input);
  return {
    kind: "certificate",
    identities: certificate.map((one) => ({
      subject: text(id, "certificate identity", { equals: one.identity, matches: one.identityRegexp }),
      issuer: text(id, "certificate issuer", { equals: one.issuer, matches: one.issuerRegexp }),
    })),
  };
}

function text(
  id: string,
  what: string,
  o: { equals: string | undefined; matches: string | undefined },
): TextExpectation {
  const { equals, matches } = o;
  if ((equals === undefined) === (matches === undefined)) {
    throw invalid(id, `the ${what} must be given once: a text or a regular expression`);
  }
  if (equals !== undefined) {
    if (equals === "") throw invalid(id, `the ${what} is empty`);
    return { equals };
  }
  try {
    // Valid by itself first: `a)|(?:b` would close the group and leave the anchors behind.
    const { source } = new RegExp(matches ?? "", "u");
    // Whole, whatever the pattern says; no flag that would let a line pass for the text.
    return { matches: new RegExp(`^(?:${source})$`, "u") };
  } catch (cause) {
    throw new KitesealError(
      "ERR_POLICY_INVALID",
      `rule ${quote(id)}: ${quote(matches ?? "")} is no regular expression`,
      { cause },
    );
  }
}

export function compileKey(input: RuleInput, pems: readonly string[]): KeyExpectation {
  if (pems.length === 0) throw invalid(input.id, "names no key");
  refuseBuildkiteKeys(input);
  return { kind: "key", keys: pems.map(readTrustedKey) };
}
