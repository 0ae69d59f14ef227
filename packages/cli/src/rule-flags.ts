// SPDX-License-Identifier: Apache-2.0
// The flags that are one rule: who may have built what is asked about. No defaults and no wildcards for a builder; core
// compiles them exactly as it compiles a policy file.
import { type CompileContext, flagPolicy, KitesealError, type Policy, quote, type RuleInput } from "@kiteseal/core";
import { flagName, type Options, type OptionSpec } from "./flags.ts";

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
];

const RULE_NAMES =
  "org pipeline branch tag anyRef step build trigger runner commit repository maxAge type predicateType".split(" ");

/** The rule flags that were given, as the user writes them. */
export function givenRuleFlags(options: Options): readonly string[] {
  return RULE_NAMES.filter((name) => options.has(name)).map(flagName);
}

/** What the flags say; core decides whether it is a rule. Throws ERR_USAGE. */
export function ruleInput(options: Options): Omit<RuleInput, "id" | "artifacts"> {
  return {
    anyName: options.flag("anyName") ? true : undefined,
    type: options.text("type", "predicateType"),
    organization: options.list("org") ?? [],
    pipeline: options.list("pipeline") ?? [],
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
  };
}

function buildOf(text: string | undefined): RuleInput["build"] {
  if (text === undefined || text === "same") return text;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new KitesealError("ERR_USAGE", `--build ${quote(text)}: expected a build number or \`same\``);
}

/** Throws ERR_USAGE, ERR_POLICY_INVALID. */
export function policyFromFlags(options: Options, context: CompileContext): Policy {
  const input = ruleInput(options);
  const missing = [
    ...(input.organization.length === 0 ? ["--org"] : []),
    ...(input.pipeline.length === 0 ? ["--pipeline"] : []),
    ...(input.branch === undefined && input.tag === undefined && input.anyRef === undefined
      ? ["--branch (or --tag, --any-ref)"]
      : []),
  ];
  if (missing.length > 0) {
    throw new KitesealError("ERR_USAGE", `who may have built it is not said: ${missing.join(", ")} missing`, {
      hint: "name the builder whole, for example --org acme --pipeline app --branch main, or pass --policy FILE",
    });
  }
  return flagPolicy(input, context);
}
