// SPDX-License-Identifier: Apache-2.0
// Who this process is to Azure Blob Storage. In order: this job's own identity token, exchanged at Microsoft Entra ID
// for each renewal anew; the agent's BUILDKITE_AZURE_BLOB_* variables, unless a platform announces an identity; what the
// SDK's chain finds. Keys and signatures are handed to the SDK and appear in no message. Design §6 "Keyless credentials first".
import { BlobServiceClient, ContainerSASPermissions, StorageSharedKeyCredential } from "@azure/storage-blob";
import type { BlobClient, StoragePipelineOptions } from "@azure/storage-blob";
import type { TokenCredential } from "@azure/identity";
import { KitesealError, quote } from "@kiteseal/core/store";
import type { Context, TokenSource } from "@kiteseal/core/store";
import { unsafeAddressReason } from "../exchange.ts";
import { trimmed } from "../agent-env.ts";

/** The audience that Microsoft Entra ID expects of a federated token. */
const AUDIENCE = "api://AzureADTokenExchange";
const STORAGE_SCOPE = "https://storage.azure.com/.default";
/** Signed for one server-side copy. */
const COPY_SIGNATURE_MS = 15 * 60 * 1000;
/** The clock of the service may be behind. */
const SKEW_MS = 5 * 60 * 1000;

/** Variables with which a platform announces an identity to the SDK's chain. */
const ANNOUNCED = [
  "AZURE_CLIENT_SECRET",
  "AZURE_CLIENT_CERTIFICATE_PATH",
  "AZURE_FEDERATED_TOKEN_FILE",
  "IDENTITY_ENDPOINT",
  "MSI_ENDPOINT",
];

export interface AzureAccess {
  readonly service: BlobServiceClient;
  /** For findings: which of the ways it is, never a secret. */
  readonly identity: string;
  /** How a copy inside the account may read its source; undefined: it cannot. */
  copySource(source: BlobClient, ctx: Context): Promise<CopySource | undefined>;
}

export interface CopySource {
  /** May hold a signature. */
  readonly url: string;
  readonly sourceAuthorization?: { readonly scheme: string; readonly value: string };
}

export interface AzureAccessRequest {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly tokens?: TokenSource | undefined;
  readonly onSecret?: ((value: string) => void) | undefined;
  /** `https://ACCOUNT.blob.core.windows.net`. */
  readonly origin: string;
  now(): Date;
}

/** Each request is tried once: trying again is for transfer/ to decide. */
const PIPELINE: StoragePipelineOptions = { retryOptions: { maxTries: 1 } };

/** Errors: ERR_CONFIG_INVALID for settings that contradict the address or each other. */
export async function createAzureAccess(request: AzureAccessRequest): Promise<AzureAccess> {
  const { env } = request;
  const [tenant, client] = [trimmed(env["AZURE_TENANT_ID"]), trimmed(env["AZURE_CLIENT_ID"])];
  const announced = ANNOUNCED.some((name) => trimmed(env[name]) !== undefined);
  if (request.tokens !== undefined && tenant !== undefined && client !== undefined && !announced) {
    return await federated(request, { tenant, client, tokens: request.tokens });
  }
  const secret = trimmed(env["AZURE_CLIENT_SECRET"]);
  if (tenant !== undefined && client !== undefined && secret !== undefined) {
    return await byClientSecret(request, { tenant, client, secret });
  }
  // A chain without a sign that it will find something asks the network first, which takes seconds where there is nothing.
  if (!announced) {
    const connection = trimmed(env["BUILDKITE_AZURE_BLOB_CONNECTION_STRING"]);
    if (connection !== undefined) return fromConnectionString(request, connection);
    const key = trimmed(env["BUILDKITE_AZURE_BLOB_ACCESS_KEY"]);
    if (key !== undefined) return fromAccessKey(request, key);
  }
  const { DefaultAzureCredential } = await import("@azure/identity");
  return withToken(
    request,
    configured(() => new DefaultAzureCredential()),
    "the SDK's own chain (DefaultAzureCredential)",
  );
}

async function federated(
  request: AzureAccessRequest,
  application: { tenant: string; client: string; tokens: TokenSource },
): Promise<AzureAccess> {
  const { tenant, client, tokens } = application;
  const { ClientAssertionCredential } = await import("@azure/identity");
  let refused: unknown;
  // The SDK asks more than once for each exchange; one token of the job serves one exchange.
  let minted: Promise<string> | undefined;
  const assertion = async (): Promise<string> => {
    try {
      minted ??= tokens(AUDIENCE, { now: () => request.now() });
      return await minted;
    } catch (error) {
      refused = error;
      throw error;
    }
  };
  const options = authorityOptions(request);
  const credential = configured(() => new ClientAssertionCredential(tenant, client, assertion, options));
  // The SDK wraps what the assertion threw; why this job has no token is the better thing to say.
  const told: TokenCredential = {
    getToken: async (scopes, options) => {
      refused = undefined;
      minted = undefined;
      try {
        return await credential.getToken(scopes, options);
      } catch (error) {
        throw refused ?? error;
      }
    },
  };
  return withToken(
    request,
    told,
    `application ${quote(client)} of tenant ${quote(tenant)}, trusted for this Buildkite job`,
  );
}

