// SPDX-License-Identifier: Apache-2.0
// `kiteseal policy check`: what is wrong with a policy file, what it believes without proof, and with --against whose verdict
// it would change. Decides nothing itself, so it reads files from anywhere.
import { resolve } from "node:path";
import type { Command } from "commander";
import {
  type Artifact,
  type ArtifactPlace,
  askedKinds,
  type Context,
  KitesealError,
  LIMITS,
  parsePolicy,
  type Policy,
  type Trust,
} from "@kiteseal/core";
import { loadVerificationTrust } from "../authority.ts";
import { openBatch } from "../batch.ts";
import { checkDecidingEnvironment, type Config, loadConfig } from "../config.ts";
import { EXIT, type ExitCode, worstExitCode } from "../exit-codes.ts";
import { addOptions, COMMON_OPTIONS, Options } from "../flags.ts";
import { readInput } from "../input.ts";
import { isFile, openLocalPlaces } from "../local-targets.ts";
import { openLookup, rehashing } from "../lookup.ts";
import { policyDifferences } from "../policy-diff.ts";
import { lintPolicy } from "../policy-lint.ts";
import { type Checked, checkJson, checkText, isChange, isUnknown } from "../report/policy-check.ts";
import { selectTargets, type TargetSet } from "../targets.ts";
import { styleFor } from "../terminal/style.ts";
import { VERSION } from "../version.ts";
import { checkedFormat, debugConfig, type Invocation } from "./command.ts";

const FORMATS = ["text", "json"];

export function define(command: Command): void {
  command.argument("<file>", "the policy");
  command.optionsGroup("Whose verdict would change:");
  addOptions(command, [
    {
      flags: "--against <store|pins>",
      description: "everything below this address or directory, or in this pins file",
    },
    { flags: "--old <file>", description: "the policy as it is now" },
    { flags: "--trusted-root <file>", description: "trusted_root.json of the Sigstore instance that signed" },
    { flags: "--attestations <url>", description: "look below this root instead of next to the artifacts" },
  ]);
  command.optionsGroup("Other:");
  addOptions(command, [
    { flags: "--format <format>", description: "text or json, on standard output", choices: FORMATS },
    ...COMMON_OPTIONS,
  ]);
  command.addHelpText(
    "after",
    "\nExit codes: 0 nothing wrong and no verdict changes, 2 invalid, 20 verdicts change, 30 could not tell.",
  );
}

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, io } = invocation;
  checkDecidingEnvironment(io.env);
  const config = await loadConfig(options, io);
  await debugConfig(invocation, config);
  const format = checkedFormat(config.format, FORMATS);
  const ctx: Context = { now: () => io.now(), signal: io.signal };
  const [path = ""] = args;
  const policy = await readPolicy(path, invocation);
  const differences = await compare(invocation, { policy, config }, ctx);
  const checked: Checked = { path, policy, warnings: lintPolicy(policy, io.now()), ...differences };
  const exitCode = exitCodeFor(checked);
  await io.stdout.write(
    format === "json" ? checkJson(checked, exitCode) : checkText(checked, exitCode, styleFor(io.stdout, io.env)),
  );
  return exitCode;
}

async function readPolicy(path: string, { io }: Invocation): Promise<Policy> {
  const what = "the policy";
  const code = "ERR_POLICY_INVALID";
  const bytes = await readInput({ path: resolve(io.cwd, path), what, maxBytes: LIMITS.policyBytes, code });
  return parsePolicy(bytes, { path, version: VERSION, env: io.env });
}

async function compare(
  invocation: Invocation,
  o: { policy: Policy; config: Config },
  ctx: Context,
): Promise<Pick<Checked, "differences" | "looked">> {
  const { options, io } = invocation;
  const against = options.text("against");
  const old = options.text("old");
  if ((against === undefined) !== (old === undefined))
    throw new KitesealError("ERR_USAGE", "--against and --old: expected both or neither");
  if (against === undefined || old === undefined) return {};
  const before = await readPolicy(old, invocation);
  const trust = await loadVerificationTrust({ options, config: o.config, io }, ctx);
  return difference(invocation, { before, after: o.policy, trust, against, config: o.config }, ctx);
}

async function difference(
  invocation: Invocation,
  o: { before: Policy; after: Policy; trust: Trust; against: string; config: Config },
  ctx: Context,
): Promise<Pick<Checked, "differences" | "looked">> {
  const { options, io } = invocation;
  const { before, after, trust, config } = o;
  const places = new WeakMap<Artifact, ArtifactPlace>();
  const set = await targetsOf(o.against, invocation, ctx);
  const lookup = await openLookup({ options, config, io, pins: set.pins, places, waitMs: 0 }, ctx);
  const [asked, also] = [askedKinds(before), askedKinds(after)];
  const kinds = { keys: [...asked.keys, ...also.keys], blobs: asked.blobs || also.blobs };
  const { compute } = await openBatch(trust, kinds);
  const differences: NonNullable<Checked["differences"]>[number][] = [];
  let looked = 0;
  try {
    for await (const one of policyDifferences(
      { set, before, after, places, verify: { compute, lookup, rehash: rehashing(io) } },
      ctx,
    )) {
      looked += 1;
      if (isUnknown(one) || (one.kind === "judged" && isChange(one))) differences.push(one);
    }
  } finally {
    await compute.close();
  }
  return { differences, looked };
}

async function targetsOf(against: string, { io }: Invocation, ctx: Context): Promise<TargetSet> {
  const pins = await isFile(resolve(io.cwd, against));
  const options = new Options(pins ? { pins: against } : { recursive: true });
  return selectTargets({ args: pins ? [] : [against], options, io, places: await openLocalPlaces(io) }, ctx);
}

function exitCodeFor({ differences = [] }: Checked): ExitCode {
  const codes = differences.map((one): ExitCode => (isUnknown(one) ? EXIT.undetermined : EXIT.refused));
  return worstExitCode(codes) ?? EXIT.ok;
}
