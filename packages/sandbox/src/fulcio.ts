// SPDX-License-Identifier: Apache-2.0
// The certificate service with Fulcio's Buildkite mapping: a genuine token and a proof of possession over its subject
// give a certificate that names the pipeline. Tokens and requests are untrusted.
// Fulcio's `POST /api/v2/signingCert`; extensions: fulcio docs/oid-info.md.
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { type CertificateAuthority, issueLeaf, type LeafOptions } from "./certificate-authority.ts";
import type { CtLog } from "./ct-log.ts";
import { children, expectTag, readDer, TAG, utf8 } from "./der.ts";
import { base64Field, objectField, onlyFields, parseObject, stringField } from "./json.ts";
import { type Claims, verifyToken } from "./oidc.ts";
import { grpcRefusal, Refusal, type Route } from "./server.ts";
import { type Extension, pemOf } from "./x509.ts";

/** Which release's certificates are issued: 1.8.8 has every extension, 1.7.0 lacks .24, 1.6.0 has .1 and .8 only. */
export type FulcioRelease = "1.8.8" | "1.7.0" | "1.6.0";

const ARC = "1.3.6.1.4.1.57264.1";

export interface FulcioOptions {
  readonly authority: CertificateAuthority;
  /** Logs whose SCTs are embedded; none: no SCT. */
  readonly ctLogs: readonly CtLog[];
  readonly release: FulcioRelease;
  readonly clock: () => Date;
  /** The token issuer's key and name. */
  readonly tokenKey: KeyObject;
  readonly issuer: () => string;
  readonly count: () => void;
}

/** The certificate's identity for a token: URI and extensions. Throws Refusal 400 for a claim that is missing. */
export function certificateIdentity(
  claims: Claims,
  release: FulcioRelease,
): { uris: readonly string[]; extensions: readonly Extension[] } {
  const text = (name: string): string => claimText(claims, name);
  const pipeline = `https://buildkite.com/${text("organization_slug")}/${text("pipeline_slug")}`;
  const extension = (number: number, value: string): Extension => ({ oid: `${ARC}.${number}`, value: utf8(value) });
  const job =
    release === "1.6.0"
      ? []
      : [
          extension(11, text("runner_environment")),
          extension(13, text("build_commit")),
          extension(20, text("build_source")),
          extension(21, `${pipeline}/builds/${text("build_number")}#${text("job_id")}`),
        ];
  const subject = release === "1.8.8" ? [extension(24, text("sub"))] : [];
  const issuer = text("iss");
  // .1 is older than the rule that values are DER
  const legacyIssuer = { oid: `${ARC}.1`, value: Buffer.from(issuer, "utf8") };
  return { uris: [pipeline], extensions: [legacyIssuer, extension(8, issuer), ...job, ...subject] };
}

/** A claim as Fulcio's templates print it: numbers as floating point, so from 1,000,000 on with an exponent. */
function claimText(claims: Claims, name: string): string {
  const value = claims[name];
  if (typeof value === "string") return value;
  if (typeof value !== "number") throw new Refusal(400, `token has no claim ${name}`);
  if (value < 1_000_000) return String(value);
  return value.toExponential().replace(/e\+(\d)$/, "e+0$1");
}

/** Overrides of what Fulcio would issue for the claims. */
export type LeafOverrides = Partial<Omit<LeafOptions, "publicKey">>;

/** Issues a certificate for a key and claims, unchecked. */
export function issueFor(
  options: FulcioOptions,
  identity: { publicKey: KeyObject; claims: Claims },
  overrides: LeafOverrides = {},
): Buffer {
  return issueLeaf(options.authority, {
    publicKey: identity.publicKey,
    // certificates tell whole seconds; rounding down keeps any stamp made now inside
    notBefore: new Date(Math.floor(options.clock().getTime() / 1000) * 1000),
    ctLogs: options.ctLogs,
    ...certificateIdentity(identity.claims, options.release),
    ...overrides,
  });
}

