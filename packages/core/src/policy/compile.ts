// SPDX-License-Identifier: Apache-2.0
// One shape of a rule as people write it → Rule. Flags, policy files and self-verification all come through here, so
// that what one refuses none accepts. Pure but for the environment it is handed. Errors: ERR_POLICY_INVALID.
import { PREDICATE_TYPES, predicateTypeFromName } from "@kiteseal/in-toto-attestation";
import { SLUG } from "../buildkite/certificate-facts.ts";
import { isFullCommit, isRunner, isTrigger, RUNNERS, TRIGGERS, type BuildFacts } from "../buildkite/facts.ts";
import { KitesealError, quote } from "../errors.ts";
import { globProblem } from "../glob.ts";
import { LIMITS } from "../limits.ts";
import { compileCertificate, compileKey } from "./other-signers.ts";
import type { BuildkiteExpectation, Given, Policy, RefPattern, Rule, SignerExpectation } from "./rule.ts";
import { policyWarnings } from "./warnings.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** A value, or the name of the variable that holds it. */
export type ValueInput = string | { readonly env: string };

export interface RuleInput {
  readonly id: string;
  readonly artifacts: readonly string[];
  readonly anyName?: boolean | undefined;
  readonly type?: string | undefined;
  readonly organization?: readonly string[] | undefined;
  readonly pipeline?: readonly string[] | undefined;
  readonly step?: readonly string[] | undefined;
  readonly branch?: readonly ValueInput[] | undefined;
  readonly tag?: readonly ValueInput[] | undefined;
  readonly anyRef?: boolean | undefined;
  readonly build?: "same" | number | { readonly env: string } | undefined;
  readonly trigger?: readonly string[] | undefined;
  readonly runner?: readonly string[] | undefined;
  readonly commit?: readonly ValueInput[] | undefined;
  readonly repository?: readonly string[] | undefined;
  readonly organizationId?: readonly string[] | undefined;
  readonly pipelineId?: readonly string[] | undefined;
  readonly maxAge?: string | undefined;
  /** Another builder than Buildkite; needs no ref. */
  readonly certificate?: readonly CertificateInput[] | undefined;
  /** PEM public keys. */
  readonly key?: readonly string[] | undefined;
  readonly content?: "blob" | undefined;
  readonly logs?: number | undefined;
  readonly timestamps?: number | undefined;
  readonly alsoRequired?: readonly { readonly type: string; readonly by?: string | undefined }[] | undefined;
  readonly dependencies?:
    | { readonly plugins?: "pinned" | undefined; readonly images?: "digest" | undefined }
    | undefined;
}

/** One of each pair: the text, or a regular expression that matches all of it. */
export interface CertificateInput {
  readonly identity?: string | undefined;
  readonly identityRegexp?: string | undefined;
  readonly issuer?: string | undefined;
  readonly issuerRegexp?: string | undefined;
}

/** What values may be read from. `job`: facts of this job's own token, to compare variables with. */
export interface CompileContext {
  readonly env: Environment;
  readonly job?: BuildFacts | undefined;
}

const ONLY_SLUG = new RegExp(`^${SLUG}$`);
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DURATION = /^([1-9]\d{0,6})(s|m|h|d)$/;
const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
const MAX_REPORTED = 3;

function invalid(id: string, message: string, hint?: string): KitesealError {
  return new KitesealError("ERR_POLICY_INVALID", `rule ${quote(id)}: ${message}`, { hint });
}

/** Throws ERR_POLICY_INVALID, ERR_JOB_MISMATCH. */
export function compileRule(input: RuleInput, context: CompileContext): Rule {
  const { id } = input;
  if (input.artifacts.length === 0) throw invalid(id, "names no artifacts");
  for (const glob of input.artifacts) {
    const problem = globProblem(glob);
    if (problem !== undefined) throw invalid(id, `the pattern ${quote(glob)} ${problem}`);
  }
  const predicateType = input.type === undefined ? PREDICATE_TYPES.slsaProvenanceV1 : predicateTypeFromName(input.type);
  if (predicateType === undefined) throw invalid(id, `${quote(input.type ?? "")} is no predicate type`);
  if (input.content === "blob") refuseStatementKeys(input);
  const maxAgeSeconds = input.maxAge === undefined ? undefined : duration(id, input.maxAge);
  return {
    id,
    artifacts: input.artifacts,
    anyName: input.anyName ?? false,
    predicateType,
    content: input.content ?? "statement",
    signer: signer(input, context),
    ...(input.repository === undefined ? {} : { repositories: input.repository }),
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    ...furtherConditions(input),
  };
}

/** A signature over bytes states nothing that these could be compared with. */
const STATEMENT_KEYS = ["type", "repository", "dependencies"] as const;

function refuseStatementKeys(input: RuleInput): void {
  const given = STATEMENT_KEYS.filter((key) => input[key] !== undefined);
  if (given.length > 0) throw invalid(input.id, `${given.join(", ")}: only a signed statement states that, no blob`);
}

