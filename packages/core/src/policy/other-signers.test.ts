// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { attestation } from "./attestation.testkit.ts";
import { compileRule, type CertificateInput, type RuleInput } from "./compile.ts";
import { identity } from "./identity.ts";
import { policyKeys } from "./rule.ts";

const ISSUER = "https://issuer.example";
const WHO = "https://ci.example/acme/app";
const compiled = (input: Partial<RuleInput>) => compileRule({ id: "r", artifacts: ["**"], ...input }, { env: {} });
const refused: unknown = expect.objectContaining({ code: "ERR_POLICY_INVALID" });
const signedBy = (subject: string, issuer = ISSUER) => attestation({ signer: { subject, issuer, extensions: {} } });
const status = (words: CertificateInput, subject: string, issuer = ISSUER): string =>
  identity(compiled({ certificate: [words] }), signedBy(subject, issuer)).status;
const pair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = (key: ReturnType<typeof pair>["publicKey"]): string =>
  key.export({ type: "spki", format: "pem" }).toString();

describe("a certificate rule", () => {
  it.each([
    ["equal texts", { identity: WHO, issuer: ISSUER }],
    ["a pattern of all of it", { identityRegexp: "https://ci[.]example/acme/.*", issuer: ISSUER }],
    ["alternatives", { identityRegexp: `x|${WHO}`, issuerRegexp: "https://[a-z]+[.]example" }],
  ])("is passed by %s", (_, words) => {
    expect(status(words, WHO)).toBe("passed");
  });

  it.each([
    ["a prefix of a text", { identity: WHO.slice(0, -1), issuer: ISSUER }, WHO],
    ["a pattern of its beginning", { identityRegexp: "https://ci[.]example/acme", issuer: ISSUER }, WHO],
    ["a pattern of its end", { identityRegexp: "acme/app", issuer: ISSUER }, WHO],
    ["the first of two alternatives, unfinished", { identityRegexp: "https://ci|x", issuer: ISSUER }, WHO],
    ["a line of it", { identityRegexp: "https://ci[.]example/.*", issuer: ISSUER }, `x\n${WHO}`],
    ["all of it but a line feed", { identityRegexp: "https://ci[.]example/.*", issuer: ISSUER }, `${WHO}\n`],
    ["an empty pattern", { identityRegexp: "", issuer: ISSUER }, WHO],
  ])("is not passed by %s", (_, words, subject) => {
    expect(status(words, subject)).toBe("failed");
  });

  it("compares the pair, not each half", () => {
    const rule = compiled({
      certificate: [
        { identity: WHO, issuer: ISSUER },
        { identity: "b", issuer: "https://b.example" },
      ],
    });
    expect(identity(rule, signedBy(WHO, "https://b.example")).status).toBe("failed");
  });

  it("is never passed by Buildkite's issuer", () => {
    expect(status({ identityRegexp: ".*", issuerRegexp: ".*" }, WHO, "https://agent.buildkite.com")).toBe("failed");
  });

  it.each<[string, Partial<RuleInput>]>([
    ["none", { certificate: [] }],
    ["no issuer", { certificate: [{ identity: WHO }] }],
    ["no identity", { certificate: [{ issuer: ISSUER }] }],
    ["an empty identity", { certificate: [{ identity: "", issuer: ISSUER }] }],
    ["a text and a pattern", { certificate: [{ identity: WHO, identityRegexp: ".*", issuer: ISSUER }] }],
    ["a pattern that closes the group", { certificate: [{ identityRegexp: "a)|(?:b", issuer: ISSUER }] }],
    ["a branch", { certificate: [{ identity: WHO, issuer: ISSUER }], branch: ["main"] }],
    ["a builder", { certificate: [{ identity: WHO, issuer: ISSUER }], pipeline: ["app"] }],
  ])("cannot be made with %s", (_, input) => {
    expect(() => compiled(input)).toThrow(refused);
  });
});

describe("Buildkite's issuer in a certificate rule", () => {
  const issuer = "https://agent.buildkite.com";
  const who = { identity: "https://buildkite.com/acme/app", issuer };

  it("becomes the builder's rule, with its ref", () => {
    expect(compiled({ certificate: [who], branch: ["main"] }).signer).toMatchObject({
      kind: "buildkite",
      organizations: ["acme"],
      pipelines: ["app"],
    });
  });

  it.each<[string, Partial<RuleInput>]>([
    ["without a ref", { certificate: [who] }],
    ["with a pattern", { certificate: [{ identityRegexp: ".*", issuer }], branch: ["main"] }],
    ["with a pattern beside the text", { certificate: [{ ...who, identityRegexp: ".*" }], branch: ["main"] }],
    ["with a second identity", { certificate: [{ identity: WHO, issuer: ISSUER }, who], branch: ["main"] }],
    ["with a longer path", { certificate: [{ ...who, identity: `${who.identity}/x` }], branch: ["main"] }],
  ])("cannot be made %s", (_, input) => {
    expect(() => compiled(input)).toThrow(refused);
  });
});

describe("a key rule", () => {
  const { publicKey, privateKey } = pair();

  it("holds the key's own bytes and their digest, however the text is wrapped", () => {
    const der = createPublicKey(publicKey.export({ type: "spki", format: "pem" })).export({
      type: "spki",
      format: "der",
    });
    const rule = compiled({ key: [`\n${pem(publicKey).replaceAll("\n", "\r\n")}`] });
    const [key] = policyKeys({ rules: [rule], source: { kind: "flags" }, warnings: [] });
    expect(key?.digest).toBe(createHash("sha256").update(der).digest("hex"));
    expect(identity(rule, attestation({ signer: { keyDigest: key?.digest ?? "" } })).status).toBe("passed");
    expect(identity(rule, attestation({ signer: { keyDigest: "1".repeat(64) } })).status).toBe("failed");
    expect(identity(rule, attestation()).status).toBe("failed");
  });

  it.each<[string, Partial<RuleInput>]>([
    ["no keys", { key: [] }],
    ["a private key", { key: [privateKey.export({ type: "pkcs8", format: "pem" }).toString()] }],
    ["two keys in one text", { key: [pem(publicKey) + pem(pair().publicKey)] }],
    ["text", { key: ["key"] }],
    ["a branch", { key: [pem(publicKey)], anyRef: true }],
    ["a certificate", { key: [pem(publicKey)], certificate: [{ identity: WHO, issuer: ISSUER }] }],
    ["a builder", { key: [pem(publicKey)], organization: ["acme"] }],
  ])("cannot be made with %s", (_, input) => {
    expect(() => compiled(input)).toThrow(refused);
  });
});

describe("a rule for blobs", () => {
  it.each<[string, Partial<RuleInput>]>([
    ["a type", { type: "cyclonedx" }],
    ["a repository", { repository: ["https://github.com/acme/app"] }],
    ["dependencies", { dependencies: { plugins: "pinned" } }],
  ])("cannot be made with %s, which no blob states", (_, input) => {
    expect(() => compiled({ organization: ["o"], pipeline: ["p"], anyRef: true, content: "blob", ...input })).toThrow(
      refused,
    );
  });
});
