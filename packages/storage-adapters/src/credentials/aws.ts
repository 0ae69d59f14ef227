// SPDX-License-Identifier: Apache-2.0
// Who this job is to AWS: first the role that its own Buildkite identity token may assume, with a fresh token at each
// renewal (the tokens live minutes, the uploads may live hours); then what the SDK finds; then the agent's variables.
import { STSClient, AssumeRoleWithWebIdentityCommand } from "@aws-sdk/client-sts";
import { isKitesealError, KitesealError, retry } from "@kiteseal/core/store";
import type { Context, TokenSource } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { AdapterOptions } from "../adapter.ts";
import { present, readAgentS3 } from "../agent-env.ts";
import { unsafeAddressReason } from "../exchange.ts";
import { codeOf, s3Error } from "../s3/errors.ts";
import { BoundedHandler } from "../s3/handler.ts";

export const AWS_AUDIENCE = "sts.amazonaws.com";
/** Of STS. Without a byte in either direction. */
const IDLE_MS = 30_000;
const PACE = { attempts: 4, baseMs: 500, maxWaitMs: 10_000 };

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** The SDK asks again five minutes before. */
  readonly expiration?: Date;
}

export interface AwsIdentity {
  readonly credentials: () => Promise<AwsCredentials>;
  /** Others can be had for those that the store calls expired. */
  readonly isRenewable: boolean;
  /** Where the credentials last given came from, or would be looked for; no secret. */
  readonly describe: () => string;
}

export interface AwsOptions extends AdapterOptions {
  /** Longest silence of STS; 30,000 unless given. */
  readonly idleMs?: number;
}

/**
 * KITESEAL_AWS_ROLE_ARN, or AWS_ROLE_ARN unless AWS_WEB_IDENTITY_TOKEN_FILE says whose token belongs to it.
 * `region` is asked when credentials are. Errors of `credentials`: TokenSource's, AdapterError Denied, Transient.
 * Throws ERR_STORE_URL for an AWS_ENDPOINT_URL_STS that no token may be sent to.
 */
export function createAwsIdentity(options: AwsOptions, region: () => Promise<string>): AwsIdentity {
  const identity = findIdentity(options, region);
  return {
    ...identity,
    credentials: async () => {
      const found = await identity.credentials();
      for (const value of [found.secretAccessKey, found.sessionToken ?? ""]) options.onSecret?.(value);
      return found;
    },
  };
}

function findIdentity(options: AwsOptions, region: () => Promise<string>): AwsIdentity {
  const { env, tokens } = options;
  const declared = present(env, "AWS_WEB_IDENTITY_TOKEN_FILE") === undefined ? ["AWS_ROLE_ARN"] : [];
  const role = present(env, "KITESEAL_AWS_ROLE_ARN", ...declared);
  if (role !== undefined && tokens !== undefined) {
    checkEndpoint(present(env, "AWS_ENDPOINT_URL_STS"));
    return {
      credentials: () => assumeRole({ role, tokens, options, region }),
      isRenewable: true,
      describe: () => `the role ${role} by this job's identity token`,
    };
  }
  const fixed = present(env, "AWS_PROFILE") === undefined ? fixedCredentials(env) : undefined;
  if (fixed !== undefined) {
    return {
      credentials: () => Promise.resolve(fixed),
      isRenewable: false,
      describe: () => keyText(fixed, "AWS_ACCESS_KEY_ID"),
    };
  }
  const agent = readAgentS3(env);
  // Its connections are those of the clients that the SDK makes to assume a role.
  const chain = new STSClient({
    region,
    requestHandler: handlerOf(options),
    ...(agent.profile === undefined ? {} : { profile: agent.profile }),
  }).config;
  let source = "what the AWS SDK finds";
  return {
    isRenewable: false,
    credentials: async () => {
      try {
        return await chain.credentials();
      } catch (error) {
        if (agent.credentials === undefined) throw error;
        source = keyText(agent.credentials, "BUILDKITE_S3_ACCESS_KEY_ID");
        return agent.credentials;
      }
    },
    describe: () => source,
  };
}

