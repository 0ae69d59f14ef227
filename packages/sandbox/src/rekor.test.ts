// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  dsseProposal,
  getJson,
  hashedRecordRequest,
  type HashedRecordRequest,
  loggedEntry,
  newKey,
  pae,
  postJson,
  publicPem,
  STATEMENT,
} from "./client.testkit.ts";
import { type Sandbox, startSandbox } from "./index.ts";

type Record = HashedRecordRequest["hashedRekordRequestV002"];
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ rekor: "both" });
});
afterAll(() => sandbox.close());

describe("Rekor v2", () => {
  const key = newKey();
  const post = (body: unknown): ReturnType<typeof postJson> => postJson(`${sandbox.url}/api/v2/log/entries`, body);

  function request(text: string): HashedRecordRequest {
    const digest = createHash("sha256").update(text).digest();
    return hashedRecordRequest(
      digest,
      sign("sha256", Buffer.from(text), key),
      Buffer.from(sandbox.issueCertificate(key)),
    );
  }

  it("answers with the entry in a tree that holds it, without time or promise", async () => {
    const sent = request("one");
    const answer = await post(sent);
    expect(answer.status).toBe(201);
    expect(answer.json).toMatchObject({
      kindVersion: { kind: "hashedrekord", version: "0.0.2" },
      integratedTime: "0",
      inclusionPromise: null,
    });
    const { digest, signature } = sent.hashedRekordRequestV002;
    expect(JSON.parse(Buffer.from(answer.json.canonicalizedBody, "base64").toString())).toEqual({
      apiVersion: "0.0.2",
      kind: "hashedrekord",
      spec: { hashedRekordV002: { data: { algorithm: "SHA2_256", digest }, signature } },
    });
    expect(answer.json.inclusionProof.checkpoint.envelope).toMatch(/^rekor2\.kiteseal-sandbox\.localhost\n1\n/);
  });

  it("answers 409 with the index for an equal entry", async () => {
    const body = request("twice");
    const first = await post(body);
    const second = await post(body);
    expect([second.status, second.json.code]).toEqual([409, 6]);
    expect(second.headers.get("x-log-index")).toBe(first.json.logIndex);
  });

  it("takes public keys, and P-384 with SHA-384", async () => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-384" });
    const body = request("public");
    body.hashedRekordRequestV002 = {
      digest: createHash("sha384").update("x").digest("base64"),
      signature: {
        content: sign("sha384", Buffer.from("x"), pair.privateKey).toString("base64"),
        verifier: {
          publicKey: { rawBytes: pair.publicKey.export({ type: "spki", format: "der" }).toString("base64") },
          keyDetails: 12,
        },
      },
    };
    expect((await post(body)).status).toBe(201);
  });

  it("takes nothing but hashed records", async () => {
    const answer = await post({ dsseRequestV002: { envelope: {}, verifiers: [] } });
    expect([answer.status, answer.json.message]).toEqual([400, "invalid type, must be hashedrekord"]);
  });

  it.each([
    ["a digest cut short", (r: Record) => (r.digest = Buffer.alloc(20).toString("base64"))],
    ["another digest", (r: Record) => (r.digest = Buffer.alloc(32).toString("base64"))],
    ["a broken signature", (r: Record) => (r.signature.content = "AAAA")],
    ["unknown key details", (r: Record) => (r.signature.verifier.keyDetails = "PKIX_ED25519_PH")],
    ["key details of another curve", (r: Record) => (r.signature.verifier.keyDetails = "PKIX_ECDSA_P384_SHA_384")],
    ["a public key as certificate", (r: Record) => (r.signature.verifier.x509Certificate = { rawBytes: spki() })],
    ["unknown fields", (r: Record) => Object.assign(r, { extra: 1 })],
    ["lenient base64", (r: Record) => (r.digest = r.digest.replaceAll("=", ""))],
  ])("refuses %s", async (_title, change) => {
    const body = request("refused");
    change(body.hashedRekordRequestV002);
    const size = sandbox.authorities.rekorV2.log.size;
    expect((await post(body)).status).toBe(400);
    expect(sandbox.authorities.rekorV2.log.size).toBe(size);
  });

  function spki(): string {
    return createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64");
  }

  it("serves its checkpoint", async () => {
    const response = await fetch(`${sandbox.url}/api/v2/checkpoint`);
    expect((await response.text()).split("\n")[1]).toBe(String(sandbox.authorities.rekorV2.log.size));
  });
});

