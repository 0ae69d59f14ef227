// SPDX-License-Identifier: Apache-2.0
// What a provenance predicate states of its build, in the vocabulary in which it is compared with the certificate that
// signed it. Input: a signer's words. A field that can be read in more than one way is a problem, never a fact.
// https://buildkite.github.io/slsa-buildtypes/job/v1
import { decodeSlsaProvenance } from "@kiteseal/in-toto-attestation";
import { asObject, asString, objectAt, type ObjectReader } from "@kiteseal/in-toto-attestation/json";
import { isFullCommit, isRunner, isTrigger, pipelineUrl, type BuildFacts, type Ref } from "../buildkite/facts.ts";
import { quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { BUILD_TYPE } from "./predicate.ts";

/** One resolved dependency; what it is stands in `name` (plugin, image, …). */
export interface Dependency {
  readonly name?: string;
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
}

export interface ProvenanceFacts {
  readonly builderId: string;
  readonly facts: BuildFacts;
  /** As written: `externalParameters.build.commit`, possibly symbolic. */
  readonly commitText?: string;
  /** As written: `externalParameters.repository`. */
  readonly repository?: string;
  /** As written: `externalParameters.step.command`. */
  readonly command?: string;
  /** `resolvedDependencies` as far as they have an address. */
  readonly dependencies: readonly Dependency[];
  /** What contradicts itself or is no provenance of a Buildkite job, in words; facts are then not to be used. */
  readonly problems: readonly string[];
}

const SLUG = "[A-Za-z0-9][A-Za-z0-9._-]*";
const PIPELINE = new RegExp(`^https://buildkite\\.com/(${SLUG})/(${SLUG})$`);
const INVOCATION = new RegExp(`^(https://buildkite\\.com/${SLUG}/${SLUG})/builds/([1-9][0-9]{0,15})#([A-Za-z0-9-]+)$`);
const DEFINITION = "$.predicate.buildDefinition";
const EMPTY = { absent: "empty" } as const;
const TEXT = { max: LIMITS.textBytes };
const COMMAND = { max: LIMITS.predicateBytes };

/** Reads the predicate of a statement. null, empty and absent are one. Throws DecodeError for a wrong shape. */
export function provenanceFacts(value: unknown): ProvenanceFacts {
  const { buildDefinition, runDetails } = decodeSlsaProvenance(value).predicate;
  const problems: string[] = [];
  if (buildDefinition.buildType !== BUILD_TYPE) {
    problems.push(`buildType: expected ${BUILD_TYPE}, found ${quote(buildDefinition.buildType)}`);
  }
  const unknown = new Set<string>();
  const external = objectAt(buildDefinition.externalParameters, `${DEFINITION}.externalParameters`, {
    absent: "empty",
    ignored: unknown,
  });
  const internal = objectAt(buildDefinition.internalParameters ?? {}, `${DEFINITION}.internalParameters`, EMPTY);
  const build = child(external, "build");
  const step = child(external, "step");
  const repository = external.optionalString("repository", TEXT);
  const command = step.optionalString("command", COMMAND);
  const builderId = runDetails.builder.id;
  const identity = readIdentity({ builderId, pipeline: external.optionalString("pipeline", TEXT) }, problems);
  const run = readRun({ builderId, invocationId: runDetails.metadata?.invocationId }, problems);
  const proven = readProven(child(internal, "buildkite"), run, problems);
  const commit = build.optionalString("commit", TEXT);
  const ref = readRef(build);
  const stepKey = step.optionalString("key", TEXT);
  // A parameter that nobody understands may have decided what was built.
  for (const parameters of [external, build, step]) parameters.finish();
  for (const path of unknown) problems.push(`unknown external parameter ${path}`);
  return {
    builderId,
    facts: {
      ...identity,
      ...run,
      ...(commit !== undefined && isFullCommit(commit) && { commit }),
      ...optional("ref", ref),
      ...optional("step", stepKey),
      ...proven,
    },
    ...optional("commitText", commit),
    ...optional("repository", repository),
    ...optional("command", command),
    dependencies: (buildDefinition.resolvedDependencies ?? []).flatMap(({ name, uri, digest }) =>
      uri === undefined ? [] : [{ uri, digest: digest ?? {}, ...optional("name", name) }],
    ),
    problems,
  };
}

/** An absent object has no members. Read by its parent's rules. */
function child(parent: ObjectReader, key: string): ObjectReader {
  return objectAt(parent.optional(key, asObject) ?? {}, parent.at(key), parent.rules);
}

function readIdentity(claimed: { builderId: string; pipeline: string | undefined }, problems: string[]): BuildFacts {
  const { builderId, pipeline = "none" } = claimed;
  if (pipeline !== builderId)
    problems.push(`externalParameters.pipeline: expected ${quote(builderId)}, found ${quote(pipeline)}`);
  const [, organization, slug] = PIPELINE.exec(builderId) ?? [];
  if (organization === undefined || slug === undefined) {
    problems.push(`builder.id: expected ${pipelineUrl("ORG", "PIPELINE")}, found ${quote(builderId)}`);
    return {};
  }
  return { organization, pipeline: slug };
}

type Run = Pick<BuildFacts, "buildNumber" | "jobId">;

function readRun(claimed: { builderId: string; invocationId: string | undefined }, problems: string[]): Run {
  const { builderId, invocationId = "none" } = claimed;
  const [, pipeline, number, jobId] = INVOCATION.exec(invocationId) ?? [];
  const buildNumber = Number(number);
  if (pipeline !== builderId || jobId === undefined || !Number.isSafeInteger(buildNumber)) {
    problems.push(
      `metadata.invocationId: expected ${quote(`${builderId}/builds/NUMBER#JOB`)}, found ${quote(invocationId)}`,
    );
    return {};
  }
  return { buildNumber, jobId };
}

/** A tag build has a branch too: its label. What was built is the tag. */
function readRef(build: ObjectReader): Ref | undefined {
  const tag = build.optionalString("tag", TEXT);
  const branch = build.optionalString("branch", TEXT);
  if (tag !== undefined) return { kind: "tag", name: tag };
  return branch === undefined ? undefined : { kind: "branch", name: branch };
}

function readProven(buildkite: ObjectReader, run: Run, problems: string[]): BuildFacts {
  const repeated = [
    ["build_number", buildkite.optional("build_number", numberText), run.buildNumber],
    ["job_id", buildkite.optionalString("job_id", TEXT), run.jobId],
  ] as const;
  for (const [name, found, expected] of repeated) {
    if (found === undefined || expected === undefined || found === String(expected)) continue;
    problems.push(
      `internalParameters.buildkite.${name}: expected ${expected} of the invocationId, found ${quote(found)}`,
    );
  }
  const trigger = buildkite.optionalString("build_source", TEXT);
  const runner = buildkite.optionalString("runner_environment", TEXT);
  for (const [name, value, known] of [
    ["build_source", trigger, trigger === undefined || isTrigger(trigger)],
    ["runner_environment", runner, runner === undefined || isRunner(runner)],
  ] as const) {
    if (!known) problems.push(`internalParameters.buildkite.${name}: ${quote(value ?? "")} is not known`);
  }
  return {
    ...(isTrigger(trigger) && { trigger }),
    ...(isRunner(runner) && { runner }),
    ...optional("organizationId", buildkite.optionalString("organization_id", TEXT)),
    ...optional("pipelineId", buildkite.optionalString("pipeline_id", TEXT)),
  };
}

/** A JSON number, or the same as text. */
function numberText(value: unknown, path: string): string {
  return typeof value === "number" ? String(value) : asString(value, path, TEXT);
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  const found: { [P in K]?: V } = {};
  if (value !== undefined) found[key] = value;
  return found;
}
