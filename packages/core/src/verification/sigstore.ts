// SPDX-License-Identifier: Apache-2.0
// The only caller of @sigstore/verify's Verifier: guards, then one call, and one table from its codes to ours.
// Whatever it throws untyped while it decodes untrusted bytes is ERR_BUNDLE_INVALID (reference: Sigstore client
// specification, verification).
import { createPublicKey } from "node:crypto";
import type { X509Certificate } from "@sigstore/core";
import { Verifier, type SignedEntity, type TrustMaterial } from "@sigstore/verify";
import { isKitesealError, KitesealError, type ErrorCode } from "../errors.ts";
import type { LogEntry } from "../sigstore/bundle.ts";
import type { TrustedKey } from "../sigstore/trusted-key.ts";
import type { TrustedLog } from "../sigstore/trusted-root.ts";
import { guardChain, guardLeaf, parseLeaf } from "./certificate.ts";
import { guardEntryVerifier, guardLogValidity, guardProof, knownLog, type EntryVerifier } from "./log.ts";
import { distinctTimes, guardTimes, knownStamps, promiseTimes, type VerifiedTime } from "./time.ts";
import type { PreparedRoot } from "./trust-material.ts";

/** A bundle whose kind was asked for. */
export interface AskedBundle {
  readonly signer:
    | { readonly kind: "certificate"; readonly chain: readonly Uint8Array[] }
    | { readonly kind: "key"; readonly key: TrustedKey };
  readonly signature: SignedEntity["signature"];
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
  /** Absent where a key signed. */
  readonly leaf?: X509Certificate;
  readonly times: readonly VerifiedTime[];
  readonly entries: readonly VerifiedEntry[];
  readonly droppedStamps: number;
  readonly droppedEntries: number;
  /** False where the trusted root lists no log, no certificate transparency log, or a key signed. */
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
export function verifyEvidence(bundle: AskedBundle, prepared: PreparedRoot): VerifiedEvidence {
  const { signer } = bundle;
  const applies = {
    log: prepared.root.logs.length > 0,
    sct: signer.kind === "certificate" && prepared.root.ctLogs.length > 0,
  };
  const { stamps, dropped } = knownStamps(bundle.timestamps, prepared);
  const entries = knownEntries(bundle.logEntries, prepared.root.logs);
  const leaf = signer.kind === "certificate" ? parseLeaf(signer.chain[0] ?? new Uint8Array()) : undefined;
  const times = [...stamps.map((s) => s.time), ...promiseTimes(entries)];
  typed("ERR_CERTIFICATE", () => {
    guardTimes(times, leaf, dropped);
    if (leaf !== undefined) guardLeaf(leaf);
    if (signer.kind === "certificate") guardChain(signer.chain);
  });
  const der = signer.kind === "certificate" ? (signer.chain[0] ?? new Uint8Array()) : signer.key.spki;
  guardEntries(entries, { applies: applies.log, verifier: { kind: signer.kind, der }, times });
  const entity: SignedEntity = {
    signature: bundle.signature,
    key: leaf === undefined ? { $case: "public-key", hint: "" } : { $case: "certificate", certificate: leaf },
    tlogEntries: entries.map(({ entry }) => protoEntry(entry)),
    timestamps: [
      ...entries
        .filter(({ entry }) => entry.integratedTime > 0n)
        .map(({ entry }) => ({ $case: "transparency-log" as const, tlogEntry: protoEntry(entry) })),
      ...stamps.map(({ parsed }) => ({ $case: "timestamp-authority" as const, timestamp: parsed })),
    ],
  };
  callVerifier(entity, materialFor(signer, prepared), applies);
  return {
    ...(leaf === undefined ? {} : { leaf }),
    times: distinctTimes(times),
    entries: entries.map(({ entry, operator }) => ({ log: operator, index: entry.logIndex })),
    droppedStamps: dropped,
    droppedEntries: bundle.logEntries.length - entries.length,
    applies,
  };
}

/** With a key, exactly that key, whatever hint the bundle gives; it is valid as long as the operator names it. */
function materialFor(signer: AskedBundle["signer"], { material }: PreparedRoot): TrustMaterial {
  if (signer.kind === "certificate") return material;
  const publicKey = createPublicKey({ key: Buffer.from(signer.key.spki), format: "der", type: "spki" });
  return { ...material, publicKey: () => ({ publicKey, validFor: () => true }) };
}

function knownEntries(entries: readonly LogEntry[], logs: readonly TrustedLog[]): readonly KnownEntry[] {
  return entries.flatMap((entry) => {
    const log = knownLog(entry, logs);
    return log === undefined ? [] : [{ entry, log, operator: log.operator || log.baseUrl }];
  });
}

function guardEntries(
  entries: readonly KnownEntry[],
  o: { applies: boolean; verifier: EntryVerifier; times: readonly VerifiedTime[] },
): void {
  if (!o.applies) return;
  if (entries.length === 0) {
    const expected = "an entry of a log that the trusted root lists";
    throw new KitesealError("ERR_LOG_MISSING", `expected ${expected}, found none`, {
      details: { expected, found: "none" },
    });
  }
  for (const { entry, log } of entries) {
    guardEntryVerifier(entry, o.verifier);
    guardProof(entry);
    guardLogValidity(
      log,
      o.times.map((t) => t.time),
    );
  }
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

function callVerifier(entity: SignedEntity, material: TrustMaterial, applies: { log: boolean; sct: boolean }): void {
  try {
    new Verifier(material, {
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
