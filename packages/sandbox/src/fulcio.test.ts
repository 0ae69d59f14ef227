// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { X509Certificate as SigstoreCertificate } from "@sigstore/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  certificateRequest,
  claimsOf,
  leafOf,
  newKey,
  postJson,
  requestCertificate,
  requestToken,
} from "./client.testkit.ts";
import { type Sandbox, startSandbox } from "./index.ts";

const COMMIT = "9f3182061f1e2cca4702c368cbc039b7dc9d4485";
const JOB_ID = "0184990a-477b-4fa8-9968-496074483cee";
const ARC = "1.3.6.1.4.1.57264.1";
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox({ job: { commit: COMMIT, jobId: JOB_ID, build: 1514, trigger: "ui" } });
});
afterAll(() => sandbox.close());

function extensionText(certificate: Uint8Array, number: number): string | undefined {
  const value = SigstoreCertificate.parse(Buffer.from(certificate)).extension(`${ARC}.${number}`)?.value;
  if (value === undefined) return undefined;
  if (number < 8) return value.toString();
  // UTF8String, short or long form
  expect(value[0]).toBe(0x0c);
  return value.subarray((value[1] ?? 0) < 0x80 ? 2 : 3).toString();
}

function extensions(certificate: Uint8Array): Record<string, string | undefined> {
  const numbers = Array.from({ length: 24 }, (_, index) => index + 1);
  const found = numbers.map((number) => [number, extensionText(certificate, number)] as const);
  return Object.fromEntries(found.filter(([, text]) => text !== undefined));
}

