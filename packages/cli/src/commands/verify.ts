// SPDX-License-Identifier: Apache-2.0
// `kiteseal verify`: targets, a trusted root, a rule → a verdict for each. Loads nothing that signs.
import type { Command } from "commander";
import { type Artifact, type ArtifactPlace, type Context, inlineCompute } from "@kiteseal/core";
import { AUTHORITY_OPTIONS, loadAuthority } from "../authority.ts";
import { checkDecidingEnvironment, loadConfig } from "../config.ts";
import { addOptions, COMMON_OPTIONS, type Options, parseDuration, QUIET_OPTION } from "../flags.ts";
import { openLocalPlaces } from "../local-targets.ts";
import { LOOKUP_OPTIONS, openLookup, rehash } from "../lookup.ts";
import type { Renderer, Run } from "../report/run.ts";
import { Tally } from "../report/tally.ts";
import { RULE_OPTIONS } from "../rule-flags.ts";
import { selectTargets, TARGET_OPTIONS } from "../targets.ts";
import { createStatusLine } from "../terminal/progress.ts";
import { styleFor } from "../terminal/style.ts";
import { verdictRows } from "../verdicts.ts";
import { VERSION } from "../version.ts";
import { checkedFormat, debug, debugConfig, type Invocation } from "./command.ts";

const FORMATS = ["text", "json", "jsonl"];

export function define(command: Command): void {
  command.argument("[target...]", "files, globs, directories, store addresses");
  command.optionsGroup("Targets:");
  addOptions(command, TARGET_OPTIONS);
  command.optionsGroup("Who may have signed (no defaults):");
  addOptions(command, [...AUTHORITY_OPTIONS, ...RULE_OPTIONS]);
  command.optionsGroup("Where attestations are:");
  addOptions(command, [
    ...LOOKUP_OPTIONS,
    {
      flags: "--wait <duration>",
      description: "go on looking this long for an attestation that is not there yet: 90s, 10m",
    },
  ]);
  command.optionsGroup("Other:");
  addOptions(command, [
    {
      flags: "--format <format>",
      description: "text on standard error; json or jsonl on standard output",
      choices: FORMATS,
    },
    QUIET_OPTION,
    ...COMMON_OPTIONS,
  ]);
  command.addHelpText("after", EXAMPLE);
}

const EXAMPLE = `
Example:
  kiteseal verify dist/app.tgz --trusted-root trusted_root.json --org acme --pipeline app --branch main

Exit codes: 0 everything verified, 2 usage, 20 refused, 21 no attestation, 30 could not tell. Only 0 may proceed.`;

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, io } = invocation;
  const ignored = checkDecidingEnvironment(io.env);
  const config = await loadConfig(options, io);
  await debugConfig(invocation, config);
  const format = checkedFormat(config.format, FORMATS);
  const status = createStatusLine(io, options.flag("quiet"));
  const ctx: Context = { now: () => io.now(), signal: io.signal, progress: (progress) => status.show(progress) };
  const waitMs = waitOf(options);
  const { trust, policy } = await loadAuthority({ options, config, io }, ctx);
  const places = new WeakMap<Artifact, ArtifactPlace>();
  const set = await selectTargets({ args, options, io, places: await openLocalPlaces() }, ctx);
  const lookup = await openLookup({ options, config, io, pins: set.pins, places });
  const report: Run = {
    version: VERSION,
    trust,
    policy,
    startedAt: io.now(),
    files: config.files,
    ignored,
    leftOut: set.leftOut,
  };
  await describe(invocation, report);
  const verify = { policy, compute: inlineCompute(trust), lookup, rehash };
  const tally = new Tally();
  const rows = tally.count(verdictRows({ set, verify, places, waitMs }, ctx));
  const render = await rendererFor(format, invocation);
  for await (const text of render(rows, report, tally)) {
    await status.clear();
    await (format === "text" ? io.stderr : io.stdout).write(text);
  }
  await status.clear();
  return tally.exitCode;
}

function waitOf(options: Options): number {
  const text = options.text("wait");
  return text === undefined ? 0 : parseDuration("--wait", text);
}

async function rendererFor(format: string, { options, io }: Invocation): Promise<Renderer> {
  if (format === "json") return (await import("../report/json.ts")).renderJson;
  if (format === "jsonl") return (await import("../report/jsonl.ts")).renderJsonLines;
  const { textRenderer } = await import("../report/text.ts");
  return textRenderer({ style: styleFor(io.stderr, io.env), terminal: io.stderr.isTty, quiet: options.flag("quiet") });
}

async function describe(invocation: Invocation, { trust, policy, ignored }: Run): Promise<void> {
  await debug(invocation, `trusted root ${trust.source.path} sha256:${trust.digest}`);
  await debug(invocation, `policy from ${policy.source.kind === "file" ? policy.source.path : "flags"}`);
  if (ignored.length > 0) await debug(invocation, `ignored: ${ignored.join(", ")}`);
}