function furtherConditions(input: RuleInput): Pick<Rule, "logs" | "timestamps" | "alsoRequired" | "dependencies"> {
  const { id, dependencies } = input;
  const alsoRequired = input.alsoRequired?.map(({ type, by }) => {
    const predicateType = predicateTypeFromName(type);
    if (predicateType === undefined) throw invalid(id, `${quote(type)} is no predicate type`);
    return { predicateType, ...(by === undefined ? {} : { by }) };
  });
  return {
    ...(input.logs === undefined ? {} : { logs: atLeastOne(id, "logs", input.logs) }),
    ...(input.timestamps === undefined ? {} : { timestamps: atLeastOne(id, "timestamps", input.timestamps) }),
    ...(alsoRequired === undefined ? {} : { alsoRequired }),
    ...(dependencies === undefined
      ? {}
      : {
          dependencies: {
            ...(dependencies.plugins === undefined ? {} : { plugins: dependencies.plugins }),
            ...(dependencies.images === undefined ? {} : { images: dependencies.images }),
          },
        }),
  };
}

function atLeastOne(id: string, key: string, count: number): number {
  if (Number.isSafeInteger(count) && count >= 1 && count <= LIMITS.logEntries) return count;
  throw invalid(id, `${key} ${count}: expected 1 to ${LIMITS.logEntries}`);
}

/** Exactly one kind of signer: a Buildkite builder, another builder's certificate, or keys. */
function signer(input: RuleInput, context: CompileContext): SignerExpectation {
  const { id, certificate, key } = input;
  const builder = input.organization !== undefined || input.pipeline !== undefined || input.step !== undefined;
  if ([builder, certificate !== undefined, key !== undefined].filter(Boolean).length > 1) {
    throw invalid(
      id,
      "names more than one kind of signer",
      "a builder (--org, --pipeline), a certificate identity, or a key",
    );
  }
  if (certificate !== undefined)
    return compileCertificate(input, (org, pipe) =>
      expectation({ ...input, organization: [org], pipeline: [pipe] }, context),
    );
  if (key !== undefined) return compileKey(input, key);
  return expectation(input, context);
}

function expectation(input: RuleInput, context: CompileContext): BuildkiteExpectation {
  const { id } = input;
  const organizations = slugs(id, "organization", input.organization ?? []);
  const pipelines = slugs(id, "pipeline", input.pipeline ?? []);
  const steps = input.step === undefined ? undefined : oneOrMore(id, "step", input.step);
  const build = buildNumber(input, context);
  const commits = input.commit?.map((value) => given(id, { name: "commit", value }, context));
  for (const commit of commits ?? []) {
    if (!isFullCommit(commit.value))
      throw invalid(id, `commit ${quote(commit.value)} is not a full lower-case commit id`);
  }
  return {
    kind: "buildkite",
    organizations,
    pipelines,
    ...(steps === undefined ? {} : { steps }),
    ref: refs(input, context),
    ...(build === undefined ? {} : { build }),
    ...(input.trigger === undefined ? {} : { triggers: members(input, "trigger", isTrigger) }),
    ...(input.runner === undefined ? {} : { runners: members(input, "runner", isRunner) }),
    ...(commits === undefined ? {} : { commits }),
    ...(input.organizationId === undefined
      ? {}
      : { organizationIds: uuids(id, "organization-id", input.organizationId) }),
    ...(input.pipelineId === undefined ? {} : { pipelineIds: uuids(id, "pipeline-id", input.pipelineId) }),
  };
}

function oneOrMore(id: string, key: string, values: readonly string[]): readonly string[] {
  if (values.length === 0 || values.some((v) => v === "")) throw invalid(id, `${key} is empty`);
  return values;
}

function slugs(id: string, key: string, values: readonly string[]): readonly string[] {
  if (values.length === 0) throw invalid(id, `names no ${key}`, `say whose builds may pass: ${key}`);
  const bad = values.find((value) => !ONLY_SLUG.test(value));
  if (bad === undefined) return values;
  throw invalid(id, `${quote(bad)} is no ${key} slug`, "a builder is named whole: no wildcards, no URL");
}

function uuids(id: string, key: string, values: readonly string[]): readonly string[] {
  const bad = oneOrMore(id, key, values).find((value) => !UUID.test(value));
  if (bad !== undefined) throw invalid(id, `${key} ${quote(bad)} is not a lower-case UUID`);
  return values;
}

function members<T extends string>(
  input: RuleInput,
  key: "trigger" | "runner",
  is: (value: unknown) => value is T,
): readonly T[] {
  const values = oneOrMore(input.id, key, input[key] ?? []);
  const known = values.filter(is);
  if (known.length === values.length) return known;
  const names: readonly string[] = key === "trigger" ? TRIGGERS : RUNNERS;
  throw invalid(
    input.id,
    `${key} ${values.slice(0, MAX_REPORTED).map(quote).join(", ")}: expected ${names.join(", ")}`,
  );
}

