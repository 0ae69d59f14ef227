// SPDX-License-Identifier: Apache-2.0
// sign-statement: a statement that is ready → guard → sign → self-verify → bundle. For statements that something else
// made, about anything, by any identity; what a Buildkite job built is attested (attest.ts).
import type { Statement } from "@kiteseal/in-toto-attestation";
import { sha256Hex } from "../artifact/digest.ts";
import type { Secrets } from "../buildkite/secrets.ts";
import type { Compute } from "../compute.ts";
import type { Context } from "../context.ts";
import { guardNotes, guardPayload, type SignablePayload } from "../signing/guard.ts";
import { disclosure, requireTransparencyConsent, type TransparencyConsent } from "../signing/services.ts";
import { sign } from "../signing/sign.ts";
import type { SigningIdentity } from "../signing/signer.ts";
import { encodeBundle } from "../sigstore/bundle.ts";
import { IN_TOTO_PAYLOAD_TYPE } from "../sigstore/envelope.ts";
import { signerName } from "../sigstore/certificate.ts";
import type { Authentication } from "../verification/authenticate.ts";
import { isUntimely, selfVerificationFailed } from "../verification/self-verification.ts";
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
  /** See signerName. */
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
  const { bundle, bundleDigest, result } =
    first.result.kind === "refused" && isUntimely(first.result.failure) ? await signOnce(request, payload, ctx) : first;
  if (result.kind === "refused") throw selfVerificationFailed(result.failure);
  return { bundle, bundleDigest, signer: signerName(result.attestation.signer), warnings: guardNotes(guarded) };
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
