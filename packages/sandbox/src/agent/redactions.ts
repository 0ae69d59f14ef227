// SPDX-License-Identifier: Apache-2.0
// The part of the Job API that a job needs for hiding secrets from its log; served on a Unix socket.
// Requests are untrusted. Buildkite agent, jobapi/.
import { parseObject, stringField } from "../json.ts";
import type { Route } from "../server.ts";
import { requireToken } from "./access.ts";

/** Adds each value to redact to the list that is handed in. */
export function redactionRoutes(token: string, redactions: string[]): readonly Route[] {
  return [
    {
      id: "job-api.redact",
      method: "POST",
      path: /^\/api\/current-job\/v0\/redactions$/,
      maxBytes: 1024 * 1024,
      refusalBody: (refusal) => ({ error: refusal.message }),
      handle(request) {
        requireToken(request, `Bearer ${token}`);
        const value = stringField(parseObject(request.body), "redact");
        redactions.push(value);
        return { status: 201, body: { redacted: value } };
      },
    },
  ];
}
