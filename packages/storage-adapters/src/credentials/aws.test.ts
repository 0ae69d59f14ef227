// SPDX-License-Identifier: Apache-2.0
// AWS credentials from the job's identity token, against an STS endpoint on loopback that refuses what STS refuses.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, globalAgent } from "node:http";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { TokenSource } from "@kiteseal/core/store";
import { expectKind } from "../adapter-contract.testkit.ts";
import type { AdapterOptions } from "../adapter.ts";
import { AWS_AUDIENCE, createAwsIdentity } from "./aws.ts";

const ROLE = "arn:aws:iam::123456789012:role/publish";
const NOW = new Date("2026-11-21T12:00:00Z");
const TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqb2IifQ.c2lnbmF0dXJl";

describe("AWS credentials", () => {
  let server: Server;
  let endpoint: string;
  let asked: URLSearchParams[];
  let failures: { status: number; code: string; message: string }[];
  let audiences: string[];
  let silent: number;

  beforeEach(async () => {
    asked = [];
    failures = [];
    audiences = [];
    silent = 0;
    server = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => (text += chunk.toString()));
      request.on("end", () => {
        const form = new URLSearchParams(text);
        asked.push(form);
        if ((silent -= 1) >= 0) return;
        const failure = failures.shift();
        if (failure !== undefined) {
          const { status, code, message } = failure;
          response.writeHead(status, { "content-type": "text/xml" });
          response.end(
            `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
          );
          return;
        }
        const expiration = new Date(NOW.getTime() + 3_600_000).toISOString();
        response.writeHead(200, { "content-type": "text/xml" });
        response.end(
          `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKID${asked.length}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>session</SessionToken><Expiration>${expiration}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    endpoint = typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
  });
  afterEach(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );

  const tokens: TokenSource = (audience) => {
    audiences.push(audience);
    return Promise.resolve(`${TOKEN}${audiences.length}`);
  };
  const identity = (env: AdapterOptions["env"], source: TokenSource | undefined = tokens, idleMs = 5000) =>
    createAwsIdentity({ env: { AWS_ENDPOINT_URL_STS: endpoint, ...env }, tokens: source, now: () => NOW, idleMs }, () =>
      Promise.resolve("eu-central-1"),
    );

  test("are those of the role, for a fresh token at each renewal", async () => {
    const { credentials, describe: told } = identity({ AWS_ROLE_ARN: ROLE, BUILDKITE_JOB_ID: "0190-ab/c" });
    expect(await credentials()).toMatchObject({
      accessKeyId: "AKID1",
      sessionToken: "session",
      expiration: new Date("2026-11-21T13:00:00Z"),
    });
    expect(await credentials()).toMatchObject({ accessKeyId: "AKID2" });
    expect(audiences).toEqual([AWS_AUDIENCE, AWS_AUDIENCE]);
    expect(asked.map((form) => form.get("WebIdentityToken"))).toEqual([`${TOKEN}1`, `${TOKEN}2`]);
    expect(asked[0]?.get("RoleArn")).toBe(ROLE);
    expect(asked[0]?.get("RoleSessionName")).toBe("buildkite-0190-ab-c");
    expect(told()).toContain(ROLE);
  });

  test("come before keys in the environment, and a role of another token's is left to the SDK", async () => {
    const keys = { AWS_ACCESS_KEY_ID: "AKIDENV", AWS_SECRET_ACCESS_KEY: "secret" };
    expect(await identity({ AWS_ROLE_ARN: ROLE, ...keys }).credentials()).toMatchObject({ accessKeyId: "AKID1" });
    const pod = { AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: "/var/run/token", ...keys };
    expect(await identity(pod).credentials()).toMatchObject({ accessKeyId: "AKIDENV" });
    expect(await identity({ KITESEAL_AWS_ROLE_ARN: ROLE, ...pod }).credentials()).toMatchObject({
      accessKeyId: "AKID2",
    });
  });

  test("are asked for again while STS says later", async () => {
    failures = [{ status: 503, code: "ServiceUnavailable", message: "later" }];
    expect(await identity({ AWS_ROLE_ARN: ROLE }).credentials()).toMatchObject({ accessKeyId: "AKID2" });
  });

  test("are asked for again when STS is silent", async () => {
    silent = 1;
    expect(await identity({ AWS_ROLE_ARN: ROLE }, tokens, 50).credentials()).toMatchObject({ accessKeyId: "AKID2" });
  });

  test("go by the process-wide agents, as the proxies do", async () => {
    const created = vi.spyOn(globalAgent, "createConnection");
    await identity({ AWS_ROLE_ARN: ROLE }).credentials();
    expect(created).toHaveBeenCalledOnce();
    created.mockRestore();
  });

  test.each(["http://sts.example", "http://0.0.0.0:8080", "https://a:b@sts.example"])(
    "are not asked for at %s",
    (address) => {
      const open = () => identity({ AWS_ROLE_ARN: ROLE, AWS_ENDPOINT_URL_STS: address });
      expect(open).toThrow(expect.objectContaining({ code: "ERR_STORE_URL" }));
    },
  );

  test("of a token in a file are not asked for without encryption, whatever a shared file names", async () => {
    const directory = await mkdtemp(join(tmpdir(), "kiteseal-aws-"));
    // Reaches this machine, and is not called so.
    const address = endpoint.replace("127.0.0.1", "0.0.0.0");
    await writeFile(join(directory, "config"), `[default]\nendpoint_url = ${address}\n`);
    await writeFile(join(directory, "token"), TOKEN);
    const env = {
      AWS_CONFIG_FILE: join(directory, "config"),
      AWS_SHARED_CREDENTIALS_FILE: join(directory, "none"),
      AWS_WEB_IDENTITY_TOKEN_FILE: join(directory, "token"),
      AWS_ROLE_ARN: ROLE,
      AWS_EC2_METADATA_DISABLED: "true",
    };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const found = identity(env).credentials();
    await expect(found).rejects.toMatchObject({ kind: "Unsupported" });
    expect(asked).toEqual([]);
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true });
  });

  test("that are refused say what the role must trust, and never show the token", async () => {
    failures = [{ status: 403, code: "AccessDenied", message: `Not authorized: ${TOKEN}1` }];
    const error: unknown = await identity({ AWS_ROLE_ARN: ROLE })
      .credentials()
      .catch((caught: unknown) => caught);
    await expectKind(Promise.reject(error), "Denied");
    expect(JSON.stringify([error, error instanceof Error ? [error.message, error.cause] : ""])).not.toContain("eyJ");
    expect(error).toHaveProperty("hint", expect.stringContaining(AWS_AUDIENCE));
  });
});