describe("Rekor v1", () => {
  const key = newKey();
  const post = (body: unknown): ReturnType<typeof postJson> => postJson(`${sandbox.url}/api/v1/log/entries`, body);
  const signature = (): Buffer => sign("sha256", pae(STATEMENT), key);

  it("logs a dsse entry by its hashes", async () => {
    const certificate = new X509Certificate(sandbox.issueCertificate(key)).toString();
    const signed = signature();
    const proposal = dsseProposal(STATEMENT, signed, certificate);
    const answer = await post(proposal);
    expect(answer.status).toBe(201);
    const [uuid, entry] = loggedEntry(answer.json);
    expect(answer.headers.get("location")).toBe(`/api/v1/log/entries/${uuid}`);
    const envelope = proposal.spec.proposedContent.envelope;
    expect(JSON.parse(Buffer.from(entry.body, "base64").toString())).toEqual({
      apiVersion: "0.0.1",
      kind: "dsse",
      spec: {
        envelopeHash: { algorithm: "sha256", value: createHash("sha256").update(envelope).digest("hex") },
        payloadHash: { algorithm: "sha256", value: createHash("sha256").update(STATEMENT).digest("hex") },
        signatures: [
          {
            signature: signed.toString("base64"),
            verifier: Buffer.from(certificate).toString("base64"),
          },
        ],
      },
    });
    for (const path of [`/${uuid}`, `?logIndex=${entry.logIndex}`]) {
      const [foundUuid, found] = loggedEntry(await getJson(`${sandbox.url}/api/v1/log/entries${path}`));
      expect([foundUuid, found.body]).toEqual([uuid, entry.body]);
    }
  });

  it("answers 409 with the location of an equal entry", async () => {
    const proposal = dsseProposal(STATEMENT, signature(), publicPem(key));
    const first = await post(proposal);
    const second = await post(proposal);
    expect([second.status, second.json.code]).toEqual([409, 409]);
    expect(second.headers.get("location")).toBe(first.headers.get("location"));
  });

  it("logs a hashedrekord, and refuses it with another digest", async () => {
    const proposal = {
      kind: "hashedrekord",
      apiVersion: "0.0.1",
      spec: {
        data: { hash: { algorithm: "sha256", value: createHash("sha256").update("x").digest("hex") } },
        signature: {
          content: sign("sha256", Buffer.from("x"), key).toString("base64"),
          publicKey: { content: Buffer.from(publicPem(key)).toString("base64") },
        },
      },
    };
    expect((await post(proposal)).status).toBe(201);
    proposal.spec.data.hash.value = "00".repeat(32);
    expect((await post(proposal)).status).toBe(400);
    proposal.spec.data.hash.value = "00".repeat(20);
    expect((await post(proposal)).status).toBe(400);
  });

  it.each([
    ["a signature over other bytes", () => dsseProposal(STATEMENT, sign("sha256", STATEMENT, key), publicPem(key))],
    ["a verifier of another key", () => dsseProposal(STATEMENT, signature(), publicPem(newKey()))],
    ["a verifier that is none", () => dsseProposal(STATEMENT, signature(), "nothing")],
    ["an unknown kind", () => ({ kind: "rpm", apiVersion: "0.0.1", spec: {} })],
    ["an unknown version", () => ({ ...dsseProposal(STATEMENT, signature(), publicPem(key)), apiVersion: "0.0.9" })],
  ])("refuses %s", async (_title, make) => {
    const size = sandbox.authorities.rekorV1.log.size;
    expect((await post(make())).status).toBe(400);
    expect(sandbox.authorities.rekorV1.log.size).toBe(size);
  });

  it("has no entry that was not logged", async () => {
    const response = await fetch(`${sandbox.url}/api/v1/log/entries/${"00".repeat(40)}`);
    expect(response.status).toBe(404);
  });
});
