// SPDX-License-Identifier: Apache-2.0
// What an opened store may know of this run: the environment for its credentials, the clock, the job's identity tokens.
import type { TokenSource } from "@kiteseal/core/store";
import type { StoreOptions } from "@kiteseal/storage-adapters";
import type { Io } from "./io.ts";

export function storeOptions(io: Pick<Io, "env" | "now">, tokens?: TokenSource): StoreOptions {
  return { env: io.env, now: () => io.now(), ...(tokens === undefined ? {} : { tokens }) };
}
