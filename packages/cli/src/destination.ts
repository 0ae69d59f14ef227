// SPDX-License-Identifier: Apache-2.0
// Where a signing run stores things: `--to` with its placeholders filled in, and the root of its attestations.
import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import { KitesealError, quote } from "@kiteseal/core";
import type { Job } from "@kiteseal/core/sign";
import type { Repository } from "@kiteseal/core/store";
import { expandDestination, openRepository } from "@kiteseal/storage-adapters";
import { attestationRoot, type Config } from "./config.ts";
import { systemCode } from "./input.ts";
import { placeholderValues } from "./signing.ts";

/** Throws ERR_PLACEHOLDER, ERR_STORE_URL. */
export async function openDestination(template: string, o: { config: Config; job: Job }): Promise<Repository> {
  const to = expandDestination(template, placeholderValues(o.job));
  const roots = o.config.attestations?.value;
  return openRepository(to, roots === undefined ? undefined : attestationRoot(roots, to.url));
}

/** Said before anything is signed. Throws ERR_OUTPUT. */
export async function checkOutput(path: string): Promise<void> {
  await access(dirname(path), constants.W_OK).catch((cause: unknown) => {
    throw new KitesealError("ERR_OUTPUT", `cannot write ${quote(path)}: ${systemCode(cause)}`, { cause });
  });
}
