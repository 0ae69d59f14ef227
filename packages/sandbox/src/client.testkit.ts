// SPDX-License-Identifier: Apache-2.0
// A client of the sandbox written with nothing but fetch and node:crypto, and @sigstore/verify as the judge of what it
// put together: neither shares code with the services or with Kiteseal.
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from "node:crypto";
import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot as SigstoreTrustedRoot } from "@sigstore/protobuf-specs";
import { type Signer, toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import type { Sandbox, TransparencyLogEntry, TrustedRoot } from "./index.ts";

/** Every field that some service answers with; a test reads those of the service it asked. */
interface ServiceReply extends TransparencyLogEntry {
  code: number;
  message: string;
  token: string;
  signedCertificateEmbeddedSct: { chain: { certificates: string[] } };
  id: string;
  timestamp: number;
  signature: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  json: ServiceReply;
}

/** Claims of a token, read without checking anything. */
export function claimsOf(token: string): Record<string, unknown> & { sub: string; iat: number } {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as ReturnType<typeof claimsOf>;
}

export async function getJson<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

export async function postJson(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const json = (await response.json()) as ServiceReply;
  return { status: response.status, headers: response.headers, json };
}

export function newKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

export function publicPem(key: KeyObject): string {
  return createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
}

/** What the agent API gives to the job. */
export async function requestToken(sandbox: Sandbox, body: unknown = { audience: "sigstore" }): Promise<Answer> {
  const env = sandbox.jobEnv();
  return postJson(`${env["BUILDKITE_AGENT_ENDPOINT"]}/jobs/${env["BUILDKITE_JOB_ID"]}/oidc/tokens`, body, {
    authorization: `Token ${env["BUILDKITE_AGENT_ACCESS_TOKEN"]}`,
  });
}

export interface CertificateRequest {
  credentials: { oidcIdentityToken: string };
  publicKeyRequest: { publicKey: { algorithm: string; content: string }; proofOfPossession: string };
}

export function certificateRequest(key: KeyObject, token: string): CertificateRequest {
  return {
    credentials: { oidcIdentityToken: token },
    publicKeyRequest: {
      publicKey: { algorithm: "ECDSA", content: publicPem(key) },
      proofOfPossession: sign("sha256", Buffer.from(claimsOf(token).sub), key).toString("base64"),
    },
  };
}

export async function requestCertificate(sandbox: Sandbox, key: KeyObject, token: string): Promise<Answer> {
  return postJson(`${sandbox.url}/api/v2/signingCert`, certificateRequest(key, token));
}

/** The first certificate of an answer, PEM. */
export function leafOf(answer: Answer): string {
  return answer.json.signedCertificateEmbeddedSct.chain.certificates[0] ?? "";
}

async function newCertificate(sandbox: Sandbox, key: KeyObject): Promise<X509Certificate> {
  const token = await requestToken(sandbox);
  const answer = await requestCertificate(sandbox, key, token.json.token);
  return new X509Certificate(leafOf(answer));
}

export const STATEMENT: Buffer = Buffer.from('{"_type":"https://in-toto.io/Statement/v1","subject":[]}');
const PAYLOAD_TYPE = "application/vnd.in-toto+json";

export function pae(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `), payload]);
}

export interface HashedRecordRequest {
  hashedRekordRequestV002: {
    digest: string;
    signature: {
      content: string;
      verifier: {
        x509Certificate?: { rawBytes: string };
        publicKey?: { rawBytes: string };
        keyDetails: string | number;
      };
    };
  };
}

export function hashedRecordRequest(digest: Buffer, signature: Buffer, certificate: Buffer): HashedRecordRequest {
  return {
    hashedRekordRequestV002: {
      digest: digest.toString("base64"),
      signature: {
        content: signature.toString("base64"),
        verifier: {
          x509Certificate: { rawBytes: certificate.toString("base64") },
          keyDetails: "PKIX_ECDSA_P256_SHA_256",
        },
      },
    },
  };
}

export interface DsseProposal {
  kind: string;
  apiVersion: string;
  spec: { proposedContent: { envelope: string; verifiers: string[] } };
}

export function dsseProposal(payload: Buffer, signature: Buffer, verifierPem: string): DsseProposal {
  const envelope = {
    payload: payload.toString("base64"),
    payloadType: PAYLOAD_TYPE,
    signatures: [{ sig: signature.toString("base64"), keyid: "" }],
  };
  return {
    kind: "dsse",
    apiVersion: "0.0.1",
    spec: {
      proposedContent: {
        envelope: JSON.stringify(envelope),
        verifiers: [Buffer.from(verifierPem).toString("base64")],
      },
    },
  };
}

/** A TimeStampReq over SHA-256 of the data, certificates asked for. */
export function stampRequest(data: Buffer): Buffer {
  const digest = createHash("sha256").update(data).digest();
  return Buffer.concat([
    Buffer.from("30390201013031300d060960864801650304020105000420", "hex"),
    digest,
    Buffer.from("0101ff", "hex"),
  ]);
}

export async function requestStamp(sandbox: Sandbox, request: Buffer): Promise<{ status: number; body: Buffer }> {
  const response = await fetch(`${sandbox.url}/api/v1/timestamp`, {
    method: "POST",
    headers: { "content-type": "application/timestamp-query" },
    body: new Uint8Array(request),
  });
  return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
}

/** An entry as Rekor v1 answers. */
export interface RekorV1Entry {
  body: string;
  integratedTime: number;
  logID: string;
  logIndex: number;
  verification: {
    inclusionProof: { checkpoint: string; hashes: string[]; logIndex: number; rootHash: string; treeSize: number };
    signedEntryTimestamp: string;
  };
}

/** The one entry of a Rekor v1 answer, with its UUID. */
export function loggedEntry(json: unknown): [string, RekorV1Entry] {
  const [entry] = Object.entries(json as Record<string, RekorV1Entry>);
  if (entry === undefined) throw new Error("no entry in the answer");
  return entry;
}

/** Bundle v0.3 as JSON. */
export interface BundleJson {
  mediaType: string;
  verificationMaterial: {
    certificate: { rawBytes: string };
    tlogEntries: readonly TransparencyLogEntry[];
    timestampVerificationData: { rfc3161Timestamps: { signedTimestamp: string }[] };
  };
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid: string }[] };
}

/** Bundle v0.3 JSON from its parts. */
export function assembleBundle(parts: {
  certificate: Uint8Array;
  signature: Buffer;
  entries: readonly TransparencyLogEntry[];
  stamps: readonly Uint8Array[];
}): BundleJson {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  return {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: {
      certificate: { rawBytes: base64(parts.certificate) },
      tlogEntries: parts.entries,
      timestampVerificationData: {
        rfc3161Timestamps: parts.stamps.map((stamp) => ({ signedTimestamp: base64(stamp) })),
      },
    },
    dsseEnvelope: {
      payload: base64(STATEMENT),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: base64(parts.signature), keyid: "" }],
    },
  };
}

/** Signs the statement over HTTP alone: certificate, Rekor v2 entry, time stamp. */
export async function signWithV2(sandbox: Sandbox): Promise<BundleJson> {
  const key = newKey();
  const { raw: certificate } = await newCertificate(sandbox, key);
  const signature = sign("sha256", pae(STATEMENT), key);
  const digest = createHash("sha256").update(pae(STATEMENT)).digest();
  const entry = await postJson(
    `${sandbox.url}/api/v2/log/entries`,
    hashedRecordRequest(digest, signature, certificate),
  );
  const stamp = await requestStamp(sandbox, stampRequest(signature));
  return assembleBundle({ certificate, signature, entries: [entry.json], stamps: [stamp.body] });
}

/** Signs the statement over HTTP alone: certificate, Rekor v1 entry with its promise. */
export async function signWithV1(sandbox: Sandbox): Promise<BundleJson> {
  const key = newKey();
  const certificate = await newCertificate(sandbox, key);
  const signature = sign("sha256", pae(STATEMENT), key);
  const proposal = dsseProposal(STATEMENT, signature, certificate.toString());
  const answer = await postJson(`${sandbox.url}/api/v1/log/entries`, proposal);
  const [, logged] = loggedEntry(answer.json);
  const base64 = (hex: string): string => Buffer.from(hex, "hex").toString("base64");
  const proof = logged.verification.inclusionProof;
  const entry: TransparencyLogEntry = {
    logIndex: String(logged.logIndex),
    logId: { keyId: base64(logged.logID) },
    kindVersion: { kind: "dsse", version: "0.0.1" },
    integratedTime: String(logged.integratedTime),
    inclusionPromise: { signedEntryTimestamp: logged.verification.signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(proof.logIndex),
      rootHash: base64(proof.rootHash),
      treeSize: String(proof.treeSize),
      hashes: proof.hashes.map(base64),
      checkpoint: { envelope: proof.checkpoint },
    },
    canonicalizedBody: logged.body,
  };
  return assembleBundle({ certificate: certificate.raw, signature, entries: [entry], stamps: [] });
}

/** Throws what @sigstore/verify throws. */
export function verifyBundle(root: TrustedRoot, bundle: unknown): Signer {
  const material = toTrustMaterial(SigstoreTrustedRoot.fromJSON(root));
  return new Verifier(material).verify(toSignedEntity(bundleFromJSON(bundle)));
}
