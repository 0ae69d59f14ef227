// SPDX-License-Identifier: Apache-2.0
// Who Kiteseal is to Google Cloud. First the Buildkite job itself (workload identity federation: a fresh identity token
// for each exchange, no file), then GOOGLE_APPLICATION_CREDENTIALS, then the agent's BUILDKITE_GS_… variables, then the
// rest of the SDK's chain (gcloud's file, the metadata server). A token or key is only ever sent to https://….googleapis.com
// or to this machine: the SDK does not check where a credentials file sends it, so that is done here. Design §6, reference/storage.md §1.2.
import { readFile } from "node:fs/promises";
import type { StorageOptions } from "@google-cloud/storage";
import { AwsClient, IdentityPoolClient, PluggableAuthClient } from "google-auth-library";
import type { AwsClientOptions, IdentityPoolClientOptions, PluggableAuthClientOptions } from "google-auth-library";
import { KitesealError, quote } from "@kiteseal/core/store";
import type { AdapterOptions } from "../adapter.ts";
import { present } from "../agent-env.ts";
import { LOOPBACK } from "../url.ts";

export type GoogleCredentials = NonNullable<StorageOptions["credentials"]>;

/** With neither `client` nor `credentials` the SDK looks for itself. */
export interface GcpIdentity {
  /** For doctor and messages; never a secret. */
  readonly description: string;
  /** Built by its constructor: the SDK's ways from JSON warn on the console. */
  readonly client?: NonNullable<StorageOptions["authClient"]>;
  readonly credentials?: GoogleCredentials;
}

/**
 * `KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER`: projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/NAME.
 * `KITESEAL_GCP_SERVICE_ACCOUNT`: to impersonate; without it the principal of the pool itself is used.
 * `KITESEAL_GCP_TOKEN_URL`, `KITESEAL_GCP_IMPERSONATION_URL`: other addresses of the two services.
 */
const PROVIDER =
  /^projects\/\d{1,20}\/locations\/global\/workloadIdentityPools\/[a-z0-9-]{1,64}\/providers\/[a-z0-9-]{1,64}$/;
const ACCOUNT = /^[a-z0-9-]{1,63}@[a-z0-9.-]{1,120}\.gserviceaccount\.com$/;
const MAX_FILE_BYTES = 65_536;

/** Errors: ERR_CONFIG_INVALID, ERR_UNREADABLE. */
export async function findGcpIdentity(options: AdapterOptions): Promise<GcpIdentity> {
  const { env } = options;
  const provider = present(env, "KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER");
  if (provider !== undefined) return federated(provider, options);
  const google = present(env, "GOOGLE_APPLICATION_CREDENTIALS");
  if (google !== undefined) return fromFile(google, "GOOGLE_APPLICATION_CREDENTIALS");
  const json = present(env, "BUILDKITE_GS_APPLICATION_CREDENTIALS_JSON");
  if (json !== undefined) return fromJson(json, "BUILDKITE_GS_APPLICATION_CREDENTIALS_JSON");
  const agent = present(env, "BUILDKITE_GS_APPLICATION_CREDENTIALS");
  if (agent !== undefined) return fromFile(agent, "BUILDKITE_GS_APPLICATION_CREDENTIALS");
  return { description: "the SDK's default chain" };
}

async function federated(provider: string, options: AdapterOptions): Promise<GcpIdentity> {
  const { env, tokens } = options;
  if (!PROVIDER.test(provider)) {
    throw invalid(`KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER is ${quote(provider)}`, {
      hint: "write projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/NAME, with the project's number",
    });
  }
  if (tokens === undefined) {
    throw invalid(
      "KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER is set, and this is not a Buildkite job with identity tokens",
      {
        hint: "unset it outside of jobs: other credentials are then looked for",
      },
    );
  }
  const audience = `//iam.googleapis.com/${provider}`;
  const account = present(env, "KITESEAL_GCP_SERVICE_ACCOUNT");
  if (account !== undefined && !ACCOUNT.test(account)) {
    throw invalid(`KITESEAL_GCP_SERVICE_ACCOUNT is ${quote(account)}`, {
      hint: "write NAME@PROJECT.iam.gserviceaccount.com",
    });
  }
  const tokenUrl = present(env, "KITESEAL_GCP_TOKEN_URL") ?? "https://sts.googleapis.com/v1/token";
  const iam = present(env, "KITESEAL_GCP_IMPERSONATION_URL") ?? "https://iamcredentials.googleapis.com/v1";
  const impersonation =
    account === undefined ? undefined : `${iam}/projects/-/serviceAccounts/${account}:generateAccessToken`;
  for (const url of [tokenUrl, ...(impersonation === undefined ? [] : [impersonation])])
    requireGoogle(url, "KITESEAL_GCP_…");
  const client = new IdentityPoolClient({
    type: "external_account",
    audience,
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    token_url: tokenUrl,
    ...(impersonation === undefined ? {} : { service_account_impersonation_url: impersonation }),
    // Asked at each exchange, so a renewal in a long job has a token of its own.
    subject_token_supplier: { getSubjectToken: () => tokens(audience, { now: () => options.now() }) },
  });
  return {
    description: `this Buildkite job, through ${provider}${account === undefined ? "" : `, as ${account}`}`,
    client,
  };
}

