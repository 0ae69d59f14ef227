// SPDX-License-Identifier: Apache-2.0
// What an opened store may know of this run: the environment and the cluster's secrets for its credentials, the clock, the
// job's identity tokens, where unfinished uploads are noted. What is read in one run shares clients, and so credentials.
import { isAbsolute, join } from "node:path";
import { KitesealError, quote } from "@kiteseal/core";
import type { TokenSource } from "@kiteseal/core/store";
import type { StoreOptions, TransferOptions, WriteSettings } from "@kiteseal/storage-adapters";
import type { RedactedIo } from "./io.ts";
import { runsOfMachine } from "./runs.ts";

export type StoreIo = Pick<RedactedIo, "env" | "now" | "redactor" | "clients" | "agentSecrets">;

/** For what is only read. */
export function storeOptions(io: StoreIo): StoreOptions {
  const { env, clients } = io;
  const credentials = (variable: string): Promise<string | undefined> => io.agentSecrets.get(variable);
  const onSecret = (value: string): void => io.redactor.add({ name: "a credential of the store", value });
  return { env, now: () => io.now(), tokens: jobTokens(io), onSecret, credentials, clients };
}

export interface DestinationSettings {
  /** Those of the run unless given. */
  readonly tokens?: TokenSource;
  readonly write: WriteSettings;
  readonly transfer: Pick<TransferOptions, "parallel" | "bytesPerSecond">;
}

/** For what is written. Throws ERR_CONFIG_INVALID. */
export function destinationOptions(io: StoreIo, { tokens, write, transfer }: DestinationSettings): StoreOptions {
  const noting = { stateDirectory: stateDirectory(io.env), runs: runsOfMachine() };
  const own = { write, transfer: { ...transfer, ...noting }, clients: new Map() };
  return { ...storeOptions(io), ...own, ...(tokens === undefined ? {} : { tokens: forStores(tokens) }) };
}

/** A token that signs is for the signing services: an address in the environment must not get one. */
function forStores(tokens: TokenSource): TokenSource {
  return async (audience, ctx) => {
    if (audience !== SIGNING_AUDIENCE) return await tokens(audience, ctx);
    throw new KitesealError("ERR_CONFIG_INVALID", `a store asks for a token for ${quote(audience)}, which signs`);
  };
}

const SIGNING_AUDIENCE = "sigstore";

/** What signs is loaded only once a store wants a token. Outside of a job there are none, and stores ask their SDK. */
function jobTokens({ env, redactor }: StoreIo): TokenSource | undefined {
  if ((env["BUILDKITE_JOB_ID"] ?? "") === "") return undefined;
  let source: TokenSource | undefined;
  return forStores(async (audience, ctx) => {
    const { createTokenSource } = await import("@kiteseal/core/sign");
    source ??= createTokenSource(env, { onToken: (value) => redactor.add({ name: "the identity token", value }) });
    return source(audience, ctx);
  });
}

/** KITESEAL_STATE_DIR, else the user's directory for state; undefined where neither is known: then nothing is resumed. */
function stateDirectory(env: StoreIo["env"]): string | undefined {
  const given = env["KITESEAL_STATE_DIR"] ?? "";
  if (given !== "" && !isAbsolute(given)) {
    throw new KitesealError("ERR_CONFIG_INVALID", `KITESEAL_STATE_DIR is ${quote(given)}: expected an absolute path`);
  }
  if (given !== "") return given;
  const own = env["XDG_STATE_HOME"] ?? "";
  if (isAbsolute(own)) return join(own, "kiteseal");
  const home = env["HOME"] ?? "";
  return isAbsolute(home) ? join(home, ".local", "state", "kiteseal") : undefined;
}
