// SPDX-License-Identifier: Apache-2.0
// `kiteseal find`: which attestations there are for some bytes, and where they lie. Believes nothing of them and says so:
// its exit code says what was found, never what may be released.
import type { Command } from "commander";
import { type Artifact, type ArtifactPlace, type Context, isKitesealError, KitesealError } from "@kiteseal/core";
import { findAttestations } from "@kiteseal/core/operations";
import { type Config, loadConfig } from "../config.ts";
import { EXIT, type ExitCode, exitCodeOf, worstExitCode } from "../exit-codes.ts";
import { addOptions, COMMON_OPTIONS, type OptionSpec, parseDigest } from "../flags.ts";
import { openLocalPlaces } from "../local-targets.ts";
import { openLookup } from "../lookup.ts";
import { type Finding, findingsJson, findingsText } from "../report/findings.ts";
import { selectTargets, type Target } from "../targets.ts";
import { createStatusLine } from "../terminal/progress.ts";
import { styleFor } from "../terminal/style.ts";
import { locate } from "../verdicts.ts";
import { checkedFormat, debugConfig, type Invocation } from "./command.ts";

const OPTIONS: readonly OptionSpec[] = [
  { flags: "--digest <sha256:hex>", description: "bytes that are elsewhere; needs --attestations" },
  { flags: "--recursive", description: "every object below a store address" },
  { flags: "--attestations <url>", description: "look below this root instead of next to the artifact" },
  { flags: "--format <format>", description: "text, json or jsonl", choices: ["text", "json", "jsonl"] },
  ...COMMON_OPTIONS,
];

export function define(command: Command): void {
  command.argument("[target...]", "files, globs, directories, store addresses");
  addOptions(command, OPTIONS);
  command.addHelpText("after", EXAMPLE);
}

const EXAMPLE = `
Example:
  kiteseal find file:///srv/release/dist/app.tgz

Verifies nothing. Exit codes: 0 something was found for each, 2 usage, 21 nothing, 30 nothing readable, and a place or an attestation could not be read.`;

export async function run(invocation: Invocation): Promise<number> {
  const { options, io } = invocation;
  const config = await loadConfig(options, io);
  await debugConfig(invocation, config);
  const format = checkedFormat(config.format, ["text", "json", "jsonl"]);
  const status = createStatusLine(io, format !== "text");
  const ctx: Context = { now: () => io.now(), signal: io.signal, progress: (progress) => status.show(progress) };
  const places = new WeakMap<Artifact, ArtifactPlace>();
  const targets = await targetsOf(invocation, config, ctx);
  const lookup = await openLookup({ options, config, io, pins: undefined, places, waitMs: 0 }, ctx);
  const findings: Finding[] = [];
  for await (const target of targets) {
    const { label } = target;
    try {
      const artifact = await locate(target, places, ctx);
      findings.push({ kind: "looked", label, found: await findAttestations(artifact, lookup, ctx) });
    } catch (error) {
      if (!isKitesealError(error) || error.kind === "interrupted") throw error;
      findings.push({ kind: "failure", label, error });
    }
  }
  await status.clear();
  const exitCode = exitCodeOfAll(findings);
  const text = format === "text" ? findingsText(findings, styleFor(io.stdout, io.env)) : undefined;
  await io.stdout.write(text ?? findingsJson(findings, { exitCode, lines: format === "jsonl" }));
  return exitCode;
}

async function targetsOf(
  { args, options, io }: Invocation,
  config: Config,
  ctx: Context,
): Promise<AsyncIterable<Target>> {
  const digest = options.text("digest");
  if (digest === undefined)
    return (await selectTargets({ args, options, io, places: await openLocalPlaces(io) }, ctx)).targets;
  if (args.length > 0) throw new KitesealError("ERR_USAGE", "--digest stands for the target: expected no other");
  if (typeof config.attestations?.value !== "string") {
    throw new KitesealError("ERR_USAGE", "--digest says no place to look for attestations in", {
      hint: "add --attestations URL",
    });
  }
  const sha256 = parseDigest("--digest", digest);
  return only({
    label: digest,
    locate: () => Promise.resolve({ artifact: { digest: { sha256 }, origin: { kind: "digest" } } }),
  });
}

async function* only(target: Target): AsyncGenerator<Target> {
  yield await Promise.resolve(target);
}

const EXIT_OF = { found: EXIT.ok, none: EXIT.unattested, unknown: EXIT.undetermined } as const;

function exitCodeOfAll(findings: readonly Finding[]): ExitCode {
  const codes = findings.map((finding) => {
    if (finding.kind === "looked") return EXIT_OF[finding.found.outcome];
    const { kind } = finding.error;
    return kind === "interrupted" ? EXIT.undetermined : exitCodeOf(kind);
  });
  return findings.length === 0 ? EXIT.usage : (worstExitCode(codes) ?? EXIT.ok);
}