function checkEndpoint(endpoint: string | undefined): void {
  const unsafe = endpoint === undefined ? undefined : unsafeAddressReason(endpoint);
  if (unsafe === undefined) return;
  throw new KitesealError("ERR_STORE_URL", `AWS_ENDPOINT_URL_STS cannot be used: ${unsafe}`, {
    hint: "write AWS_ENDPOINT_URL_STS=https://HOST, without credentials",
  });
}

function handlerOf({ idleMs }: AwsOptions): BoundedHandler {
  return new BoundedHandler(idleMs ?? IDLE_MS);
}

/** The first letters of a key tell its kind (AKIA: of a user; ASIA: temporary), the rest is nobody's business. */
function keyText({ accessKeyId, sessionToken }: AwsCredentials, variable: string): string {
  return `the ${sessionToken === undefined ? "static" : "temporary"} key ${accessKeyId.slice(0, 4)}… of ${variable}`;
}

/** The first thing that the SDK would find, taken from the environment that was given instead of the process's. */
function fixedCredentials(env: AdapterOptions["env"]): AwsCredentials | undefined {
  const accessKeyId = present(env, "AWS_ACCESS_KEY_ID");
  const secretAccessKey = present(env, "AWS_SECRET_ACCESS_KEY");
  const sessionToken = present(env, "AWS_SESSION_TOKEN");
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

interface Assumption {
  readonly role: string;
  readonly tokens: TokenSource;
  readonly options: AwsOptions;
  readonly region: () => Promise<string>;
}

async function assumeRole(assumption: Assumption): Promise<AwsCredentials> {
  const ctx: Context = { now: () => assumption.options.now() };
  return retry(
    () => assumeOnce(assumption, ctx),
    {
      ...PACE,
      again: (outcome) =>
        !outcome.ok && outcome.error instanceof AdapterError && ["Transient", "Throttled"].includes(outcome.error.kind),
    },
    ctx,
  );
}

async function assumeOnce({ role, tokens, options, region }: Assumption, ctx: Context): Promise<AwsCredentials> {
  const token = await tokens(AWS_AUDIENCE, ctx);
  const endpoint = present(options.env, "AWS_ENDPOINT_URL_STS");
  const sts = new STSClient({
    region,
    maxAttempts: 1,
    requestHandler: handlerOf(options),
    // Those of the shared files.
    ignoreConfiguredEndpointUrls: true,
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  const job = present(options.env, "BUILDKITE_JOB_ID")?.replaceAll(/[^\w+=,.@-]/g, "-") ?? "job";
  try {
    const { Credentials: given } = await sts.send(
      new AssumeRoleWithWebIdentityCommand({
        RoleArn: role,
        RoleSessionName: `buildkite-${job}`.slice(0, 64),
        WebIdentityToken: token,
      }),
    );
    if (given?.AccessKeyId === undefined || given.SecretAccessKey === undefined) {
      throw new AdapterError("Transient", "AWS STS answered without credentials");
    }
    return {
      accessKeyId: given.AccessKeyId,
      secretAccessKey: given.SecretAccessKey,
      ...(given.SessionToken === undefined ? {} : { sessionToken: given.SessionToken }),
      ...(given.Expiration === undefined ? {} : { expiration: given.Expiration }),
    };
  } catch (error) {
    if (isKitesealError(error)) throw error;
    throw roleError(error, role, ctx);
  }
}

function roleError(error: unknown, role: string, ctx: Context): unknown {
  const said = s3Error(error, { doing: "assuming the role", subject: role }, ctx);
  if (codeOf(error) === "IDPCommunicationError") {
    return new AdapterError("Transient", "AWS STS could not reach the issuer of Buildkite's tokens");
  }
  if (!(said instanceof AdapterError) || ["Transient", "Throttled"].includes(said.kind)) return said;
  return new AdapterError("Denied", said.message, {
    hint: `the role must trust https://agent.buildkite.com with audience ${AWS_AUDIENCE} and this job's subject`,
  });
}
