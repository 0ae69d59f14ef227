// SPDX-License-Identifier: Apache-2.0
// The OIDC issuer: tokens shaped like Buildkite's, their discovery documents, and the check that a relying party makes.
// Claims: Buildkite's `oidc request-token` reference. RFC 7519, RFC 7515 (RS256).
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { isRecord } from "./json.ts";
import type { Job } from "./job.ts";
import { Refusal, type Route } from "./server.ts";
import { spkiOf } from "./x509.ts";

/** Issuer named in every token unless the sandbox is told otherwise. */
export const BUILDKITE_ISSUER = "https://agent.buildkite.com";

/** Claims by name; `undefined` means absent. */
export type Claims = Readonly<Record<string, unknown>>;

export interface TokenRequest {
  /** Default `https://buildkite.com/ORG`. */
  readonly audience?: string;
  readonly lifetimeSeconds: number;
  /** Optional claims to include, such as `pipeline_id`. */
  readonly optionalClaims: readonly string[];
  /** Claim that replaces the subject. */
  readonly subjectClaim?: string;
}

/** Claims of a token for the job. Throws Refusal 422 for a claim that there is not. */
export function jobClaims(
  job: Job,
  request: TokenRequest,
  time: { issuer: string; now: Date },
): Record<string, unknown> {
  const issuedAt = Math.floor(time.now.getTime() / 1000);
  const { subjectClaim } = request;
  const names = subjectClaim === undefined ? request.optionalClaims : [...request.optionalClaims, subjectClaim];
  const always = {
    aud: request.audience ?? `https://buildkite.com/${job.organization}`,
    iss: time.issuer,
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + request.lifetimeSeconds,
    organization_slug: job.organization,
    pipeline_slug: job.pipeline,
    build_number: job.build,
    build_branch: job.branch,
    ...(job.tag === undefined ? {} : { build_tag: job.tag }),
    build_commit: job.commit,
    step_key: job.step,
    job_id: job.jobId,
    agent_id: job.agentId,
    build_source: job.trigger,
    runner_environment: job.runner,
  };
  const optional = Object.fromEntries(names.map((name) => [name, optionalClaim(job, name)]));
  const subject = subjectClaim === undefined ? jobSubject(job) : optional[subjectClaim];
  return { sub: subject, ...always, ...optional };
}

/** `organization:ORG:pipeline:PIPELINE:ref:REF:commit:COMMIT:step:KEY`. */
function jobSubject(job: Job): string {
  const ref = job.tag === undefined ? `refs/heads/${job.branch}` : `refs/tags/${job.tag}`;
  return `organization:${job.organization}:pipeline:${job.pipeline}:ref:${ref}:commit:${job.commit}:step:${job.step ?? ""}`;
}

function optionalClaim(job: Job, name: string): string {
  const claims: Readonly<Record<string, string>> = {
    organization_id: job.organizationId,
    pipeline_id: job.pipelineId,
    build_id: job.buildId,
    job_id: job.jobId,
    agent_id: job.agentId,
  };
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  if (value === undefined) throw new Refusal(422, `unsupported claim ${JSON.stringify(name.slice(0, 64))}`);
  return value;
}

/** How a token is signed: properly, with `alg: none` and no signature, or with a key that nobody published. */
export type TokenSignature = "valid" | "none" | "foreign";

/** Compact JWS over the claims. */
export function signToken(claims: Claims, key: KeyObject, signature: TokenSignature): string {
  const header = signature === "none" ? { alg: "none", typ: "JWT" } : { alg: "RS256", typ: "JWT", kid: keyId(key) };
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  if (signature === "none") return `${signed}.`;
  const signer = signature === "valid" ? key : generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  return `${signed}.${sign("sha256", Buffer.from(signed), signer).toString("base64url")}`;
}

function keyId(key: KeyObject): string {
  return createHash("sha256").update(spkiOf(key)).digest("hex");
}

export interface RelyingParty {
  readonly key: KeyObject;
  readonly issuer: string;
  readonly audience: string;
  readonly now: Date;
}

/** A relying party lets clocks differ by this much on `nbf`, and not at all on `exp`. */
const NOT_BEFORE_LEEWAY_SECONDS = 300;

/** The claims of a genuine, current token. Throws Refusal 401; no message repeats anything of the token. */
export function verifyToken(token: string, party: RelyingParty): Record<string, unknown> {
  const [header = "", payload = "", signature = "", ...rest] = token.split(".");
  const fields = parsePart(header);
  const claims = parsePart(payload);
  if (fields === undefined || claims === undefined || rest.length > 0) throw new Refusal(401, "token cannot be parsed");
  if (fields["alg"] !== "RS256") throw new Refusal(401, "token is not signed with RS256");
  const bytes = Buffer.from(signature, "base64url");
  if (!verify("sha256", Buffer.from(`${header}.${payload}`), createPublicKey(party.key), bytes)) {
    throw new Refusal(401, "token signature is not the issuer's");
  }
  const now = party.now.getTime() / 1000;
  const { iss, aud, exp, nbf } = { iss: claims["iss"], aud: claims["aud"], exp: claims["exp"], nbf: claims["nbf"] };
  if (iss !== party.issuer) throw new Refusal(401, "token is of another issuer");
  if (aud !== party.audience && !(Array.isArray(aud) && aud.includes(party.audience))) {
    throw new Refusal(401, `token is for another audience than ${party.audience}`);
  }
  if (typeof exp !== "number" || exp <= now) throw new Refusal(401, "token has expired");
  if (typeof nbf === "number" && nbf > now + NOT_BEFORE_LEEWAY_SECONDS) {
    throw new Refusal(401, "token is not valid yet");
  }
  return claims;
}

function parsePart(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Discovery and key set. `url` is the sandbox's base URL, known once it listens. */
export function oidcRoutes(options: { key: KeyObject; issuer: () => string; url: () => string }): readonly Route[] {
  const jwk = createPublicKey(options.key).export({ format: "jwk" });
  const document = (id: string, path: RegExp, body: () => unknown): Route => ({
    id,
    method: "GET",
    path,
    maxBytes: 0,
    handle: () => ({ status: 200, body: body() }),
  });
  return [
    document("oidc.discovery", /^\/\.well-known\/openid-configuration$/, () => ({
      issuer: options.issuer(),
      jwks_uri: `${options.url()}/.well-known/jwks`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
    })),
    document("oidc.jwks", /^\/\.well-known\/jwks$/, () => ({
      keys: [{ ...jwk, alg: "RS256", use: "sig", kid: keyId(options.key) }],
    })),
  ];
}
