// SPDX-License-Identifier: Apache-2.0
// Who this process is to Artifactory. In order: this job's own identity token, exchanged at the platform's OIDC
// integration and again before the access token ends; KITESEAL_ARTIFACTORY_ACCESS_TOKEN; the agent's
// BUILDKITE_ARTIFACTORY_USER and _PASSWORD; nobody. Replies are untrusted; no value of these is in any message.
import { KitesealError, isKitesealError, quote, request, retry } from "@kiteseal/core/store";
import type { Context, HttpResponse, TokenSource } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import { trimmed } from "../agent-env.ts";

const EXCHANGE_PATH = "/access/api/v1/oidc/token";
const REPLY_BYTES = 262_144;
const TIMEOUT_MS = 30_000;
/** A token that ends within this time is replaced before it is used. */
const RENEW_MS = 60_000;
const PACE = { attempts: 4, baseMs: 500, maxWaitMs: 10_000 };
const SERVICE = "Artifactory's token exchange";

export interface ArtifactoryAccess {
  /** For findings: which of the ways it is, never a secret. */
  readonly identity: string;
  /** The value of the Authorization header, or undefined: nobody. `renew`: the last one was refused. */
  authorization(ctx: Context, renew?: boolean): Promise<string | undefined>;
}

export interface ArtifactoryAccessRequest {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tokens?: TokenSource | undefined;
  readonly onSecret?: ((value: string) => void) | undefined;
  /** Of the platform: the address of Artifactory without its final /artifactory. */
  readonly platform: string;
}

/** Errors: ERR_CONFIG_INVALID for a user without password. */
export function createArtifactoryAccess(access: ArtifactoryAccessRequest): ArtifactoryAccess {
  const { env } = access;
  const provider = trimmed(env["KITESEAL_ARTIFACTORY_OIDC_PROVIDER"]);
  if (access.tokens !== undefined && provider !== undefined) {
    return exchanged(access, { provider, tokens: access.tokens });
  }
  const token = trimmed(env["KITESEAL_ARTIFACTORY_ACCESS_TOKEN"]);
  if (token !== undefined && !/^[!-~]+$/.test(token)) {
    throw new KitesealError("ERR_CONFIG_INVALID", "KITESEAL_ARTIFACTORY_ACCESS_TOKEN is no token: expected one word");
  }
  if (token !== undefined) return fixed("an access token", `Bearer ${token}`);
  const user = trimmed(env["BUILDKITE_ARTIFACTORY_USER"]);
  const password = trimmed(env["BUILDKITE_ARTIFACTORY_PASSWORD"]);
  if (user === undefined && password === undefined) return fixed("nobody (no credentials)", undefined);
  if (user === undefined || password === undefined || user.includes(":")) {
    throw new KitesealError(
      "ERR_CONFIG_INVALID",
      "BUILDKITE_ARTIFACTORY_USER and BUILDKITE_ARTIFACTORY_PASSWORD do not make a login",
      { hint: "set both, the user without a colon" },
    );
  }
  return fixed(`the user ${quote(user)}`, `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`);
}

function fixed(identity: string, value: string | undefined): ArtifactoryAccess {
  return { identity, authorization: async () => value };
}

interface Issued {
  readonly value: string;
  readonly until: number;
}

function exchanged(
  access: ArtifactoryAccessRequest,
  oidc: { provider: string; tokens: TokenSource },
): ArtifactoryAccess {
  const audience = trimmed(access.env["KITESEAL_ARTIFACTORY_OIDC_AUDIENCE"]) ?? access.platform;
  refuseForeign(audience);
  let current: Promise<Issued> | undefined;
  const renewed = async (ctx: Context): Promise<Issued> => {
    current = exchangeToken({ ...access, ...oidc, audience }, ctx);
    try {
      return await current;
    } catch (error) {
      current = undefined;
      throw error;
    }
  };
  return {
    identity: `this Buildkite job through the OIDC integration ${quote(oidc.provider)}`,
    authorization: async (ctx, renew) => {
      const issued = await (current ?? renewed(ctx));
      const isSpent = renew === true || issued.until <= ctx.now().getTime() + RENEW_MS;
      return (isSpent ? await renewed(ctx) : issued).value;
    },
  };
}

/** Of tokens that open something else: whoever says where Artifactory is would get them. */
const FOREIGN = /^(?:sigstore|sts\.amazonaws\.com|api:\/\/AzureADTokenExchange|\/\/iam\.googleapis\.com\/.*)$/i;

function refuseForeign(audience: string): void {
  if (!FOREIGN.test(audience)) return;
  throw new KitesealError(
    "ERR_CONFIG_INVALID",
    `KITESEAL_ARTIFACTORY_OIDC_AUDIENCE is ${quote(audience)}, which is not Artifactory's`,
    { hint: "give the integration an audience of its own; without the variable it is the platform's address" },
  );
}

async function exchangeToken(
  oidc: ArtifactoryAccessRequest & { provider: string; tokens: TokenSource; audience: string },
  ctx: Context,
): Promise<Issued> {
  const subject = await oidc.tokens(oidc.audience, ctx);
  const project = trimmed(oidc.env["KITESEAL_ARTIFACTORY_PROJECT"]);
  const body = JSON.stringify({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
    subject_token: subject,
    provider_name: oidc.provider,
    ...(project === undefined ? {} : { project_key: project }),
  });
  const send = (): Promise<HttpResponse> =>
    request(
      oidc.platform + EXCHANGE_PATH,
      {
        service: SERVICE,
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body,
        timeoutMs: TIMEOUT_MS,
        maxBytes: REPLY_BYTES,
        secrets: [subject],
      },
      ctx,
    );
  const response = await retry(
    send,
    { ...PACE, again: (outcome) => (outcome.ok ? isLater(outcome.value.status) : isOutage(outcome.error)) },
    ctx,
  );
  if (response.status === 200 || response.status === 201) {
    const given = issued(response, ctx);
    oidc.onSecret?.(given.value.slice("Bearer ".length));
    return given;
  }
  if (isLater(response.status)) throw new AdapterError("Transient", `${SERVICE} answered ${response.status}`);
  throw new AdapterError(
    "Denied",
    `${SERVICE} refused this job: ${response.status} for the integration ${quote(oidc.provider)}`,
    {
      hint: "compare the integration's issuer, audience and identity mapping with the guide of stores",
    },
  );
}

function isLater(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

function isOutage(error: unknown): boolean {
  if (!isKitesealError(error) || error.code !== "ERR_SERVICE_UNAVAILABLE") return false;
  return error.details["reason"] === "network" || error.details["reason"] === "timeout";
}

function issued(response: HttpResponse, ctx: Context): Issued {
  const reply = parse(response.bytes);
  const token = field(reply, "access_token");
  const seconds = field(reply, "expires_in");
  // A header value: anything else could add headers of its own.
  if (typeof token !== "string" || !/^[\x21-\x7e]{1,16384}$/.test(token)) {
    throw new AdapterError("Unavailable", `${SERVICE} answered ${response.status} without a usable access token`);
  }
  const lifetime = typeof seconds === "number" && seconds > 0 ? seconds * 1000 : 0;
  return {
    value: `Bearer ${token}`,
    until: lifetime === 0 ? Number.POSITIVE_INFINITY : ctx.now().getTime() + lifetime,
  };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
