// SPDX-License-Identifier: Apache-2.0
// Transparency log, Rekor v2: a `hashedrekord` 0.0.2 over SHA-256(PAE), since rekor-tiles 2.3.0 the only kind it takes
// (rekor-tiles, rekor_service.proto). The log sees digest, signature and certificate, no payload. It has no time of its
// own. What it answers is untrusted; whether the entry is ours and included is checked by self-verification.
import { createHash } from "node:crypto";
import { DecodeError } from "@kiteseal/in-toto-attestation/json";
import type { Context } from "../context.ts";
import type { HttpResponse } from "../http.ts";
import { readLogEntry, type LogEntry } from "../sigstore/bundle.ts";
import type { Pace } from "../retry.ts";
import { callService, readReply } from "./call.ts";

export interface RekorV2Request {
  /** Base address of the log. */
  readonly url: string;
  /** The bytes that were signed: DSSE's pre-authentication encoding. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  /** DER. */
  readonly certificate: Uint8Array;
  readonly pace?: Pace | undefined;
}

const SERVICE = "the transparency log";
const CONFLICT = 409;
/** The log answers only once a checkpoint covers the entry. */
const HINTS = { 405: "this log is frozen: use a signing configuration that names its successor" };
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/**
 * Logs the signature. "duplicate": the log already holds exactly this (409), which happens to our own entry after a lost
 * reply, and gives no proof of it; ECDSA being randomised, signing again makes another entry. Errors:
 * ERR_SERVICE_REFUSED, ERR_SERVICE_UNAVAILABLE, ERR_INTERRUPTED.
 */
export async function logToRekorV2(request: RekorV2Request, ctx: Context): Promise<LogEntry | "duplicate"> {
  const hashedRekordRequestV002 = {
    digest: createHash("sha256").update(request.signed).digest("base64"),
    signature: {
      content: base64(request.signature),
      verifier: { x509Certificate: { rawBytes: base64(request.certificate) }, keyDetails: "PKIX_ECDSA_P256_SHA_256" },
    },
  };
  const response = await callService(
    {
      service: SERVICE,
      url: `${request.url}/api/v2/log/entries`,
      method: "POST",
      contentType: "application/json",
      accept: "application/json",
      body: JSON.stringify({ hashedRekordRequestV002 }),
      understood: [CONFLICT],
      pace: request.pace,
      hints: HINTS,
    },
    ctx,
  );
  return response.status === CONFLICT ? "duplicate" : readEntry(response);
}

/** A v2 log answers with a proof and its checkpoint, never with a promise alone. */
function readEntry(response: HttpResponse): LogEntry {
  return readReply(SERVICE, response, (reply): LogEntry => {
    const entry = readLogEntry(reply);
    if (entry.inclusionProof?.checkpoint !== undefined) return entry;
    throw new DecodeError(reply.at("inclusionProof"), "an inclusion proof with a checkpoint", "none");
  });
}
