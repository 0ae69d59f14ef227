// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { LIMITS } from "../limits.ts";
import {
  context,
  everythingIn,
  failure,
  IMPATIENT,
  JOB_ID,
  json,
  leaksOf,
  serve,
  tokenOf,
  type Loopback,
  type Reply,
} from "../loopback.testkit.ts";
import { redactInLog } from "./job-api.ts";
import { createTokenSource, type TokenSource, type TokenSourceOptions } from "./token-source.ts";

const ACCESS = "bkaj_access-token-of-the-job-0123456789";

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "kiteseal-token-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

/** A `buildkite-agent` whose body is `script`; returns BUILDKITE_BIN_PATH. */
async function agentCommand(script: string): Promise<string> {
  const path = await directory();
  await writeFile(join(path, "buildkite-agent"), `#!/bin/sh\n${script}\n`);
  await chmod(join(path, "buildkite-agent"), 0o755);
  return path;
}

function source(env: Record<string, string>, options: TokenSourceOptions = {}): TokenSource {
  return createTokenSource(
    { BUILDKITE_JOB_ID: JOB_ID, PATH: "/usr/bin:/bin", ...env },
    { pace: IMPATIENT, ...options },
  );
}

function apiEnv(server: Loopback): Record<string, string> {
  return { BUILDKITE_AGENT_ACCESS_TOKEN: ACCESS, BUILDKITE_AGENT_ENDPOINT: `${server.url}/v3` };
}

describe("the agent API", () => {
  it("is asked for this audience, this job and the ids, and for no customised subject", async () => {
    const token = tokenOf();
    const server = await serve(() => json(200, { token }));
    const env = { ...apiEnv(server), BUILDKITE_JOB_ID: "a.b/c", BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM: "pipeline_id" };
    const header = { BUILDKITE_REQUEST_HEADER_BUILDKITE_TRACE_ID: "t-1", BUILDKITE_REQUEST_HEADER_COOKIE: "no" };
    expect(await source({ ...env, ...header })("sigstore", context())).toBe(token);
    const [seen] = server.seen;
    expect([seen?.method, seen?.path]).toEqual(["POST", "/v3/jobs/a%2Eb%2Fc/oidc/tokens"]);
    expect(seen?.headers).toMatchObject({ authorization: `Token ${ACCESS}`, "buildkite-trace-id": "t-1" });
    expect(seen?.headers).not.toHaveProperty("cookie");
    expect(JSON.parse(seen?.body.toString() ?? "")).toEqual({
      audience: "sigstore",
      claims: ["organization_id", "pipeline_id"],
    });
  });

  it("is asked for another subject where a store's cloud compares subjects whole, and never for signing", async () => {
    const server = await serve((seen) => {
      const { audience } = JSON.parse(seen.body.toString()) as { audience: string };
      return json(200, { token: tokenOf({ aud: audience }) });
    });
    const tokens = source({ ...apiEnv(server), KITESEAL_STORE_SUBJECT_CLAIM: "pipeline_id" });
    await tokens("api://AzureADTokenExchange", context());
    await tokens("sigstore", context());
    const bodies = server.seen.map((seen): unknown => JSON.parse(seen.body.toString()));
    const claims = ["organization_id", "pipeline_id"];
    expect(bodies).toEqual([
      { audience: "api://AzureADTokenExchange", claims, subject_claim: "pipeline_id" },
      { audience: "sigstore", claims },
    ]);
  });

  it("is never asked for a subject that Buildkite does not have", () => {
    expect(() => source({ KITESEAL_STORE_SUBJECT_CLAIM: "pipeline_slug" })).toThrow(
      expect.objectContaining({ code: "ERR_CONFIG_INVALID" }),
    );
  });

  it("is asked again for each token", async () => {
    const server = await serve((_seen, count) => json(200, { token: tokenOf({ jti: count }) }));
    const tokens = source(apiEnv(server));
    expect(await tokens("sigstore", context())).not.toBe(await tokens("sigstore", context()));
  });

  it.each([400, 401, 403, 404, 422])("refusing with %i gives ERR_TOKEN_UNAVAILABLE at once", async (status) => {
    const server = await serve(() => json(status, { message: `no for ${ACCESS} and ${tokenOf()}` }));
    const error = await failure(source(apiEnv(server))("sigstore", context()));
    expect(error).toMatchObject({ code: "ERR_TOKEN_UNAVAILABLE", details: { status } });
    expect(server.seen).toHaveLength(1);
    expect(leaksOf(tokenOf(), everythingIn(error))).toEqual([]);
    expect(everythingIn(error)).not.toContain(ACCESS);
  });

  it.each([429, 500, 503])("answering %i is asked again, then unavailable", async (status) => {
    const recovering = await serve((_seen, count) => (count === 1 ? { status } : json(200, { token: tokenOf() })));
    expect(await source(apiEnv(recovering))("sigstore", context())).toBe(tokenOf());
    const down = await serve(() => ({ status }));
    expect((await failure(source(apiEnv(down))("sigstore", context()))).code).toBe("ERR_SERVICE_UNAVAILABLE");
    expect(down.seen).toHaveLength(IMPATIENT.attempts);
  });

  it.each([
    ["a page", { status: 200, headers: { "content-type": "text/html" }, body: "<html>" }],
    ["no token", json(200, { tokens: tokenOf() })],
    ["a token that is a number", json(200, { token: 1 })],
    ["a token twice", { status: 200, body: `{"token":"${tokenOf()}","token":"x"}` }],
  ] satisfies [string, Reply][])("sending %s gives ERR_TOKEN_UNAVAILABLE", async (_what, reply) => {
    const server = await serve(() => reply);
    const error = await failure(source(apiEnv(server))("sigstore", context()));
    expect(error.code).toBe("ERR_TOKEN_UNAVAILABLE");
    expect(leaksOf(tokenOf(), everythingIn(error))).toEqual([]);
  });

  it("gets the job's token only over https or on this machine", async () => {
    const env = { BUILDKITE_AGENT_ACCESS_TOKEN: ACCESS, BUILDKITE_AGENT_ENDPOINT: "http://agent.example/v3" };
    expect((await failure(source(env)("sigstore", context()))).code).toBe("ERR_CONFIG_INVALID");
  });
});

