// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { COMMIT, everythingIn, failure, JOB_ID, jobEnv } from "../loopback.testkit.ts";
import { isForkBuild, readJob } from "./job.ts";
import { sameRepository, withoutCredentials } from "./job-urls.ts";

describe("readJob", () => {
  it("reads the facts of a job", () => {
    const job = readJob(jobEnv({ BUILDKITE_COMMAND: "make\nmake test", BUILDKITE_COMMAND_EXIT_STATUS: "0" }));
    expect(job).toEqual({
      facts: {
        organization: "acme-inc",
        pipeline: "app",
        buildNumber: 1514,
        jobId: JOB_ID,
        commit: COMMIT,
        ref: { kind: "branch", name: "main" },
        step: "build",
        trigger: "webhook",
        runner: "self-hosted",
      },
      requestedCommit: COMMIT,
      branch: "main",
      repository: "github.com:acme/app.git",
      command: "make\nmake test",
      commandExitStatus: 0,
      plugins: [],
      unverified: {},
    });
  });

  it("names every missing variable in one error, empty ones included", async () => {
    const error = await failure(() => readJob({ BUILDKITE: "true", BUILDKITE_JOB_ID: "", BUILDKITE_COMMIT: "HEAD" }));
    expect(error.code).toBe("ERR_NOT_IN_JOB");
    expect(error.details["missing"]).toEqual([
      "BUILDKITE_ORGANIZATION_SLUG",
      "BUILDKITE_PIPELINE_SLUG",
      "BUILDKITE_BUILD_NUMBER",
      "BUILDKITE_JOB_ID",
    ]);
    expect((await failure(() => readJob(jobEnv({ BUILDKITE: "false" })))).details["missing"]).toEqual(["BUILDKITE"]);
  });

  it.each([
    ["a build URL of another organisation", { BUILDKITE_BUILD_URL: "https://buildkite.com/evil/app/builds/1514" }],
    ["a build URL of another pipeline", { BUILDKITE_BUILD_URL: "https://buildkite.com/acme-inc/b/builds/1514" }],
    ["a build URL of another number", { BUILDKITE_BUILD_URL: "https://buildkite.com/acme-inc/app/builds/1515" }],
    ["a build number that is none", { BUILDKITE_BUILD_NUMBER: "1514x" }],
    ["build number zero", { BUILDKITE_BUILD_NUMBER: "0", BUILDKITE_BUILD_URL: "" }],
    ["an organisation that ends a path segment", { BUILDKITE_ORGANIZATION_SLUG: "a/b", BUILDKITE_BUILD_URL: "" }],
    ["a job id with a fragment", { BUILDKITE_JOB_ID: "x#y" }],
    ["a tag that is a ref", { BUILDKITE_TAG: "refs/tags/v1" }],
    ["a pull request that is no number", { BUILDKITE_PULL_REQUEST: "true" }],
    ["a pull request's repository without a pull request", { BUILDKITE_PULL_REQUEST_REPO: "https://x/y" }],
    ["a parallel index beyond the count", { BUILDKITE_PARALLEL_JOB: "5", BUILDKITE_PARALLEL_JOB_COUNT: "5" }],
    ["an exit status that is no number", { BUILDKITE_COMMAND_EXIT_STATUS: "ok" }],
    ["plugins that are not JSON", { BUILDKITE_PLUGINS: "[" }],
    ["plugins that are no list", { BUILDKITE_PLUGINS: '{"a":1}' }],
    ["a plugin with two sources", { BUILDKITE_PLUGINS: '[{"a":1,"b":2}]' }],
  ])("refuses %s", async (_what, changes) => {
    expect((await failure(() => readJob(jobEnv(changes)))).code).toBe("ERR_JOB_CONTRADICTORY");
  });

  it("takes the tag as the ref and keeps the branch beside it", () => {
    const job = readJob(jobEnv({ BUILDKITE_TAG: "v1.2.3", BUILDKITE_BRANCH: "release" }));
    expect([job.facts.ref, job.branch]).toEqual([{ kind: "tag", name: "v1.2.3" }, "release"]);
  });

  it("states no commit when it is symbolic, and no trigger or runner that it does not know", () => {
    const changes = { BUILDKITE_COMMIT: "HEAD", BUILDKITE_SOURCE: "telepathy", BUILDKITE_COMPUTE_TYPE: "quantum" };
    const { facts, requestedCommit } = readJob(jobEnv(changes));
    expect(requestedCommit).toBe("HEAD");
    expect(Object.keys(facts)).not.toEqual(expect.arrayContaining(["commit"]));
    expect([facts.trigger, facts.runner]).toEqual([undefined, undefined]);
  });

  it("names hosted agents as the token does", () => {
    expect(readJob(jobEnv({ BUILDKITE_COMPUTE_TYPE: "hosted" })).facts.runner).toBe("buildkite-hosted");
  });

  it("takes the sources of plugins, never their configuration or credentials", () => {
    const plugins = JSON.stringify([
      "docker#v5.0.0",
      {
        "https://bob:hunter2hunter2@git.example/x-buildkite-plugin.git?t=hunter2hunter2#v1": {
          token: "hunter2hunter2",
        },
      },
      { "git@github.com:o/p-buildkite-plugin.git#main": null },
    ]);
    const job = readJob(jobEnv({ BUILDKITE_PLUGINS: plugins }));
    expect(job.plugins.map(({ source }) => source)).toEqual([
      "docker#v5.0.0",
      "https://git.example/x-buildkite-plugin.git#v1",
      "github.com:o/p-buildkite-plugin.git#main",
    ]);
    expect(JSON.stringify(job)).not.toContain("hunter2");
  });

  it("does not quote plugins that cannot be parsed", async () => {
    const error = await failure(() =>
      readJob(jobEnv({ BUILDKITE_PLUGINS: '["hunter2hunter2", {"hunter2": 1}, hunter2]' })),
    );
    expect(everythingIn(error)).not.toContain("hunter2");
  });

  it("lists what only the environment states, under the platform's names", () => {
    const job = readJob(
      jobEnv({
        BUILDKITE_CLUSTER_ID: "c1",
        BUILDKITE_AGENT_META_DATA_QUEUE: "deploy",
        BUILDKITE_RETRY_COUNT: "0",
        BUILDKITE_PARALLEL_JOB: "0",
        BUILDKITE_PARALLEL_JOB_COUNT: "5",
        BUILDKITE_TRIGGERED_FROM_BUILD_NUMBER: "12",
        BUILDKITE_PULL_REQUEST: "123",
        BUILDKITE_PULL_REQUEST_REPO: "https://x:y@github.com/Acme/app.git",
        BUILDKITE_PULL_REQUEST_BASE_BRANCH: "main",
      }),
    );
    expect(job.unverified).toEqual({
      cluster_id: "c1",
      queue: "deploy",
      retry_count: 0,
      parallel_job: 0,
      parallel_job_count: 5,
      triggered_from_build_number: 12,
      pull_request: 123,
      pull_request_base_branch: "main",
    });
    expect(job.pullRequest).toEqual({
      number: "123",
      repository: "https://github.com/Acme/app.git",
      baseBranch: "main",
    });
  });
});