/** As the SDK's chain would, from the environment that was given instead of the process's. */
async function byClientSecret(
  request: AzureAccessRequest,
  application: { tenant: string; client: string; secret: string },
): Promise<AzureAccess> {
  const { tenant, client, secret } = application;
  const { ClientSecretCredential } = await import("@azure/identity");
  const options = authorityOptions(request);
  const credential = configured(() => new ClientSecretCredential(tenant, client, secret, options));
  return withToken(request, credential, `application ${quote(client)} of tenant ${quote(tenant)}, by its secret`);
}

/** What the SDK refuses when it is built is in the settings; its words are not ours to repeat. */
function configured<T>(build: () => T): T {
  try {
    return build();
  } catch {
    throw new KitesealError(
      "ERR_CONFIG_INVALID",
      "AZURE_TENANT_ID, AZURE_CLIENT_ID or AZURE_AUTHORITY_HOST cannot be used: expected two identifiers and an https address",
    );
  }
}

function authorityOptions({ env }: AzureAccessRequest): { authorityHost?: string; disableInstanceDiscovery: boolean } {
  const authority = trimmed(env["AZURE_AUTHORITY_HOST"]);
  return {
    ...(authority === undefined ? {} : { authorityHost: authority }),
    disableInstanceDiscovery: authority !== undefined,
  };
}

function withToken(request: AzureAccessRequest, source: TokenCredential, identity: string): AzureAccess {
  const credential: TokenCredential = {
    getToken: async (scopes, options) => {
      const token = await source.getToken(scopes, options);
      if (token !== null) request.onSecret?.(token.token);
      return token;
    },
  };
  const endpoint = trimmed(request.env["AZURE_STORAGE_SERVICE_ENDPOINT"]) ?? request.origin;
  assertSafe(endpoint, "AZURE_STORAGE_SERVICE_ENDPOINT");
  return {
    service: new BlobServiceClient(endpoint, credential, PIPELINE),
    identity,
    copySource: async (source, ctx) => {
      const token = await credential.getToken(
        STORAGE_SCOPE,
        ctx.signal === undefined ? {} : { abortSignal: ctx.signal },
      );
      if (token === null) return undefined;
      return { url: source.url, sourceAuthorization: { scheme: "Bearer", value: token.token } };
    },
  };
}

function fromConnectionString(request: AzureAccessRequest, connection: string): AzureAccess {
  const variable = "BUILDKITE_AZURE_BLOB_CONNECTION_STRING";
  let service: BlobServiceClient;
  try {
    service = BlobServiceClient.fromConnectionString(connection, PIPELINE);
  } catch {
    // The SDK's message may quote the string, which holds the key.
    throw new KitesealError("ERR_CONFIG_INVALID", `${variable} is not a connection string of a storage account`);
  }
  assertSafe(service.url.replace(/\?.*$/s, ""), variable);
  const account = accountOf(request.origin);
  if (service.accountName !== account) {
    throw new KitesealError(
      "ERR_CONFIG_INVALID",
      `${variable} is of the account ${quote(service.accountName)}: expected ${quote(account)}`,
    );
  }
  if (service.credential instanceof StorageSharedKeyCredential)
    return withKey(request, service, `the key of account ${quote(account)}`);
  return {
    service,
    identity: `a shared access signature of account ${quote(account)}`,
    copySource: async (source) => ({ url: source.url }),
  };
}

function fromAccessKey(request: AzureAccessRequest, key: string): AzureAccess {
  const endpoint = trimmed(request.env["AZURE_STORAGE_SERVICE_ENDPOINT"]) ?? request.origin;
  assertSafe(endpoint, "AZURE_STORAGE_SERVICE_ENDPOINT");
  const account = accountOf(request.origin);
  const credential = new StorageSharedKeyCredential(account, key);
  return withKey(
    request,
    new BlobServiceClient(endpoint, credential, PIPELINE),
    `the key of account ${quote(account)}`,
  );
}

function withKey(request: AzureAccessRequest, service: BlobServiceClient, identity: string): AzureAccess {
  return {
    service,
    identity,
    copySource: async (source, ctx) => {
      const now = ctx.now().getTime();
      const url = await source.generateSasUrl({
        permissions: ContainerSASPermissions.parse("r"),
        startsOn: new Date(now - SKEW_MS),
        expiresOn: new Date(now + COPY_SIGNATURE_MS),
      });
      request.onSecret?.(new URL(url).searchParams.get("sig") ?? "");
      return { url };
    },
  };
}

function accountOf(origin: string): string {
  return new URL(origin).hostname.split(".", 1)[0] ?? "";
}

function assertSafe(address: string, variable: string): void {
  const unsafe = unsafeAddressReason(address);
  if (unsafe === undefined) return;
  throw new KitesealError("ERR_CONFIG_INVALID", `the address in ${variable} cannot be used: ${unsafe}`);
}
