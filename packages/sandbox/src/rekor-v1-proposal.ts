// SPDX-License-Identifier: Apache-2.0
// What a client proposes to Rekor v1, and the canonical entry that it becomes once its signatures verify.
// Proposals are untrusted. Rekor's `dsse` and `hashedrekord` 0.0.1 schemas; DSSE protocol (PAE).
import { createHash, createPublicKey, type KeyObject, verify, X509Certificate } from "node:crypto";
import { base64Field, decodeBase64, isRecord, objectField, optionalStrings, parseObject, stringField } from "./json.ts";
import { DIGEST_BYTES, verifyDigest } from "./prehash.ts";
import { Refusal } from "./server.ts";

/** The entry to log for a proposal. Throws Refusal 400 for kinds it does not know and signatures that do not verify. */
export function acceptProposal(proposal: Record<string, unknown>): unknown {
  const kind = stringField(proposal, "kind");
  const apiVersion = stringField(proposal, "apiVersion");
  const spec = objectField(proposal, "spec");
  if (apiVersion === "0.0.1" && kind === "dsse") return { apiVersion, kind, spec: dsseSpec(spec) };
  if (apiVersion === "0.0.1" && kind === "hashedrekord") return { apiVersion, kind, spec: hashedRecordSpec(spec) };
  throw new Refusal(400, "entry kind or version is not supported");
}

function dsseSpec(spec: Record<string, unknown>): unknown {
  const content = objectField(spec, "proposedContent");
  const text = stringField(content, "envelope");
  const envelope = parseObject(Buffer.from(text, "utf8"));
  const payload = base64Field(envelope, "payload");
  const signed = preAuthenticationEncoding(stringField(envelope, "payloadType"), payload);
  const verifiers = optionalStrings(content, "verifiers").map((verifier) => {
    return { text: verifier, key: parseVerifier(decodeBase64(verifier, "verifiers")) };
  });
  const listed: unknown = envelope["signatures"];
  if (!Array.isArray(listed) || listed.length === 0) throw new Refusal(400, "envelope has no signatures");
  const signatures = listed.map((entry: unknown) => {
    if (!isRecord(entry)) throw new Refusal(400, "signature must be an object");
    const bytes = base64Field(entry, "sig");
    const verifier = verifiers.find(({ key }) => verify(digestFor(key), signed, key, bytes));
    if (verifier === undefined) throw new Refusal(400, "signature does not verify with any of the verifiers");
    return { signature: bytes.toString("base64"), verifier: verifier.text };
  });
  return {
    envelopeHash: { algorithm: "sha256", value: sha256(Buffer.from(text, "utf8")) },
    payloadHash: { algorithm: "sha256", value: sha256(payload) },
    signatures: signatures.toSorted((a, b) => (a.signature < b.signature ? -1 : 1)),
  };
}

function hashedRecordSpec(spec: Record<string, unknown>): unknown {
  const signature = objectField(spec, "signature");
  const bytes = base64Field(signature, "content");
  const verifier = base64Field(objectField(signature, "publicKey"), "content");
  const hash = objectField(objectField(spec, "data"), "hash");
  const algorithm = stringField(hash, "algorithm");
  const value = stringField(hash, "value");
  const digest = Buffer.from(value, "hex");
  const length = Object.entries(DIGEST_BYTES).find(([name]) => name === algorithm)?.[1];
  if (length === undefined) throw new Refusal(400, "hash algorithm is not supported");
  if (digest.length !== length || digest.toString("hex") !== value) {
    throw new Refusal(400, `hash must be ${length * 2} lower-case hexadecimal digits`);
  }
  if (!verifyDigest(parseVerifier(verifier), digest, bytes)) throw new Refusal(400, "signature does not verify");
  return {
    data: { hash: { algorithm, value } },
    signature: { content: bytes.toString("base64"), publicKey: { content: verifier.toString("base64") } },
  };
}

/** Certificate or public key, PEM. */
function parseVerifier(pem: Buffer): KeyObject {
  try {
    if (pem.includes("BEGIN CERTIFICATE")) return new X509Certificate(pem).publicKey;
    return createPublicKey(pem);
  } catch (cause) {
    throw new Refusal(400, "verifier cannot be parsed", { cause });
  }
}

function digestFor(key: KeyObject): "sha256" | null {
  return key.asymmetricKeyType === "ed25519" ? null : "sha256";
}

function preAuthenticationEncoding(type: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head, "utf8"), payload]);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