function refs(input: RuleInput, context: CompileContext): "any" | readonly RefPattern[] {
  const { id, branch, tag, anyRef } = input;
  const ways = [branch, tag, anyRef === true ? true : undefined].filter((way) => way !== undefined).length;
  if (ways !== 1) {
    const message = ways === 0 ? "does not say which branch or tag" : "says more than one of branch, tag and any ref";
    throw invalid(
      id,
      message,
      "name a branch, a tag pattern, or `ref: any` (--branch, --tag, --any-ref) in so many words",
    );
  }
  if (anyRef === true) return "any";
  const kind = branch === undefined ? "tag" : "branch";
  const patterns = (branch ?? tag ?? []).map(
    (value) => ({ kind, pattern: given(id, { name: kind, value }, context) }) as const,
  );
  if (patterns.length === 0) throw invalid(id, `${kind} is empty`);
  for (const { pattern } of patterns) {
    const problem = pattern.env === undefined ? globProblem(pattern.value) : literalProblem(pattern.value);
    if (problem !== undefined) throw invalid(id, `the ${kind} ${quote(pattern.value)} ${problem}`);
  }
  return patterns;
}

/** A name out of the environment is meant literally; a wildcard in it would let a build choose what may pass. */
function literalProblem(value: string): string | undefined {
  return /[*?]/.test(value) ? "comes from the environment and holds a wildcard" : globProblem(value);
}

const JOB_FACTS: Readonly<Record<string, (job: BuildFacts) => string | undefined>> = {
  BUILDKITE_BUILD_NUMBER: (job) => job.buildNumber?.toString(),
  BUILDKITE_COMMIT: (job) => job.commit,
  BUILDKITE_BRANCH: (job) => (job.ref?.kind === "branch" ? job.ref.name : undefined),
  BUILDKITE_TAG: (job) => (job.ref?.kind === "tag" ? job.ref.name : undefined),
};

function given(id: string, o: { name: string; value: ValueInput }, { env, job }: CompileContext): Given<string> {
  if (typeof o.value === "string") {
    if (o.value === "") throw invalid(id, `${o.name} is empty`);
    return { value: o.value };
  }
  const name = o.value.env;
  if (!/^[A-Z_][A-Z0-9_]*$/.test(name)) throw invalid(id, `${quote(name)} is no variable's name`);
  const value = env[name];
  if (value === undefined || value === "") throw invalid(id, `${o.name} is to come from ${name}, which is not set`);
  const proven = job === undefined || !Object.hasOwn(JOB_FACTS, name) ? undefined : JOB_FACTS[name]?.(job);
  if (proven !== undefined && proven !== value) {
    throw new KitesealError("ERR_JOB_MISMATCH", `${name} is ${quote(value)}, this job's token says ${quote(proven)}`, {
      details: { expected: proven, found: value },
    });
  }
  return { value, env: name, authenticated: proven !== undefined };
}

function buildNumber(input: RuleInput, context: CompileContext): Given<number> | undefined {
  const { id, build } = input;
  if (build === undefined) return undefined;
  if (typeof build === "number") {
    if (!Number.isSafeInteger(build) || build < 1) throw invalid(id, `build ${build} is no build number`);
    return { value: build };
  }
  if (build === "same") sameJob(input, context.env);
  const source = build === "same" ? { env: "BUILDKITE_BUILD_NUMBER" } : build;
  const text = given(id, { name: "build", value: source }, context);
  if (!/^[1-9]\d{0,14}$/.test(text.value))
    throw invalid(id, `${text.env ?? "build"} is ${quote(text.value)}, no build number`);
  return { ...text, value: Number(text.value) };
}

/** "The same build" means nothing for another pipeline's artifact. */
function sameJob({ id, organization = [], pipeline = [] }: RuleInput, env: Environment): void {
  const [org, pipe] = [env["BUILDKITE_ORGANIZATION_SLUG"] ?? "", env["BUILDKITE_PIPELINE_SLUG"] ?? ""];
  if (organization.length === 1 && organization[0] === org && pipeline.length === 1 && pipeline[0] === pipe) return;
  throw invalid(
    id,
    `\`build: same\` in a job of ${quote(`${org}/${pipe}`)}`,
    "it works only for the pipeline that runs the deploy",
  );
}

function duration(id: string, text: string): number {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  if (amount === undefined || (unit !== "s" && unit !== "m" && unit !== "h" && unit !== "d")) {
    throw invalid(id, `max-age ${quote(text)} is no duration such as 90d, 12h, 30m, 60s`);
  }
  return Number(amount) * SECONDS[unit];
}

const EVERYTHING = ["**"];

/** The one rule that flags are: any name they are asked about, the builder in so many words. */
export function flagPolicy(input: Omit<RuleInput, "id" | "artifacts">, context: CompileContext): Policy {
  const rule = compileRule({ ...input, id: "flags", artifacts: EVERYTHING }, context);
  return { rules: [rule], source: { kind: "flags" }, warnings: policyWarnings([rule]) };
}

/** What a new attestation of this job must pass before anything is stored. */
export function selfRule(o: { organization: string; pipeline: string; type: string | undefined }): Rule {
  const input = {
    id: "self",
    artifacts: EVERYTHING,
    organization: [o.organization],
    pipeline: [o.pipeline],
    anyRef: true,
  };
  return compileRule({ ...input, type: o.type }, { env: {} });
}