describe("withoutCredentials", () => {
  it.each([
    ["https://user:secret@github.com/o/r.git?token=secret#secret", "https://github.com/o/r.git"],
    ["https://secret@github.com/o/r.git", "https://github.com/o/r.git"],
    ["ssh://git:secret@host:22/o/r", "ssh://host:22/o/r"],
    ["git@github.com:o/r.git", "github.com:o/r.git"],
    ["user:secret@host:o/r.git?secret", "host:o/r.git"],
    ["https://user:sec/ret@host/o/r", "https://host/o/r"],
    ["https://host/o/r@v1", "https://host/o/r@v1"],
    ["/srv/git/r.git", "/srv/git/r.git"],
  ])("%s → %s", (address, expected) => expect(withoutCredentials(address)).toBe(expected));
});

describe("isForkBuild", () => {
  const fork = (changes: Record<string, string>): boolean => isForkBuild(readJob(jobEnv(changes)));

  it("compares repositories across address forms", () => {
    expect(sameRepository("git@github.com:Acme/App.git", "git://github.com/acme/app")).toBe(true);
    expect(sameRepository("ssh://git@github.com:22/acme/app.git", "https://github.com/acme/app/")).toBe(true);
    expect(sameRepository("https://github.com/acme/app", "https://github.com/acme/app2")).toBe(false);
  });

  it("is true only for a pull request from elsewhere", () => {
    const from = (repository: string) => ({ BUILDKITE_PULL_REQUEST: "7", BUILDKITE_PULL_REQUEST_REPO: repository });
    expect(fork({})).toBe(false);
    expect(fork(from("git://github.com/acme/app.git"))).toBe(false);
    expect(fork(from("git://github.com/mallory/app.git"))).toBe(true);
    expect(fork({ BUILDKITE_PULL_REQUEST: "7", BUILDKITE_BRANCH: "mallory:main" })).toBe(true);
    expect(fork({ BUILDKITE_PULL_REQUEST: "7" })).toBe(false);
  });
});