describe("a token that was given", () => {
  it("comes from the file before the variable before the agent", async () => {
    const server = await serve(() => json(200, { token: tokenOf({ from: "agent" }) }));
    const file = join(await directory(), "token");
    await writeFile(file, `${tokenOf({ from: "file" })}\n`);
    const env = { ...apiEnv(server), SIGSTORE_ID_TOKEN: tokenOf({ from: "variable" }) };
    expect(await source(env, { identityTokenFile: file })("sigstore", context())).toBe(tokenOf({ from: "file" }));
    expect(await source(env)("sigstore", context())).toBe(tokenOf({ from: "variable" }));
    expect(await source({ ...env, SIGSTORE_ID_TOKEN: "" })("sigstore", context())).toBe(tokenOf({ from: "agent" }));
  });

  it("is read from the file anew each time", async () => {
    const file = join(await directory(), "token");
    const tokens = source({}, { identityTokenFile: file });
    for (const round of [1, 2]) {
      await writeFile(file, tokenOf({ round }));
      expect(await tokens("sigstore", context())).toBe(tokenOf({ round }));
    }
  });

  it("is for signing only: another audience is the agent's", async () => {
    const token = tokenOf({ aud: "sts.amazonaws.com" });
    const server = await serve(() => json(200, { token }));
    const env = { ...apiEnv(server), SIGSTORE_ID_TOKEN: tokenOf() };
    expect(await source(env)("sts.amazonaws.com", context())).toBe(token);
    expect((await failure(source({ SIGSTORE_ID_TOKEN: tokenOf() })("other", context()))).code).toBe(
      "ERR_TOKEN_UNAVAILABLE",
    );
  });

  it.each([
    ["ERR_TOKEN_AUDIENCE", tokenOf({ aud: "https://buildkite.com/acme" })],
    ["ERR_TOKEN_EXPIRED", tokenOf({ exp: 1_700_000_000 })],
    ["ERR_TOKEN_INVALID", `${tokenOf()}.x`],
    ["ERR_TOKEN_INVALID", tokenOf({ filler: "x".repeat(LIMITS.tokenBytes) })],
  ])("that cannot be used gives %s and is not shown", async (code, token) => {
    const file = join(await directory(), "token");
    await writeFile(file, token);
    const wanted = [source({ SIGSTORE_ID_TOKEN: token }), source({}, { identityTokenFile: file })];
    for (const tokens of wanted) {
      const error = await failure(tokens("sigstore", context()));
      expect(error.code).toBe(code);
      expect(leaksOf(token, everythingIn(error))).toEqual([]);
    }
  });

  it("in a file that is not there gives ERR_UNREADABLE", async () => {
    const file = join(await directory(), "none");
    expect((await failure(source({}, { identityTokenFile: file })("sigstore", context()))).code).toBe("ERR_UNREADABLE");
  });
});

