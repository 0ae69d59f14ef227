// SPDX-License-Identifier: Apache-2.0
// What publish and attest need before they can sign: the job, services, the trusted root of those services, an identity,
// and what the provenance will say beyond the job. Loaded only by commands that sign.
import { resolve } from "node:path";
import type { Command } from "commander";
import {
  type Context,
  inlineCompute,
  KitesealError,
  LIMITS,
  loadTrust,
  quote,
  readSecrets,
  STATEMENTS_ONLY,
  type Trust,
} from "@kiteseal/core";
import {
  type AttestRequest,
  createSigningIdentity,
  createTokenSource,
  type TokenSource,
  decodeSigningConfig,
  type Job,
} from "@kiteseal/core/sign";
import {
  parseDependency,
  readCheckoutCommit,
  readFileDependencies,
  readJob,
  selectServices,
} from "@kiteseal/core/sign";
import { JsonError, parseJson, PREDICATE_TYPES, predicateTypeFromName } from "@kiteseal/in-toto-attestation";
import { type PlaceholderName } from "@kiteseal/storage-adapters";
import { type Config, lockedKey } from "./config.ts";
import { withObtained } from "./agent-secrets.ts";
import { addOptions, COMMON_OPTIONS, type Options, type OptionSpec, QUIET_OPTION } from "./flags.ts";
import { readInput } from "./input.ts";
import type { RedactedIo } from "./io.ts";
import { VERSION } from "./version.ts";

const SIGNING_OPTIONS: readonly OptionSpec[] = [
  { flags: "--signing-config <file>", description: "signing_config.json of the services to sign with" },
  {
    flags: "--trusted-root <file>",
    description: "their trusted_root.json, against which the new attestation is verified first",
  },
  { flags: "--identity-token-file <file>", description: "take the job's token from a file instead of the agent" },
  {
    flags: "--transparency <public>",
    description: "agree in so many words to publish names and digests for ever",
    choices: ["public"],
  },
  { flags: "--leak-allow <name>", description: "let the value of this variable stand in what is signed", repeat: true },
];

const STATEMENT_OPTIONS: readonly OptionSpec[] = [
  { flags: "--base <dir>", description: "names are relative to this directory (default: the working directory)" },
  { flags: "--sha512", description: "state sha512 as well" },
  {
    flags: "--statement <kind>",
    description: "one attestation for each artifact, to hand single ones on",
    choices: ["per-artifact"],
  },
  { flags: "--dependency <uri@sha256:hex>", description: "something the build was made from", repeat: true },
  { flags: "--type <type>", description: "with --predicate: its type, as a URI or a short name" },
  { flags: "--predicate-type <type>", description: "as --type", alias: true },
  { flags: "--predicate <file>", description: "attest this JSON instead of provenance: an SBOM, test results" },
];

/** Everything that the commands which sign have in common, by groups. */
export function addSigningOptions(command: Command): void {
  command.optionsGroup("What is said:");
  addOptions(command, STATEMENT_OPTIONS);
  command.optionsGroup("Signing:");
  addOptions(command, SIGNING_OPTIONS);
  command.optionsGroup("Other:");
  addOptions(command, [
    {
      flags: "--format <format>",
      description: "text on standard error, or json on standard output",
      choices: ["text", "json"],
    },
    QUIET_OPTION,
    ...COMMON_OPTIONS,
  ]);
}

export interface SigningSetup {
  readonly job: Job;
  readonly trust: Trust;
  readonly tokens: TokenSource;
  /** Everything of an AttestRequest but its subjects. */
  readonly request: Omit<AttestRequest, "subjects">;
  /** Grows while tokens are made. */
  readonly warnings: string[];
}

interface Sources {
  readonly options: Options;
  readonly config: Config;
  readonly io: RedactedIo;
}

