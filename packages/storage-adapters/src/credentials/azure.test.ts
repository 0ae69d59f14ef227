// SPDX-License-Identifier: Apache-2.0
// The federated way in: this job's token → a stand-in for Microsoft Entra ID (TLS, loopback) → a real azurite that asks
// for bearer tokens over TLS. The stand-in issues what the real one would; that the real one trusts a job is not tested.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { KitesealError, parseKey } from "@kiteseal/core/store";
import { expectKind, putRequest } from "../adapter-contract.testkit.ts";
import type { Adapter, AdapterOptions } from "../adapter.ts";
import { openAzureAdapter } from "../azure/adapter.ts";
import { startAzurite } from "../azure/azurite.testkit.ts";
import type { Azurite } from "../azure/azurite.testkit.ts";
import { readAll, testContext } from "../store-contract.testkit.ts";
import { createAzureAccess } from "./azure.ts";

const ctx = testContext();
const TENANT = "5b2f6a3e-0f6b-4e0e-9d6a-2f1c0a7d9e11";
const CLIENT = "0d9a8c57-3c1e-4a63-8a55-64c1c7a0b0f2";

let directory: string;
let azurite: Azurite;
let authority: Server;
let authorityHost: string;
let assertions: URLSearchParams[];
let refuse: boolean;
let lifetime: number;
/** What the next access tokens claim otherwise. */
let claimed: object;

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function accessToken(): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    aud: "https://storage.azure.com",
    iss: `https://sts.windows.net/${TENANT}/`,
    iat: now,
    nbf: now - 60,
    exp: now + 3600,
    ...claimed,
  };
  return `${base64url({ alg: "RS256", typ: "JWT" })}.${base64url(claims)}.c2lnbmF0dXJl`;
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "kiteseal-azure-"));
  const [certificate, privateKey] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  execFileSync(
    "openssl",
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=loopback -addext subjectAltName=IP:127.0.0.1 -keyout ${privateKey} -out ${certificate}`.split(
      " ",
    ),
    { stdio: "ignore" },
  );
  const cert = readFileSync(certificate, "utf8");
  setDefaultCACertificates([...getCACertificates("default"), cert]);
  azurite = await startAzurite(["--oauth", "basic", "--cert", certificate, "--key", privateKey]);
  await BlobServiceClient.fromConnectionString(azurite.connectionString).createContainer("artifacts");
  authority = createServer(
    { cert, key: readFileSync(privateKey) },
    (request, response) => void answer(request, response),
  );
  await new Promise<void>((resolve) => void authority.listen(0, "127.0.0.1", resolve));
  authorityHost = `https://127.0.0.1:${(authority.address() as AddressInfo).port}`;
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const json = (status: number, body: object): void => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  const base = `${authorityHost}/${TENANT}`;
  if (request.url?.includes("openid-configuration") === true) {
    return json(200, {
      token_endpoint: `${base}/oauth2/v2.0/token`,
      issuer: `${base}/v2.0`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
    });
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  assertions.push(new URLSearchParams(Buffer.concat(chunks).toString()));
  if (refuse) json(401, { error: "invalid_client", error_description: "AADSTS700213: No matching federated identity" });
  else json(200, { token_type: "Bearer", expires_in: lifetime, access_token: accessToken() });
}

afterAll(async () => {
  await azurite.close();
  authority.closeAllConnections();
  authority.close();
  rmSync(directory, { recursive: true });
});

beforeEach(() => {
  assertions = [];
  refuse = false;
  lifetime = 3600;
  claimed = {};
});

function open(options: Partial<AdapterOptions> = {}): Promise<Adapter> {
  return openAzureAdapter(
    { origin: `https://${azurite.account}.blob.core.windows.net`, bucket: "artifacts", path: "base" },
    {
      env: {
        AZURE_TENANT_ID: TENANT,
        AZURE_CLIENT_ID: CLIENT,
        AZURE_AUTHORITY_HOST: authorityHost,
        AZURE_STORAGE_SERVICE_ENDPOINT: azurite.endpoint,
      },
      now: () => new Date(),
      ...options,
    },
  );
}

describe("a Buildkite job at Azure", () => {
  test("writes, reads and copies as the application that trusts it, asking for one token", async () => {
    const audiences: string[] = [];
    const adapter = await open({
      tokens: async (audience) => {
        audiences.push(audience);
        return "job-token";
      },
    });
    const { object } = await adapter.putWhole(putRequest(parseKey("base/a"), "abc"), ctx);
    expect(await readAll(adapter.get({ object, range: { start: 0, end: 3 } }, ctx))).toBe("abc");
    expect(audiences).toEqual(["api://AzureADTokenExchange"]);
    expect(assertions).toHaveLength(1);
    expect(Object.fromEntries(assertions[0] ?? [])).toMatchObject({
      client_id: CLIENT,
      client_assertion: "job-token",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      grant_type: "client_credentials",
      scope: "https://storage.azure.com/.default",
    });
    const findings = await adapter.diagnose(ctx);
    expect(findings.find(({ id }) => id === "azure.identity")?.message).toContain(CLIENT);
  });

  test("asks with a fresh job token each time an access token is about to end", async () => {
    lifetime = 0;
    let minted = 0;
    const adapter = await open({ tokens: async () => `job-token-${(minted += 1)}` });
    await adapter.putWhole(putRequest(parseKey("base/b"), "x"), ctx);
    await adapter.head(parseKey("base/b"), ctx);
    const sent = assertions.map((assertion) => assertion.get("client_assertion"));
    expect(sent.length).toBeGreaterThan(1);
    expect(new Set(sent).size).toBe(sent.length);
  });

  test("that Entra does not trust is Denied, without its token in the error", async () => {
    refuse = true;
    const adapter = await open({ tokens: async () => "PLANTED.job.token" });
    const error: unknown = await adapter.head(parseKey("a"), ctx).catch((e: unknown) => e);
    expect(error).toMatchObject({ kind: "Denied" });
    expect(inspect(error, { depth: 12, showHidden: true })).not.toContain("PLANTED");
  });

  test.each([
    ["for another service", { aud: "https://graph.microsoft.com" }],
    ["that has expired", { nbf: 1_700_000_000, exp: 1_700_003_600 }],
    ["of another issuer", { iss: "https://issuer.example/" }],
  ])("with an access token %s is Denied by the store", async (_, claims) => {
    claimed = claims;
    const adapter = await open({ tokens: async () => "job-token" });
    await expectKind(adapter.putWhole(putRequest(parseKey("base/refused"), "x"), ctx), "Denied");
    await expectKind(adapter.head(parseKey("base/refused"), ctx), "Denied");
  });

  test("that cannot get a token of its own says why", async () => {
    const failure = new KitesealError("ERR_TOKEN_UNAVAILABLE", "no token for this job");
    const adapter = await open({ tokens: () => Promise.reject(failure) });
    await expect(adapter.head(parseKey("a"), ctx)).rejects.toBe(failure);
  });
});

describe("the order of identities", () => {
  const origin = "https://acme.blob.core.windows.net";
  const key = Buffer.alloc(32).toString("base64");
  const tokens = async (): Promise<string> => "job-token";
  const identity = async (env: Record<string, string>, own = true): Promise<string> =>
    (await createAzureAccess({ env, origin, now: () => new Date(), tokens: own ? tokens : undefined })).identity;
  const entra = { AZURE_TENANT_ID: TENANT, AZURE_CLIENT_ID: CLIENT };
  const agent = { BUILDKITE_AZURE_BLOB_ACCESS_KEY: key };

  test("is the job's token, what a platform announces, the agent's variables, the SDK's chain", async () => {
    const keyed = await createAzureAccess({ env: agent, origin, now: () => new Date() });
    expect(keyed.service.credential).toBeInstanceOf(StorageSharedKeyCredential);
    const chain = await identity({});
    expect(chain).not.toBe(keyed.identity);
    expect(await identity({ ...entra, ...agent })).toContain(TENANT);
    expect(await identity({ ...entra, ...agent, AZURE_FEDERATED_TOKEN_FILE: "/token" })).toBe(chain);
    expect(await identity({ ...entra, ...agent }, false)).toBe(keyed.identity);
    expect(await identity(agent)).toBe(keyed.identity);
  });

  test("sends no credential to an endpoint without encryption on another machine", async () => {
    const env = { ...agent, AZURE_STORAGE_SERVICE_ENDPOINT: "http://storage.example/acme" };
    await expect(identity(env)).rejects.toMatchObject({ code: "ERR_CONFIG_INVALID" });
  });

  test("a wrong key is Denied", async () => {
    const adapter = await open({
      env: { BUILDKITE_AZURE_BLOB_ACCESS_KEY: key, AZURE_STORAGE_SERVICE_ENDPOINT: azurite.endpoint },
    });
    await expectKind(adapter.head(parseKey("a"), ctx), "Denied");
  });
});
