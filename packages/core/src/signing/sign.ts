// SPDX-License-Identifier: Apache-2.0
// Payload → signed, logged, stamped: the parts of a v0.3 bundle (DSSE, in-toto). Nothing here is verified; the caller
// verifies its own bundle before it stores it (operations/attest.ts).
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import type { DsseBundleParts, DsseEnvelope, LogEntry } from "../sigstore/bundle.ts";
import { IN_TOTO_PAYLOAD_TYPE, preAuthEncoding } from "../sigstore/envelope.ts";
import type { SigningCertificate } from "./fulcio.ts";
import type { SignablePayload } from "./guard.ts";
import { logToRekorV1 } from "./rekor-v1.ts";
import { logToRekorV2 } from "./rekor-v2.ts";
import type { LogService, SigningServices } from "./services.ts";
import type { SigningIdentity } from "./signer.ts";
import { requestTimestamp } from "./timestamp.ts";

export interface SignedBundleParts extends DsseBundleParts {
  readonly signingCertificate: SigningCertificate;
  /** What the timestamps say, to name a clock that is off when self-verification fails. */
  readonly unverifiedTimes: readonly Date[];
}

/** One signature, and what is known where to send it. */
interface Signed {
  readonly services: SigningServices;
  readonly certificate: SigningCertificate;
  readonly envelope: DsseEnvelope;
  readonly bytes: Uint8Array;
}

const MAX_SIGNATURES = 3;

/**
 * Signs `payload` and sends the signature to every log and timestamp authority at once; all must answer. A Rekor v2 log
 * that already holds the signature (a lost reply) gives no proof of it, so a fresh signature is made, at most twice.
 * Errors: TokenSource's, ERR_SERVICE_REFUSED, ERR_SERVICE_UNAVAILABLE, ERR_INTERRUPTED.
 */
export async function sign(
  payload: SignablePayload,
  identity: SigningIdentity,
  ctx: Context,
): Promise<SignedBundleParts> {
  const bytes = preAuthEncoding(IN_TOTO_PAYLOAD_TYPE, payload);
  const certificate = await identity.certificate(ctx);
  const { services } = identity;
  for (let attempt = 1; attempt <= MAX_SIGNATURES; attempt++) {
    const signature = identity.sign(bytes);
    const envelope = { payloadType: IN_TOTO_PAYLOAD_TYPE, payload, signature, keyid: "" };
    const parts = await witness({ services, certificate, envelope, bytes }, ctx);
    if (parts !== undefined) return parts;
  }
  throw new KitesealError("ERR_SERVICE_UNAVAILABLE", `the transparency log lost ${MAX_SIGNATURES} replies in a row`, {
    details: { service: "the transparency log", reason: "duplicate" },
  });
}

/** undefined: a log holds this signature already and cannot prove it. */
async function witness(signed: Signed, ctx: Context): Promise<SignedBundleParts | undefined> {
  const { services, envelope, certificate } = signed;
  const failure = new AbortController();
  const linked: Context = {
    now: () => ctx.now(),
    signal: ctx.signal === undefined ? failure.signal : AbortSignal.any([ctx.signal, failure.signal]),
  };
  const requests = [
    Promise.all(services.logs.map((log) => logTo(log, signed, linked))),
    Promise.all(
      services.timestampAuthorities.map((url) =>
        requestTimestamp({ url, signature: envelope.signature, pace: services.pace }, linked),
      ),
    ),
  ] as const;
  try {
    const [entries, stamps] = await Promise.all(requests);
    const logEntries = entries.filter((entry) => entry !== "duplicate");
    if (logEntries.length < entries.length) return undefined;
    return {
      certificate: certificate.der,
      envelope,
      logEntries,
      timestamps: stamps.map(({ der }) => der),
      signingCertificate: certificate,
      unverifiedTimes: stamps.map(({ unverifiedTime }) => unverifiedTime),
    };
  } catch (error) {
    // The others would go on trying for up to a minute for a bundle that cannot come to be.
    failure.abort();
    throw error;
  }
}

function logTo(log: LogService, signed: Signed, ctx: Context): Promise<LogEntry | "duplicate"> {
  const { envelope, certificate, bytes } = signed;
  const { pace } = signed.services;
  if (log.version === 1) {
    return logToRekorV1({ url: log.url, envelope, certificatePem: certificate.pem, pace }, ctx);
  }
  const { signature } = envelope;
  return logToRekorV2({ url: log.url, signed: bytes, signature, certificate: certificate.der, pace }, ctx);
}
