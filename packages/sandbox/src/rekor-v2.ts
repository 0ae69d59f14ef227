// SPDX-License-Identifier: Apache-2.0
// Transparency log, Rekor v2: accepts hashed records only, checks the signature over the digest, answers with the
// inclusion proof of a tree that already holds the entry. No time of its own, no promise. Requests are untrusted.
// rekor-tiles `POST /api/v2/log/entries`; checkpoints: C2SP tlog-checkpoint.
import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { base64Field, canonicalJson, isRecord, objectField, onlyFields, parseObject } from "./json.ts";
import { type EntryFile, type LogIdentity, TransparencyLog, type TransparencyLogEntry } from "./log.ts";
import { verifyDigest } from "./prehash.ts";
import { grpcRefusal, Refusal, type Route } from "./server.ts";

/** Signature algorithms of a hashed record, by their name and number in protobuf-specs. */
const ALGORITHMS = [
  { name: "PKIX_ECDSA_P256_SHA_256", number: 5, curve: "prime256v1", hash: "SHA2_256", bytes: 32 },
  { name: "PKIX_ECDSA_P384_SHA_384", number: 12, curve: "secp384r1", hash: "SHA2_384", bytes: 48 },
] as const;

export class RekorV2 {
  readonly log: TransparencyLog;

  constructor(identity: LogIdentity, file: EntryFile) {
    this.log = new TransparencyLog(identity, file);
  }

  /** Logs any body, unchecked, equal or not to an earlier one. Returns its index. */
  add(body: string | Uint8Array): number {
    return this.log.append({ body: Buffer.from(body), integratedTime: 0 });
  }

  /** The entry with its proof in the tree of the first `size` entries (default: all). Throws RangeError. */
  entry(index: number, size: number = this.log.size): TransparencyLogEntry {
    return {
      logIndex: String(index),
      logId: { keyId: Buffer.from(this.log.id).toString("base64") },
      kindVersion: { kind: "hashedrekord", version: "0.0.2" },
      integratedTime: "0",
      inclusionPromise: null,
      inclusionProof: this.log.inclusionProof(index, size),
      canonicalizedBody: Buffer.from(this.log.entry(index).body).toString("base64"),
    };
  }
}

/** What a hashed record holds; `certificate` and `publicKey` are DER. */
export type HashedRecord = { readonly digest: Uint8Array; readonly signature: Uint8Array } & (
  | { readonly certificate: Uint8Array }
  | { readonly publicKey: Uint8Array }
);

/** Canonical body of a hashed record for an ECDSA key, unchecked. Throws Refusal 400 for other keys. */
export function hashedRecordBody(record: HashedRecord): string {
  const key = verifierKey(record);
  const algorithm = ALGORITHMS.find(({ curve }) => curve === key.asymmetricKeyDetails?.namedCurve);
  if (algorithm === undefined) throw new Refusal(400, "verifier is not a key this log knows");
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  const verifier =
    "certificate" in record
      ? { x509Certificate: { rawBytes: base64(record.certificate) } }
      : { publicKey: { rawBytes: base64(record.publicKey) } };
  return canonicalJson({
    apiVersion: "0.0.2",
    kind: "hashedrekord",
    spec: {
      hashedRekordV002: {
        data: { algorithm: algorithm.hash, digest: base64(record.digest) },
        signature: {
          content: base64(record.signature),
          verifier: { ...verifier, keyDetails: algorithm.name },
        },
      },
    },
  });
}

export function rekorV2Routes(rekor: RekorV2, count: () => void): readonly Route[] {
  return [
    {
      id: "rekor-v2.create",
      method: "POST",
      path: /^\/api\/v2\/log\/entries$/,
      maxBytes: 4 * 1024 * 1024,
      refusalBody: grpcRefusal,
      handle({ body }) {
        const content = hashedRecordBody(acceptRecord(parseObject(body)));
        const known = rekor.log.find(Buffer.from(content));
        if (known !== undefined) {
          const headers = { "x-log-index": String(known) };
          throw new Refusal(409, `an equal entry is in the log at index ${known}`, { headers });
        }
        const index = rekor.add(content);
        count();
        return { status: 201, body: rekor.entry(index) };
      },
    },
    {
      id: "rekor-v2.checkpoint",
      method: "GET",
      path: /^\/api\/v2\/checkpoint$/,
      maxBytes: 0,
      refusalBody: grpcRefusal,
      handle: () => ({ status: 200, body: rekor.log.checkpoint() }),
    },
  ];
}

/** A request's record, its signature verified. Throws Refusal 400. */
function acceptRecord(body: Record<string, unknown>): HashedRecord {
  if (!isRecord(body["hashedRekordRequestV002"])) throw new Refusal(400, "invalid type, must be hashedrekord");
  onlyFields(body, ["hashedRekordRequestV002"]);
  const request = objectField(body, "hashedRekordRequestV002");
  onlyFields(request, ["digest", "signature"]);
  const signature = objectField(request, "signature");
  const verifier = objectField(signature, "verifier");
  onlyFields(verifier, ["keyDetails", "publicKey", "x509Certificate"]);
  const shared = { digest: base64Field(request, "digest"), signature: base64Field(signature, "content") };
  const certificate = verifier["x509Certificate"];
  const record: HashedRecord = isRecord(certificate)
    ? { ...shared, certificate: base64Field(certificate, "rawBytes") }
    : { ...shared, publicKey: base64Field(objectField(verifier, "publicKey"), "rawBytes") };
  checkRecord(record, verifier["keyDetails"]);
  return record;
}

function checkRecord(record: HashedRecord, details: unknown): void {
  const algorithm = ALGORITHMS.find(({ name, number }) => details === name || details === number);
  if (algorithm === undefined) throw new Refusal(400, "keyDetails is not an algorithm this log accepts");
  const key = verifierKey(record);
  if (key.asymmetricKeyDetails?.namedCurve !== algorithm.curve) {
    throw new Refusal(400, "verifier is not a key of its keyDetails");
  }
  if (record.digest.length !== algorithm.bytes) {
    throw new Refusal(400, `digest must have ${algorithm.bytes} bytes, has ${record.digest.length}`);
  }
  if (!verifyDigest(key, record.digest, record.signature)) throw new Refusal(400, "signature does not verify");
}

function verifierKey(record: HashedRecord): KeyObject {
  try {
    if ("certificate" in record) return new X509Certificate(record.certificate).publicKey;
    return createPublicKey({ key: Buffer.from(record.publicKey), format: "der", type: "spki" });
  } catch (cause) {
    throw new Refusal(400, "verifier cannot be parsed", { cause });
  }
}