describe("a certificate for the job", () => {
  const key = newKey();
  let chain: string[];
  let certificate: X509Certificate;
  beforeAll(async () => {
    const token = await requestToken(sandbox);
    const answer = await requestCertificate(sandbox, key, token.json.token);
    expect(answer.status).toBe(200);
    chain = answer.json.signedCertificateEmbeddedSct.chain.certificates;
    certificate = new X509Certificate(chain[0] ?? "");
  });

  it("chains to the sandbox's root, as openssl sees it", () => {
    const directory = mkdtempSync(join(tmpdir(), "kiteseal-fulcio-test-"));
    try {
      const [leaf, intermediate, root] = ["leaf", "intermediate", "root"].map((name) => join(directory, name));
      [leaf, intermediate, root].forEach((path, index) => writeFileSync(path ?? "", chain[index] ?? ""));
      const purpose = ["-purpose", "any", "-CAfile", root ?? "", "-untrusted", intermediate ?? "", leaf ?? ""];
      expect(execFileSync("openssl", ["verify", "-x509_strict", ...purpose], { encoding: "utf8" })).toContain(": OK");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("lives ten minutes, for code signing, under one URI", () => {
    expect(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)).toBe(600_000);
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.3"]);
    expect([certificate.ca, certificate.subject]).toEqual([false, undefined]);
    expect(certificate.subjectAltName).toBe("URI:https://buildkite.com/acme/app");
    expect(SigstoreCertificate.parse(certificate.raw).extSubjectAltName?.critical).toBe(true);
  });

  it("carries the Buildkite mapping", () => {
    expect(extensions(certificate.raw)).toEqual({
      1: "https://agent.buildkite.com",
      8: "https://agent.buildkite.com",
      11: "self-hosted",
      13: COMMIT,
      20: "ui",
      21: `https://buildkite.com/acme/app/builds/1514#${JOB_ID}`,
      24: `organization:acme:pipeline:app:ref:refs/heads/main:commit:${COMMIT}:step:package`,
    });
  });
});

describe("certificate extensions", () => {
  it.each([
    [999_999, "999999"],
    [1_000_000, "1e+06"],
    [1_234_567, "1.234567e+06"],
    [12_345_678_901, "1.2345678901e+10"],
  ])("print build %d as floating point", (build, text) => {
    const certificate = sandbox.issueCertificate(newKey(), { claims: { build_number: build } });
    expect(extensionText(certificate, 21)).toBe(`https://buildkite.com/acme/app/builds/${text}#${JOB_ID}`);
  });

  it.each([
    ["1.7.0", ["1", "8", "11", "13", "20", "21"]],
    ["1.6.0", ["1", "8"]],
  ] as const)("are fewer from release %s", async (fulcioRelease, numbers) => {
    const older = await startSandbox({ fulcioRelease });
    await older.close();
    expect(Object.keys(extensions(older.issueCertificate(newKey())))).toEqual(numbers);
  });

  it("follow a custom subject claim", async () => {
    const token = await requestToken(sandbox, { audience: "sigstore", subject_claim: "pipeline_id" });
    const answer = await requestCertificate(sandbox, newKey(), token.json.token);
    expect(extensionText(new X509Certificate(leafOf(answer)).raw, 24)).toBe(sandbox.job.pipelineId);
  });
});

describe("a certificate request", () => {
  const now = (): number => Math.floor(Date.now() / 1000);

  it.each([
    ["for another audience", () => sandbox.mintToken({ audience: "https://buildkite.com/acme" })],
    ["that has expired", () => sandbox.mintToken({ issuedAt: new Date(Date.now() - 400_000) })],
    ["without an expiry", () => sandbox.mintToken({ claims: { exp: undefined } })],
    ["that is not valid yet", () => sandbox.mintToken({ claims: { nbf: now() + 600 } })],
    ["of another issuer", () => sandbox.mintToken({ claims: { iss: "https://issuer.example" } })],
    ["signed by another key", () => sandbox.mintToken({ signature: "foreign" })],
    ["that is not signed", () => sandbox.mintToken({ signature: "none" })],
    ["whose claims were changed", () => withClaims(sandbox.mintToken(), { pipeline_slug: "other" })],
  ])("with a token %s is refused with 401", async (_title, mint) => {
    const answer = await requestCertificate(sandbox, newKey(), mint());
    expect([answer.status, answer.json.code]).toEqual([401, 16]);
  });

  it("with a token not valid for another minute is accepted, as clocks differ", async () => {
    const answer = await requestCertificate(sandbox, newKey(), sandbox.mintToken({ claims: { nbf: now() + 60 } }));
    expect(answer.status).toBe(200);
  });

  it("with a claim missing is refused with 400", async () => {
    const token = sandbox.mintToken({ claims: { build_source: undefined } });
    expect((await requestCertificate(sandbox, newKey(), token)).status).toBe(400);
  });

  it.each([
    [
      "another key's proof",
      (key: KeyObject, sub: string) => [key, sign("sha256", Buffer.from(sub), newKey())] as const,
    ],
    ["a proof over other bytes", (key: KeyObject) => [key, sign("sha256", Buffer.from("x"), key)] as const],
    [
      "a P-384 key",
      (_: KeyObject, sub: string) => proven(generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey, sub),
    ],
    [
      "an RSA key",
      (_: KeyObject, sub: string) => proven(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey, sub),
    ],
  ])("with %s is refused with 400", async (_title, prove) => {
    const token = sandbox.mintToken();
    const { sub } = claimsOf(token);
    const [key, proof] = prove(newKey(), sub);
    const body = certificateRequest(key, token);
    body.publicKeyRequest.proofOfPossession = proof.toString("base64");
    const answer = await postJson(`${sandbox.url}/api/v2/signingCert`, body);
    expect([answer.status, answer.json.code]).toEqual([400, 3]);
  });

  it("may carry its token as a header", async () => {
    const { publicKeyRequest, credentials } = certificateRequest(newKey(), sandbox.mintToken());
    const send = (token: string): ReturnType<typeof postJson> =>
      postJson(`${sandbox.url}/api/v2/signingCert`, { publicKeyRequest }, { authorization: `Bearer ${token}` });
    expect((await send(credentials.oidcIdentityToken)).status).toBe(200);
    expect((await send(sandbox.mintToken({ audience: "other" }))).status).toBe(401);
  });

  it("may give its key as base64 of DER", async () => {
    const key = newKey();
    const body = certificateRequest(key, sandbox.mintToken());
    const lines = body.publicKeyRequest.publicKey.content.trim().split("\n");
    body.publicKeyRequest.publicKey.content = lines.slice(1, -1).join("");
    expect((await postJson(`${sandbox.url}/api/v2/signingCert`, body)).status).toBe(200);
  });

  it("may be a PKCS #10 request that its key signed", async () => {
    const directory = mkdtempSync(join(tmpdir(), "kiteseal-csr-test-"));
    try {
      const file = join(directory, "key.pem");
      const request = join(directory, "request.pem");
      const key = newKey();
      writeFileSync(file, key.export({ type: "pkcs8", format: "pem" }));
      execFileSync("openssl", ["req", "-new", "-key", file, "-subj", "/CN=any", "-out", request]);
      const send = (pem: Buffer): ReturnType<typeof postJson> =>
        postJson(`${sandbox.url}/api/v2/signingCert`, {
          credentials: { oidcIdentityToken: sandbox.mintToken() },
          certificateSigningRequest: pem.toString("base64"),
        });
      const pem = readFileSync(request);
      const answer = await send(pem);
      expect(new X509Certificate(leafOf(answer)).checkPrivateKey(key)).toBe(true);
      const der = Buffer.from(pem.toString().replaceAll(/-----[^-]+-----|\n/g, ""), "base64");
      der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
      const changed = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
      expect((await send(Buffer.from(changed))).status).toBe(400);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it.each([
    ["not JSON", "{", 400],
    ["a list", "[]", 400],
    ["without credentials", "{}", 400],
    ["too large", JSON.stringify({ credentials: "x".repeat(70_000) }), 413],
  ])("that is %s is refused", async (_title, body, status) => {
    expect((await postJson(`${sandbox.url}/api/v2/signingCert`, body)).status).toBe(status);
  });
});

function proven(key: KeyObject, subject: string): readonly [KeyObject, Buffer] {
  return [key, sign("sha256", Buffer.from(subject), key)];
}

function withClaims(token: string, changes: object): string {
  const [header, , signature] = token.split(".");
  const claims = { ...claimsOf(token), ...changes };
  return [header, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
}