/** Errors: ERR_NOT_IN_JOB and the like, ERR_USAGE, ERR_SIGNING_CONFIG_INVALID, ERR_TRUST_ROOT_INVALID, ERR_PREDICATE_INVALID. */
export async function prepareSigning({ options, config, io }: Sources, ctx: Context): Promise<SigningSetup> {
  const job = readJob(io.env);
  const predicate = await readPredicate(options, io);
  const flagged = (options.list("dependency") ?? []).map(parseDependency);
  const services = await readServices(config, io);
  const trust = await readSigningTrust({ options, config, io }, ctx);
  const warnings: string[] = [];
  const tokenFile = options.text("identityTokenFile");
  const tokens = createTokenSource(io.env, {
    ...(tokenFile === undefined ? {} : { identityTokenFile: resolve(io.cwd, tokenFile) }),
    onToken: (value) => io.redactor.add({ name: "the identity token", value }),
    onRedaction: (outcome) => {
      if (outcome === "unavailable")
        warnings.push(
          "the agent could not be told to redact the token in the job's log; kiteseal redacts its own output",
        );
    },
  });
  const found = predicate === undefined ? await readFileDependencies(io.cwd, ctx) : { dependencies: [], warnings: [] };
  warnings.push(...found.warnings);
  const checkoutCommit = await readCheckoutCommit(io.cwd);
  const request = {
    job,
    identity: createSigningIdentity({ services, tokens }),
    secrets: withObtained(readSecrets(io.env), io.agentSecrets),
    leakAllow: options.list("leakAllow") ?? [],
    consent: config.transparency?.value ?? "unconfirmed",
    compute: await inlineCompute(trust, STATEMENTS_ONLY),
    dependencies: [...found.dependencies, ...flagged],
    split: options.has("statement") ? "per-artifact" : "batched",
    version: VERSION,
    ...(predicate === undefined ? {} : { predicate }),
    ...(checkoutCommit === undefined ? {} : { checkoutCommit }),
  } as const;
  return { job, trust, tokens, request, warnings };
}

async function readServices({ signingConfig }: Config, io: RedactedIo): Promise<ReturnType<typeof selectServices>> {
  if (signingConfig === undefined) {
    throw new KitesealError("ERR_USAGE", "no signing services are named", {
      hint: "pass --signing-config FILE, set KITESEAL_SIGNING_CONFIG, or signing.config in kiteseal.yaml",
    });
  }
  const what = "the signing configuration";
  const bytes = await readInput({
    path: signingConfig.value,
    what,
    maxBytes: LIMITS.signingConfigBytes,
    code: "ERR_SIGNING_CONFIG_INVALID",
  });
  return selectServices(decodeSigningConfig(bytes), "given", io.now());
}

async function readSigningTrust({ options, config, io }: Sources, ctx: Context): Promise<Trust> {
  const flag = options.text("trustedRoot");
  const path = flag === undefined ? config.signingRoot?.value : resolve(io.cwd, flag);
  const { machine } = config;
  if (flag !== undefined && machine.locked.includes("signing") && path !== config.signingRoot?.value) {
    throw lockedKey("signing", "--trusted-root", machine.path);
  }
  if (path !== undefined) return loadTrust({ kind: "file", path }, ctx);
  throw new KitesealError(
    "ERR_USAGE",
    "no trusted root of the signing services is named: what is signed is verified before it is stored",
    {
      hint: "pass --trusted-root FILE, set KITESEAL_SIGNING_ROOT, or signing.trusted-root in kiteseal.yaml",
    },
  );
}

async function readPredicate(options: Options, io: RedactedIo): Promise<{ type: string; value: unknown } | undefined> {
  const name = options.text("type", "predicateType");
  const path = options.text("predicate");
  if (name === undefined && path === undefined) return undefined;
  if (name === undefined || path === undefined)
    throw new KitesealError("ERR_USAGE", "--type and --predicate belong together: expected both");
  const type = predicateTypeFromName(name);
  if (type === undefined)
    throw new KitesealError("ERR_USAGE", `--type ${quote(name)}: expected a URI or a known short name`);
  if (type === PREDICATE_TYPES.slsaProvenanceV1) {
    throw new KitesealError("ERR_PREDICATE_INVALID", "provenance is made from the job, not from a file", {
      hint: "leave --type and --predicate out",
    });
  }
  const what = "the predicate";
  const bytes = await readInput({
    path: resolve(io.cwd, path),
    what,
    maxBytes: LIMITS.predicateBytes,
    code: "ERR_PREDICATE_INVALID",
  });
  try {
    return { type, value: parseJson(bytes, { maxBytes: LIMITS.predicateBytes, maxDepth: LIMITS.jsonDepth }) };
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new KitesealError(
      "ERR_PREDICATE_INVALID",
      `the predicate ${quote(path)} is not strict JSON: ${cause.message}`,
      { cause },
    );
  }
}

/** What placeholders of a destination stand for in this job. */
export function placeholderValues({ facts, branch, unverified }: Job): Partial<Record<PlaceholderName, string>> {
  const values: Partial<Record<PlaceholderName, string>> = {
    pipeline: facts.pipeline,
    build: String(facts.buildNumber),
    job: facts.jobId,
  };
  const claimed = (key: string): string | undefined => unverified[key]?.toString();
  const optional: [PlaceholderName, string | undefined][] = [
    ["branch", branch],
    ["tag", facts.ref?.kind === "tag" ? facts.ref.name : undefined],
    ["commit", facts.commit],
    ["step", facts.step],
    ["parallel", claimed("parallel_job")],
    ["retry", claimed("retry_count")],
  ];
  for (const [name, value] of optional) if (value !== undefined) values[name] = value;
  return values;
}
