// SPDX-License-Identifier: Apache-2.0
// KITESEAL_AGENT_SECRETS="VARIABLE=secret,…": static credentials of stores from the secrets of the job's cluster. A value is
// asked for when a store that reads the variable is opened, once a run; it is in this process's memory and nowhere else.
import {
  isKitesealError,
  KitesealError,
  MIN_SECRET_BYTES,
  quote,
  readSecrets,
  type Secret,
  type Secrets,
} from "@kiteseal/core";
import type { Io, RedactedIo } from "./io.ts";

const VARIABLE = "KITESEAL_AGENT_SECRETS";
/** A login's name is no secret, and short. */
const LOGIN_NAME = /_USER$/;
const MAX_BYTES = 4096;

/** Errors of what it resolves: ERR_CONFIG_INVALID, ERR_NOT_IN_JOB, ERR_SECRET_UNAVAILABLE, ERR_INTERRUPTED. */
export interface AgentSecrets {
  /** undefined: the variable is not among those that come from a secret. */
  get(variable: string): Promise<string | undefined>;
  /** What was obtained so far, with those parts that are secrets of their own: nothing of it may be signed. */
  readonly obtained: readonly Secret[];
}

export function createAgentSecrets(io: Omit<RedactedIo, "agentSecrets">): AgentSecrets {
  const asked = new Map<string, Promise<string>>();
  const obtained: Secret[] = [];
  const keep = (variable: string, value: string): void => {
    const secrets = [{ name: variable, value }, ...readSecrets({ [variable]: value }).values];
    obtained.push(...secrets);
    for (const secret of secrets) io.redactor.add(secret);
  };
  return {
    obtained,
    get: async (variable) => {
      if ((io.env[VARIABLE] ?? "").trim() === "") return undefined;
      const { CREDENTIAL_VARIABLES } = await import("@kiteseal/storage-adapters");
      const name = parseAgentSecrets(io.env, Object.values(CREDENTIAL_VARIABLES).flat()).get(variable);
      if (name === undefined) return undefined;
      const pending = asked.get(variable) ?? obtain(io, { variable, name, keep });
      asked.set(variable, pending);
      return await pending;
    },
  };
}

/** Variable → the secret's name. Throws ERR_CONFIG_INVALID. */
function parseAgentSecrets(env: Io["env"], known: readonly string[]): ReadonlyMap<string, string> {
  const text = env[VARIABLE] ?? "";
  const names = new Map<string, string>();
  const invalid = (why: string): KitesealError =>
    new KitesealError("ERR_CONFIG_INVALID", `${VARIABLE} ${why}`, {
      hint: `write VARIABLE=secret-name,… with variables of ${known.join(" ")}`,
    });
  if (Buffer.byteLength(text) > MAX_BYTES) throw invalid(`is longer than ${MAX_BYTES} bytes`);
  for (const item of text.split(",")) {
    const [, variable = "", name] = /^\s*([A-Z0-9_]+)=(\S+)\s*$/.exec(item) ?? [];
    // The item is not shown: it may be a credential put in the wrong place.
    if (name === undefined) throw invalid("has an item that is not VARIABLE=secret-name");
    if (!known.includes(variable)) throw invalid(`names ${quote(variable)}, which no store reads a credential from`);
    if (names.has(variable)) throw invalid(`names ${variable} twice`);
    if ((env[variable] ?? "") !== "") throw invalid(`names ${variable}, which is set as well: expected one of the two`);
    names.set(variable, name);
  }
  return names;
}

interface Wanted {
  readonly variable: string;
  readonly name: string;
  readonly keep: (variable: string, value: string) => void;
}

async function obtain(io: Omit<RedactedIo, "agentSecrets">, { variable, name, keep }: Wanted): Promise<string> {
  const { getAgentSecret } = await import("@kiteseal/core/sign");
  const asked = getAgentSecret(
    io.env,
    {
      name,
      onSecret: (value) => keep(variable, value),
      onRedaction: (outcome) => {
        if (outcome === "unavailable") void io.stderr.write(`kiteseal: warning: ${unredacted(variable)}\n`);
      },
    },
    { now: () => io.now(), signal: io.signal },
  );
  const value = await asked.catch((error: unknown) => {
    // Other errors may be about the name itself, which may be a credential put in the wrong place.
    if (!isKitesealError(error) || error.code !== "ERR_SECRET_UNAVAILABLE") throw error;
    const { code, message, hint, details } = error;
    const named = { ...details, variable, secret: name };
    const what = `no ${variable} from the secret ${quote(name)}: ${message}`;
    throw new KitesealError(code, what, { details: named, hint, cause: error });
  });
  if (Buffer.byteLength(value) >= MIN_SECRET_BYTES || LOGIN_NAME.test(variable)) return value;
  throw new KitesealError(
    "ERR_CONFIG_INVALID",
    `the secret ${quote(name)} for ${variable} has fewer than ${MIN_SECRET_BYTES} bytes: it cannot be kept out of logs`,
  );
}

function unredacted(variable: string): string {
  return `the agent could not be told to redact ${variable} in the job's log; kiteseal redacts its own output`;
}

/** What may not be signed: what was known before, and what was obtained until the moment of signing. */
export function withObtained(known: Secrets, { obtained }: AgentSecrets): Secrets {
  return {
    skipped: known.skipped,
    get values() {
      return [...known.values, ...obtained.filter(({ value }) => Buffer.byteLength(value) >= MIN_SECRET_BYTES)];
    },
  };
}
