// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { LIMITS } from "../limits.ts";
import {
  claimsOf,
  COMMIT,
  everythingIn,
  failure,
  JOB_ID,
  jobEnv,
  leaksOf,
  rawToken,
  tokenOf,
} from "../loopback.testkit.ts";
import { readClaims } from "./claims.ts";
import { compareJobWithToken } from "./job-agreement.ts";
import { readJob } from "./job.ts";

describe("readClaims", () => {
  it("reads the documented example", () => {
    expect(readClaims(tokenOf())).toMatchObject({
      issuer: "https://agent.buildkite.com",
      audience: "sigstore",
      commitText: COMMIT,
      branch: "main",
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
    });
    expect(readClaims(tokenOf()).expiresAt.getTime() - readClaims(tokenOf()).issuedAt.getTime()).toBe(300_000);
  });

  it("prefers a tag, knows a step of null as none, and reads ids", () => {
    const claims = readClaims(tokenOf({ build_tag: "v1", step_key: null, organization_id: "o-1", pipeline_id: "p-1" }));
    expect(claims.facts).toMatchObject({ ref: { kind: "tag", name: "v1" }, organizationId: "o-1", pipelineId: "p-1" });
    expect(claims.facts.step).toBeUndefined();
  });

  it("states no commit when it is symbolic", () => {
    const claims = readClaims(tokenOf({ build_commit: "HEAD" }));
    expect([claims.commitText, claims.facts.commit]).toEqual(["HEAD", undefined]);
  });

  it("reads an e-mail address only if it is verified", () => {
    expect(readClaims(tokenOf({ email: "a@b.c", email_verified: true })).email).toBe("a@b.c");
    expect(readClaims(tokenOf({ email: "a@b.c" })).email).toBeUndefined();
    expect(readClaims(tokenOf({ email: "a@b.c", email_verified: false })).email).toBeUndefined();
  });

  it("accepts one audience in an array and no token for several parties", async () => {
    expect(readClaims(tokenOf({ aud: ["sigstore"] })).audience).toBe("sigstore");
    expect((await failure(() => readClaims(tokenOf({ aud: ["sigstore", "other"] })))).code).toBe("ERR_TOKEN_INVALID");
  });

  it.each([
    ["nothing", ""],
    ["two segments", tokenOf().split(".").slice(0, 2).join(".")],
    ["four segments", `${tokenOf()}.x`],
    ["an empty signature", `${tokenOf().split(".").slice(0, 2).join(".")}.`],
    ["padding", tokenOf().replace(/\.([^.]+)$/, ".$1=")],
    ["a stray character", tokenOf().replace(".", ".!")],
    ["a payload that is not JSON", rawToken("PLANTED not json, at all")],
    ["a payload that is no object", rawToken('["PLANTED-CLAIM-VALUE"]')],
    ["a claim twice", rawToken('{"iss":"PLANTED-CLAIM-VALUE","iss":"PLANTED-CLAIM-VALUE"}')],
    ["a token that is too long", tokenOf({ filler: "x".repeat(LIMITS.tokenBytes) })],
    ["no subject", tokenOf({ sub: undefined })],
    ["a subject that is a number", tokenOf({ sub: 1 })],
    ["no expiry", tokenOf({ exp: undefined })],
    ["an expiry in words", tokenOf({ exp: "PLANTED-CLAIM-VALUE" })],
    ["an expiry beyond all dates", tokenOf({ exp: 9e15 })],
    ["a build number in words", tokenOf({ build_number: "PLANTED-CLAIM-VALUE" })],
    ["a negative build number", tokenOf({ build_number: -1 })],
    ["a branch that is an object", tokenOf({ build_branch: { PLANTED: 1 } })],
  ])("refuses %s and shows nothing of it", async (_what, token) => {
    const error = await failure(() => readClaims(token));
    expect(error.code).toBe("ERR_TOKEN_INVALID");
    expect(leaksOf(token, everythingIn(error))).toEqual([]);
  });
});

