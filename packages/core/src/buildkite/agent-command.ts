// SPDX-License-Identifier: Apache-2.0
// The agent's own command, for what its API does not give or cannot be asked for. The executable is the one in
// BUILDKITE_BIN_PATH and no other: that variable is locked, whereas the job's PATH is anybody's. The child gets the few
// variables it needs, which also keeps BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM and its like from shaping a token.
import { execFile } from "node:child_process";
import { isAbsolute, join } from "node:path";
import type { Context } from "../context.ts";
import { type ErrorCode, KitesealError, quote } from "../errors.ts";
import type { TokenRequest } from "./agent-api.ts";
import { interrupted, scrub } from "../http.ts";
import { LIMITS } from "../limits.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface AgentCommand {
  /** Absolute. */
  readonly file: string;
  readonly jobId: string;
  readonly env: Readonly<Record<string, string>>;
}

const PASSED_ON =
  /^(?:BUILDKITE_AGENT_(?:ACCESS_TOKEN|ENDPOINT|JOB_API_SOCKET|JOB_API_TOKEN)|BUILDKITE_JOB_ID|BUILDKITE_REQUEST_HEADER_\w+|HOME|PATH|TMPDIR|TEMP|TMP|SYSTEMROOT|SSL_CERT_(?:FILE|DIR)|(?:HTTPS?|NO)_PROXY)$/i;
const SECRET = /_TOKEN$|^BUILDKITE_REQUEST_HEADER_/i;
const TIMEOUT_MS = 60_000;

/** undefined if the environment names no such executable. */
export function findAgentCommand(env: Environment): AgentCommand | undefined {
  const directory = env["BUILDKITE_BIN_PATH"];
  const jobId = env["BUILDKITE_JOB_ID"];
  if (directory === undefined || !isAbsolute(directory) || jobId === undefined || jobId === "") return undefined;
  const passed = Object.entries(env).flatMap(([name, value]): [string, string][] =>
    value !== undefined && PASSED_ON.test(name) ? [[name, value]] : [],
  );
  return {
    file: join(directory, "buildkite-agent"),
    jobId,
    // The token is redacted by the token source itself, and older agents fail where they cannot.
    env: { ...Object.fromEntries(passed), BUILDKITE_AGENT_OIDC_REQUEST_TOKEN_SKIP_TOKEN_REDACTION: "true" },
  };
}

/** `buildkite-agent oidc request-token`. Errors: ERR_TOKEN_UNAVAILABLE, ERR_INTERRUPTED. */
export async function runAgentCommand(command: AgentCommand, asked: TokenRequest, ctx: Context): Promise<string> {
  const subject = asked.subjectClaim === undefined ? [] : ["--subject-claim", asked.subjectClaim];
  const request: AgentRequest = {
    words: ["oidc", "request-token"],
    flags: ["--audience", asked.audience, "--job", command.jobId, ...subject],
    maxBytes: LIMITS.tokenBytes * 2,
    failure: "ERR_TOKEN_UNAVAILABLE",
  };
  return (await askAgent(command, request, ctx)).trim();
}

export interface AgentRequest {
  /** Of the command, for messages. */
  readonly words: readonly string[];
  readonly flags: readonly string[];
  /** Of its output. */
  readonly maxBytes: number;
  readonly failure: ErrorCode;
  readonly timeoutMs?: number;
}

/** Its standard output. Errors: `failure` (with `details.reason`: Node's code of why it did not run), ERR_INTERRUPTED. */
export function askAgent(command: AgentCommand, asked: AgentRequest, ctx: Context): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const options = {
    env: { ...command.env },
    timeout: asked.timeoutMs ?? TIMEOUT_MS,
    maxBuffer: asked.maxBytes,
    windowsHide: true,
    ...(ctx.signal !== undefined && { signal: ctx.signal }),
  };
  execFile(command.file, [...asked.words, ...asked.flags], options, (error, stdout, stderr) => {
    if (error === null) resolve(stdout);
    else if (ctx.signal?.aborted === true) reject(interrupted("the agent's command"));
    else reject(failed(command, asked, { error, stderr }));
  });
  return promise;
}

/** Node's own error holds the output and therefore perhaps a secret: it is not kept. */
function failed(
  command: AgentCommand,
  asked: AgentRequest,
  { error, stderr }: { error: { readonly code?: unknown }; stderr: string },
): KitesealError {
  const { code } = error;
  const why = typeof code === "number" ? `exit status ${code}` : typeof code === "string" ? code : "killed";
  const secrets = Object.entries(command.env).flatMap(([name, value]) => (SECRET.test(name) ? [value] : []));
  const last = scrub(stderr, secrets).trim().split("\n").at(-1) ?? "";
  const said = last === "" ? "" : `, ${quote(last)}`;
  return new KitesealError(asked.failure, `buildkite-agent ${asked.words.join(" ")} failed: ${why}${said}`, {
    details: typeof code === "string" ? { reason: code } : {},
  });
}
