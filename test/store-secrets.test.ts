// SPDX-License-Identifier: Apache-2.0
// No credential of a store is in what publish, verify and doctor print or write: not when all is well, and not when the
// store refuses, fails or breaks off, and repeats in its reply everything that it was sent. Of the stores' protocols these
// are doubles; the credentials are planted.
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "@kiteseal/sandbox";
import { startArtifactoryDouble } from "./doubles/artifactory/server.ts";
import { startAzureDouble } from "./doubles/azure/server.ts";
import { startGcsDouble } from "./doubles/gcs/server.ts";
import { ACCESS_KEY, startS3Double } from "./doubles/s3/server.ts";
import { runInProcess } from "./support/main.ts";
import { encodings } from "./support/encodings.ts";
import { expectNoneOf } from "./support/planted.ts";
import type { Ended } from "./support/program.ts";

/** Large enough for a resumable session of Google's. */
const ARTIFACT_BYTES = 9 * 1_048_576;
const PROVIDER = "projects/1/locations/global/workloadIdentityPools/buildkite/providers/buildkite";

let work: string;
let sandbox: Sandbox;
let closing: (() => Promise<void>)[];

beforeEach(async () => {
  closing = [];
  work = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-store-secrets-")));
  sandbox = await startSandbox({ stateDir: join(work, "state"), job: { organization: "acme", pipeline: "app" } });
  await writeFile(join(work, "app"), Buffer.alloc(ARTIFACT_BYTES, 7));
});

afterEach(async () => {
  for (const close of closing.toReversed()) await close();
  await sandbox.close();
  await rm(work, { recursive: true });
});

function open<T extends { close(): Promise<void> }>(server: T): T {
  closing.push(() => server.close());
  return server;
}

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.length < 4 && chunks.push(chunk));
    request.on("end", () => answer(request, response, Buffer.concat(chunks).toString("latin1")));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no address");
  return `http://127.0.0.1:${address.port}`;
}

type Failure = "denied" | "failing" | "breaking off";
const FAILURES: readonly Failure[] = ["denied", "failing", "breaking off"];

/** What an exchange of identity tokens gives. */
const ISSUED = "planted-issued-access-token-b2f9a4c7";

/** A server that refuses and repeats what it was sent, in the words of each store; `seen` is what that was. */
async function parrot(failure: Failure, seen: string[]): Promise<string> {
  return serve((request, response, body) => {
    // The most secret first, since messages are cut; alone in its first word, since words are what is recognised.
    const { authorization = "", "x-amz-security-token": session = "" } = request.headers;
    const first = session === "" ? authorization.replace(/^\w+ /, "") : String(session);
    const said = `${first} ${request.url} ${request.rawHeaders.join(" ")} ${body.slice(0, 4000)}`;
    seen.push(said);
    if (request.url === "/access/api/v1/oidc/token") {
      const issued = { access_token: ISSUED, expires_in: 3600, token_type: "Bearer" };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(issued));
      return;
    }
    if (failure === "breaking off") {
      response.destroy();
      return;
    }
    const status = failure === "denied" ? 403 : 500;
    const text = said.replaceAll(/[<>&]/g, " ");
    const isJson = /^\/(?:artifactory|storage|upload)/.test(request.url ?? "");
    const errors = [{ status, message: said, domain: "global", reason: "forbidden" }];
    const json = JSON.stringify({ errors, error: { code: status, message: said, errors } });
    const code = failure === "denied" ? "SignatureDoesNotMatch" : "InternalError";
    const xml = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${text}</Message><StringToSign>${text}</StringToSign></Error>`;
    response.writeHead(status, { "content-type": isJson ? "application/json" : "application/xml" });
    response.end(request.method === "HEAD" ? "" : isJson ? json : xml);
  });
}

/** A store with planted credentials; `failing` is the same store where every request ends at `url`. */
interface Planted {
  readonly to: string;
  readonly env: Readonly<Record<string, string>>;
  failing(url: string): Readonly<Record<string, string>>;
  /** Read after the run: some are made during it. */
  secrets(): readonly string[];
}

async function s3Keys(): Promise<Planted> {
  const double = open(await startS3Double());
  const secret = "planted/aws+secret/9f27c1d04e";
  const session = "planted-aws-session//token+3ac51bb0==";
  const env = {
    AWS_ENDPOINT_URL_S3: double.endpoint,
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_SESSION_TOKEN: session,
  };
  return {
    to: `s3://${double.bucketName}/releases/{build}`,
    env,
    failing: (url) => ({ ...env, AWS_ENDPOINT_URL_S3: url }),
    secrets: () => [secret, session],
  };
}

