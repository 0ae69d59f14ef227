// SPDX-License-Identifier: Apache-2.0
// `kiteseal publish`: files of this job → provenance → signature → store. Everything that can be wrong with flags, files
// and outputs is found before anything is signed.
import { resolve } from "node:path";
import type { Command } from "commander";
import { collectArtifacts, type Context, KitesealError } from "@kiteseal/core";
import { encodePins, publish, type Publication } from "@kiteseal/core/sign";
import { loadConfig } from "../config.ts";
import { openDestination } from "../destination.ts";
import { addOptions } from "../flags.ts";
import { checkOutput, writeOutput, WRITTEN } from "../output.ts";
import { addSigningOptions, prepareSigning } from "../signing.ts";
import { createStatusLine } from "../terminal/progress.ts";
import { styleFor } from "../terminal/style.ts";
import { madeJson, madeText } from "../report/publication.ts";
import { withWayOn } from "../unfinished.ts";
import { WRITE_OPTIONS } from "../write-settings.ts";
import { checkedFormat, debugConfig, type Invocation } from "./command.ts";

/** Artifacts on their way into the store: most are small, and wait for its answers. It bounds how many requests carry bytes. */
const CONCURRENCY = 32;
const WAY_ON =
  "run it again to the same destination: what can be seen there is attested and stays, and only the rest is sent";

export function define(command: Command): void {
  command.argument("<path...>", "files and globs: *, ? and ** as a whole segment");
  command.optionsGroup("Store:");
  addOptions(command, [
    {
      flags: "--to <url>",
      description:
        "where artifacts go; may hold {pipeline} {branch} {tag} {commit} {build} {job} {step} {parallel} {retry}",
    },
    {
      flags: "--attestations <url>",
      description: "keep attestations below this root instead of .kiteseal/ next to the artifacts",
    },
    { flags: "--sidecar", description: "also store each attestation as ARTIFACT.sigstore.json" },
    { flags: "--pins <file>", description: "write which exact objects were stored, for `verify --pins`" },
    ...WRITE_OPTIONS,
  ]);
  addSigningOptions(command);
}

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, io } = invocation;
  const config = await loadConfig(options, io);
  await debugConfig(invocation, config);
  const format = checkedFormat(config.format, ["text", "json"]);
  const quiet = options.flag("quiet");
  const status = createStatusLine(io, quiet);
  const ctx: Context = { now: () => io.now(), signal: io.signal, progress: (progress) => status.show(progress) };
  if (config.store === undefined) {
    throw new KitesealError("ERR_USAGE", "no destination is named", {
      hint: "pass --to URL, for example --to 'file:///srv/artifacts/{pipeline}/{build}'",
    });
  }
  const { job, trust, tokens, request, warnings } = await prepareSigning({ options, config, io }, ctx);
  const base = resolve(io.cwd, options.text("base") ?? ".");
  const { files, sidecars } = await collectArtifacts(args, { cwd: io.cwd, base }, ctx);
  if (sidecars.length > 0) warnings.push(`${sidecars.length} attestation files among the matches were left out`);
  const repository = await openDestination(config.store.value, job, { options, config, io, tokens });
  const pins = options.text("pins");
  const pinsPath = pins === undefined ? undefined : resolve(io.cwd, pins);
  if (pinsPath !== undefined) await checkOutput(pinsPath, WRITTEN.pins);
  const algorithms = options.flag("sha512") ? (["sha512"] as const) : [];
  const how = { files, repository, algorithms, sidecar: options.flag("sidecar"), concurrency: CONCURRENCY };
  const publication = await withWayOn(WAY_ON, () => publish({ ...request, ...how }, ctx));
  if (pinsPath !== undefined) await writeOutput(pinsPath, pinsOf(publication));
  await status.clear();
  const { artifacts, attestations } = publication;
  const written = pinsPath === undefined ? [] : [pinsPath];
  const made = {
    kind: "kiteseal.publish",
    job,
    trust,
    artifacts,
    attestations,
    files: written,
    warnings: [...warnings, ...publication.warnings],
  } as const;
  await io.stderr.write(madeText(made, { style: styleFor(io.stderr, io.env), quiet: quiet || format === "json" }));
  if (format === "json") await io.stdout.write(madeJson(made));
  return 0;
}

function pinsOf({ artifacts }: Publication): Uint8Array {
  const pinned = artifacts.map(({ name, url, pin, size, sha256, bundles }) => ({
    name,
    url,
    pin,
    size,
    sha256,
    bundles,
  }));
  return encodePins({ version: 1, artifacts: pinned });
}
