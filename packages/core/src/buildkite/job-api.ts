// SPDX-License-Identifier: Apache-2.0
// The agent's local Job API (HTTP over a Unix socket; agent source, jobapi/): asks the agent to keep a value out of the
// job's log. It is missing on older agents, with --no-job-api and in containers without the socket, so that it cannot be
// had is an answer here and not an error. fetch knows no Unix sockets, hence node:http.
import { request } from "node:http";
import type { Context } from "../context.ts";
import { interrupted } from "../http.ts";

export interface JobApi {
  readonly socketPath: string;
  readonly token: string;
}

/** `unavailable`: the value may still appear in the log if something prints it. */
export type Redaction = "redacted" | "unavailable";

const TIMEOUT_MS = 5000;
const CREATED = 201;

/** undefined if the environment names none. */
export function findJobApi(env: Readonly<Record<string, string | undefined>>): JobApi | undefined {
  const socketPath = env["BUILDKITE_AGENT_JOB_API_SOCKET"]?.trim() ?? "";
  const token = env["BUILDKITE_AGENT_JOB_API_TOKEN"]?.trim() ?? "";
  return socketPath === "" || token === "" ? undefined : { socketPath, token };
}

/** Adds one needle to the agent's redactor. Throws ERR_INTERRUPTED and nothing else. */
export async function redactInLog(api: JobApi | undefined, value: string, ctx: Context): Promise<Redaction> {
  if (api === undefined) return "unavailable";
  const status = await postRedaction(api, value, ctx);
  if (ctx.signal?.aborted === true) throw interrupted("redaction in the job's log");
  return status === CREATED ? "redacted" : "unavailable";
}

function postRedaction(api: JobApi, value: string, ctx: Context): Promise<number | undefined> {
  const body = JSON.stringify({ redact: value });
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const call = request({
    socketPath: api.socketPath,
    path: "/api/current-job/v0/redactions",
    method: "POST",
    signal: ctx.signal === undefined ? timeout : AbortSignal.any([ctx.signal, timeout]),
    headers: {
      authorization: `Bearer ${api.token}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    },
  });
  call.on("response", (response) => {
    resolve(response.statusCode);
    response.destroy();
  });
  call.on("error", () => resolve(undefined));
  call.end(body);
  return promise;
}
