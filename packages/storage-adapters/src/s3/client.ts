// SPDX-License-Identifier: Apache-2.0
// One bucket and how to speak to it: the SDK's client without its retries and default checksums, on the process-wide
// agents (proxies, CAs), at AWS or at a custom endpoint; and how new objects are to be kept.
import { S3Client } from "@aws-sdk/client-s3";
import type { PutObjectCommandInput } from "@aws-sdk/client-s3";
import { KitesealError, quote, request } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { AdapterOptions, WriteSettings } from "../adapter.ts";
import { present, readAgentS3 } from "../agent-env.ts";
import { createAwsIdentity } from "../credentials/aws.ts";
import { unsafeAddressReason } from "../exchange.ts";
import { stoppable } from "../stoppable.ts";
import type { StoreAddress } from "../url.ts";
import { createDirect } from "./direct.ts";
import type { DirectReply, DirectRequest } from "./direct.ts";
import { codeOf, s3Error } from "./errors.ts";
import type { Operation } from "./errors.ts";
import { BoundedHandler } from "./handler.ts";

const CONNECT_MS = 10_000;
/** Without a byte in either direction. KMS and large completions take seconds, not minutes. */
const IDLE_MS = 120_000;
const DAY_MS = 86_400_000;
const HOME_REGION = "us-east-1";
/** Servers that are not AWS have regions of any name; it becomes part of a host's. */
const LABEL = /^[A-Za-z0-9-]{1,63}$/;
const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d{1,2}$/;

/** The SDK warns on the console otherwise; what fails is thrown. */
const SILENT = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {}

export interface S3Place {
  readonly client: S3Client;
  readonly bucket: string;
  /** Keys below it are ours to probe; empty or ends in "/". */
  readonly base: string;
  /** Not AWS: nothing it should do is believed before it was tried. */
  readonly isCustom: boolean;
  readonly endpoint: string | undefined;
  readonly owner: string | undefined;
  /** Which identity is used, for people. */
  readonly identity: () => string;
  /** Parameters of PutObject, CreateMultipartUpload and CopyObject. */
  writeParameters(now: Date): WriteParameters;
  /** One call, its failure classified. */
  call<T>(operation: Operation, ctx: Context, send: () => Promise<T>): Promise<T>;
  /** One request about an object, its failure classified; what its body throws comes out as it is. */
  send(operation: Operation, request: DirectRequest, ctx: Context): Promise<DirectReply>;
}

export type WriteParameters = Pick<
  PutObjectCommandInput,
  | "ServerSideEncryption"
  | "SSEKMSKeyId"
  | "BucketKeyEnabled"
  | "ObjectLockMode"
  | "ObjectLockRetainUntilDate"
  | "ObjectLockLegalHoldStatus"
>;

export interface S3Options extends AdapterOptions {
  /** Longest silence of the server; 120,000 unless given. */
  readonly idleMs?: number;
}

/** Asks nothing of any server yet. Throws ERR_STORE_URL for an endpoint that cannot be used. */
export function openPlace(address: StoreAddress, options: S3Options): S3Place {
  const agent = readAgentS3(options.env);
  const endpoint =
    present(options.env, "AWS_ENDPOINT_URL_S3") ?? agent.endpoint ?? present(options.env, "AWS_ENDPOINT_URL");
  if (endpoint !== undefined) checkEndpoint(endpoint);
  const region = regionOf(address.bucket, { options, endpoint, agentRegion: agent.region });
  const identity = createAwsIdentity(options, region);
  const client = new S3Client({
    region,
    credentials: identity.credentials,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    // Those of the shared files: what is not AWS would be taken for it.
    ignoreConfiguredEndpointUrls: true,
    maxAttempts: 1,
    cacheMiddleware: true,
    // With agents that are given, the handler sends the header and does not wait for the answer.
    expectContinueHeader: false,
    logger: SILENT,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: new BoundedHandler(options.idleMs ?? IDLE_MS),
  });
  const direct = createDirect(client, {
    bucket: address.bucket,
    connectMs: CONNECT_MS,
    idleMs: options.idleMs ?? IDLE_MS,
  });
  const classified: S3Place["call"] = async (operation, ctx, send) => {
    try {
      return await send();
    } catch (error) {
      if (identity.isRenewable && codeOf(error) === "ExpiredToken") await renew(client, ctx);
      throw s3Error(error, operation, ctx);
    }
  };
  return {
    client,
    bucket: address.bucket,
    base: address.path === "" ? "" : `${address.path}/`,
    isCustom: endpoint !== undefined && !/\.amazonaws\.com(?:\.cn)?$/.test(new URL(endpoint).hostname),
    endpoint,
    owner: options.write?.bucketOwner,
    identity: identity.describe,
    writeParameters: (now) => writeParameters({ ...options.write, isEncrypted: agent.isEncrypted }, now),
    // The SDK looks for credentials before it looks at the signal.
    call: (operation, ctx, send) => classified(operation, ctx, () => stoppable(send(), ctx)),
    send: async (operation, request, ctx) => {
      const failures: unknown[] = [];
      const { body } = request;
      const watched = body && { ...body, open: () => watching(body.open(), failures) };
      try {
        return await classified(operation, ctx, () => direct.send({ ...request, body: watched }, ctx));
      } catch (error) {
        if (failures.length > 0) throw failures[0];
        throw error;
      }
    },
  };
}

