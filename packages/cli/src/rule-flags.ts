// SPDX-License-Identifier: Apache-2.0
// The flags that are one rule: who may have signed what is asked about. No defaults and no wildcards for a builder; core
// compiles them exactly as it compiles a policy file.
import { resolve } from "node:path";
import {
  type CompileContext,
  flagPolicy,
  KitesealError,
  LIMITS,
  type Policy,
  quote,
  type RuleInput,
} from "@kiteseal/core";
import { flagName, type Options, type OptionSpec } from "./flags.ts";
import { readInput } from "./input.ts";

export const RULE_OPTIONS: readonly OptionSpec[] = [
  { flags: "--org <slug>", description: "organization that built it", repeat: true },
  { flags: "--pipeline <slug>", description: "pipeline that built it", repeat: true },
  { flags: "--branch <name>", description: "branch it was built from; may hold * and ?", repeat: true },
  { flags: "--tag <name>", description: "tag it was built from; may hold * and ?", repeat: true },
  { flags: "--any-ref", description: "any branch or tag, pull requests of forks included" },
  { flags: "--step <key>", description: "step that built it", repeat: true },
  { flags: "--build <number>", description: "build that built it, or `same` for this job's own" },
  {
    flags: "--trigger <kind>",
    description: "how that build was made: webhook, schedule, ui, api, trigger_job",
    repeat: true,
  },
  { flags: "--runner <kind>", description: "self-hosted or buildkite-hosted", repeat: true },
  { flags: "--commit <sha>", description: "commit that was built, in full", repeat: true },
  { flags: "--repository <url>", description: "repository that the provenance claims", repeat: true },
  { flags: "--max-age <duration>", description: "how long ago it may have been signed: 90d, 12h" },
  { flags: "--type <type>", description: "predicate type, as a URI or a short name (default: SLSA provenance v1)" },
  { flags: "--predicate-type <type>", description: "as --type", alias: true },
  {
    flags: "--content <kind>",
    description: "blob: a signature over the file itself, without a statement",
    choices: ["blob"],
  },
  { flags: "--logs <n>", description: "at least this many distinct transparency logs" },
  { flags: "--timestamps <n>", description: "at least this many distinct timestamp authorities" },
];

/** Other signers than Buildkite's builders. */
export const SIGNER_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--certificate-identity <name>",
    description: "the certificate's subject, whole: a URI or an e-mail address",
  },
  { flags: "--cert-identity <name>", description: "as --certificate-identity", alias: true },
  { flags: "--certificate-identity-regexp <regexp>", description: "or an expression that matches all of it" },
  { flags: "--certificate-oidc-issuer <url>", description: "who vouched for that name" },
  { flags: "--cert-oidc-issuer <url>", description: "as --certificate-oidc-issuer", alias: true },
  { flags: "--certificate-oidc-issuer-regexp <regexp>", description: "or an expression that matches all of it" },
  { flags: "--key <file>", description: "a PEM public key that may have signed", repeat: true },
];

const RULE_NAMES = (
  "org pipeline branch tag anyRef step build trigger runner commit repository maxAge type predicateType content logs " +
  "timestamps certificateIdentity certIdentity certificateIdentityRegexp certificateOidcIssuer certOidcIssuer " +
  "certificateOidcIssuerRegexp key"
).split(" ");

/** The rule flags that were given, as the user writes them. */
export function givenRuleFlags(options: Options): readonly string[] {
  return RULE_NAMES.filter((name) => options.has(name)).map(flagName);
}

/** The files that --key names. Throws ERR_UNREADABLE. */
export function readKeys(options: Options, cwd: string): Promise<readonly string[]> {
  const paths = options.list("key") ?? [];
  return Promise.all(
    paths.map(async (path) => {
      const what = "the public key";
      const bytes = await readInput({
        path: resolve(cwd, path),
        what,
        maxBytes: LIMITS.textBytes,
        code: "ERR_UNREADABLE",
      });
      return Buffer.from(bytes).toString("latin1");
    }),
  );
}

/** What the flags say; core decides whether it is a rule. `keys`: PEM. Throws ERR_USAGE. */
export function ruleInput(options: Options, keys: readonly string[]): Omit<RuleInput, "id" | "artifacts"> {
  return {
    anyName: options.flag("anyName") ? true : undefined,
    type: options.text("type", "predicateType"),
    organization: options.list("org"),
    pipeline: options.list("pipeline"),
    step: options.list("step"),
    branch: options.list("branch"),
    tag: options.list("tag"),
    anyRef: options.flag("anyRef") ? true : undefined,
    build: buildOf(options.text("build")),
    trigger: options.list("trigger"),
    runner: options.list("runner"),
    commit: options.list("commit"),
    repository: options.list("repository"),
    maxAge: options.text("maxAge"),
    certificate: certificateOf(options),
    key: keys.length === 0 ? undefined : keys,
    content: options.has("content") ? "blob" : undefined,
    logs: countOf(options, "logs"),
    timestamps: countOf(options, "timestamps"),
  };
}

function certificateOf(options: Options): RuleInput["certificate"] {
  const one = {
    identity: options.text("certificateIdentity", "certIdentity"),
    identityRegexp: options.text("certificateIdentityRegexp"),
    issuer: options.text("certificateOidcIssuer", "certOidcIssuer"),
    issuerRegexp: options.text("certificateOidcIssuerRegexp"),
  };
  return Object.values(one).every((value) => value === undefined) ? undefined : [one];
}

function countOf(options: Options, name: string): number | undefined {
  const text = options.text(name);
  if (text === undefined || /^[1-9]\d?$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new KitesealError("ERR_USAGE", `${flagName(name)} ${quote(text)}: expected a small number, 1 or more`);
}

function buildOf(text: string | undefined): RuleInput["build"] {
  if (text === undefined || text === "same") return text;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new KitesealError("ERR_USAGE", `--build ${quote(text)}: expected a build number or \`same\``);
}

/** `keys`: PEM. Throws ERR_USAGE, ERR_POLICY_INVALID. */
export function policyFromFlags(options: Options, keys: readonly string[], context: CompileContext): Policy {
  const input = ruleInput(options, keys);
  if (input.certificate !== undefined || input.key !== undefined) return flagPolicy(input, context);
  const missing = [
    ...(input.organization === undefined ? ["--org"] : []),
    ...(input.pipeline === undefined ? ["--pipeline"] : []),
    ...(input.branch === undefined && input.tag === undefined && input.anyRef === undefined
      ? ["--branch (or --tag, --any-ref)"]
      : []),
  ];
  if (missing.length > 0) {
    throw new KitesealError("ERR_USAGE", `who may have built it is not said: ${missing.join(", ")} missing`, {
      hint: "name the builder whole, for example --org acme --pipeline app --branch main; another signer with --certificate-identity and --certificate-oidc-issuer, or --key; or pass --policy FILE",
    });
  }
  return flagPolicy(input, context);
}
