// SPDX-License-Identifier: Apache-2.0
// Sigstore bundles, strict bytes ⇄ Bundle (protobuf-specs, sigstore_bundle.proto, in its JSON form). Input: untrusted
// bytes. What comes out is well-formed and within limits, nothing more; nothing in it has been verified.
import { asBase64, DecodeError, type ObjectReader } from "@kiteseal/in-toto-attestation/json";
import { decodeDocument } from "../decode.ts";
import { KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";

export interface InclusionProof {
  readonly logIndex: bigint;
  readonly rootHash: Uint8Array;
  readonly treeSize: bigint;
  readonly hashes: readonly Uint8Array[];
  /** The signed note, text as it stands. */
  readonly checkpoint?: string;
}

/** One transparency log entry. `integratedTime` is seconds since the epoch, 0 for logs that state none. */
export interface LogEntry {
  readonly logIndex: bigint;
  readonly logId: Uint8Array;
  readonly kind: string;
  readonly version: string;
  readonly integratedTime: bigint;
  readonly inclusionPromise?: Uint8Array;
  readonly inclusionProof?: InclusionProof;
  readonly canonicalizedBody: Uint8Array;
}

export interface DsseEnvelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  readonly keyid: string;
}

/** What a v0.3 bundle with a certificate is made of. `certificate` is DER; `timestamps` are RFC 3161 TimeStampResp, DER. */
export interface DsseBundleParts {
  readonly certificate: Uint8Array;
  readonly envelope: DsseEnvelope;
  readonly logEntries: readonly LogEntry[];
  readonly timestamps: readonly Uint8Array[];
}