async function fromFile(path: string, variable: string): Promise<GcpIdentity> {
  let json: string;
  try {
    json = await readFile(path, "utf8");
  } catch (cause) {
    throw new KitesealError("ERR_UNREADABLE", `the file ${quote(path)}, named by ${variable}, cannot be read`, {
      cause,
    });
  }
  return fromJson(json, variable);
}

/** Known: what the SDK makes of a credentials file. */
const TYPES = [
  "service_account",
  "authorized_user",
  "external_account",
  "external_account_authorized_user",
  "impersonated_service_account",
];

async function fromJson(json: string, variable: string): Promise<GcpIdentity> {
  let credentials: unknown;
  try {
    if (json.length > MAX_FILE_BYTES) throw new RangeError(`over ${MAX_FILE_BYTES} characters`);
    credentials = JSON.parse(json);
  } catch {
    // Without a cause: a JSON error quotes what it could not parse, and that is a key.
    throw invalid(`${variable} holds no credentials`, { hint: "it must be the JSON of a Google credentials file" });
  }
  if (!isCredentials(credentials)) {
    throw invalid(`${variable} holds credentials of an unknown type`, { hint: `known: ${TYPES.join(", ")}` });
  }
  for (const url of addresses(credentials)) requireGoogle(url, variable);
  const description = `${credentials.type} of ${variable}`;
  if (credentials.type !== "external_account") return { description, credentials };
  try {
    return { description, client: await externalClient(credentials) };
  } catch {
    // Without a cause, as above.
    throw invalid(`${variable} holds an external_account that the SDK refuses`, {
      hint: "let gcloud write the file anew",
    });
  }
}

type ExternalClient = NonNullable<StorageOptions["authClient"]>;

/** As the SDK chooses: by where the subject token comes from. */
async function externalClient(credentials: unknown): Promise<ExternalClient> {
  if (isAws(credentials)) return new AwsClient(credentials);
  if (isExecutable(credentials)) return new PluggableAuthClient(credentials);
  if (isIdentityPool(credentials)) return new IdentityPoolClient(credentials);
  throw invalid("an external_account has no credential_source", { hint: "let gcloud write the file anew" });
}

function isAws(value: unknown): value is AwsClientOptions {
  return "environment_id" in credentialSource(value);
}

function isExecutable(value: unknown): value is PluggableAuthClientOptions {
  return "executable" in credentialSource(value);
}

function isIdentityPool(value: unknown): value is IdentityPoolClientOptions {
  return Object.keys(credentialSource(value)).length > 0;
}

function credentialSource(value: unknown): object {
  if (typeof value !== "object" || value === null || !("credential_source" in value)) return {};
  return typeof value.credential_source === "object" ? (value.credential_source ?? {}) : {};
}

function isCredentials(value: unknown): value is GoogleCredentials & { type: string } {
  return typeof value === "object" && value !== null && "type" in value && TYPES.some((type) => type === value.type);
}

/** Every address in it that is sent a token or key. Where a subject token comes from is the operator's business. */
function addresses(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    if (name === "credential_source") return [];
    if (typeof inner === "object") return addresses(inner);
    return typeof inner === "string" && /^(?:token_(?:url|uri|info_url)|service_account_impersonation_url)$/.test(name)
      ? [inner]
      : [];
  });
}

/** https below googleapis.com, or this machine. */
function requireGoogle(address: string, variable: string): void {
  const url = URL.parse(address);
  const loopback = url !== null && LOOPBACK.test(url.hostname);
  const google = url?.protocol === "https:" && url.port === "" && url.hostname.endsWith(".googleapis.com");
  if (url !== null && (google || loopback) && url.username === "" && url.password === "") return;
  throw invalid(`${variable} sends credentials to ${quote(url?.host ?? "an address that is no URL")}`, {
    hint: "only https://….googleapis.com may see them; whoever wrote that file could have taken them",
  });
}

function invalid(message: string, options: { hint: string }): KitesealError {
  return new KitesealError("ERR_CONFIG_INVALID", message, options);
}