describe("the agent's command", () => {
  it("is run where there is no agent API, with few variables", async () => {
    const bin = await agentCommand(`echo "$*" > "$0.args"; env > "$0.env"; printf '%s\\n' '${tokenOf()}'`);
    const env = { BUILDKITE_BIN_PATH: bin, AWS_SECRET_ACCESS_KEY: "planted", BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM: "x" };
    expect(await source(env)("sigstore", context())).toBe(tokenOf());
    const { readFile } = await import("node:fs/promises");
    expect(await readFile(join(bin, "buildkite-agent.args"), "utf8")).toBe(
      `oidc request-token --audience sigstore --job ${JOB_ID}\n`,
    );
    const seen = await readFile(join(bin, "buildkite-agent.env"), "utf8");
    expect(seen).toContain(`BUILDKITE_JOB_ID=${JOB_ID}`);
    expect(seen).not.toMatch(/planted|SUBJECT_CLAIM/);
  });

  it.each([
    ["is unreachable", (): Reply => ({ instead: "reset" })],
    ["has no such route", (): Reply => json(404, { message: "not found" })],
    ["answers a page", (): Reply => ({ body: "<html>" })],
  ])("is run when the agent API %s", async (_what, reply) => {
    const server = await serve(reply);
    const bin = await agentCommand(`echo '${tokenOf()}'`);
    expect(await source({ ...apiEnv(server), BUILDKITE_BIN_PATH: bin })("sigstore", context())).toBe(tokenOf());
  });

  it.each([400, 401, 403, 422])("is not run when the agent API refuses with %i", async (status) => {
    const server = await serve(() => ({ status }));
    const bin = await agentCommand(`echo '${tokenOf()}'`);
    const error = await failure(source({ ...apiEnv(server), BUILDKITE_BIN_PATH: bin })("sigstore", context()));
    expect(error).toMatchObject({ code: "ERR_TOKEN_UNAVAILABLE", details: { status } });
  });

  it("failing gives ERR_TOKEN_UNAVAILABLE with nothing of what it printed as secret", async () => {
    const bin = await agentCommand(`echo '${tokenOf()}'; echo "fatal: ${ACCESS} ${tokenOf()}" >&2; exit 7`);
    const env = { BUILDKITE_BIN_PATH: bin, BUILDKITE_AGENT_ACCESS_TOKEN: ACCESS, BUILDKITE_JOB_ID: JOB_ID };
    const server = await serve(() => ({ status: 404 }));
    const error = await failure(source({ ...apiEnv(server), ...env })("sigstore", context()));
    expect(error.code).toBe("ERR_TOKEN_UNAVAILABLE");
    expect(error.message).toContain("exit status 7");
    expect(leaksOf(tokenOf(), everythingIn(error))).toEqual([]);
    expect(everythingIn(error)).not.toContain(ACCESS);
  });

  it("is taken from an absolute BUILDKITE_BIN_PATH only, never from PATH", async () => {
    const bin = await agentCommand(`echo '${tokenOf()}'`);
    for (const env of [{ PATH: bin }, { PATH: bin, BUILDKITE_BIN_PATH: "bin" }]) {
      expect((await failure(source(env)("sigstore", context()))).code).toBe("ERR_TOKEN_UNAVAILABLE");
    }
  });

  it("is stopped by the signal", async () => {
    const bin = await agentCommand("exec sleep 60");
    const controller = new AbortController();
    const running = failure(source({ BUILDKITE_BIN_PATH: bin })("sigstore", context({ signal: controller.signal })));
    controller.abort();
    expect((await running).code).toBe("ERR_INTERRUPTED");
  });
});

describe("redaction", () => {
  it("of each token goes to the Job API and the caller before the token is looked at", async () => {
    const socketPath = join(await directory(), "job.sock");
    const server = await serve(() => ({ status: 201 }), { socketPath });
    const broken = `${tokenOf()}.x`;
    const told: string[] = [];
    const env = {
      SIGSTORE_ID_TOKEN: broken,
      BUILDKITE_AGENT_JOB_API_SOCKET: socketPath,
      BUILDKITE_AGENT_JOB_API_TOKEN: "jt",
    };
    const options = {
      onToken: (token: string) => told.push(token),
      onRedaction: (outcome: string) => told.push(outcome),
    };
    await failure(source(env, options)("sigstore", context()));
    expect(told).toEqual([broken, "redacted"]);
    expect(server.seen[0]).toMatchObject({ method: "POST", path: "/api/current-job/v0/redactions" });
    expect(server.seen[0]?.headers.authorization).toBe("Bearer jt");
    expect(JSON.parse(server.seen[0]?.body.toString() ?? "")).toEqual({ redact: broken });
  });

  it("is unavailable without a Job API, without its socket, and on agents without the route", async () => {
    const path = await directory();
    expect(await redactInLog(undefined, "x", context())).toBe("unavailable");
    expect(await redactInLog({ socketPath: join(path, "none"), token: "t" }, "x", context())).toBe("unavailable");
    const socketPath = join(path, "old.sock");
    await serve(() => ({ status: 404 }), { socketPath });
    expect(await redactInLog({ socketPath, token: "t" }, "x", context())).toBe("unavailable");
  });

  it("does not hold up an interruption", async () => {
    const socketPath = join(await directory(), "slow.sock");
    const controller = new AbortController();
    await serve(
      () => {
        controller.abort();
        return { instead: "hang" };
      },
      { socketPath },
    );
    const ctx = context({ signal: controller.signal });
    expect((await failure(redactInLog({ socketPath, token: "t" }, "x", ctx))).code).toBe("ERR_INTERRUPTED");
  });
});
