// SPDX-License-Identifier: Apache-2.0
// sign-bundle --in-toto of the sigstore-conformance protocol, through public entries: a statement that is ready, signed
// with a token that the caller has, by the services that the caller names. Returns the bundle; writes nothing.
import { DecodeError, decodeStatement, JsonError, parseJson, type Statement } from "@kiteseal/in-toto-attestation";
import { type Context, inlineCompute, KitesealError, loadTrust, readSecrets, STATEMENTS_ONLY } from "@kiteseal/core";
import {
  createSigningIdentity,
  createTokenSource,
  decodeSigningConfig,
  selectServices,
  signStatement,
} from "@kiteseal/core/sign";
import { readGiven } from "./verify-bundle.ts";

export interface SignBundle {
  readonly statement: string;
  readonly token: string;
  readonly trustedRoot: string;
  readonly signingConfig: string;
  /** Its secrets must not stand in the statement. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Errors: those of signStatement, loadTrust and decodeSigningConfig; ERR_PREDICATE_INVALID, ERR_UNREADABLE. */
export async function signBundle(asked: SignBundle, ctx: Context): Promise<Uint8Array> {
  const statement = readyStatement(await readGiven(asked.statement));
  const trust = await loadTrust({ kind: "file", path: asked.trustedRoot }, ctx);
  const services = selectServices(decodeSigningConfig(await readGiven(asked.signingConfig)), "given", ctx.now());
  const tokens = createTokenSource({ SIGSTORE_ID_TOKEN: asked.token }, {});
  const request = {
    statement,
    identity: createSigningIdentity({ services, tokens }),
    secrets: readSecrets({ ...asked.env, SIGSTORE_ID_TOKEN: asked.token }),
    leakAllow: [],
    // The protocol's caller names the services and expects what it signs to be logged there.
    consent: "public",
    compute: await inlineCompute(trust, STATEMENTS_ONLY),
  } as const;
  return (await signStatement(request, ctx)).bundle;
}

/** What would be left out when the statement is written again must not be left out silently. */
function readyStatement(bytes: Uint8Array): Statement {
  try {
    const { statement, ignoredFields } = decodeStatement(parseJson(bytes));
    if (ignoredFields.length === 0) return statement;
    throw new KitesealError("ERR_PREDICATE_INVALID", `the statement has unknown fields: ${ignoredFields.join(", ")}`);
  } catch (cause) {
    if (!(cause instanceof DecodeError) && !(cause instanceof JsonError)) throw cause;
    throw new KitesealError("ERR_PREDICATE_INVALID", `the statement cannot be read: ${cause.message}`, { cause });
  }
}
