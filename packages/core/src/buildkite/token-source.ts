// SPDX-License-Identifier: Apache-2.0
// Where identity tokens come from: a file, SIGSTORE_ID_TOKEN, the agent API, the agent's own command. Each token is
// announced to the caller and to the agent's redactor before anything else happens to it, and is in no error.
import { openRegularFile } from "../artifact/file.ts";
import type { Context } from "../context.ts";
import { isKitesealError, KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { SERVICE_PACE, type Pace } from "../retry.ts";
import { requestAgentToken, type AgentApi, type TokenRequest } from "./agent-api.ts";
import { findAgentCommand, runAgentCommand, type AgentCommand } from "./agent-command.ts";
import { readClaims } from "./claims.ts";
import { findJobApi, redactInLog } from "./job-api.ts";

/** A fresh token for `audience`. Errors: ERR_TOKEN_UNAVAILABLE, ERR_TOKEN_EXPIRED, ERR_TOKEN_AUDIENCE, ERR_TOKEN_INVALID. */
export type TokenSource = (audience: string, ctx: Context) => Promise<string>;

/** What certificate authorities of the Sigstore kind expect as a token's audience. */
export const SIGNING_AUDIENCE = "sigstore";

export interface TokenSourceOptions {
  /** Outranks everything else; read anew for each token. */
  readonly identityTokenFile?: string;
  /** Sees each token first, so that the caller can keep it out of its own output. */
  onToken?(token: string): void;
  /** Sees what became of the redaction of each token in the job's log. */
  onRedaction?(outcome: "redacted" | "unavailable"): void;
  /** SERVICE_PACE unless given. */
  readonly pace?: Pace;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_ENDPOINT = "https://agent-edge.buildkite.com/v3";
const HEADER_VARIABLE = /^BUILDKITE_REQUEST_HEADER_(BUILDKITE_[A-Z0-9_]+)$/;

/** One word a claim that Buildkite makes a subject of (docs/oidc, "subject_claim"). */
const SUBJECT_CLAIMS = ["organization_id", "pipeline_id", "cluster_id", "queue_id", "build_id", "job_id", "agent_id"];

interface Minted {
  readonly token: string;
  readonly expiryHint: string;
}

/**
 * The first of: `identityTokenFile`, SIGSTORE_ID_TOKEN, the agent API, `buildkite-agent oidc request-token`. The first
 * two are made for signing and are passed over for any other audience. The command is asked when there is no agent API
 * or when it failed otherwise than by a refusal. Every token returned is unexpired, for `audience`, and was redacted.
 * KITESEAL_STORE_SUBJECT_CLAIM makes another claim the subject of tokens that are not for signing: some clouds compare
 * subjects whole, and Buildkite's own differs from commit to commit.
 * Errors beyond TokenSource's: ERR_UNREADABLE, ERR_SERVICE_UNAVAILABLE, ERR_CONFIG_INVALID, ERR_INTERRUPTED.
 */
export function createTokenSource(env: Environment, options: TokenSourceOptions): TokenSource {
  const jobApi = findJobApi(env);
  const subjectClaim = storeSubjectClaim(env);
  const ways: Ways = {
    file: options.identityTokenFile,
    variable: present(env["SIGSTORE_ID_TOKEN"]),
    api: findAgentApi(env, options.pace ?? SERVICE_PACE),
    command: findAgentCommand(env),
  };
  return async (audience, ctx) => {
    const isOwnSubject = audience === SIGNING_AUDIENCE || subjectClaim === undefined;
    const { token, expiryHint } = await mint(ways, { audience, ...(isOwnSubject ? {} : { subjectClaim }) }, ctx);
    options.onToken?.(token);
    options.onRedaction?.(await redactInLog(jobApi, token, ctx));
    check(token, { audience, expiryHint }, ctx);
    return token;
  };
}

interface Ways {
  readonly file: string | undefined;
  readonly variable: string | undefined;
  readonly api: AgentApi | undefined;
  readonly command: AgentCommand | undefined;
}

function storeSubjectClaim(env: Environment): string | undefined {
  const claim = present(env["KITESEAL_STORE_SUBJECT_CLAIM"]);
  if (claim === undefined || SUBJECT_CLAIMS.includes(claim)) return claim;
  const message = `KITESEAL_STORE_SUBJECT_CLAIM is ${quote(claim)}: expected one of ${SUBJECT_CLAIMS.join(", ")}`;
  throw new KitesealError("ERR_CONFIG_INVALID", message);
}

async function mint(ways: Ways, asked: TokenRequest, ctx: Context): Promise<Minted> {
  const { audience } = asked;
  if (audience === SIGNING_AUDIENCE && ways.file !== undefined) {
    return {
      token: await readTokenFile(ways.file),
      expiryHint: "write a new token to the file of --identity-token-file",
    };
  }
  if (audience === SIGNING_AUDIENCE && ways.variable !== undefined) {
    return { token: ways.variable, expiryHint: "unset SIGSTORE_ID_TOKEN to have the agent make a token" };
  }
  const expiryHint = "the agent has just made it: compare this machine's clock";
  if (ways.api !== undefined) {
    try {
      return { token: await requestAgentToken(ways.api, asked, ctx), expiryHint };
    } catch (error) {
      if (ways.command === undefined || !mayFallBack(error)) throw error;
    }
  }
  if (ways.command !== undefined) return { token: await runAgentCommand(ways.command, asked, ctx), expiryHint };
  throw new KitesealError("ERR_TOKEN_UNAVAILABLE", `no source of an identity token for ${quote(audience)}`, {
    hint: "in a job, pass BUILDKITE_AGENT_ACCESS_TOKEN and BUILDKITE_JOB_ID on; elsewhere use --identity-token-file",
  });
}

function mayFallBack(error: unknown): boolean {
  if (!isKitesealError(error)) return false;
  return error.code === "ERR_SERVICE_UNAVAILABLE" || error.details["fallback"] === true;
}

function check(token: string, expected: { audience: string; expiryHint: string }, ctx: Context): void {
  const claims = readClaims(token);
  if (claims.audience !== expected.audience) {
    const message = `the identity token is for ${quote(claims.audience)}, expected ${quote(expected.audience)}`;
    throw new KitesealError("ERR_TOKEN_AUDIENCE", message, {
      hint: `ask for it with --audience ${expected.audience}`,
      details: { expected: expected.audience, found: claims.audience },
    });
  }
  const now = ctx.now();
  if (claims.expiresAt.getTime() > now.getTime()) return;
  const [expiry, clock] = [claims.expiresAt.toISOString(), now.toISOString()];
  throw new KitesealError("ERR_TOKEN_EXPIRED", `the identity token expired at ${expiry}, and it is ${clock}`, {
    hint: expected.expiryHint,
    details: { expiresAt: expiry, now: clock },
  });
}

async function readTokenFile(path: string): Promise<string> {
  try {
    const file = await openRegularFile(path);
    try {
      // One byte more than allowed, so that readClaims refuses what is too long.
      const buffer = Buffer.alloc(LIMITS.tokenBytes + 1);
      return buffer.toString("utf8", 0, await file.read(buffer, buffer.length, 0)).trim();
    } finally {
      file.close();
    }
  } catch (cause) {
    throw new KitesealError("ERR_UNREADABLE", `the identity token file ${quote(path)} cannot be read`, { cause });
  }
}

function present(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === "" ? undefined : text;
}

function findAgentApi(env: Environment, pace: Pace): AgentApi | undefined {
  const accessToken = present(env["BUILDKITE_AGENT_ACCESS_TOKEN"]);
  const jobId = present(env["BUILDKITE_JOB_ID"]);
  if (accessToken === undefined || jobId === undefined) return undefined;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const header = HEADER_VARIABLE.exec(name)?.[1];
    if (header !== undefined && value !== undefined) headers[header.replaceAll("_", "-").toLowerCase()] = value;
  }
  return { endpoint: present(env["BUILDKITE_AGENT_ENDPOINT"]) ?? DEFAULT_ENDPOINT, accessToken, jobId, headers, pace };
}