describe("compareJobWithToken", () => {
  const compare = (env: Record<string, string>, claims: Record<string, unknown> = {}) =>
    compareJobWithToken(readJob(jobEnv({ BUILDKITE_BUILD_URL: "", ...env })), readClaims(tokenOf(claims)));

  it("agrees with the token of the same job", () => {
    expect(compare({})).toEqual({ commitUnproven: false });
    const ids = { BUILDKITE_ORGANIZATION_ID: "o-1", BUILDKITE_PIPELINE_ID: "p-1" };
    expect(compare(ids, { organization_id: "o-1", pipeline_id: "p-1" })).toEqual({ commitUnproven: false });
  });

  it("does not miss what only one side states", () => {
    expect(compare({ BUILDKITE_STEP_KEY: "", BUILDKITE_SOURCE: "", BUILDKITE_COMPUTE_TYPE: "" })).toEqual({
      commitUnproven: false,
    });
    expect(compare({ BUILDKITE_ORGANIZATION_ID: "o-1" })).toEqual({ commitUnproven: false });
  });

  it.each([
    ["organization", { BUILDKITE_ORGANIZATION_SLUG: "evil" }, { expected: "acme-inc", found: "evil" }],
    ["pipeline", { BUILDKITE_PIPELINE_SLUG: "evil" }, { expected: "app", found: "evil" }],
    ["buildNumber", { BUILDKITE_BUILD_NUMBER: "7" }, { expected: "1514", found: "7" }],
    ["jobId", { BUILDKITE_JOB_ID: "other" }, { expected: JOB_ID, found: "other" }],
    ["commit", { BUILDKITE_COMMIT: "a".repeat(40) }, { expected: COMMIT, found: "a".repeat(40) }],
    ["ref", { BUILDKITE_BRANCH: "evil" }, { expected: "branch main", found: "branch evil" }],
    ["ref", { BUILDKITE_TAG: "v1" }, { expected: "branch main", found: "tag v1" }],
    ["step", { BUILDKITE_STEP_KEY: "evil" }, { expected: "build", found: "evil" }],
    ["trigger", { BUILDKITE_SOURCE: "ui" }, { expected: "webhook", found: "ui" }],
    ["runner", { BUILDKITE_COMPUTE_TYPE: "hosted" }, { expected: "self-hosted", found: "buildkite-hosted" }],
  ])("refuses another %s than the token's (%o)", async (fact, env, values) => {
    const error = await failure(() => compare(env));
    expect(error.code).toBe("ERR_JOB_MISMATCH");
    expect(error.details["differences"]).toEqual([{ fact, ...values }]);
    expect(error.message).toContain(Object.keys(env)[0]);
  });

  it.each([
    ["organizationId", { BUILDKITE_ORGANIZATION_ID: "evil" }, { organization_id: "o-1" }],
    ["pipelineId", { BUILDKITE_PIPELINE_ID: "evil" }, { pipeline_id: "p-1" }],
    ["step", { BUILDKITE_STEP_KEY: "build" }, { step_key: null }],
    ["ref", { BUILDKITE_TAG: "v1" }, { build_tag: "v2" }],
    ["branch", { BUILDKITE_TAG: "v1", BUILDKITE_BRANCH: "evil" }, { build_tag: "v1" }],
    ["commit", { BUILDKITE_COMMIT: "refs/x" }, { build_commit: "HEAD" }],
  ])("refuses another %s where the token states one (%o)", async (fact, env, claims) => {
    const error = await failure(() => compare(env, claims));
    expect(error).toMatchObject({ code: "ERR_JOB_MISMATCH", details: { differences: [{ fact }] } });
  });

  it("names every difference at once", async () => {
    const error = await failure(() => compare({ BUILDKITE_BRANCH: "evil", BUILDKITE_STEP_KEY: "evil" }));
    expect(error.details["differences"]).toHaveLength(2);
  });

  it("leaves the commit unproven when the token is symbolic, also after the agent has resolved the variable", () => {
    expect(compare({ BUILDKITE_COMMIT: "HEAD" }, { build_commit: "HEAD" })).toEqual({ commitUnproven: true });
    expect(compare({}, { build_commit: "HEAD" })).toEqual({ commitUnproven: true });
  });

  it("accepts a symbolic variable when the platform has learnt the commit since", () => {
    expect(compare({ BUILDKITE_COMMIT: "HEAD" })).toEqual({ commitUnproven: false });
  });

  it("asks nothing of a token that is not a job's", () => {
    const foreign = Object.fromEntries(
      Object.keys(claimsOf())
        .filter((name) => name.includes("_"))
        .map((name) => [name, undefined]),
    );
    expect(compare({}, foreign)).toEqual({ commitUnproven: true });
  });
});