async function s3Role(): Promise<Planted> {
  const double = open(await startS3Double());
  const secret = "planted/sts+secret/77b03e5a1c";
  const session = "planted-sts-session//token+e81d02aa==";
  const sts = await serve((_, response) => {
    response.writeHead(200, { "content-type": "text/xml" });
    response.end(
      `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${ACCESS_KEY}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>${session}</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    );
  });
  const env = {
    AWS_ENDPOINT_URL_S3: double.endpoint,
    AWS_ENDPOINT_URL_STS: sts,
    KITESEAL_AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/publisher",
  };
  return {
    to: `s3://${double.bucketName}/releases/{build}`,
    env,
    failing: (url) => ({ ...env, AWS_ENDPOINT_URL_S3: url }),
    secrets: () => [secret, session],
  };
}

async function googleFederation(): Promise<Planted> {
  const accessToken = "ya29.planted-google-access-token-4c90d7";
  const double = open(await startGcsDouble({ tokens: [accessToken] }));
  const env = {
    KITESEAL_GCS_ENDPOINT: double.url,
    KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER: PROVIDER,
    KITESEAL_GCP_TOKEN_URL: await serve((_, response) => {
      const token = { access_token: accessToken, token_type: "Bearer", expires_in: 3600 };
      const issued = { ...token, issued_token_type: "urn:ietf:params:oauth:token-type:access_token" };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(issued));
    }),
  };
  return {
    to: "gs://bucket/releases/{build}",
    env,
    failing: (url) => ({ ...env, KITESEAL_GCS_ENDPOINT: url }),
    secrets: () => {
      const sessions = double.requests.flatMap(({ url }) => /[?&]upload_id=([^&]+)/.exec(url)?.[1] ?? []);
      return [accessToken, ...new Set(sessions)];
    },
  };
}

async function azure(credentials: "key" | "signature"): Promise<Planted> {
  const double = open(await startAzureDouble());
  const key = /AccountKey=([^;]*)/.exec(double.connectionString)?.[1] ?? "";
  const signature = "planted+azure/signature-5e2c8f01=";
  const connection = (endpoint: string): string =>
    credentials === "key"
      ? `DefaultEndpointsProtocol=http;AccountName=${double.account};AccountKey=${key};BlobEndpoint=${endpoint};`
      : `BlobEndpoint=${endpoint};SharedAccessSignature=sv=2026-02-06&sp=racwdl&sig=${encodeURIComponent(signature)}`;
  return {
    to: `https://${double.account}.blob.core.windows.net/${double.container}/releases/{build}`,
    env: { BUILDKITE_AZURE_BLOB_CONNECTION_STRING: connection(double.endpoint) },
    failing: (url) => ({ BUILDKITE_AZURE_BLOB_CONNECTION_STRING: connection(`${url}/${double.account}`) }),
    secrets: () => [credentials === "key" ? key : signature],
  };
}

async function artifactory(credentials: "password" | "token" | "exchange"): Promise<Planted> {
  const double = open(await startArtifactoryDouble());
  const password = "planted artifactory password 1d7e";
  const basic = Buffer.from(`ci:${password}`).toString("base64");
  double.logins.clear();
  double.logins.add(`Basic ${basic}`).add(`Bearer ${ISSUED}`);
  double.permissions.delete = true;
  // Whatever this job's tokens are.
  Object.assign(double.subjectTokens, { has: () => true });
  const how = {
    password: { BUILDKITE_ARTIFACTORY_USER: "ci", BUILDKITE_ARTIFACTORY_PASSWORD: password },
    token: { KITESEAL_ARTIFACTORY_ACCESS_TOKEN: ISSUED },
    exchange: { KITESEAL_ARTIFACTORY_OIDC_PROVIDER: "buildkite" },
  }[credentials];
  return {
    to: `rt://${double.repository}/releases/{build}`,
    env: { BUILDKITE_ARTIFACTORY_URL: double.url, ...how },
    failing: (url) => ({ BUILDKITE_ARTIFACTORY_URL: `${url}/artifactory`, ...how }),
    secrets: () => {
      const bearers = [...double.logins].flatMap((login) => /^Bearer (.*)$/.exec(login)?.[1] ?? []);
      return credentials === "password" ? [password, basic] : bearers;
    },
  };
}

const STORES: readonly (readonly [string, () => Promise<Planted>])[] = [
  ["S3 with static keys and a session token", s3Keys],
  ["S3 with a role by the job's token", s3Role],
  ["Google Cloud Storage by the job's token, with resumable sessions", googleFederation],
  ["Azure with the account's key", () => azure("key")],
  ["Azure with a shared access signature", () => azure("signature")],
  ["Artifactory with a password", () => artifactory("password")],
  ["Artifactory with an access token", () => artifactory("token")],
  ["Artifactory by the job's token", () => artifactory("exchange")],
];

function run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const all = { PATH: "/usr/bin:/bin", ...sandbox.jobEnv(env) };
  return runInProcess({ args: [...args, "--debug"], cwd: work, env: all });
}

const SIGNER = ["--org", "acme", "--pipeline", "app", "--any-ref"];

function verify(target: string, env: Readonly<Record<string, string>>): Promise<Ended> {
  return run(["verify", target, "--trusted-root", sandbox.trustedRootPath, ...SIGNER, "--format", "json"], env);
}

