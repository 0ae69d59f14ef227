// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { AuthenticAttestation } from "../verification/authenticate.ts";
import { attestation, B, FACTS, ruleOf, verdictOf, type AttestationWords } from "./attestation.testkit.ts";
import { isVerified } from "./verdict.ts";

const BOM = "https://cyclonedx.org/bom";
const sbom = (words: AttestationWords = {}): AuthenticAttestation =>
  attestation({ type: BOM, bundleDigest: "3".repeat(64), ...words });
const rule = ruleOf({ alsoRequired: [{ type: "cyclonedx" }] });
const judged = (...beside: readonly AuthenticAttestation[]) =>
  verdictOf({ rule, attestations: [attestation(), ...beside] });

describe("a rule that also requires an SBOM", () => {
  it("passes with one of the same build, in either order", () => {
    expect(isVerified(judged(sbom()))).toBe(true);
    expect(isVerified(verdictOf({ rule, attestations: [sbom(), attestation()] }))).toBe(true);
  });

  it.each([
    ["there is none", []],
    ["it is of another build", [sbom({ facts: { ...FACTS, buildNumber: 8 } })]],
    ["it is of another branch", [sbom({ facts: { ...FACTS, ref: { kind: "branch", name: "evil" } } })]],
    ["it is of another pipeline", [sbom({ facts: { ...FACTS, pipeline: "lax" } })]],
    ["it is about other bytes", [sbom({ subject: [{ name: "dist/a", digest: { sha256: B } }] })]],
    ["it is of another type", [sbom({ type: "https://spdx.dev/Document" })]],
    ["there is provenance twice", [attestation({ bundleDigest: "2".repeat(64) })]],
  ])("rejects where %s", (_, beside) => {
    expect(judged(...beside)).toMatchObject({ outcome: "rejected", code: "ERR_RULE" });
  });

  it("rejects where no certificate states a build number", () => {
    const { buildNumber: _number, ...facts } = FACTS;
    const verdict = verdictOf({ rule, attestations: [attestation({ facts }), sbom({ facts })] });
    expect(verdict).toMatchObject({ outcome: "rejected", code: "ERR_RULE" });
  });
});

describe("a rule that names another rule's signer", () => {
  const tools = { id: "boms", artifacts: ["boms/**"], pipeline: ["boms"] };
  const named = ruleOf({ alsoRequired: [{ type: "cyclonedx", by: "boms" }] });
  const facts = { ...FACTS, pipeline: "boms", buildNumber: 99 };

  it("takes it from that signer, whatever its build and that rule's names", () => {
    const rules = [named, ruleOf(tools)];
    expect(isVerified(verdictOf({ rule: named, rules, attestations: [attestation(), sbom({ facts })] }))).toBe(true);
    expect(isVerified(verdictOf({ rule: named, rules, attestations: [attestation(), sbom()] }))).toBe(false);
  });

  it("is not satisfied by the attestation that requires it, nor by one that fails the named rule's own conditions", () => {
    const own = ruleOf({ alsoRequired: [{ type: "slsaprovenance1", by: "base" }] });
    const base = ruleOf({ id: "base" });
    const strict = ruleOf({ id: "base", dependencies: { plugins: "pinned" }, repository: ["github.com/acme/other"] });
    const twice = [attestation(), attestation({ bundleDigest: "2".repeat(64) })];
    expect(isVerified(verdictOf({ rule: own, rules: [own, base], attestations: [attestation()] }))).toBe(false);
    expect(isVerified(verdictOf({ rule: own, rules: [own, base], attestations: twice }))).toBe(true);
    expect(isVerified(verdictOf({ rule: own, rules: [own, strict], attestations: twice }))).toBe(false);
  });

  it("takes no signature over a blob for it, even where that rule does", () => {
    const rules = [named, ruleOf({ ...tools, content: "blob" })];
    const blob = attestation({ facts, blob: "aa".repeat(32) });
    expect(verdictOf({ rule: named, rules, attestations: [attestation(), blob] })).toMatchObject({
      outcome: "rejected",
      code: "ERR_RULE",
    });
  });

  it("is not satisfied by a rule that is not there", () => {
    expect(isVerified(verdictOf({ rule: named, rules: [named], attestations: [attestation(), sbom()] }))).toBe(false);
  });
});
