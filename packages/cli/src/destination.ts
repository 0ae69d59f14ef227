// SPDX-License-Identifier: Apache-2.0
// Where a signing run stores things: `--to` with its placeholders filled in, and the root of its attestations.
import type { Job, TokenSource } from "@kiteseal/core/sign";
import type { Repository } from "@kiteseal/core/store";
import { expandDestination, openRepository, type StoreOptions } from "@kiteseal/storage-adapters";
import { attestationRoot, type Config } from "./config.ts";
import type { Options } from "./flags.ts";
import type { RedactedIo } from "./io.ts";
import { placeholderValues } from "./signing.ts";
import { destinationOptions } from "./stores.ts";
import { readTransferSettings, readWriteSettings } from "./write-settings.ts";

/** Throws ERR_PLACEHOLDER, ERR_STORE_URL. */
export async function openDestination(template: string, job: Job, run: DestinationRun): Promise<Repository> {
  const to = expandDestination(template, placeholderValues(job));
  const roots = run.config.attestations?.value;
  const root = roots === undefined ? undefined : attestationRoot(roots, to.url);
  return openRepository(to, root, writingOptions(run));
}

export interface DestinationRun {
  readonly options: Options;
  readonly config: Config;
  readonly io: RedactedIo;
  /** Those of the run unless given. */
  readonly tokens?: TokenSource;
}

/** What a store that is written to is opened with. Throws ERR_USAGE, ERR_CONFIG_INVALID. */
export function writingOptions({ options, config, io, tokens }: DestinationRun): StoreOptions {
  return destinationOptions(io, {
    write: readWriteSettings(options, config, "checkout"),
    transfer: readTransferSettings(options),
    ...(tokens === undefined ? {} : { tokens }),
  });
}
