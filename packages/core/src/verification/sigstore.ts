// SPDX-License-Identifier: Apache-2.0
// The only caller of @sigstore/verify's Verifier: guards, then one call, and one table from its codes to ours.
// Whatever it throws untyped while it decodes untrusted bytes is ERR_BUNDLE_INVALID (reference: Sigstore client
// specification, verification).
import { crypto, type X509Certificate } from "@sigstore/core";
import { Verifier, type SignedEntity } from "@sigstore/verify";
import { isKitesealError, KitesealError, type ErrorCode } from "../errors.ts";
import type { DsseEnvelope, LogEntry } from "../sigstore/bundle.ts";
import { preAuthEncoding } from "../sigstore/envelope.ts";
import type { TrustedLog } from "../sigstore/trusted-root.ts";
import { guardChain, guardLeaf, parseLeaf } from "./certificate.ts";
import { guardEntryCertificate, guardLogValidity, guardProof, knownLog } from "./log.ts";
import { distinctTimes, guardTimes, knownStamps, promiseTimes, type VerifiedTime } from "./time.ts";
import type { PreparedRoot } from "./trust-material.ts";

/** A DSSE bundle signed with a certificate: the only kind that carries statements. */
export interface CertificateBundle {
  readonly chain: readonly Uint8Array[];
  readonly envelope: DsseEnvelope;
  readonly logEntries: readonly LogEntry[];
  readonly timestamps: readonly Uint8Array[];
}

export interface VerifiedEntry {
  readonly log: string;
  /** Position in the log, proven by the inclusion proof or the promise. */
  readonly index: bigint;
}

/** What the evidence in a bundle adds up to. Dropped: of authorities that the trusted root does not list. */
export interface VerifiedEvidence {
  readonly leaf: X509Certificate;
  readonly times: readonly VerifiedTime[];
  readonly entries: readonly VerifiedEntry[];
  readonly droppedStamps: number;
  readonly droppedEntries: number;
  /** False where the trusted root lists no log, or no certificate transparency log. */
  readonly applies: { readonly log: boolean; readonly sct: boolean };
}

interface KnownEntry {
  readonly entry: LogEntry;
  readonly log: TrustedLog;
  readonly operator: string;
}

/** Raised by the call itself: the checks before the failing one have passed. */
export class VerifierRejection extends Error {
  readonly error: KitesealError;
  constructor(error: KitesealError) {
    super(error.message, { cause: error });
    this.error = error;
  }
}

/**
 * Verifies times, certificate, SCTs, log entries and signature against the trusted root. Throws KitesealError with the
 * code of the check that fails in a guard, VerifierRejection for what the verifier itself refuses.
 */
export function verifyEvidence(bundle: CertificateBundle, prepared: PreparedRoot): VerifiedEvidence {
  const applies = { log: prepared.root.logs.length > 0, sct: prepared.root.ctLogs.length > 0 };
  const { stamps, dropped } = knownStamps(bundle.timestamps, prepared);
  const entries = knownEntries(bundle.logEntries, prepared.root.logs);
  const leaf = parseLeaf(bundle.chain[0] ?? new Uint8Array());
  const times = [...stamps.map((s) => s.time), ...promiseTimes(entries)];
  typed("ERR_CERTIFICATE", () => {
    guardTimes(times, leaf, dropped);
    guardLeaf(leaf);
    guardChain(bundle.chain);
  });
  guardEntries(entries, { applies: applies.log, leafDer: bundle.chain[0] ?? new Uint8Array(), times });
  const entity: SignedEntity = {
    signature: signatureContent(bundle.envelope),
    key: { $case: "certificate", certificate: leaf },
    tlogEntries: entries.map(({ entry }) => protoEntry(entry)),
    timestamps: [
      ...entries
        .filter(({ entry }) => entry.integratedTime > 0n)
        .map(({ entry }) => ({ $case: "transparency-log" as const, tlogEntry: protoEntry(entry) })),
      ...stamps.map(({ parsed }) => ({ $case: "timestamp-authority" as const, timestamp: parsed })),
    ],
  };
  callVerifier(entity, prepared, applies);
  return {
    leaf,
    times: distinctTimes(times),
    entries: entries.map(({ entry, operator }) => ({ log: operator, index: entry.logIndex })),
    droppedStamps: dropped,
    droppedEntries: bundle.logEntries.length - entries.length,
    applies,
  };
}

function knownEntries(entries: readonly LogEntry[], logs: readonly TrustedLog[]): readonly KnownEntry[] {
  return entries.flatMap((entry) => {
    const log = knownLog(entry, logs);
    return log === undefined ? [] : [{ entry, log, operator: log.operator || log.baseUrl }];
  });
}

function guardEntries(
  entries: readonly KnownEntry[],
  o: { applies: boolean; leafDer: Uint8Array; times: readonly VerifiedTime[] },
): void {
  if (!o.applies) return;
  if (entries.length === 0) {
    const expected = "an entry of a log that the trusted root lists";
    throw new KitesealError("ERR_LOG_MISSING", `expected ${expected}, found none`, {
      details: { expected, found: "none" },
    });
  }
  for (const { entry, log } of entries) {
    guardEntryCertificate(entry, o.leafDer);
    guardProof(entry);
    guardLogValidity(
      log,
      o.times.map((t) => t.time),
    );
  }
}

