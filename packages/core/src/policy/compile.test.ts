// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { isKitesealError } from "../errors.ts";
import { compileRule, flagPolicy, type CompileContext, type RuleInput } from "./compile.ts";

const INPUT: RuleInput = {
  id: "app",
  artifacts: ["dist/*.tgz"],
  organization: ["acme"],
  pipeline: ["app"],
  branch: ["main"],
};
const NO_ENV: CompileContext = { env: {} };

function code(change: Partial<RuleInput>, context: CompileContext = NO_ENV): string {
  try {
    compileRule({ ...INPUT, ...change }, context);
    return "none";
  } catch (error) {
    if (isKitesealError(error)) return error.code;
    throw error;
  }
}

describe("compileRule", () => {
  it.each<[string, Partial<RuleInput>]>([
    ["no organization", { organization: [] }],
    ["no pipeline", { pipeline: [] }],
    ["a wildcard pipeline", { pipeline: ["app-*"] }],
    ["a pipeline with a slash", { pipeline: ["a/b"] }],
    ["an empty slug", { organization: [""] }],
    ["no ref", { branch: undefined }],
    ["branch and tag", { tag: ["v*"] }],
    ["branch and any ref", { anyRef: true }],
    ["an empty list of branches", { branch: [] }],
    ["an empty branch", { branch: [""] }],
    ["an extended glob", { branch: ["(main|dev)"] }],
    ["a bad artifact pattern", { artifacts: ["dist/[ab].tgz"] }],
    ["no artifacts", { artifacts: [] }],
    ["an unknown type", { type: "no-such" }],
    ["an unknown trigger", { trigger: ["push"] }],
    ["an empty trigger list", { trigger: [] }],
    ["an unknown runner", { runner: ["mine"] }],
    ["a short commit", { commit: ["abc1234"] }],
    ["an upper-case commit", { commit: ["A".repeat(40)] }],
    ["build zero", { build: 0 }],
    ["a fractional build", { build: 1.5 }],
    ["a duration without a unit", { maxAge: "90" }],
    ["a UUID in upper case", { pipelineId: ["0184990A-477B-4FA8-9968-496074483CEE"] }],
  ])("refuses %s", (_, change) => expect(code(change)).toBe("ERR_POLICY_INVALID"));

  it("compiles every key", () => {
    const rule = compileRule(
      {
        ...INPUT,
        branch: undefined,
        tag: ["v*"],
        step: ["package"],
        build: 7,
        trigger: ["webhook"],
        runner: ["self-hosted"],
        commit: ["a".repeat(40)],
        repository: ["https://github.com/acme/app"],
        maxAge: "90d",
        type: "spdxjson",
      },
      NO_ENV,
    );
    expect(rule).toMatchObject({
      predicateType: "https://spdx.dev/Document",
      maxAgeSeconds: 90 * 86_400,
      repositories: ["https://github.com/acme/app"],
      signer: {
        kind: "buildkite",
        organizations: ["acme"],
        pipelines: ["app"],
        steps: ["package"],
        build: { value: 7 },
        ref: [{ kind: "tag", pattern: { value: "v*" } }],
        triggers: ["webhook"],
        runners: ["self-hosted"],
      },
    });
  });
});

describe("values from the environment", () => {
  const build = { env: "BUILDKITE_TRIGGERED_FROM_BUILD_NUMBER" };

  it.each([
    ["unset", undefined],
    ["empty", ""],
    ["malformed", "12x"],
    ["zero", "0"],
    ["too large", "1".repeat(16)],
  ])("are refused when %s", (_, value) =>
    expect(code({ build }, { env: { BUILDKITE_TRIGGERED_FROM_BUILD_NUMBER: value } })).toBe("ERR_POLICY_INVALID"),
  );

  it("are marked unauthenticated unless this job's token says the same", () => {
    const env = { BUILDKITE_BUILD_NUMBER: "7" };
    const value = { env: "BUILDKITE_BUILD_NUMBER" };
    const compiled = (context: CompileContext) => compileRule({ ...INPUT, build: value }, context).signer;
    expect(compiled({ env })).toMatchObject({
      build: { value: 7, env: "BUILDKITE_BUILD_NUMBER", authenticated: false },
    });
    expect(compiled({ env, job: { buildNumber: 7 } })).toMatchObject({ build: { value: 7, authenticated: true } });
    expect(code({ build: value }, { env, job: { buildNumber: 8 } })).toBe("ERR_JOB_MISMATCH");
  });

  it("are taken literally: a wildcard in a variable does not widen a rule", () => {
    expect(code({ branch: [{ env: "B" }] }, { env: { B: "*" } })).toBe("ERR_POLICY_INVALID");
    expect(code({ branch: [{ env: "B" }] }, { env: { B: "main" } })).toBe("none");
  });

  it("mean the same build only in the same pipeline's job", () => {
    const env = { BUILDKITE_BUILD_NUMBER: "7", BUILDKITE_ORGANIZATION_SLUG: "acme", BUILDKITE_PIPELINE_SLUG: "app" };
    expect(code({ build: "same" }, { env })).toBe("none");
    expect(code({ build: "same" }, { env: { ...env, BUILDKITE_PIPELINE_SLUG: "deploy" } })).toBe("ERR_POLICY_INVALID");
  });
});

describe("flagPolicy", () => {
  it("is one rule about every name", () => {
    const policy = flagPolicy({ organization: ["acme"], pipeline: ["app"], anyRef: true }, NO_ENV);
    expect(policy.rules.map((r) => [r.id, r.artifacts])).toEqual([["flags", ["**"]]]);
  });

  it("warns where a rule believes the word of whoever made the build", () => {
    expect(
      flagPolicy({ organization: ["a"], pipeline: ["b"], branch: ["m"], trigger: ["api"] }, NO_ENV).warnings,
    ).toHaveLength(1);
    expect(
      flagPolicy({ organization: ["a"], pipeline: ["b"], branch: ["m"], trigger: ["webhook"] }, NO_ENV).warnings,
    ).toEqual([]);
  });
});
