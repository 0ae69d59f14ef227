// SPDX-License-Identifier: Apache-2.0
// What a Buildkite identity token states. The token's signature is not checked here (the certificate authority
// does that); it comes from the job's own agent, so its facts outrank the environment. No error shows the token or a
// part of it: a claim is named by its path and by the type that was found there, never by its value.
import { DecodeError, JsonError, objectAt, parseJson, type ObjectReader } from "@kiteseal/in-toto-attestation/json";
import { KitesealError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { isFullCommit, isRunner, isTrigger, type BuildFacts, type Ref } from "./facts.ts";

export interface UnverifiedClaims {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  /** Facts that the claims state; `commit` only if it is a full commit id. */
  readonly facts: BuildFacts;
  /** `build_commit` as it stands, possibly symbolic. */
  readonly commitText?: string;
  /** `build_branch`; also there when the build is of a tag. */
  readonly branch?: string;
  /** A verified e-mail address, which a certificate then names instead of the subject. Buildkite states none. */
  readonly email?: string;
}

/** Far beyond any year that a Date can hold a use for, and within what it can hold. */
const SECONDS = { min: 0, max: 100_000_000_000 };

/**
 * Reads a JSON Web Token's claims. Strict: three base64url segments, JSON without duplicate names, claims of the right
 * types, LIMITS.tokenBytes. Throws ERR_TOKEN_INVALID.
 */
export function readClaims(token: string): UnverifiedClaims {
  if (token.length > LIMITS.tokenBytes) throw invalid(`it is longer than ${LIMITS.tokenBytes} bytes`);
  const [header, payload, signature, ...rest] = token.split(".");
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) {
    throw invalid(`expected three segments, found ${token.split(".").length}`);
  }
  try {
    objectAt(segmentJson(header, "header"), "header");
    segmentBytes(signature, "signature");
    return claimsAt(objectAt(segmentJson(payload, "payload"), "claims", { absent: "empty" }));
  } catch (error) {
    // A decoder's message quotes what it found; only path, expectation and type may leave.
    if (error instanceof DecodeError) throw invalid(`${error.path}: expected ${error.expected}`);
    if (error instanceof JsonError) throw invalid(`a segment is not strict JSON (${error.reason})`);
    throw error;
  }
}

function invalid(problem: string): KitesealError {
  return new KitesealError("ERR_TOKEN_INVALID", `the identity token cannot be parsed: ${problem}`);
}

function segmentBytes(segment: string, name: string): Uint8Array {
  const bytes = Buffer.from(segment, "base64url");
  if (bytes.length === 0 || bytes.toString("base64url") !== segment) throw invalid(`its ${name} is not base64url`);
  return bytes;
}

function segmentJson(segment: string, name: string): unknown {
  return parseJson(segmentBytes(segment, name), { maxDepth: 16 });
}

function claimsAt(claims: ObjectReader): UnverifiedClaims {
  const commitText = claims.optionalString("build_commit", { max: LIMITS.textBytes });
  const branch = claims.optionalString("build_branch", { max: LIMITS.textBytes });
  const email = claims.optional("email_verified", (value) => value === true || value === "true")
    ? claims.optionalString("email", { max: LIMITS.textBytes })
    : undefined;
  return {
    issuer: claims.string("iss", { min: 1, max: LIMITS.textBytes }),
    subject: claims.string("sub", { min: 1, max: LIMITS.textBytes }),
    audience: claims.required("aud", audience),
    issuedAt: date(claims, "iat"),
    expiresAt: date(claims, "exp"),
    facts: buildFacts(claims, commitText, branch),
    ...(commitText !== undefined && { commitText }),
    ...(branch !== undefined && { branch }),
    ...(email !== undefined && { email }),
  };
}

/** One audience; RFC 7519 §4.1.3 also lets it stand in an array. A token for several parties is one that any may replay. */
function audience(value: unknown, path: string): string {
  const one: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (typeof one !== "string") throw new DecodeError(path, "one audience", "another type");
  return one;
}

function date(claims: ObjectReader, name: string): Date {
  return new Date(claims.integer(name, SECONDS) * 1000);
}

function buildFacts(claims: ObjectReader, commit: string | undefined, branch: string | undefined): BuildFacts {
  const text = (name: string): string | undefined => claims.optionalString(name, { max: LIMITS.textBytes });
  const organization = text("organization_slug");
  const pipeline = text("pipeline_slug");
  const buildNumber = claims.optionalInteger("build_number", { min: 1 });
  const jobId = text("job_id");
  const tag = text("build_tag");
  const ref: Ref | undefined = tag === undefined ? branchRef(branch) : { kind: "tag", name: tag };
  const step = text("step_key");
  const trigger = text("build_source");
  const runner = text("runner_environment");
  const organizationId = text("organization_id");
  const pipelineId = text("pipeline_id");
  return {
    ...(organization !== undefined && { organization }),
    ...(pipeline !== undefined && { pipeline }),
    ...(buildNumber !== undefined && { buildNumber }),
    ...(jobId !== undefined && { jobId }),
    ...(commit !== undefined && isFullCommit(commit) && { commit }),
    ...(ref !== undefined && { ref }),
    ...(step !== undefined && { step }),
    ...(isTrigger(trigger) && { trigger }),
    ...(isRunner(runner) && { runner }),
    ...(organizationId !== undefined && { organizationId }),
    ...(pipelineId !== undefined && { pipelineId }),
  };
}

function branchRef(name: string | undefined): Ref | undefined {
  return name === undefined ? undefined : { kind: "branch", name };
}