function signatureContent(envelope: DsseEnvelope): SignedEntity["signature"] {
  const payload = Buffer.from(envelope.payload);
  const signature = Buffer.from(envelope.signature);
  const signed = Buffer.from(preAuthEncoding(envelope.payloadType, payload));
  return {
    signature,
    compareSignature: (other) => crypto.bufferEqual(other, signature),
    compareDigest: (digest) => crypto.bufferEqual(digest, crypto.digest("sha256", payload)),
    compareSignedDigest: (digest) => crypto.bufferEqual(digest, crypto.digest("sha256", signed)),
    verifySignature: (key) => crypto.verify(signed, key, signature),
  };
}

function protoEntry(entry: LogEntry): SignedEntity["tlogEntries"][number] {
  const { inclusionPromise, inclusionProof } = entry;
  return {
    logIndex: String(entry.logIndex),
    logId: { keyId: Buffer.from(entry.logId) },
    kindVersion: { kind: entry.kind, version: entry.version },
    integratedTime: String(entry.integratedTime),
    inclusionPromise:
      inclusionPromise === undefined ? undefined : { signedEntryTimestamp: Buffer.from(inclusionPromise) },
    inclusionProof:
      inclusionProof === undefined
        ? undefined
        : {
            logIndex: String(inclusionProof.logIndex),
            rootHash: Buffer.from(inclusionProof.rootHash),
            treeSize: String(inclusionProof.treeSize),
            hashes: inclusionProof.hashes.map((hash) => Buffer.from(hash)),
            checkpoint: { envelope: inclusionProof.checkpoint ?? "" },
          },
    canonicalizedBody: Buffer.from(entry.canonicalizedBody),
  };
}

/** What the verifier says of certificates is about SCTs in these words (4.1.3; a test holds each). */
const ABOUT_SCTS = /^(?:SCT verification failed|duplicate SCT|expected \d+ SCTs)/;

interface Meaning {
  readonly code: ErrorCode;
  readonly expected: string;
}

const INCLUSION: Meaning = { code: "ERR_LOG_INCLUSION", expected: "proof that a listed log holds the entry" };
const CERTIFICATE: Meaning = {
  code: "ERR_CERTIFICATE",
  expected: "a certificate of a listed authority, valid at that time",
};
const SCT: Meaning = { code: "ERR_SCT", expected: "a certificate that a listed certificate transparency log holds" };
const CODES: Readonly<Record<string, Meaning>> = {
  TIMESTAMP_ERROR: { code: "ERR_TIME", expected: "a timestamp of a listed authority over this signature" },
  CERTIFICATE_ERROR: CERTIFICATE,
  PUBLIC_KEY_ERROR: CERTIFICATE,
  TLOG_ERROR: INCLUSION,
  TLOG_INCLUSION_PROOF_ERROR: INCLUSION,
  TLOG_INCLUSION_PROMISE_ERROR: INCLUSION,
  TLOG_MISSING_INCLUSION_ERROR: INCLUSION,
  TLOG_BODY_ERROR: { code: "ERR_LOG_BODY", expected: "an entry about this signature and this content" },
  SIGNATURE_ERROR: { code: "ERR_SIGNATURE", expected: "a signature over this content by the signer's key" },
};

function callVerifier(entity: SignedEntity, prepared: PreparedRoot, applies: { log: boolean; sct: boolean }): void {
  try {
    new Verifier(prepared.material, {
      tlogThreshold: applies.log ? 1 : 0,
      ctlogThreshold: applies.sct ? 1 : 0,
      timestampThreshold: 1,
    }).verify(entity);
  } catch (cause) {
    throw translate(cause);
  }
}

/** Matched by name and code: two copies of the package have two classes. */
function translate(cause: unknown): Error {
  const native = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const meaning = Object.hasOwn(CODES, native) ? CODES[native] : undefined;
  if (!(cause instanceof Error) || meaning === undefined) {
    return new KitesealError("ERR_BUNDLE_INVALID", "the bundle's evidence cannot be decoded", { cause });
  }
  const found = cause.cause instanceof Error ? `${cause.message}: ${cause.cause.message}` : cause.message;
  const { code, expected } = meaning === CERTIFICATE && ABOUT_SCTS.test(cause.message) ? SCT : meaning;
  return new VerifierRejection(
    new KitesealError(code, `expected ${expected}, found ${found}`, { cause, details: { expected, found } }),
  );
}

/** Untyped errors of the ASN.1 reader, met while a guard reads, belong to that guard's check. */
function typed(code: ErrorCode, guard: () => void): void {
  try {
    guard();
  } catch (cause) {
    if (isKitesealError(cause)) throw cause;
    throw new KitesealError(code, "the signing certificate cannot be read", { cause });
  }
}