export interface MessageSignature {
  readonly algorithm: string;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Bundle {
  readonly version: "0.1" | "0.2" | "0.3";
  /** `chain` is leaf first, DER. */
  readonly signer:
    | { readonly kind: "certificate"; readonly chain: readonly Uint8Array[] }
    | { readonly kind: "public-key"; readonly hint: string };
  readonly content:
    | { readonly kind: "dsse"; readonly envelope: DsseEnvelope }
    | { readonly kind: "message"; readonly message: MessageSignature };
  readonly logEntries: readonly LogEntry[];
  readonly timestamps: readonly Uint8Array[];
}

const V03 = "application/vnd.dev.sigstore.bundle.v0.3+json";
const MEDIA_TYPES: ReadonlyMap<string, Bundle["version"]> = new Map([
  ["application/vnd.dev.sigstore.bundle+json;version=0.1", "0.1"],
  ["application/vnd.dev.sigstore.bundle+json;version=0.2", "0.2"],
  ["application/vnd.dev.sigstore.bundle+json;version=0.3", "0.3"],
  [V03, "0.3"],
]);
const MAX_HASHES = 64;

/** Throws ERR_LIMIT_EXCEEDED for size, else ERR_BUNDLE_INVALID. */
export function decodeBundle(bytes: Uint8Array): Bundle {
  return decodeDocument(bytes, {
    code: "ERR_BUNDLE_INVALID",
    limitCode: "ERR_LIMIT_EXCEEDED",
    what: "the bundle",
    maxBytes: LIMITS.bundleBytes,
    rules: { absent: "null" },
    read: readBundle,
  });
}

function readBundle(o: ObjectReader): Bundle {
  const mediaType = o.string("mediaType", { max: 128 });
  const version = MEDIA_TYPES.get(mediaType);
  if (version === undefined) {
    throw new KitesealError("ERR_BUNDLE_INVALID", `the bundle's media type is ${quote(mediaType)}`, {
      details: { expected: "a Sigstore bundle v0.1 to v0.3", found: mediaType },
    });
  }
  const material = o.object("verificationMaterial", (m) => ({
    signer: readSigner(m, version),
    logEntries: m.optionalObjects("tlogEntries", (e) => readBundledEntry(e, version), { max: LIMITS.logEntries }) ?? [],
    timestamps:
      m.optionalObject("timestampVerificationData", (t) =>
        t.optionalObjects("rfc3161Timestamps", (s) => s.base64("signedTimestamp", { min: 1 }), {
          max: LIMITS.timestamps,
        }),
      ) ?? [],
  }));
  const content =
    o.exactlyOne(["dsseEnvelope", "messageSignature"]) === "dsseEnvelope"
      ? { kind: "dsse" as const, envelope: o.object("dsseEnvelope", readEnvelope) }
      : { kind: "message" as const, message: o.object("messageSignature", readMessage) };
  return { version, ...material, content };
}

function readSigner(m: ObjectReader, version: Bundle["version"]): Bundle["signer"] {
  const certificateKey = version === "0.3" ? "certificate" : "x509CertificateChain";
  if (m.exactlyOne([certificateKey, "publicKey"]) === "publicKey") {
    return m.object("publicKey", (k) => ({ kind: "public-key", hint: k.optionalString("hint", { max: 1024 }) ?? "" }));
  }
  const rawBytes = (c: ObjectReader): Uint8Array => c.base64("rawBytes", { min: 1, max: LIMITS.textBytes });
  if (version === "0.3") return { kind: "certificate", chain: [m.object("certificate", rawBytes)] };
  const chain = m.object("x509CertificateChain", (x) =>
    x.objects("certificates", rawBytes, { min: 1, max: LIMITS.certificates }),
  );
  return { kind: "certificate", chain };
}

/** `TransparencyLogEntry` in protobuf's JSON form, as bundles hold it and Rekor v2 answers it. Throws DecodeError. */
export function readLogEntry(e: ObjectReader): LogEntry {
  const kindVersion = e.object("kindVersion", (k) => ({
    kind: k.string("kind", { min: 1, max: 64 }),
    version: k.string("version", { min: 1, max: 64 }),
  }));
  const inclusionPromise = e.optionalObject("inclusionPromise", (p) => p.base64("signedEntryTimestamp", { min: 1 }));
  const inclusionProof = e.optionalObject("inclusionProof", readInclusionProof);
  return {
    logIndex: int64(e, "logIndex"),
    logId: e.object("logId", (l) => l.base64("keyId", { min: 1, max: 64 })),
    ...kindVersion,
    integratedTime: int64(e, "integratedTime"),
    ...(inclusionPromise === undefined ? {} : { inclusionPromise }),
    ...(inclusionProof === undefined ? {} : { inclusionProof }),
    canonicalizedBody: e.base64("canonicalizedBody", { min: 1 }),
  };
}

/** v0.1 asks for a promise, later versions for a proof with its checkpoint. */
function readBundledEntry(e: ObjectReader, version: Bundle["version"]): LogEntry {
  const entry = readLogEntry(e);
  const { inclusionPromise, inclusionProof } = entry;
  if (version === "0.1" ? inclusionPromise !== undefined : inclusionProof?.checkpoint !== undefined) return entry;
  const expected = version === "0.1" ? "an inclusion promise" : "an inclusion proof with a checkpoint";
  throw new DecodeError(e.path, expected, "none");
}

/** protobuf's JSON form leaves zero out. */
function int64(o: ObjectReader, key: string): bigint {
  return BigInt(o.optionalInt64String(key, { min: 0 }) ?? 0);
}

function readInclusionProof(p: ObjectReader): InclusionProof {
  const hashes = p.optionalArray("hashes", hash, { max: MAX_HASHES }) ?? [];
  const checkpoint = p.optionalObject("checkpoint", (c) => c.string("envelope", { min: 1, max: LIMITS.textBytes }));
  return {
    logIndex: int64(p, "logIndex"),
    rootHash: p.base64("rootHash", { min: 32, max: 32 }),
    treeSize: int64(p, "treeSize"),
    hashes,
    ...(checkpoint === undefined ? {} : { checkpoint }),
  };
}

function hash(value: unknown, path: string): Uint8Array {
  return asBase64(value, path, { min: 32, max: 32 });
}

function readEnvelope(d: ObjectReader): DsseEnvelope {
  const payload = d.base64("payload", { min: 1 });
  const payloadType = d.string("payloadType", { min: 1, max: 256 });
  const [signature] = d.objects(
    "signatures",
    (s) => ({ signature: s.base64("sig", { min: 1 }), keyid: s.optionalString("keyid", { max: 1024 }) ?? "" }),
    { min: 1, max: 1 },
  );
  if (signature === undefined) throw new KitesealError("ERR_BUNDLE_INVALID", "the envelope has no signature");
  return { payloadType, payload, ...signature };
}

function readMessage(m: ObjectReader): MessageSignature {
  const digest = m.object("messageDigest", (d) => ({
    algorithm: d.string("algorithm", { max: 64 }),
    digest: d.base64("digest", { min: 1, max: 64 }),
  }));
  return { ...digest, signature: m.base64("signature", { min: 1 }) };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** A v0.3 bundle as UTF-8 JSON, in the order of the protobuf's fields. */
export function encodeBundle(parts: DsseBundleParts): Uint8Array {
  const { certificate, envelope, logEntries, timestamps } = parts;
  const document = {
    mediaType: V03,
    verificationMaterial: {
      certificate: { rawBytes: base64(certificate) },
      tlogEntries: logEntries.map(encodeLogEntry),
      ...(timestamps.length === 0
        ? {}
        : {
            timestampVerificationData: { rfc3161Timestamps: timestamps.map((t) => ({ signedTimestamp: base64(t) })) },
          }),
    },
    dsseEnvelope: {
      payload: base64(envelope.payload),
      payloadType: envelope.payloadType,
      signatures: [{ sig: base64(envelope.signature), keyid: envelope.keyid }],
    },
  };
  return new TextEncoder().encode(`${JSON.stringify(document)}\n`);
}

function encodeLogEntry(entry: LogEntry): unknown {
  const { inclusionPromise, inclusionProof } = entry;
  return {
    logIndex: String(entry.logIndex),
    logId: { keyId: base64(entry.logId) },
    kindVersion: { kind: entry.kind, version: entry.version },
    integratedTime: String(entry.integratedTime),
    ...(inclusionPromise === undefined ? {} : { inclusionPromise: { signedEntryTimestamp: base64(inclusionPromise) } }),
    ...(inclusionProof === undefined
      ? {}
      : {
          inclusionProof: {
            logIndex: String(inclusionProof.logIndex),
            rootHash: base64(inclusionProof.rootHash),
            treeSize: String(inclusionProof.treeSize),
            hashes: inclusionProof.hashes.map(base64),
            ...(inclusionProof.checkpoint === undefined ? {} : { checkpoint: { envelope: inclusionProof.checkpoint } }),
          },
        }),
    canonicalizedBody: base64(entry.canonicalizedBody),
  };
}
