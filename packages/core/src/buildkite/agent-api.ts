// SPDX-License-Identifier: Apache-2.0
// The agent API's identity tokens: POST {endpoint}/jobs/{job}/oidc/tokens (agent source, api/oidc.go). The route is not
// promised to stay, so a reply that does not look like it is ERR_TOKEN_UNAVAILABLE with `details.fallback`: the agent's
// own command may know better. The access token and the identity token are in no error.
import { objectAt, parseJson } from "@kiteseal/in-toto-attestation/json";
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import { badReply, replyMessage, type HttpResponse } from "../http.ts";
import { LIMITS } from "../limits.ts";
import { isTransientStatus, requestRepeatedly, type Pace } from "../retry.ts";

export interface AgentApi {
  /** `https://host/v3`. */
  readonly endpoint: string;
  readonly accessToken: string;
  readonly jobId: string;
  /** Further headers that the platform asked the agent to send. */
  readonly headers: Readonly<Record<string, string>>;
  readonly pace: Pace;
}

const SERVICE = "the agent API";
/** Ids survive a renaming, so provenance records them. */
const CLAIMS = ["organization_id", "pipeline_id"];

const HINTS: Readonly<Record<number, string>> = {
  401: "the job's access token is refused: it ends with the job",
  403: "the job may not ask for identity tokens",
  404: "the endpoint has no such job or no such route; compare BUILDKITE_AGENT_ENDPOINT",
  422: "the platform refuses these claims, this audience or this lifetime",
};
/** Statuses that say this job gets no token, whichever way it asks. */
const FINAL: readonly number[] = [400, 401, 403, 422];

/** What a token is to be. */
export interface TokenRequest {
  readonly audience: string;
  /** The claim that is its subject, `pipeline_id` for one; absent: Buildkite's own, which names the ref and the commit. */
  readonly subjectClaim?: string;
}

/**
 * A fresh token. Errors: ERR_TOKEN_UNAVAILABLE (`details.fallback`: whether another way may work),
 * ERR_SERVICE_UNAVAILABLE, ERR_CONFIG_INVALID for an endpoint that must not be used, ERR_INTERRUPTED.
 */
export async function requestAgentToken(agent: AgentApi, asked: TokenRequest, ctx: Context): Promise<string> {
  const secrets = [agent.accessToken, ...Object.values(agent.headers)];
  const jobId = encodeURIComponent(agent.jobId).replaceAll(".", "%2E");
  const response = await requestRepeatedly(
    `${agent.endpoint.replace(/\/+$/, "")}/jobs/${jobId}/oidc/tokens`,
    {
      service: SERVICE,
      method: "POST",
      headers: {
        ...agent.headers,
        authorization: `Token ${agent.accessToken}`,
        "content-type": "application/json",
        accept: "application/json",
      },
      body: JSON.stringify({ audience: asked.audience, claims: CLAIMS, subject_claim: asked.subjectClaim }),
      timeoutMs: LIMITS.serviceTimeoutMs,
      maxBytes: LIMITS.tokenBytes * 2,
      secrets,
      pace: agent.pace,
    },
    ctx,
  );
  if (isTransientStatus(response.status)) throw badReply(SERVICE, response, `answers ${response.status}`);
  if (response.status !== 200) throw refused(response, secrets);
  return readToken(response);
}

function refused(response: HttpResponse, secrets: readonly string[]): KitesealError {
  const said = replyMessage(response, secrets);
  const message = `${SERVICE} gives no identity token: status ${response.status}${said === undefined ? "" : `, ${said}`}`;
  return new KitesealError("ERR_TOKEN_UNAVAILABLE", message, {
    hint: HINTS[response.status],
    details: { status: response.status, fallback: !FINAL.includes(response.status) },
  });
}

function readToken(response: HttpResponse): string {
  try {
    return objectAt(parseJson(response.bytes, { maxDepth: 8 }), "$").string("token", {
      min: 1,
      max: LIMITS.tokenBytes,
    });
  } catch {
    // The decoder's message may quote the reply, and the reply may hold a token.
    throw new KitesealError("ERR_TOKEN_UNAVAILABLE", `${SERVICE} at ${response.origin} sent no token in its reply`, {
      details: { status: response.status, fallback: true },
    });
  }
}
