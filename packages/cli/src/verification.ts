// SPDX-License-Identifier: Apache-2.0
// What `verify`, `fetch` and `policy explain` share: their options, and from what was given to rows and what they rest on.
import type { Command } from "commander";
import {
  type Artifact,
  type ArtifactPlace,
  askedKinds,
  type Context,
  type PinsFile,
  type VerifyRequest,
} from "@kiteseal/core";
import { AUTHORITY_OPTIONS, loadAuthority } from "./authority.ts";
import { openBatch } from "./batch.ts";
import { debug, debugConfig, type Invocation } from "./commands/command.ts";
import { checkDecidingEnvironment, type Config } from "./config.ts";
import { addOptions, COMMON_OPTIONS, type Options, type OptionSpec, parseDuration, QUIET_OPTION } from "./flags.ts";
import { openLocalPlaces } from "./local-targets.ts";
import { LOOKUP_OPTIONS, openLookup, rehashing } from "./lookup.ts";
import type { Renderer, Row, Run } from "./report/run.ts";
import { Tally } from "./report/tally.ts";
import { RULE_OPTIONS, SIGNER_OPTIONS } from "./rule-flags.ts";
import { selectTargets, TARGET_OPTIONS } from "./targets.ts";
import { createStatusLine } from "./terminal/progress.ts";
import { verdictRows } from "./verdicts.ts";
import { VERSION } from "./version.ts";

const RUN_OPTIONS: readonly OptionSpec[] = [
  { flags: "--require-all-subjects", description: "every subject of the attestations that passed must be a target" },
  { flags: "--fail-fast", description: "stop at the first target that does not pass" },
];

/** `verify` and `policy explain`. */
export function defineVerification(command: Command, format: OptionSpec): void {
  command.argument("[target...]", "files, globs, directories, store addresses");
  command.optionsGroup("Targets:");
  addOptions(command, TARGET_OPTIONS);
  defineJudgement(command, format);
}

/** What every command takes that asks whether targets may be released. */
export function defineJudgement(command: Command, format: OptionSpec): void {
  addOptions(command, RUN_OPTIONS);
  command.optionsGroup("Who may have signed (no defaults):");
  addOptions(command, [...AUTHORITY_OPTIONS, ...RULE_OPTIONS]);
  command.optionsGroup("Who may have signed, instead of a Buildkite builder:");
  addOptions(command, SIGNER_OPTIONS);
  command.optionsGroup("Where attestations are:");
  addOptions(command, [
    ...LOOKUP_OPTIONS,
    {
      flags: "--wait <duration>",
      description: "go on looking this long for an attestation that is not there yet: 90s, 10m",
    },
  ]);
  command.optionsGroup("Other:");
  addOptions(command, [format, QUIET_OPTION, ...COMMON_OPTIONS]);
}

/** What a run is about. */
export interface Selection {
  readonly pins?: PinsFile | undefined;
  readonly leftOut: { readonly count: number };
  /** A row for everything that was asked for; those that are judged are so by `verify`. */
  rows(verify: VerifyRequest, ctx: Context): AsyncIterable<Row>;
  /** Where it is kept if everything passes. */
  readonly output?: string;
}

interface Report {
  readonly config: Config;
  readonly render: Renderer;
  write(text: string): Promise<void>;
  /** Instead of targets that are only looked at. `places` is for where each artifact lies. */
  select?(places: WeakMap<Artifact, ArtifactPlace>, ctx: Context): Promise<Selection>;
}

/** Verifies, writes the report as it comes, resolves with the exit code. Errors: those of reading what decides. */
export async function runVerification(invocation: Invocation, report: Report): Promise<number> {
  const { options, io } = invocation;
  const { config } = report;
  const ignored = checkDecidingEnvironment(io.env);
  await debugConfig(invocation, config);
  const status = createStatusLine(io, options.flag("quiet"));
  const ctx: Context = { now: () => io.now(), signal: io.signal, progress: (progress) => status.show(progress) };
  const waitMs = waitOf(options);
  const { trust, policy } = await loadAuthority({ options, config, io }, ctx);
  const places = new WeakMap<Artifact, ArtifactPlace>();
  const selection = await (report.select?.(places, ctx) ?? lookAt(invocation, places, ctx));
  const { pins, leftOut, output } = selection;
  const lookup = await openLookup({ options, config, io, pins, places, waitMs }, ctx);
  const { files } = config;
  const kept = output === undefined ? {} : { output };
  const run: Run = { version: VERSION, trust, policy, startedAt: io.now(), files, ignored, leftOut, ...kept };
  await describe(invocation, run);
  const { compute, parallel } = await openBatch(trust, askedKinds(policy));
  try {
    const requireAllSubjects = options.flag("requireAllSubjects");
    const verify = { policy, compute, lookup, parallel, rehash: rehashing(io), requireAllSubjects };
    const tally = new Tally();
    const rows: AsyncIterable<Row> = tally.count(selection.rows(verify, ctx), { failFast: options.flag("failFast") });
    for await (const text of report.render(rows, run, tally)) {
      await status.clear();
      await report.write(text);
    }
    await status.clear();
    return tally.exitCode;
  } finally {
    await compute.close();
  }
}

/** Files, objects and digests, read where they are. */
async function lookAt(
  { args, options, io }: Invocation,
  places: WeakMap<Artifact, ArtifactPlace>,
  ctx: Context,
): Promise<Selection> {
  const set = await selectTargets({ args, options, io, places: await openLocalPlaces(io) }, ctx);
  return { ...set, rows: (verify, now) => verdictRows({ set, verify, places }, now) };
}

function waitOf(options: Options): number {
  const text = options.text("wait");
  return text === undefined ? 0 : parseDuration("--wait", text);
}

async function describe(invocation: Invocation, { trust, policy, ignored }: Run): Promise<void> {
  await debug(invocation, `trusted root ${trust.source.path} sha256:${trust.digest}`);
  await debug(invocation, `policy from ${policy.source.kind === "file" ? policy.source.path : "flags"}`);
  if (ignored.length > 0) await debug(invocation, `ignored: ${ignored.join(", ")}`);
}
