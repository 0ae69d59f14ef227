// SPDX-License-Identifier: Apache-2.0
// A certificate for our key from the job's token: Fulcio's POST /api/v2/signingCert (fulcio, fulcio.proto). Whether the
// certificate is genuine is the verifier's business; here it must be about our key and about now. The token is in no
// error, whatever the authority says of it.
import { sign, X509Certificate, type KeyObject } from "node:crypto";
import { asString } from "@kiteseal/in-toto-attestation/json";
import type { UnverifiedClaims } from "../buildkite/claims.ts";
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import { badReply, type HttpResponse } from "../http.ts";
import { LIMITS } from "../limits.ts";
import type { Pace } from "../retry.ts";
import { callService, readReply } from "./call.ts";

export interface CertificateRequest {
  /** Base address of the authority. */
  readonly url: string;
  readonly token: string;
  readonly claims: UnverifiedClaims;
  /** ECDSA P-256. */
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly pace?: Pace | undefined;
}

export interface SigningCertificate {
  readonly der: Uint8Array;
  readonly pem: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const SERVICE = "the certificate authority";
const REFUSED = "the token must be for audience sigstore, from an issuer this authority knows, and unexpired";
const HINTS = { 400: REFUSED, 401: REFUSED, 403: REFUSED };

/**
 * The leaf for `publicKey`, proof of possession over the token's subject (or verified e-mail address). Errors:
 * ERR_SERVICE_REFUSED, ERR_SERVICE_UNAVAILABLE (also for a leaf of another key, or of another time than this machine's
 * clock by more than LIMITS.clockSkewMs: `details.reason` "clock-skew"), ERR_INTERRUPTED.
 */
export async function requestCertificate(request: CertificateRequest, ctx: Context): Promise<SigningCertificate> {
  const proof = sign("sha256", Buffer.from(request.claims.email ?? request.claims.subject), request.privateKey);
  const spki = request.publicKey.export({ type: "spki", format: "pem" }).toString();
  const body = {
    credentials: { oidcIdentityToken: request.token },
    publicKeyRequest: {
      publicKey: { algorithm: "ECDSA", content: spki },
      proofOfPossession: proof.toString("base64"),
    },
  };
  const response = await callService(
    {
      service: SERVICE,
      url: `${request.url}/api/v2/signingCert`,
      method: "POST",
      contentType: "application/json",
      accept: "application/json",
      body: JSON.stringify(body),
      secrets: [request.token],
      pace: request.pace,
      hints: HINTS,
    },
    ctx,
  );
  const certificate = readLeaf(response);
  if (!certificate.publicKey.equals(request.publicKey)) {
    throw badReply(SERVICE, response, "issued a certificate for another key than the one it was asked to certify");
  }
  const { validFromDate: notBefore, validToDate: notAfter } = certificate;
  const issued = { der: new Uint8Array(certificate.raw), pem: certificate.toString(), notBefore, notAfter };
  checkClock(issued, response, ctx.now());
  return issued;
}

/** Leaf first; the rest of the chain is in the trusted root. */
function readLeaf(response: HttpResponse): X509Certificate {
  const pem = readReply(SERVICE, response, (o) => {
    const kind = o.exactlyOne(["signedCertificateEmbeddedSct", "signedCertificateDetachedSct"]);
    const chain = o.object(kind, (signed) =>
      signed.object("chain", (c) =>
        c.array("certificates", (value, path) => asString(value, path, { max: LIMITS.textBytes }), {
          min: 1,
          max: LIMITS.certificates,
        }),
      ),
    );
    return chain[0] ?? "";
  });
  try {
    return new X509Certificate(pem);
  } catch {
    throw badReply(SERVICE, response, "sent a certificate that cannot be parsed");
  }
}

function checkClock({ notBefore, notAfter }: SigningCertificate, response: HttpResponse, now: Date): void {
  const early = notBefore.getTime() - now.getTime();
  const late = now.getTime() - notAfter.getTime();
  if (early <= LIMITS.clockSkewMs && late <= LIMITS.clockSkewMs) return;
  const validity = `${notBefore.toISOString()} to ${notAfter.toISOString()}`;
  const message = `${SERVICE} at ${response.origin} issued a certificate valid from ${validity}, and it is ${now.toISOString()}`;
  throw new KitesealError("ERR_SERVICE_UNAVAILABLE", message, {
    hint: "this machine's clock and the authority's differ: correct the one that is wrong (NTP)",
    details: { service: SERVICE, origin: response.origin, reason: "clock-skew", now: now.toISOString() },
  });
}
