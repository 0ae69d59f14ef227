// SPDX-License-Identifier: Apache-2.0
// `kiteseal promote`: artifacts of stores that verify → another store, with the attestations that they verified by. All of
// them or none: nothing is copied unless everything that was named passes.
import { resolve } from "node:path";
import type { Command } from "commander";
import { askedKinds, type Context, KitesealError, quote } from "@kiteseal/core";
import { encodePins, promote, type Promotion } from "@kiteseal/core/operations";
import type { Repository } from "@kiteseal/core/store";
import { openRepository } from "@kiteseal/storage-adapters";
import { AUTHORITY_OPTIONS, loadAuthority } from "../authority.ts";
import { openBatch } from "../batch.ts";
import { attestationRoot, checkDecidingEnvironment, type Config, loadConfig } from "../config.ts";
import { addOptions, COMMON_OPTIONS, QUIET_OPTION } from "../flags.ts";
import { LOOKUP_OPTIONS } from "../lookup.ts";
import { checkOutput, writeOutput, WRITTEN } from "../output.ts";
import { judgeSources } from "../promotion.ts";
import { promotionSources } from "../promotion-sources.ts";
import { type PromotionReport, promotionJson, promotionJsonLines, promotionText } from "../report/promotion.ts";
import type { Run } from "../report/run.ts";
import { RULE_OPTIONS, SIGNER_OPTIONS } from "../rule-flags.ts";
import { destinationOptions } from "../stores.ts";
import { createStatusLine } from "../terminal/progress.ts";
import { styleFor } from "../terminal/style.ts";
import { withWayOn } from "../unfinished.ts";
import { VERSION } from "../version.ts";
import { readTransferSettings, readWriteSettings, WRITE_OPTIONS } from "../write-settings.ts";
import { checkedFormat, debugConfig, type Invocation } from "./command.ts";

const CONCURRENCY = 4;
const FORMATS = ["text", "json", "jsonl"];
const WAY_ON = "what is there is complete and attested: run it again, and it adds the rest";

export function define(command: Command): void {
  command.argument("[source...]", "store addresses of artifacts");
  command.optionsGroup("What and where to:");
  addOptions(command, [
    {
      flags: "--to <url>",
      description: "where artifacts go; they keep the longer of their path and their attested name",
    },
    { flags: "--recursive", description: "every artifact below each address" },
    {
      flags: "--pins <file>",
      description: "instead of addresses: exactly the objects that `publish --pins` wrote down",
    },
    {
      flags: "--require-all-subjects",
      description: "every subject of the attestations that passed must be among them",
    },
    {
      flags: "--to-attestations <url>",
      description: "keep their attestations below this root instead of .kiteseal/ below --to",
    },
    { flags: "--sidecar", description: "also store each attestation as ARTIFACT.sigstore.json" },
    {
      flags: "--write-pins <file>",
      description: "write which exact objects are at the destination, for `verify --pins`",
    },
    ...WRITE_OPTIONS,
  ]);
  command.optionsGroup("Who may have signed (no defaults):");
  addOptions(command, [
    ...AUTHORITY_OPTIONS,
    ...RULE_OPTIONS,
    { flags: "--any-name", description: "the attestations may be about these bytes under any name" },
  ]);
  command.optionsGroup("Who may have signed, instead of a Buildkite builder:");
  addOptions(command, SIGNER_OPTIONS);
  command.optionsGroup("Where attestations are:");
  addOptions(command, LOOKUP_OPTIONS);
  command.optionsGroup("Other:");
  addOptions(command, [
    {
      flags: "--format <format>",
      description: "text on standard error; on standard output json, jsonl",
      choices: FORMATS,
    },
    QUIET_OPTION,
    ...COMMON_OPTIONS,
  ]);
  command.addHelpText("after", EXAMPLE);
}

const EXAMPLE = `
Example:
  kiteseal promote file:///srv/staging/7/dist/app.tgz --to file:///srv/release \\
    --trusted-root trusted_root.json --org acme --pipeline app --branch main

Nothing is copied unless every artifact verifies. Running it again completes what was interrupted.
Exit codes: 0 all of it is there and attested, 2 usage, 20 refused, 21 no attestation, 30 could not tell.`;

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, io } = invocation;
  const config = await loadConfig(options, io);
  const ignored = checkDecidingEnvironment(io.env);
  await debugConfig(invocation, config);
  const format = checkedFormat(config.format, FORMATS);
  const status = createStatusLine(io, options.flag("quiet"));
  const ctx: Context = { now: () => io.now(), signal: io.signal, progress: (progress) => status.show(progress) };
  const destination = await openTo(invocation, config);
  const pinsPath = options.text("writePins");
  if (pinsPath !== undefined) await checkOutput(resolve(io.cwd, pinsPath), WRITTEN.pins);
  const authority = await loadAuthority({ options, config, io }, ctx);
  const sources = await promotionSources({ args, options, io, destination: destination.artifacts });
  const { leftOut } = sources;
  const run: Run = { version: VERSION, ...authority, startedAt: io.now(), files: config.files, ignored, leftOut };
  const batch = await openBatch(authority.trust, askedKinds(authority.policy));
  try {
    const request = { sources, destination: destination.artifacts, authority, batch, options, config, io };
    const { rows, tally, promotable: artifacts } = await judgeSources(request, ctx);
    const how = { destination, compute: batch.compute, sidecar: options.flag("sidecar"), concurrency: CONCURRENCY };
    const promotion =
      artifacts === undefined ? undefined : await withWayOn(WAY_ON, () => promote({ artifacts, ...how }, ctx));
    if (pinsPath !== undefined && promotion !== undefined)
      await writeOutput(resolve(io.cwd, pinsPath), pinsOf(promotion));
    await status.clear();
    await write(invocation, { rows, tally, run, promotion }, format);
    return tally.exitCode;
  } finally {
    await batch.compute.close();
  }
}

/** Throws ERR_USAGE, ERR_PLACEHOLDER, ERR_STORE_URL. */
async function openTo({ options, io }: Invocation, config: Config): Promise<Repository> {
  const url = options.text("to");
  if (url === undefined) throw new KitesealError("ERR_USAGE", "no destination is named", { hint: "pass --to URL" });
  if (/[{}]/.test(url)) {
    throw new KitesealError("ERR_PLACEHOLDER", `--to ${quote(url)} holds a placeholder: expected an address`, {
      hint: "what is promoted comes from several jobs or none: write the build's own part of the address out",
    });
  }
  const fixed = url.endsWith("/") ? url : `${url}/`;
  const roots = config.toAttestations?.value;
  const settings = { write: readWriteSettings(options, config, "machine"), transfer: readTransferSettings(options) };
  const root = roots === undefined ? undefined : attestationRoot(roots, fixed);
  return openRepository({ url: fixed, fixed }, root, destinationOptions(io, settings));
}

function pinsOf({ artifacts }: Promotion): Uint8Array {
  const pinned = artifacts.map(({ name, url, pin, size, sha256, bundles }) => {
    return { name, url, pin, size, sha256, bundles };
  });
  return encodePins({ version: 1, artifacts: pinned });
}

async function write({ options, io }: Invocation, report: PromotionReport, format: string): Promise<void> {
  if (format === "text") {
    const style = styleFor(io.stderr, io.env);
    for await (const text of promotionText(report, { style, terminal: io.stderr.isTty, quiet: options.flag("quiet") }))
      await io.stderr.write(text);
    return;
  }
  await io.stdout.write(format === "json" ? promotionJson(report) : promotionJsonLines(report));
}
