// SPDX-License-Identifier: Apache-2.0
// Who may call the agent API: the one job, with its access token. Requests are untrusted.
// Buildkite agent API, `Authorization: Token`.
import { timingSafeEqual } from "node:crypto";
import { Refusal, type Request } from "../server.ts";

export interface Access {
  readonly jobId: string;
  readonly accessToken: string;
}

/** Checks the token, then that the route's first parameter is the job. Throws Refusal 401 or 404. */
export function requireJob(access: Access, request: Request): void {
  requireToken(request, `Token ${access.accessToken}`);
  if (request.parameters[0] !== access.jobId) throw new Refusal(404, "no such job");
}

/** Throws Refusal 401 unless the authorization header is exactly this. */
export function requireToken(request: Request, expected: string): void {
  const found = Buffer.from(request.headers.authorization ?? "");
  const wanted = Buffer.from(expected);
  if (found.length !== wanted.length || !timingSafeEqual(found, wanted)) {
    throw new Refusal(401, "authorization is missing or wrong");
  }
}
