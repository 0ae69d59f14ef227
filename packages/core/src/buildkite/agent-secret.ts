// SPDX-License-Identifier: Apache-2.0
// A secret of the job's cluster, by `buildkite-agent secret get`: for the static credentials that some store cannot do
// without. Its value is made known to our redaction and to the agent's before anybody else sees it, stays in memory, and is
// in no error.
import type { Context } from "../context.ts";
import { isKitesealError, KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { askAgent, findAgentCommand } from "./agent-command.ts";
import { findJobApi, redactInLog, type Redaction } from "./job-api.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface SecretRequest {
  /** As the cluster has it. */
  readonly name: string;
  /** Sees the value first. */
  onSecret(value: string): void;
  onRedaction?(outcome: Redaction): void;
  /** 30 s unless given. */
  readonly timeoutMs?: number;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,254}$/;
const TIMEOUT_MS = 30_000;

/**
 * The value, without the line break that ends it. Errors: ERR_NOT_IN_JOB, ERR_CONFIG_INVALID (no agent here, a value that no
 * credential can have), ERR_SECRET_UNAVAILABLE, ERR_INTERRUPTED.
 */
export async function getAgentSecret(env: Environment, request: SecretRequest, ctx: Context): Promise<string> {
  const { name } = request;
  // Not shown: it may be a credential put in the wrong place.
  if (!NAME.test(name))
    throw new KitesealError("ERR_CONFIG_INVALID", "a secret's name holds other than letters, digits, _, -");
  if ((env["BUILDKITE_JOB_ID"] ?? "") === "") {
    throw new KitesealError("ERR_NOT_IN_JOB", `the secret ${quote(name)} can only be had in a Buildkite job`, {
      hint: "outside of one, set the variable itself",
    });
  }
  const value = (await ask(env, request, ctx)).replace(/[\r\n]+$/, "");
  // Tabs and line breaks are in credentials that are files of JSON; "\ufffd" is what is not UTF-8.
  if (value === "" || /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]/.test(value)) {
    throw new KitesealError("ERR_CONFIG_INVALID", `the secret ${quote(name)} is empty or is no text`);
  }
  request.onSecret(value);
  const outcome = await redactInLog(findJobApi(env), value, ctx);
  request.onRedaction?.(outcome);
  return value;
}

async function ask(env: Environment, { name, timeoutMs }: SecretRequest, ctx: Context): Promise<string> {
  const command = findAgentCommand(env);
  if (command === undefined) throw noAgent("BUILDKITE_BIN_PATH does not name its directory");
  try {
    const flags = [name, "--format", "default", "--skip-redaction"];
    const failure = "ERR_SECRET_UNAVAILABLE";
    const asked = { words: ["secret", "get"], flags, failure, timeoutMs: timeoutMs ?? TIMEOUT_MS } as const;
    return await askAgent(command, { ...asked, maxBytes: LIMITS.secretBytes }, ctx);
  } catch (error) {
    if (isKitesealError(error) && error.details["reason"] === "ENOENT")
      throw noAgent("it is not in BUILDKITE_BIN_PATH");
    throw error;
  }
}

function noAgent(why: string): KitesealError {
  return new KitesealError("ERR_CONFIG_INVALID", `there is no buildkite-agent here to ask for secrets: ${why}`, {
    hint: "in a container, mount the agent's binary and pass BUILDKITE_BIN_PATH on",
  });
}
