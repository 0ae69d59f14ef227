// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type JsonWebKey, verify } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { claimsOf, getJson, postJson, requestToken } from "../client.testkit.ts";
import { type Sandbox, startSandbox } from "../index.ts";

let sandbox: Sandbox;
let env: Record<string, string>;
let jobUrl: string;
let authorization: string;

beforeAll(async () => {
  sandbox = await startSandbox({ job: { step: null, tag: "v1.2.3" } });
  env = sandbox.jobEnv();
  jobUrl = `${env["BUILDKITE_AGENT_ENDPOINT"]}/jobs/${env["BUILDKITE_JOB_ID"]}`;
  authorization = `Token ${env["BUILDKITE_AGENT_ACCESS_TOKEN"]}`;
});
afterAll(() => sandbox.close());

interface Discovery {
  issuer: string;
  jwks_uri: string;
}

describe("the token route", () => {
  it("gives Buildkite's claims, signed by the published key", async () => {
    const { json } = await requestToken(sandbox);
    const { job } = sandbox;
    const claims = claimsOf(json.token);
    expect(claims).toEqual({
      iss: "https://agent.buildkite.com",
      sub: `organization:acme:pipeline:app:ref:refs/tags/v1.2.3:commit:${job.commit}:step:`,
      aud: "sigstore",
      iat: claims.iat,
      nbf: claims.iat,
      exp: claims.iat + 300,
      organization_slug: "acme",
      pipeline_slug: "app",
      build_number: 1,
      build_branch: "main",
      build_tag: "v1.2.3",
      build_commit: job.commit,
      step_key: null,
      job_id: job.jobId,
      agent_id: job.agentId,
      build_source: "webhook",
      runner_environment: "self-hosted",
    });
    const discovery = await getJson<Discovery>(`${sandbox.url}/.well-known/openid-configuration`);
    const { keys } = await getJson<{ keys: (JsonWebKey & { kid: string })[] }>(discovery.jwks_uri);
    const [jwk] = keys;
    const [header = "", payload = "", signature = ""] = json.token.split(".");
    const key = createPublicKey({ key: jwk ?? {}, format: "jwk" });
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toMatchObject({ alg: "RS256", kid: jwk?.kid });
    expect(verify("sha256", Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url"))).toBe(true);
  });

  it("follows audience, lifetime, claims and subject claim", async () => {
    const body = { lifetime: 60, claims: ["build_id"], subject_claim: "pipeline_id" };
    const claims = claimsOf((await requestToken(sandbox, body)).json.token);
    expect(claims).toMatchObject({
      aud: "https://buildkite.com/acme",
      exp: claims.iat + 60,
      build_id: sandbox.job.buildId,
      pipeline_id: sandbox.job.pipelineId,
      sub: sandbox.job.pipelineId,
    });
  });

  it.each([
    ["a lifetime beyond the limit", { lifetime: 14_400 }],
    ["a negative lifetime", { lifetime: -1 }],
    ["a claim that there is not", { claims: ["repository"] }],
    ["a claim named like an object's own", { claims: ["constructor"] }],
  ])("refuses %s with 422", async (_title, body) => {
    expect((await requestToken(sandbox, body)).status).toBe(422);
  });

  it("refuses other callers with 401, other jobs with 404", async () => {
    expect((await postJson(`${jobUrl}/oidc/tokens`, {})).status).toBe(401);
    expect((await postJson(`${jobUrl}/oidc/tokens`, {}, { authorization: `${authorization}x` })).status).toBe(401);
    const other = jobUrl.replace(sandbox.job.jobId, "0184990a-477b-4fa8-9968-496074483cee");
    expect((await postJson(`${other}/oidc/tokens`, {}, { authorization })).status).toBe(404);
  });
});

describe("annotations", () => {
  it("are written, appended to and removed by context", async () => {
    const post = (body: object): ReturnType<typeof postJson> =>
      postJson(`${jobUrl}/annotations`, body, { authorization });
    expect((await post({ body: "a", style: "info", context: "c 1" })).status).toBe(201);
    await post({ body: "b", context: "c 1", append: true });
    expect(sandbox.annotations.get("c 1")).toEqual({ body: "ab", style: "info" });
    expect((await post({ body: "a", style: "loud" })).status).toBe(422);
    const remove = (): Promise<Response> =>
      fetch(`${jobUrl}/annotations/${encodeURIComponent("c 1")}`, { method: "DELETE", headers: { authorization } });
    expect([(await remove()).status, (await remove()).status]).toEqual([204, 404]);
    expect(sandbox.annotations.size).toBe(0);
    expect((await postJson(`${jobUrl}/annotations`, { body: "a" })).status).toBe(401);
  });
});

describe("meta-data", () => {
  it("is set, read, found and listed", async () => {
    const post = (action: string, body: object): ReturnType<typeof postJson> =>
      postJson(`${jobUrl}/data/${action}`, body, { authorization });
    expect((await post("get", { key: "k" })).status).toBe(404);
    expect((await post("set", { key: "k", value: "v" })).status).toBe(200);
    expect((await post("get", { key: "k" })).json).toEqual({ key: "k", value: "v" });
    expect((await post("exists", { key: "other" })).json).toEqual({ exists: false });
    expect((await post("keys", {})).json).toEqual(["k"]);
    expect(sandbox.metaData.get("k")).toBe("v");
  });
});

describe("the Job API", () => {
  function redact(token: string, value: unknown): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          socketPath: env["BUILDKITE_AGENT_JOB_API_SOCKET"],
          path: "/api/current-job/v0/redactions",
          method: "POST",
          headers: { authorization: `Bearer ${token}` },
        },
        (response) => {
          response.resume();
          response.on("end", () => resolve(response.statusCode));
        },
      );
      outgoing.on("error", reject);
      outgoing.end(JSON.stringify({ redact: value }));
    });
  }

  it("takes values to redact from the job only", async () => {
    const token = env["BUILDKITE_AGENT_JOB_API_TOKEN"] ?? "";
    expect(await redact(token, "secret-1")).toBe(201);
    expect(await redact("wrong", "secret-2")).toBe(401);
    expect(await redact(token, 5)).toBe(400);
    expect(sandbox.redactions).toEqual(["secret-1"]);
  });
});

describe("issuer loopback", () => {
  it("names the sandbox's own URL in token and discovery", async () => {
    const other = await startSandbox({ issuer: "loopback" });
    try {
      expect(claimsOf(other.mintToken())["iss"]).toBe(other.url);
      const discovery = await getJson<Discovery>(`${other.url}/.well-known/openid-configuration`);
      expect(discovery.issuer).toBe(other.url);
    } finally {
      await other.close();
    }
  });
});
