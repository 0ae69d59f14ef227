// SPDX-License-Identifier: Apache-2.0
// Signers that are no Buildkite builder, through flags: another issuer's certificate, a key, a signature over a blob.
import { createPublicKey, generateKeyPairSync, createHash, type KeyObject, sign } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hashedRecordBody, stampData } from "@kiteseal/sandbox";
import { beforeAll, describe, expect, test } from "vitest";
import { type Report, useFixture, WHO } from "./fixture.testkit.ts";

const fixture = useFixture();
const { cli, verify } = fixture;

const ISSUER = "https://token.actions.githubusercontent.com";
const WORKFLOW = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
const SHA256 = createHash("sha256").update("the application").digest();

function utf8(oid: number, text: string): { oid: string; value: Buffer } {
  const value = Buffer.from(text);
  return { oid: `1.3.6.1.4.1.57264.1.${oid}`, value: Buffer.concat([Buffer.from([0x0c, value.length]), value]) };
}

/** A bundle over `dist/app.tgz` itself, logged and stamped by the sandbox. */
function blobBundle(key: KeyObject, signer: { certificate: Uint8Array } | { publicKey: Uint8Array }): string {
  const { rekorV2, timestamp } = fixture.sandbox.authorities;
  const signature = sign("sha256", Buffer.from("the application"), key);
  const index = rekorV2.add(hashedRecordBody({ digest: SHA256, signature, ...signer }));
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  const stamp = stampData(timestamp, signature, { time: new Date() });
  return JSON.stringify({
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      ...("certificate" in signer
        ? { certificate: { rawBytes: base64(signer.certificate) } }
        : { publicKey: { hint: "release" } }),
      tlogEntries: [rekorV2.entry(index)],
      timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: base64(stamp) }] },
    },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest: base64(SHA256) },
      signature: base64(signature),
    },
  });
}

