// SPDX-License-Identifier: Apache-2.0
// Who signs in this run: one ECDSA P-256 key, one token, one certificate, shared by all that sign at once and renewed
// only when time demands it. The key never leaves the process and is never written.
import { generateKeyPairSync, sign } from "node:crypto";
import { readClaims, type UnverifiedClaims } from "../buildkite/claims.ts";
import { SIGNING_AUDIENCE, type TokenSource } from "../buildkite/token-source.ts";
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import { requestCertificate, type SigningCertificate } from "./fulcio.ts";
import type { SigningServices } from "./services.ts";

export interface SigningIdentity {
  readonly services: SigningServices;
  /** What the token says that the certificate is, or will be, made from. Errors: TokenSource's. */
  claims(ctx: Context): Promise<UnverifiedClaims>;
  /** The run's certificate; renewed when less than two minutes of it are left. Errors: TokenSource's and requestCertificate's. */
  certificate(ctx: Context): Promise<SigningCertificate>;
  /** ECDSA P-256 with SHA-256, DER. */
  sign(bytes: Uint8Array): Uint8Array;
}

export interface SigningIdentityOptions {
  readonly services: SigningServices;
  readonly tokens: TokenSource;
}

/** Time for logging and stamping, with their retries: stamps must fall inside the certificate's validity. */
const CERTIFICATE_MARGIN_MS = 120_000;
const TOKEN_MARGIN_MS = 10_000;

interface IdentityToken {
  readonly token: string;
  readonly claims: UnverifiedClaims;
}

interface Issued {
  readonly certificate: SigningCertificate;
  readonly receivedAt: Date;
}

/** Makes the key; nothing is requested until it is needed. */
export function createSigningIdentity({ services, tokens }: SigningIdentityOptions): SigningIdentity {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  let first: UnverifiedClaims | undefined;
  const token = renewing<IdentityToken>({
    make: async (ctx) => {
      const made = await tokens(SIGNING_AUDIENCE, ctx);
      const claims = readClaims(made);
      first ??= claims;
      if (claims.subject !== first.subject || claims.facts.jobId !== first.facts.jobId) {
        throw new KitesealError("ERR_JOB_MISMATCH", "the renewed identity token is another job's", {
          hint: "one run signs for one job; start again",
        });
      }
      return { token: made, claims };
    },
    isFresh: ({ claims }, now) => claims.expiresAt.getTime() - now.getTime() > TOKEN_MARGIN_MS,
  });
  const certificate = renewing<Issued>({
    make: async (ctx) => {
      const { certificateAuthority: url, pace } = services;
      const request = { url, privateKey, publicKey, pace, ...(await token(ctx)) };
      return { certificate: await requestCertificate(request, ctx), receivedAt: ctx.now() };
    },
    isFresh: hasTimeLeft,
  });
  return {
    services,
    claims: async (ctx) => (await token(ctx)).claims,
    certificate: async (ctx) => (await certificate(ctx)).certificate,
    sign: (bytes) => new Uint8Array(sign("sha256", bytes, privateKey)),
  };
}

/** Measured from its receipt, so that a clock that is off by minutes does not make every certificate look spent. */
function hasTimeLeft({ certificate, receivedAt }: Issued, now: Date): boolean {
  const lifetime = certificate.notAfter.getTime() - certificate.notBefore.getTime();
  return lifetime - (now.getTime() - receivedAt.getTime()) > CERTIFICATE_MARGIN_MS;
}

interface Renewable<T> {
  readonly make: (ctx: Context) => Promise<T>;
  readonly isFresh: (value: T, now: Date) => boolean;
}

/** One value for all callers, made anew when it is no longer fresh. A failure is shared by those who waited for it. */
function renewing<T>({ make, isFresh }: Renewable<T>): (ctx: Context) => Promise<T> {
  let current: Promise<T> | undefined;
  const start = (ctx: Context): Promise<T> => {
    const started = make(ctx);
    current = started;
    started.catch(() => {
      if (current === started) current = undefined;
    });
    return started;
  };
  return async (ctx) => {
    const held = current;
    if (held === undefined) return start(ctx);
    const value = await held;
    if (isFresh(value, ctx.now())) return value;
    return current === undefined || current === held ? start(ctx) : current;
  };
}