export function fulcioRoutes(options: FulcioOptions): readonly Route[] {
  const { authority } = options;
  return [
    {
      id: "fulcio.signing-cert",
      method: "POST",
      path: /^\/api\/v2\/signingCert$/,
      maxBytes: 64 * 1024,
      refusalBody: grpcRefusal,
      handle({ headers, body }) {
        const request = parseObject(body);
        onlyFields(request, ["credentials", "publicKeyRequest", "certificateSigningRequest"]);
        const token = bearerToken(headers.authorization) ?? credentialsToken(request);
        const party = { key: options.tokenKey, issuer: options.issuer(), audience: "sigstore", now: options.clock() };
        const claims = verifyToken(token, party);
        const publicKey = provenKey(request, claimText(claims, "sub"));
        const leaf = issueFor(options, { publicKey, claims });
        options.count();
        const chain = [leaf, authority.intermediate.certificate, authority.root.certificate].map(pemOf);
        const reply = { chain: { certificates: chain } };
        return {
          status: 200,
          body:
            options.ctLogs.length === 0
              ? { signedCertificateDetachedSct: { ...reply, signedCertificateTimestamp: "" } }
              : { signedCertificateEmbeddedSct: reply },
        };
      },
    },
    {
      id: "fulcio.trust-bundle",
      method: "GET",
      path: /^\/api\/v2\/trustBundle$/,
      maxBytes: 0,
      refusalBody: grpcRefusal,
      handle: () => ({
        status: 200,
        body: {
          chains: [{ certificates: [authority.intermediate, authority.root].map((ca) => pemOf(ca.certificate)) }],
        },
      }),
    },
  ];
}

/** sigstore-go sends the token as a header, sigstore-js in the body; Fulcio takes both. */
function bearerToken(header: string | undefined): string | undefined {
  return header?.startsWith("Bearer ") === true ? header.slice("Bearer ".length) : undefined;
}

function credentialsToken(request: Record<string, unknown>): string {
  return stringField(objectField(request, "credentials"), "oidcIdentityToken");
}

/** The key in the request, its possession proven. Throws Refusal 400. */
function provenKey(request: Record<string, unknown>, subject: string): KeyObject {
  if (request["certificateSigningRequest"] !== undefined) {
    return certificateRequestKey(base64Field(request, "certificateSigningRequest"));
  }
  const keyRequest = objectField(request, "publicKeyRequest");
  const key = parsePublicKey(stringField(objectField(keyRequest, "publicKey"), "content"));
  if (!verify("sha256", Buffer.from(subject, "utf8"), key, base64Field(keyRequest, "proofOfPossession"))) {
    throw new Refusal(400, "proof of possession does not verify");
  }
  return key;
}

/** PEM, or base64 of DER. */
function parsePublicKey(content: string): KeyObject {
  const pem = content.startsWith("-----BEGIN");
  return acceptKey(() =>
    createPublicKey(pem ? content : { key: Buffer.from(content, "base64"), format: "der", type: "spki" }),
  );
}

function acceptKey(parse: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = parse();
  } catch (cause) {
    throw new Refusal(400, "public key cannot be parsed", { cause });
  }
  if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1") throw new Refusal(400, "public key is not ECDSA P-256");
  return key;
}

/** The key of a PEM certificate request that it signed itself. RFC 2986 §4. */
function certificateRequestKey(pem: Uint8Array): KeyObject {
  const text = Buffer.from(pem).toString("utf8");
  const base64 = /-----BEGIN CERTIFICATE REQUEST-----([^-]+)-----END/.exec(text)?.[1] ?? "";
  try {
    const [info, , signature] = children(readDer(Buffer.from(base64, "base64")));
    const spki = expectTag(children(expectTag(info, TAG.sequence))[2], TAG.sequence).raw;
    const key = acceptKey(() => createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" }));
    const bits = expectTag(signature, TAG.bitString).content.subarray(1);
    if (info === undefined || !verify("sha256", info.raw, key, bits)) {
      throw new Refusal(400, "certificate request is not signed by its key");
    }
    return key;
  } catch (cause) {
    if (cause instanceof Refusal) throw cause;
    throw new Refusal(400, "certificate request cannot be parsed", { cause });
  }
}