beforeAll(async () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const publicKey = createPublicKey(privateKey);
  const certificate = fixture.sandbox.issueCertificate(publicKey, {
    uris: [WORKFLOW],
    extensions: [{ oid: "1.3.6.1.4.1.57264.1.1", value: Buffer.from(ISSUER) }, utf8(8, ISSUER)],
  });
  await writeFile(join(fixture.root, "github.json"), blobBundle(privateKey, { certificate }));
  const spki = publicKey.export({ type: "spki", format: "der" });
  await writeFile(join(fixture.root, "key.json"), blobBundle(privateKey, { publicKey: spki }));
  await writeFile(join(fixture.root, "key.pem"), publicKey.export({ type: "spki", format: "pem" }));
  await writeFile(join(fixture.root, "private.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
  await writeFile(join(fixture.root, "other.pem"), other.export({ type: "spki", format: "pem" }));
});

async function run(
  bundle: string,
  ...flags: readonly string[]
): Promise<{ code: number; report: Report; stderr: string }> {
  const argv = ["verify", "dist/app.tgz", "--bundle", bundle, ...fixture.roots(), "--format", "json", ...flags];
  const { code, stdout, stderr } = await cli(argv);
  return { code, stderr, report: JSON.parse(stdout) as Report };
}

const BLOB = ["--content", "blob"];
const GITHUB = ["--certificate-identity", WORKFLOW, "--certificate-oidc-issuer", ISSUER];

describe("another issuer's certificate", () => {
  test.each([
    ["its whole identity", GITHUB],
    ["the names of other tools", ["--cert-identity", WORKFLOW, "--cert-oidc-issuer", ISSUER]],
    [
      "expressions that match all of it",
      [
        "--certificate-identity-regexp",
        "https://github\\.com/acme/.*",
        "--certificate-oidc-issuer-regexp",
        "https://token\\..*",
      ],
    ],
  ])("passes by %s", async (_, flags) => {
    expect(await run("github.json", ...BLOB, ...flags)).toMatchObject({ code: 0 });
  });

  test.each([
    ["another identity", ["--certificate-identity", `${WORKFLOW}x`, "--certificate-oidc-issuer", ISSUER]],
    ["another issuer", ["--certificate-identity", WORKFLOW, "--certificate-oidc-issuer", `${ISSUER}/`]],
    ["an expression for a part", ["--certificate-identity-regexp", "acme", "--certificate-oidc-issuer", ISSUER]],
    ["a Buildkite builder", [...WHO]],
  ])("is rejected under %s", async (_, flags) => {
    expect(await run("github.json", ...BLOB, ...flags)).toMatchObject({
      code: 20,
      report: { artifacts: [{ code: "ERR_IDENTITY" }] },
    });
  });

  test("is rejected where a statement was asked for", async () => {
    expect(await run("github.json", ...GITHUB)).toMatchObject({
      code: 20,
      report: { artifacts: [{ code: "ERR_BUNDLE_INVALID" }] },
    });
  });

  test("Buildkite's own issuer needs a ref, and an expression never stands for it", async () => {
    const ran = await cli(["attest", "dist/app.tgz", "--bundle", "own.json"], { env: fixture.sandbox.jobEnv() });
    expect(ran.code).toBe(0);
    const own = [
      "--certificate-identity",
      "https://buildkite.com/acme/app",
      "--certificate-oidc-issuer",
      "https://agent.buildkite.com",
    ];
    expect(await run("own.json", ...own)).toMatchObject({ code: 2 });
    expect(await run("own.json", ...own, "--branch", "main")).toMatchObject({ code: 0 });
    expect(await run("own.json", ...own, "--branch", "release")).toMatchObject({ code: 20 });
    const any = ["--certificate-identity-regexp", ".*", "--certificate-oidc-issuer-regexp", ".*"];
    expect(await run("own.json", ...any)).toMatchObject({
      code: 20,
      report: { artifacts: [{ code: "ERR_IDENTITY" }] },
    });
  });
});

describe("a key", () => {
  test("passes if it is one of those named, and no other", async () => {
    expect(await run("key.json", ...BLOB, "--key", "other.pem", "--key", "key.pem")).toMatchObject({ code: 0 });
    expect(await run("key.json", ...BLOB, "--key", "other.pem")).toMatchObject({ code: 20 });
    expect(await run("key.json", ...BLOB, ...GITHUB)).toMatchObject({ code: 20 });
    expect(await run("github.json", ...BLOB, "--key", "key.pem")).toMatchObject({ code: 20 });
  });

  test("policy init writes it out, and the policy passes", async () => {
    const argv = ["policy", "init", "dist/app.tgz", "--bundle", "key.json", "--key", "key.pem", "--content", "blob"];
    const made = await cli([...argv, ...fixture.roots()]);
    expect(made.code).toBe(0);
    await writeFile(join(fixture.root, "key-policy.yaml"), made.stdout);
    const policy = ["--policy", "key-policy.yaml"];
    expect(await run("key.json", ...policy)).toMatchObject({ code: 0 });
    expect(await run("github.json", ...policy)).toMatchObject({ code: 20 });
  });
});

describe("thresholds", () => {
  test("count distinct logs and authorities", async () => {
    expect(await run("github.json", ...BLOB, ...GITHUB, "--logs", "1", "--timestamps", "1")).toMatchObject({ code: 0 });
    expect(await run("github.json", ...BLOB, ...GITHUB, "--logs", "2")).toMatchObject({
      code: 20,
      report: { artifacts: [{ code: "ERR_RULE" }] },
    });
    expect(await run("github.json", ...BLOB, ...GITHUB, "--timestamps", "2")).toMatchObject({ code: 20 });
  });
});

describe("what cannot be meant", () => {
  test.each([
    ["a builder and a certificate", [...GITHUB, ...WHO]],
    ["a certificate and a key", [...GITHUB, "--key", "key.pem"]],
    ["an identity without an issuer", ["--certificate-identity", WORKFLOW]],
    ["an identity and an expression", [...GITHUB, "--certificate-identity-regexp", ".*"]],
    ["an expression that is none", ["--certificate-identity-regexp", "(", "--certificate-oidc-issuer", ISSUER]],
    ["an identity under two names", [...GITHUB, "--cert-identity", WORKFLOW]],
    ["a branch for another issuer", [...GITHUB, "--branch", "main"]],
    ["a private key", ["--key", "private.pem"]],
    ["a key that is not there", ["--key", "none.pem"]],
    ["no logs", [...GITHUB, "--logs", "0"]],
    ["a threshold that is no number", [...GITHUB, "--timestamps", "two"]],
    ["another kind of content", [...GITHUB, "--content", "statement"]],
    ["flags beside a policy file", ["--policy", "p.yaml", "--key", "key.pem"]],
  ])("%s", async (_, flags) => {
    const ran = await cli(["verify", "dist/app.tgz", ...fixture.roots(), ...flags]);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
  });

  test.each(["KEY", "CERTIFICATE_IDENTITY_REGEXP", "CONTENT", "LOGS"])(
    "KITESEAL_%s in the environment",
    async (name) => {
      expect((await verify(["dist/app.tgz"], { env: { [`KITESEAL_${name}`]: "x" } })).stderr).toContain(
        "[ERR_CONFIG_DECIDES]",
      );
    },
  );
});
