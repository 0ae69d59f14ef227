// SPDX-License-Identifier: Apache-2.0
// `kiteseal policy init`: a first policy from attestations that verify. Nothing is written from one that does not, and what
// is written is read again and has to let the same artifacts pass.
import { resolve } from "node:path";
import type { Command } from "commander";
import {
  type Artifact,
  type ArtifactPlace,
  type Context,
  isKitesealError,
  KitesealError,
  parsePolicy,
  quote,
  signerText,
  suggestPolicy,
  type VerifiedArtifact,
} from "@kiteseal/core";
import { loadVerificationTrust } from "../authority.ts";
import { checkDecidingEnvironment, type Config, loadConfig } from "../config.ts";
import {
  bundleCandidates,
  type Candidates,
  type FirstVerified,
  firstVerified,
  foundCandidates,
  patternOf,
  requirePass,
  signedName,
  signingKey,
} from "../first-policy.ts";
import { addOptions, COMMON_OPTIONS, QUIET_OPTION } from "../flags.ts";
import { openLocalPlaces } from "../local-targets.ts";
import { LOOKUP_OPTIONS, openLookup } from "../lookup.ts";
import { createOutput } from "../output.ts";
import { escapeText } from "../report/escape.ts";
import { describeBuild } from "../report/text.ts";
import { givenRuleFlags, policyFromFlags, readKeys, RULE_OPTIONS, SIGNER_OPTIONS } from "../rule-flags.ts";
import { selectTargets } from "../targets.ts";
import { locate } from "../verdicts.ts";
import { VERSION } from "../version.ts";
import { debugConfig, type Invocation } from "./command.ts";

export function define(command: Command): void {
  command.argument("<target...>", "attestation files, or artifacts whose attestations are looked for");
  addOptions(command, [
    { flags: "--trusted-root <file>", description: "trusted_root.json of the Sigstore instance that signed" },
    {
      flags: "--artifacts <pattern>",
      description: "names that the rule is about (default: of the kind at hand)",
      repeat: true,
    },
    { flags: "--base <dir>", description: "names are relative to this directory (default: the working directory)" },
    { flags: "--output <file>", description: "write it there, never over something (default: standard output)" },
  ]);
  command.optionsGroup("Who has to have signed (default: whoever did, to be read before it is used):");
  addOptions(command, [...RULE_OPTIONS, ...SIGNER_OPTIONS]);
  command.optionsGroup("Where attestations are:");
  addOptions(command, LOOKUP_OPTIONS);
  command.optionsGroup("Other:");
  addOptions(command, [QUIET_OPTION, ...COMMON_OPTIONS]);
}

export async function run(invocation: Invocation): Promise<number> {
  const { options, io } = invocation;
  checkDecidingEnvironment(io.env);
  const config = await loadConfig(options, io);
  await debugConfig(invocation, config);
  const ctx: Context = { now: () => io.now(), signal: io.signal };
  const keys = await readKeys(options, io.cwd);
  const given = givenRuleFlags(options).length === 0 ? undefined : policyFromFlags(options, keys, { env: io.env });
  const trust = await loadVerificationTrust({ options, config, io }, ctx);
  const found: FirstVerified[] = [];
  for await (const candidates of eachCandidate(invocation, config, ctx))
    found.push(await firstVerified(candidates, { trust, given, io }, ctx));
  const verified = found.map((one) => one.verified);
  const [first] = verified;
  if (first === undefined) throw new KitesealError("ERR_NO_MATCH", "there is no target");
  requireOneSigner(first, verified);
  const artifacts = options.list("artifacts") ?? [...new Set(verified.map((one) => patternOf(signedName(one))))];
  const suggested = suggestPolicy(first, { artifacts, key: signingKey(first, keys) });
  const text = `# Made by kiteseal policy init, trusted root sha256:${trust.digest}. Is this the builder you mean?\n${suggested}`;
  const policy = await parsePolicy(Buffer.from(text), { path: "the new policy", version: VERSION, env: {} });
  for (const one of found) await requirePass(one, { policy, trust, io }, ctx);
  const output = options.text("output");
  if (output === undefined) await io.stdout.write(text);
  else await createOutput(resolve(io.cwd, output), Buffer.from(text));
  if (!options.flag("quiet")) await io.stderr.write(remarks(first, { verified, output, sandbox: trust.sandbox }));
  return 0;
}

async function* eachCandidate(
  { args, options, io }: Invocation,
  config: Config,
  ctx: Context,
): AsyncGenerator<Candidates> {
  const files: string[] = [];
  for (const arg of args) {
    const bundle = await bundleCandidates(arg, io.cwd, ctx).catch(notReadable);
    if (bundle === undefined) files.push(arg);
    else yield bundle;
  }
  if (files.length === 0) return;
  const places = new WeakMap<Artifact, ArtifactPlace>();
  const set = await selectTargets({ args: files, options, io, places: await openLocalPlaces(io) }, ctx);
  const lookup = await openLookup({ options, config, io, pins: undefined, places, waitMs: 0 }, ctx);
  for await (const target of set.targets) yield foundCandidates(await locate(target, places, ctx), lookup, ctx);
}

/** What cannot be read is a target like any other, which is refused in the words for targets. */
function notReadable(error: unknown): undefined {
  if (isKitesealError(error) && error.code === "ERR_UNREADABLE") return undefined;
  throw error;
}

/** One rule is about one builder, on one ref. */
function requireOneSigner(first: VerifiedArtifact, all: readonly VerifiedArtifact[]): void {
  const who = (one: VerifiedArtifact): string =>
    [
      signerText(one.signer),
      one.build?.ref?.kind,
      one.build?.ref?.name,
      one.build?.step,
      one.statement?.predicateType,
    ].join(" ");
  const other = all.find((one) => who(one) !== who(first));
  if (other === undefined) return;
  throw new KitesealError("ERR_USAGE", `two signers for one rule: ${quote(who(first))} and ${quote(who(other))}`, {
    hint: "make a policy from each and put the rules into one file",
  });
}

function remarks(
  first: VerifiedArtifact,
  o: { verified: readonly VerifiedArtifact[]; output: string | undefined; sandbox: boolean },
): string {
  const who = describeBuild(first.build) ?? escapeText(signerText(first.signer));
  return [
    `verified ${o.verified.length} attestation${o.verified.length === 1 ? "" : "s"}, signed by ${who}`,
    ...(o.output === undefined ? [] : [`wrote ${escapeText(o.output)}`]),
    ...(o.sandbox ? ["SANDBOX: this root trusts a sandbox; such a policy proves nothing in production"] : []),
    "read it before you use it: it allows whoever signed this, and `kiteseal policy check` says what it believes",
    "",
  ].join("\n");
}