/** The store's clock decides when credentials end: the SDK, which goes by its own, is told to get others. Throws Transient. */
async function renew(client: S3Client, ctx: Context): Promise<void> {
  const doing = { doing: "renewing", subject: "the credentials" };
  try {
    await stoppable(client.config.credentials({ forceRefresh: true }), ctx);
  } catch (error) {
    throw s3Error(error, doing, ctx);
  }
  throw new AdapterError("Transient", "the credentials had expired, and were renewed");
}

async function* watching(
  body: AsyncIterable<Uint8Array>,
  failures: unknown[],
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch (error) {
    failures.push(error);
    throw error;
  }
}

function checkEndpoint(endpoint: string): void {
  const unsafe = unsafeAddressReason(endpoint) ?? (/[?#]/.test(endpoint) ? "it has a query" : undefined);
  if (unsafe === undefined) return;
  throw new KitesealError("ERR_STORE_URL", `the S3 endpoint of the environment cannot be used: ${unsafe}`, {
    hint: "write AWS_ENDPOINT_URL_S3=https://HOST, without credentials",
  });
}

function writeParameters(settings: WriteSettings & { readonly isEncrypted: boolean }, now: Date): WriteParameters {
  const { encryptionKey, retention, legalHold } = settings;
  return {
    ...(encryptionKey === undefined
      ? settings.isEncrypted && { ServerSideEncryption: "AES256" }
      : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: encryptionKey, BucketKeyEnabled: true }),
    ...(retention !== undefined && {
      ObjectLockMode: retention.mode === "compliance" ? "COMPLIANCE" : "GOVERNANCE",
      ObjectLockRetainUntilDate: new Date(now.getTime() + retention.days * DAY_MS),
    }),
    ...(legalHold === true && { ObjectLockLegalHoldStatus: "ON" }),
  };
}

interface RegionQuestion {
  readonly options: AdapterOptions;
  readonly endpoint: string | undefined;
  readonly agentRegion: string | undefined;
}

/** The bucket's, not the job's: named for the bucket, else asked of S3 once; the job's region only where S3 cannot be asked. */
function regionOf(bucket: string, question: RegionQuestion): () => Promise<string> {
  const { options, endpoint, agentRegion } = question;
  const own = present(options.env, "AWS_REGION", "AWS_DEFAULT_REGION");
  for (const given of [own, agentRegion]) {
    if (given === undefined || LABEL.test(given)) continue;
    throw new KitesealError(
      "ERR_CONFIG_INVALID",
      `the region ${quote(given)} is none: expected one such as eu-central-1`,
    );
  }
  if (agentRegion !== undefined) return () => Promise.resolve(agentRegion);
  if (endpoint !== undefined) return () => Promise.resolve(own ?? HOME_REGION);
  let found: Promise<string> | undefined;
  return () => {
    found ??= discoverRegion(`https://s3.${own ?? HOME_REGION}.amazonaws.com`, bucket, options).catch(
      (error: unknown) => {
        found = undefined;
        if (own === undefined || !(error instanceof KitesealError)) throw error;
        return own;
      },
    );
    return found;
  };
}

/** S3 names the region in every answer about a bucket, also to those who may not see it. */
export async function discoverRegion(
  origin: string,
  bucket: string,
  options: Pick<AdapterOptions, "now">,
): Promise<string> {
  const response = await request(
    `${origin}/${encodeURIComponent(bucket)}`,
    { service: "S3", method: "HEAD", timeoutMs: CONNECT_MS, maxBytes: 0, redirects: "return" },
    { now: () => options.now() },
  );
  const region = response.headers.get("x-amz-bucket-region");
  if (region !== null && REGION.test(region)) return region;
  if (response.status === 404) {
    throw new AdapterError("Unsupported", `there is no bucket ${quote(bucket)}`, {
      hint: "create the bucket, or correct its name",
    });
  }
  throw new AdapterError("Transient", `S3 does not say in which region the bucket ${quote(bucket)} is`, {
    hint: "set BUILDKITE_S3_DEFAULT_REGION",
  });
}
