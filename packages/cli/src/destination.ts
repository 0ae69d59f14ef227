// SPDX-License-Identifier: Apache-2.0
// Where a signing run stores things: `--to` with its placeholders filled in, and the root of its attestations.
import { constants } from "node:fs";
import { access, open } from "node:fs/promises";
import { dirname } from "node:path";
import { failureName, KitesealError, quote } from "@kiteseal/core";
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
    write: readWriteSettings(options, config),
    transfer: readTransferSettings(options),
    ...(tokens === undefined ? {} : { tokens }),
  });
}

const ENOUGH = 4096;

/** An existing file is replaced only by what it already is: an artifact or a trusted root named by mistake stays. */
async function refuseOther(path: string, isOurs: RegExp): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    if (failureName(cause) === "ENOENT") return undefined;
    throw new KitesealError("ERR_OUTPUT", `cannot write ${quote(path)}: ${failureName(cause)}`, { cause });
  });
  if (handle === undefined) return;
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(ENOUGH), 0, ENOUGH, 0);
    const start = buffer.toString("latin1", 0, bytesRead).trimStart();
    if (start === "" || isOurs.test(start)) return;
    throw new KitesealError("ERR_OUTPUT", `${quote(path)} is something else and would be replaced`, {
      hint: "name a file that is not there yet",
    });
  } finally {
    await handle.close();
  }
}

/** What a file that kiteseal wrote begins with. */
export const WRITTEN: Readonly<Record<"pins" | "bundle", RegExp>> = {
  pins: /^\{\s*"version":\s*1,\s*"artifacts":/,
  bundle: /^\{\s*"mediaType":\s*"application\/vnd\.dev\.sigstore\.bundle/,
};

/** Said before anything is signed. Throws ERR_OUTPUT. */
export async function checkOutput(path: string, isOurs: RegExp): Promise<void> {
  await refuseOther(path, isOurs);
  await access(dirname(path), constants.W_OK).catch((cause: unknown) => {
    throw new KitesealError("ERR_OUTPUT", `cannot write ${quote(path)}: ${failureName(cause)}`, { cause });
  });
}
