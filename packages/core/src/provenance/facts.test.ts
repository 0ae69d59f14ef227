// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { DecodeError } from "@kiteseal/in-toto-attestation";
import { provenanceFacts } from "./facts.ts";
import { COMMIT, FACTS, job, JOB_ID, token } from "./job.testkit.ts";
import { provenancePredicate } from "./predicate.ts";

const good = JSON.stringify(
  provenancePredicate({ job: job(), token: token(), resolvedDependencies: [], kitesealVersion: "1" }),
);

/** The good predicate with one text replaced by another. */
function changed(from: string, to: string): unknown {
  expect(good).toContain(from);
  const value: unknown = JSON.parse(good.replaceAll(from, to));
  return value;
}

describe("provenanceFacts", () => {
  it("reads what provenancePredicate writes", () => {
    const dependencies: unknown = expect.any(Array);
    expect(provenanceFacts(JSON.parse(good))).toEqual({
      builderId: "https://buildkite.com/acme/app-release",
      facts: FACTS,
      commitText: FACTS.commit,
      repository: "github.com:acme/app.git",
      command: "make package",
      dependencies,
      problems: [],
    });
  });

  it("lists the dependencies that have an address", () => {
    const { buildDefinition, runDetails } = JSON.parse(good) as Record<string, object>;
    const resolvedDependencies = [
      { name: "plugin", uri: "git+https://h/p@v1" },
      { uri: "docker://i", digest: { sha256: "ab".repeat(32) } },
      { name: "local", digest: { sha256: "cd".repeat(32) } },
    ];
    expect(
      provenanceFacts({ buildDefinition: { ...buildDefinition, resolvedDependencies }, runDetails }).dependencies,
    ).toEqual([
      { name: "plugin", uri: "git+https://h/p@v1", digest: {} },
      { uri: "docker://i", digest: { sha256: "ab".repeat(32) } },
    ]);
  });

  it("takes a tag before a branch, and null, empty and absent for the same", () => {
    expect(provenanceFacts(changed('"branch":"main"', '"branch":"main","tag":"v1"')).facts.ref).toEqual({
      kind: "tag",
      name: "v1",
    });
    expect(provenanceFacts(changed('"branch":"main"', '"branch":"main","tag":""')).facts.ref).toEqual(FACTS.ref);
    expect(provenanceFacts(changed('"branch":"main"', '"branch":null')).facts.ref).toBeUndefined();
    expect(provenanceFacts(changed('"key":"package"', '"key":null')).facts.step).toBeUndefined();
  });

  it("knows no commit from a symbolic one", () => {
    expect(provenanceFacts(changed(`"commit":"${COMMIT}"`, '"commit":"HEAD"')).facts.commit).toBeUndefined();
  });

  it.each([
    ["another build type", "slsa-buildtypes/job/v1", "slsa-buildtypes/job/v2"],
    [
      "a builder that is not the pipeline",
      '"id":"https://buildkite.com/acme/app-release"',
      '"id":"https://buildkite.com/acme/other"',
    ],
    [
      "a builder that is no pipeline",
      "https://buildkite.com/acme/app-release",
      "https://buildkite.com.evil/acme/app-release",
    ],
    [
      "an invocation of another pipeline",
      '"invocationId":"https://buildkite.com/acme/app-release',
      '"invocationId":"https://buildkite.com/acme/other',
    ],
    ["an invocation that is no job", `builds/1514#${JOB_ID}`, `builds/01514#${JOB_ID}`],
    ["another build number", '"build_number":1514', '"build_number":1515'],
    ["another job id", `"job_id":"${JOB_ID}"`, '"job_id":"x"'],
    ["a pipeline that is not the builder", '"pipeline":"https://buildkite.com/acme/app-release"', '"pipeline":"x"'],
    ["an unknown trigger", '"build_source":"webhook"', '"build_source":"cron"'],
    ["an external parameter that it does not know", '"step":{', '"flags":["-x"],"step":{'],
    ["a parameter of the step that it does not know", '"step":{', '"step":{"shell":"bash",'],
    ["an unknown runner", '"runner_environment":"self-hosted"', '"runner_environment":"laptop"'],
  ])("names %s as a problem", (_what, from, to) => {
    expect(provenanceFacts(changed(from, to)).problems).not.toEqual([]);
  });

  it.each([
    ["branch", '"branch":"main"', '"branch":1'],
    ["build", '"build":{', '"build":"x","other":{'],
    ["buildType", '"buildType":', '"x":'],
  ])("refuses a %s of another type", (_what, from, to) => {
    expect(() => provenanceFacts(changed(from, to))).toThrow(DecodeError);
  });
});
