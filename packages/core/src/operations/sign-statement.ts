// SPDX-License-Identifier: Apache-2.0
// sign-statement: a statement that is ready → guard → sign → self-verify → bundle. For statements that something else
// made, about anything, by any identity; what a Buildkite job built is attested (attest.ts).
import type { Statement } from "@kiteseal/in-toto-attestation";
import type { Secrets } from "../buildkite/secrets.ts";
import type { Compute } from "../compute.ts";
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import { guardNotes, guardPayload, type SignablePayload } from "../signing/guard.ts";
import { disclosure, requireTransparencyConsent, type TransparencyConsent } from "../signing/services.ts";
import { sign } from "../signing/sign.ts";
import type { SigningIdentity } from "../signing/signer.ts";
import { encodeBundle } from "../sigstore/bundle.ts";
import { IN_TOTO_PAYLOAD_TYPE } from "../sigstore/envelope.ts";
import { isKeyIdentity } from "../sigstore/certificate.ts";
import { sha256Hex } from "../store/attestations.ts";
import type { Authentication, AuthenticationFailure } from "../verification/authenticate.ts";
import { readStatement } from "../verification/statement.ts";

export interface SignStatementRequest {
  readonly statement: Statement;
  readonly identity: SigningIdentity;
  readonly secrets: Secrets;
  readonly leakAllow: readonly string[];
  readonly consent: TransparencyConsent;
  /** Of the trusted root that the new bundle must verify against. */
  readonly compute: Compute;
}

export interface StatementBundle {
  /** Bundle v0.3, UTF-8 JSON. */
  readonly bundle: Uint8Array;
  readonly bundleDigest: string;
  /** The certificate's subject alternative name. */
  readonly signer: string;
  readonly warnings: readonly string[];
}

/**
 * Who signed is verified to be somebody whom the trusted root's authorities know; whether it is the right one, only a
 * policy says. Errors: ERR_PREDICATE_INVALID, ERR_STATEMENT_INVALID, ERR_SECRET_FOUND, ERR_LIMIT_EXCEEDED,
 * ERR_PUBLIC_LOG_UNCONFIRMED, ERR_SELF_VERIFICATION, those of the token source and of the signing services.
 */
export async function signStatement(request: SignStatementRequest, ctx: Context): Promise<StatementBundle> {
  const { statement, identity, secrets, leakAllow, consent } = request;
  const guarded = guardPayload(statement, secrets, { allow: leakAllow });
  const { payload } = guarded;
  const unsigned = { payloadType: IN_TOTO_PAYLOAD_TYPE, payload, signature: new Uint8Array(), keyid: "" };
  readStatement(unsigned, { allowV01: false });
  const shown = disclosure(await identity.claims(ctx), statement.subject.length);
  requireTransparencyConsent(identity.services, consent, shown);
  const first = await signOnce(request, payload, ctx);
  const { bundle, bundleDigest, result } = isUntimely(first.result) ? await signOnce(request, payload, ctx) : first;
  if (result.kind === "refused") throw selfVerificationFailed(result.failure);
  const { signer } = result.attestation;
  const name = isKeyIdentity(signer) ? signer.keyDigest : signer.subject;
  return { bundle, bundleDigest, signer: name, warnings: guardNotes(guarded) };
}

/** A timestamp authority's clock a little behind the certificate's: the next signature is stamped later. */
function isUntimely(result: Authentication): boolean {
  return result.kind === "refused" && ["ERR_TIME", "ERR_CERTIFICATE"].includes(result.failure.code);
}

async function signOnce(
  { identity, compute }: SignStatementRequest,
  payload: SignablePayload,
  ctx: Context,
): Promise<{ bundle: Uint8Array; bundleDigest: string; result: Authentication }> {
  const bundle = encodeBundle(await sign(payload, identity, ctx));
  const bundleDigest = sha256Hex(bundle);
  return { bundle, bundleDigest, result: await compute.authenticate(bundle, bundleDigest) };
}

function selfVerificationFailed({ code, checks }: AuthenticationFailure): KitesealError {
  const failing = checks.find((check) => check.status === "failed");
  return new KitesealError(
    "ERR_SELF_VERIFICATION",
    `the new bundle does not verify: ${failing?.id ?? code}: ${failing?.found ?? ""}`,
    {
      details: { check: failing?.id, code, expected: failing?.expected, found: failing?.found },
      hint: "is the trusted root the one of these signing services? are their clocks right? nothing was stored",
    },
  );
}
