// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { attestation, FACTS, ruleOf, verdictOf, type AttestationWords } from "./attestation.testkit.ts";
import type { RuleInput } from "./compile.ts";
import { parsePolicy } from "./schema.ts";
import { suggestPolicy } from "./suggest.ts";
import { isVerified, type Verdict } from "./verdict.ts";

const parsed = (text: string) => parsePolicy(Buffer.from(text), { path: "policy.yaml", version: "0.1.0", env: {} });

/** The verdict under the policy that was suggested from the verdict under a rule. */
async function again(
  words: AttestationWords,
  rule: Partial<RuleInput> = {},
): Promise<{ text: string; verdict: Verdict }> {
  const attestations = [attestation(words)];
  const verified = verdictOf({ rule: ruleOf(rule), attestations });
  if (!isVerified(verified)) throw new Error(JSON.stringify(verified.checks));
  const text = suggestPolicy(verified, { artifacts: ["dist/*"] });
  const { rules } = await parsed(text);
  const [suggested] = rules;
  return { text, verdict: verdictOf({ ...(suggested === undefined ? {} : { rule: suggested }), attestations }) };
}

const foreign = { subject: 'https://ci.example/"acme"', issuer: "https://ci.example", extensions: {} };
const other = { organization: undefined, pipeline: undefined, branch: undefined };

describe("a suggested policy", () => {
  it.each<[string, AttestationWords, Partial<RuleInput>]>([
    ["a branch", {}, {}],
    ["a tag", { facts: { ...FACTS, ref: { kind: "tag", name: "v1.0" } } }, { branch: undefined, tag: ["v1.0"] }],
    ["a branch with quotes", { facts: { ...FACTS, ref: { kind: "branch", name: 'a"b: c' } } }, { branch: ['a"b: c'] }],
    ["a blob", { blob: "aa".repeat(32) }, { content: "blob" }],
    ["an SBOM", { type: "https://cyclonedx.org/bom" }, { type: "cyclonedx" }],
    [
      "another builder",
      { signer: foreign },
      { ...other, certificate: [{ identity: foreign.subject, issuer: foreign.issuer }] },
    ],
  ])("is passed by what it was made from: %s", async (_, words, rule) => {
    const { verdict } = await again(words, rule);
    expect(verdict.outcome).toBe("verified");
  });

  it("is not passed by another pipeline, step or ref", async () => {
    const { text } = await again({});
    const [rule] = (await parsed(text)).rules;
    for (const change of [{ pipeline: "lax" }, { step: "other" }, { ref: { kind: "tag", name: "main" } as const }]) {
      const attestations = [attestation({ facts: { ...FACTS, ...change } })];
      expect(verdictOf({ ...(rule === undefined ? {} : { rule }), attestations })).toMatchObject({
        outcome: "rejected",
        code: "ERR_IDENTITY",
      });
    }
  });

  it.each(["**", "a{b}"])(
    "of a branch that is spelt like a pattern, %s, does not compile until somebody names the branches",
    async (name) => {
      const facts = { ...FACTS, ref: { kind: "branch" as const, name } };
      await expect(again({ facts }, { branch: undefined, anyRef: true })).rejects.toMatchObject({
        code: "ERR_POLICY_INVALID",
      });
    },
  );

  it("has what breaks a rollback as comments only", async () => {
    const facts = { ...FACTS, commit: "4".repeat(40), trigger: "webhook" as const };
    const { text } = await again({ facts });
    const [rule] = (await parsed(text)).rules;
    expect(text).toContain("4".repeat(40));
    expect(rule?.signer).not.toHaveProperty("commits");
    expect(rule?.signer).not.toHaveProperty("build");
    expect(rule).not.toHaveProperty("maxAgeSeconds");
  });
});
