// SPDX-License-Identifier: Apache-2.0
// The SDK, loaded when a bucket is opened: it finds and renews credentials and reads the bucket's settings, with its own retries off.
// Where it is broken (uploads without checksums, copy() that forgets the precondition in its second call, streams that
// close other requests' connections) or too trusting (it follows redirects and reads replies of any length) wire.ts speaks
// for itself, with the SDK's headers. reference/storage.md §0, §1.2.
import type { Bucket } from "@google-cloud/storage";
import { KitesealError, isKitesealError, quote } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { AdapterOptions } from "../adapter.ts";
import { unsafeAddressReason } from "../exchange.ts";
import { findGcpIdentity } from "../credentials/gcp.ts";
import type { GcpIdentity } from "../credentials/gcp.ts";
import { stoppable } from "../stoppable.ts";
import { networkError } from "./errors.ts";

export interface Connection {
  readonly bucket: string;
  /** Without a final "/". */
  readonly endpoint: string;
  /** Not Google's own: what it keeps of the API is probed, never believed. */
  readonly isCustom: boolean;
  /** No credentials are sent. */
  readonly isAnonymous: boolean;
  readonly identity: GcpIdentity;
  /** Longest silence of the server; undefined: the usual. */
  readonly idleMs: number | undefined;
  /** The SDK's view of the bucket. */
  readonly sdk: Bucket;
  /** Of an access token, and of a session whose address is a credential. */
  onSecret(value: string): void;
  /** With a valid access token, renewed when it is about to expire; none for an anonymous reader. */
  headers(ctx: Context): Promise<Readonly<Record<string, string>>>;
}

const GOOGLE = "https://storage.googleapis.com";
const TIMEOUT_MS = 60_000;

export interface GcsOptions extends AdapterOptions {
  /** Longest silence of the server; 60,000 unless given. */
  readonly idleMs?: number;
}

/** `KITESEAL_GCS_ENDPOINT`: another server of this API. Errors: ERR_CONFIG_INVALID, ERR_UNREADABLE. */
export async function connect(bucket: string, options: GcsOptions): Promise<Connection> {
  const endpoint = endpointOf(options);
  const isCustom = !/^https:\/\/[a-z0-9.-]+\.googleapis\.com$/.test(endpoint);
  const identity = await findGcpIdentity(options);
  // Without credentials of its own, a server on this machine is not sent those of this machine.
  const { client, credentials } = identity;
  const anonymous = client === undefined && credentials === undefined && endpoint.startsWith("http:");
  const { Storage } = await import("@google-cloud/storage");
  const storage = new Storage({
    apiEndpoint: endpoint,
    useAuthWithCustomEndpoint: !anonymous,
    retryOptions: { autoRetry: false, maxRetries: 0 },
    timeout: TIMEOUT_MS,
    ...(client === undefined ? {} : { authClient: client }),
  });
  if (storage.baseUrl !== `${endpoint}/storage/v1`) {
    throw new KitesealError("ERR_CONFIG_INVALID", "STORAGE_EMULATOR_HOST redirects the SDK to another server", {
      hint: "unset it; for a server of your own set KITESEAL_GCS_ENDPOINT",
    });
  }
  // Not the `credentials` option, which warns on the console.
  if (credentials !== undefined) storage.authClient.jsonContent = credentials;
  return {
    bucket,
    endpoint,
    isCustom,
    idleMs: options.idleMs,
    isAnonymous: anonymous,
    identity: anonymous ? { ...identity, description: "nobody (no credentials are sent to this machine)" } : identity,
    sdk: storage.bucket(bucket),
    onSecret: (value) => options.onSecret?.(value),
    headers: async (ctx) => {
      if (anonymous) return {};
      try {
        const headers = await stoppable(storage.authClient.getRequestHeaders(), ctx);
        options.onSecret?.((headers.get("authorization") ?? "").replace(/^Bearer /, ""));
        return Object.fromEntries(headers);
      } catch (error) {
        throw credentialsError(error, ctx);
      }
    },
  };
}

function endpointOf({ env }: AdapterOptions): string {
  const given = env["KITESEAL_GCS_ENDPOINT"];
  if (given === undefined || given === "") return GOOGLE;
  const unsafe = unsafeAddressReason(given);
  if (unsafe !== undefined)
    throw new KitesealError("ERR_CONFIG_INVALID", `KITESEAL_GCS_ENDPOINT cannot be used: ${unsafe}`);
  const url = new URL(given);
  if (url.pathname === "/" && url.search === "" && url.hash === "") return url.origin;
  throw new KitesealError(
    "ERR_CONFIG_INVALID",
    "KITESEAL_GCS_ENDPOINT has a path: expected scheme, host and port only",
  );
}

/** Nothing of the SDK's error but its code: it holds the request, the subject token among it. */
function credentialsError(error: unknown, ctx: Context): unknown {
  if (isKitesealError(error)) return error;
  if (ctx.signal?.aborted === true) return ctx.signal.reason;
  if (!(error instanceof Error)) return error;
  if (error.message.startsWith("Could not load the default credentials")) {
    return new AdapterError("Denied", "no Google credentials were found", {
      hint: "in a job set KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER, elsewhere GOOGLE_APPLICATION_CREDENTIALS",
    });
  }
  const oauth = /Error code ([a-z_]{1,40})\b/.exec(error.message)?.[1];
  const status = "status" in error && typeof error.status === "number" ? error.status : undefined;
  if (oauth === undefined && (status === undefined || status >= 500)) {
    return networkError(error, "getting an access token from Google");
  }
  const found = oauth ?? String(status);
  return new AdapterError("Denied", `Google refused the exchange of credentials: ${quote(found)}`, {
    hint: "compare the pool's attribute condition and allowed audience with the job's token, and who may impersonate the account",
  });
}
