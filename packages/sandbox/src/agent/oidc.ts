// SPDX-License-Identifier: Apache-2.0
// The agent API's token route: what `buildkite-agent oidc request-token` calls. Requests are untrusted.
// Buildkite agent, api/oidc.go.
import type { KeyObject } from "node:crypto";
import type { Job } from "../job.ts";
import { onlyFields, optionalString, optionalStrings, parseObject } from "../json.ts";
import { jobClaims, signToken } from "../oidc.ts";
import { Refusal, type Route } from "../server.ts";
import { type Access, requireJob } from "./access.ts";

export interface TokenRouteOptions {
  readonly access: Access;
  readonly job: Job;
  readonly key: KeyObject;
  readonly issuer: () => string;
  readonly clock: () => Date;
  readonly lifetimeSeconds: number;
  readonly maxLifetimeSeconds: number;
  readonly count: () => void;
}

export function tokenRoutes(options: TokenRouteOptions): readonly Route[] {
  return [
    {
      id: "agent.oidc-token",
      method: "POST",
      path: /^\/agent\/v3\/jobs\/([^/]+)\/oidc\/tokens$/,
      maxBytes: 16 * 1024,
      handle(request) {
        requireJob(options.access, request);
        const body = request.body.length === 0 ? {} : parseObject(request.body);
        onlyFields(body, ["audience", "lifetime", "claims", "aws_session_tags", "subject_claim"]);
        const audience = optionalString(body, "audience");
        const subjectClaim = optionalString(body, "subject_claim");
        const wanted = {
          ...(audience === undefined || audience === "" ? {} : { audience }),
          ...(subjectClaim === undefined || subjectClaim === "" ? {} : { subjectClaim }),
          lifetimeSeconds: lifetime(body["lifetime"], options),
          optionalClaims: optionalStrings(body, "claims"),
        };
        const claims = jobClaims(options.job, wanted, { issuer: options.issuer(), now: options.clock() });
        options.count();
        return { status: 200, body: { token: signToken(claims, options.key, "valid") } };
      },
    },
  ];
}

/** Zero and absent mean the default. Throws Refusal 422. */
function lifetime(value: unknown, options: TokenRouteOptions): number {
  if (value === undefined || value === null || value === 0) return options.lifetimeSeconds;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    throw new Refusal(422, "lifetime must be a positive whole number of seconds");
  }
  if (value > options.maxLifetimeSeconds) {
    throw new Refusal(422, `requested lifetime too high (requested: ${value} max: ${options.maxLifetimeSeconds})`);
  }
  return value;
}
