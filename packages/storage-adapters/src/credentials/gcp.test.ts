// SPDX-License-Identifier: Apache-2.0
// Federation against DOUBLES of the token exchange, of impersonation and of the store, through the real SDK.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { KitesealError, parseKey } from "@kiteseal/core/store";
import { startSecurityTokenDouble } from "../../../../test/doubles/gcs/security-token.ts";
import type { SecurityTokenDouble, SecurityTokenOptions } from "../../../../test/doubles/gcs/security-token.ts";
import { startGcsDouble } from "../../../../test/doubles/gcs/server.ts";
import type { GcsDouble } from "../../../../test/doubles/gcs/server.ts";
import { putRequest } from "../adapter-contract.testkit.ts";
import type { Adapter, AdapterOptions } from "../adapter.ts";
import { openGcsAdapter } from "../gcs/adapter.ts";
import { gcsAddress } from "../gcs/double.testkit.ts";
import { expectCode, testContext } from "../store-contract.testkit.ts";
import { findGcpIdentity } from "./gcp.ts";

const ctx = testContext();
const key = parseKey("base/a");
const PROVIDER = "projects/123/locations/global/workloadIdentityPools/buildkite/providers/buildkite";
const AUDIENCE = `//iam.googleapis.com/${PROVIDER}`;
const ACCOUNT = "publisher@acme.iam.gserviceaccount.com";
const TOKENS = { accessToken: "ya29.planted-federated-token", impersonatedToken: "ya29.planted-account-token" };

const options = (env: AdapterOptions["env"], tokens?: AdapterOptions["tokens"]): AdapterOptions => ({
  env,
  tokens,
  now: () => ctx.now(),
});

describe("workload identity federation", () => {
  let store: GcsDouble;
  let exchange: SecurityTokenDouble;
  let minted: string[];
  const open = async (
    changes: Partial<SecurityTokenOptions> = {},
    env: AdapterOptions["env"] = {},
  ): Promise<Adapter> => {
    exchange = await startSecurityTokenDouble({ audience: AUDIENCE, expiresInSeconds: 3600, ...TOKENS, ...changes });
    const tokens = (audience: string): Promise<string> => {
      minted.push(`job-token-${minted.length}-for-${audience}`);
      return Promise.resolve(minted.at(-1) ?? "");
    };
    const all = {
      KITESEAL_GCS_ENDPOINT: store.url,
      KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER: PROVIDER,
      KITESEAL_GCP_TOKEN_URL: `${exchange.url}/v1/token`,
      KITESEAL_GCP_IMPERSONATION_URL: exchange.url,
      ...env,
    };
    return await openGcsAdapter(gcsAddress(), options(all, tokens));
  };
  beforeEach(() => {
    minted = [];
  });
  afterEach(async () => {
    await store.close();
    await exchange.close();
  });

  test("exchanges a token of the job, made for the pool, and uses what it gets for metadata and bytes", async () => {
    store = await startGcsDouble({ tokens: [TOKENS.accessToken] });
    const adapter = await open();
    await adapter.putWhole(putRequest(key, "abc"), ctx);
    expect(await adapter.head(key, ctx)).toMatchObject({ size: 3 });
    expect(minted).toEqual([`job-token-0-for-${AUDIENCE}`]);
    expect(exchange.exchanged).toEqual(minted);
  });

  test("impersonates a service account", async () => {
    store = await startGcsDouble({ tokens: [TOKENS.impersonatedToken] });
    const adapter = await open({}, { KITESEAL_GCP_SERVICE_ACCOUNT: ACCOUNT });
    await adapter.putWhole(putRequest(key, "abc"), ctx);
    expect(exchange.impersonated).toEqual([ACCOUNT]);
  });

  test("has a fresh token of the job at each renewal", async () => {
    store = await startGcsDouble({ tokens: [TOKENS.accessToken] });
    const adapter = await open({ expiresInSeconds: 1 });
    await adapter.putWhole(putRequest(key, "abc"), ctx);
    await adapter.head(key, ctx);
    expect(exchange.exchanged.length).toBeGreaterThan(2);
    expect(new Set(exchange.exchanged).size).toBe(exchange.exchanged.length);
  });

  test("that is refused is denied, and shows no token even if the service repeats it", async () => {
    store = await startGcsDouble({ tokens: [] });
    const adapter = await open({ audience: "another" });
    const error: unknown = await adapter.head(key, ctx).catch((e: unknown) => e);
    expect(error).toMatchObject({ kind: "Denied" });
    expect(inspect(error, { depth: 12, showHidden: true })).not.toContain("job-token");
    expect(await adapter.diagnose(ctx)).toMatchObject([{ id: "gcs.identity", severity: "broken" }]);
  });

  test("whose job has no token fails with the reason of the token source", async () => {
    store = await startGcsDouble();
    exchange = await startSecurityTokenDouble({ audience: AUDIENCE, expiresInSeconds: 1, ...TOKENS });
    const env = { KITESEAL_GCS_ENDPOINT: store.url, KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER: PROVIDER };
    const failing = (): Promise<string> => Promise.reject(new KitesealError("ERR_TOKEN_UNAVAILABLE", "no token"));
    const adapter = await openGcsAdapter(gcsAddress(), options(env, failing));
    await expectCode(adapter.head(key, ctx), "ERR_TOKEN_UNAVAILABLE");
  });
});