/** What the store's owner and the platform gave, and what was made of it. */
function everySecret(planted: readonly string[]): readonly string[] {
  const { BUILDKITE_AGENT_ACCESS_TOKEN: agent = "", BUILDKITE_AGENT_JOB_API_TOKEN: jobApi = "" } = sandbox.jobEnv();
  const parts = sandbox.redactions.flatMap((token) => token.split(".").slice(1));
  return [...planted, agent, jobApi, ...sandbox.redactions, ...parts].filter((secret) => secret !== "");
}

async function expectNothingLeft(planted: readonly string[], ended: readonly Ended[]): Promise<void> {
  const secrets = everySecret(planted);
  for (const { stdout, stderr } of ended) {
    expectNoneOf(secrets, stdout, "standard output");
    expectNoneOf(secrets, stderr, "standard error");
  }
  const entries = await readdir(work, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((e) => e.isFile() && e.name !== "app")) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(work.length + 1);
    if (!/^state\/(?:keys\/|job\.env$)/.test(name)) expectNoneOf(secrets, await readFile(path, "latin1"), name);
  }
}

describe.each(STORES)("%s", (_, plant) => {
  test("is used without a word of its credentials", async () => {
    const planted = await plant();
    const published = await run(["publish", "app", "--to", planted.to, "--format", "json"], planted.env);
    expect(published.code, published.stderr).toBe(0);
    const doctor = await run(["doctor", "--store", planted.to, "--format", "json"], planted.env);
    expect([0, 2], doctor.stderr).toContain(doctor.code);
    const [target = ""] = /"url": ?"([^"]*)"/.exec(published.stdout)?.slice(1) ?? [];
    const verified = await verify(target, planted.env);
    expect(planted.secrets().length).toBeGreaterThan(0);
    await expectNothingLeft(planted.secrets(), [published, doctor, verified]);
  });
});

/** All at once: most of the time is spent waiting for another attempt. */
test("what stores repeat is not repeated", async () => {
  const seen: string[] = [];
  const runs = STORES.flatMap(([name, plant]) => FAILURES.map((failure) => ({ name, plant, failure })));
  const all = await Promise.all(
    runs.map(async ({ name, plant, failure }) => {
      const planted = await plant();
      const env = planted.failing(await parrot(failure, seen));
      const ended = await Promise.all([
        run(["publish", "app", "--to", planted.to, "--format", "json"], env),
        run(["doctor", "--store", planted.to, "--format", "json"], env),
        run(["doctor", "--store", planted.to], env),
        verify(planted.to.replace("{build}", "1/app"), env),
      ]);
      for (const { code, stderr } of ended) expect([2, 20, 21, 30], `${name}, ${failure}: ${stderr}`).toContain(code);
      return { ended, secrets: planted.secrets() };
    }),
  );
  expect(seen.length).toBeGreaterThan(runs.length);
  const secrets = [...new Set([ISSUED, ...all.flatMap((one) => one.secrets)])];
  await expectNothingLeft(
    secrets,
    all.flatMap(({ ended }) => ended),
  );
});

/** The parrot is only worth something if it was told secrets. */
test("what fails has seen the credentials that can be seen", async () => {
  for (const plant of [s3Keys, () => azure("signature"), () => artifactory("token")]) {
    const planted = await plant();
    const seen: string[] = [];
    await run(["doctor", "--store", planted.to], planted.failing(await parrot("denied", seen)));
    const told = seen.join(" ");
    const known = planted.secrets().filter((secret) => encodings(secret).some((form) => told.includes(form)));
    expect(known).not.toEqual([]);
  }
});

describe("an address that is a credential", () => {
  const signature = "planted-signature-of-an-address-c41b";

  /** Redirects to a signed address of another origin, which answers `status` and repeats it. */
  async function signed(status: number): Promise<string> {
    const elsewhere = await serve((request, response) => {
      response.writeHead(status, { "content-length": "3" });
      response.end(request.method === "HEAD" ? "" : status === 200 ? "app" : String(request.url).slice(-3));
    });
    return `${elsewhere}/object?X-Amz-Signature=${signature}`;
  }

  test.each([200, 403, 500])("is shown neither by https nor by rt where it answers %i", async (status) => {
    const location = await signed(status);
    const web = await serve((_, response) => void response.writeHead(302, { location }).end());
    const double = open(await startArtifactoryDouble());
    const env = {
      BUILDKITE_ARTIFACTORY_URL: double.url,
      BUILDKITE_ARTIFACTORY_USER: "ci",
      BUILDKITE_ARTIFACTORY_PASSWORD: "secret-password",
    };
    const to = `rt://${double.repository}/releases/{build}`;
    const published = await run(["publish", "app", "--to", to], env);
    expect(published.code, published.stderr).toBe(0);
    double.redirect = location;
    const ended = await Promise.all([
      verify(`${web}/app`, {}),
      run(["doctor", "--store", `${web}/`], {}),
      verify(to.replace("{build}", "1/app"), env),
    ]);
    await expectNothingLeft([signature], [published, ...ended]);
  });

  test("is refused in --store, and not shown", async () => {
    const ended = await run(["doctor", "--store", `https://acme.blob.core.windows.net/c/?sv=1&sig=${signature}`], {});
    expect(ended.code).toBe(2);
    await expectNothingLeft([signature], [ended]);
  });
});
