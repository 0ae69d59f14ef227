// SPDX-License-Identifier: Apache-2.0
// `kiteseal fetch`: `verify` that keeps the bytes, all of them in a new directory or nothing. Loads nothing that signs.
import { resolve } from "node:path";
import type { Command } from "commander";
import { type Artifact, type ArtifactPlace, isKitesealError, KitesealError, type VerifyRequest } from "@kiteseal/core";
import type { Context } from "@kiteseal/core";
import { fetchArtifacts, type FetchRequest } from "@kiteseal/core/operations";
import { loadConfig } from "../config.ts";
import { FETCH_TARGET_OPTIONS, selectObjects } from "../fetch-targets.ts";
import { addOptions, type Options } from "../flags.ts";
import type { Row } from "../report/run.ts";
import { REPORT_FORMATS, reportFor } from "../verification-report.ts";
import { defineJudgement, runVerification, type Selection } from "../verification.ts";
import type { Invocation } from "./command.ts";

export function define(command: Command): void {
  command.argument("[url...]", "store addresses");
  command.optionsGroup("What to keep:");
  addOptions(command, [
    {
      flags: "--output <dir>",
      description: "the new directory (0700, its files 0600); there only if everything passed",
    },
    {
      flags: "--with-bundle",
      description: "also NAME.sigstore.json beside each file, to verify it again without the store",
    },
    { flags: "--bundle-only", description: "only those: the artifacts are read and not kept" },
  ]);
  command.optionsGroup("Targets:");
  addOptions(command, FETCH_TARGET_OPTIONS);
  defineJudgement(command, REPORT_FORMATS);
  command.addHelpText("after", EXAMPLE);
}

const EXAMPLE = `
Example:
  kiteseal fetch s3://releases/app/42/ --recursive --output app --trusted-root trusted_root.json --org acme --pipeline app --branch main

Exit codes: as verify. Only with 0 may the directory be used; it holds nothing that did not pass.`;

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, io } = invocation;
  const keep = keepOf(options);
  const given = options.text("output");
  if (given === undefined) {
    throw new KitesealError("ERR_USAGE", "--output is missing", { hint: "name a directory that is not there yet" });
  }
  const output = resolve(io.cwd, given);
  const config = await loadConfig(options, io);
  const select = async (places: WeakMap<Artifact, ArtifactPlace>, ctx: Context): Promise<Selection> => {
    const { targets, pins, leftOut } = await selectObjects({ args, options, io }, ctx);
    const rows: Selection["rows"] = (verify, now) => fetchedRows({ verify, targets, output, keep, places }, now);
    return { pins, leftOut, output, rows };
  };
  return runVerification(invocation, { config, ...(await reportFor(config, invocation)), select });
}

function keepOf(options: Options): FetchRequest["keep"] {
  const [withBundle, bundleOnly] = [options.flag("withBundle"), options.flag("bundleOnly")];
  if (withBundle && bundleOnly) throw new KitesealError("ERR_USAGE", "--with-bundle and --bundle-only: expected one");
  if (bundleOnly) return "bundles";
  return withBundle ? "artifacts-and-bundles" : "artifacts";
}

type Fetching = Pick<FetchRequest, "targets" | "output" | "keep" | "places"> & { readonly verify: VerifyRequest };

/** What goes wrong with the run after its first row is a last one, so that no report can look complete without saying so. */
async function* fetchedRows({ verify, ...what }: Fetching, ctx: Context): AsyncGenerator<Row> {
  let begun = false;
  try {
    for await (const fetched of fetchArtifacts({ ...verify, ...what }, ctx)) {
      begun = true;
      if ("verdict" in fetched) yield { kind: "verdict", ...fetched };
      else yield { kind: "failure", label: fetched.target.label, error: fetched.error };
    }
  } catch (error) {
    if (!begun || !isKitesealError(error) || error.kind === "interrupted") throw error;
    yield { kind: "failure", label: "the run", error };
  }
}