describe("credentials", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "kiteseal-gcp-"));
  });
  afterEach(() => rm(directory, { recursive: true }));
  const external = (changes: Readonly<Record<string, string>> = {}): string =>
    JSON.stringify({
      type: "external_account",
      audience: AUDIENCE,
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: "https://sts.googleapis.com/v1/token",
      credential_source: { file: "/nowhere" },
      ...changes,
    });

  test("are looked for in order: the job, GOOGLE_…, the agent's, the SDK's chain", async () => {
    const file = join(directory, "google.json");
    await writeFile(file, external());
    const agent = { BUILDKITE_GS_APPLICATION_CREDENTIALS_JSON: external(), BUILDKITE_GS_APPLICATION_CREDENTIALS: file };
    const google = { ...agent, GOOGLE_APPLICATION_CREDENTIALS: file };
    const job = { ...google, KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER: PROVIDER };
    const described = async (env: AdapterOptions["env"]): Promise<string> =>
      (await findGcpIdentity(options(env, () => Promise.resolve("t")))).description;
    expect(await described(job)).toContain("this Buildkite job");
    expect(await described(google)).toContain("of GOOGLE_APPLICATION_CREDENTIALS");
    expect(await described(agent)).toContain("of BUILDKITE_GS_APPLICATION_CREDENTIALS_JSON");
    expect(await described({ BUILDKITE_GS_APPLICATION_CREDENTIALS: file })).toContain(
      "of BUILDKITE_GS_APPLICATION_CREDENTIALS",
    );
    expect(await described({})).toContain("the SDK");
  });

  test.each([
    ["token_url", "https://sts.googleapis.com.evil.example/v1/token"],
    ["token_url", "http://sts.googleapis.com/v1/token"],
    ["token_url", "https://evil.example/v1/token"],
    ["token_url", "https://user:pw@sts.googleapis.com/v1/token"],
    ["token_url", "https://sts.googleapis.com:8443/v1/token"],
    ["token_url", "nonsense"],
    ["token_uri", "https://evil.example/token"],
    ["token_info_url", "https://evil.example/info"],
    ["service_account_impersonation_url", "https://evil.example/v1/x:generateAccessToken"],
  ])("whose %s is %s are refused", async (name, url) => {
    const env = { BUILDKITE_GS_APPLICATION_CREDENTIALS_JSON: external({ [name]: url }) };
    await expectCode(findGcpIdentity(options(env)), "ERR_CONFIG_INVALID");
  });

  test.each([
    "",
    "{}",
    "[]",
    "null",
    '{"type":"gdch_service_account"}',
    '{"private_key":"planted-key"',
    "x".repeat(70_000),
  ])("that are %.40j are refused without being shown", async (json) => {
    const file = join(directory, "google.json");
    await writeFile(file, json);
    const error = await expectCode(
      findGcpIdentity(options({ GOOGLE_APPLICATION_CREDENTIALS: file })),
      "ERR_CONFIG_INVALID",
    );
    expect(inspect(error, { depth: 9 })).not.toContain("planted-key");
  });

  test("that cannot be read, and a provider or account that is none, are said at once", async () => {
    const missing = { GOOGLE_APPLICATION_CREDENTIALS: join(directory, "missing.json") };
    await expectCode(findGcpIdentity(options(missing)), "ERR_UNREADABLE");
    const tokens = (): Promise<string> => Promise.resolve("t");
    for (const provider of ["buildkite", `//iam.googleapis.com/${PROVIDER}`, `${PROVIDER}/x`]) {
      const env = { KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER: provider };
      await expectCode(findGcpIdentity(options(env, tokens)), "ERR_CONFIG_INVALID");
    }
    const account = {
      KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER: PROVIDER,
      KITESEAL_GCP_SERVICE_ACCOUNT: "x@evil.example/..",
    };
    await expectCode(findGcpIdentity(options(account, tokens)), "ERR_CONFIG_INVALID");
    await expectCode(
      findGcpIdentity(options({ KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER: PROVIDER })),
      "ERR_CONFIG_INVALID",
    );
  });
});
