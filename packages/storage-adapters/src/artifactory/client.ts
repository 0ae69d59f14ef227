// SPDX-License-Identifier: Apache-2.0
// Requests to one Artifactory: addresses, the identity, one renewal of a refused token. Credentials go to Artifactory's
// own origin only; the address of a redirect is asked without them, and its query, which may be a signature, is never told.
import { quote, retryAfterMs } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { ArtifactoryAccess } from "../credentials/artifactory.ts";
import { exchange } from "../exchange.ts";
import type { Exchange } from "../exchange.ts";
import type { Pace } from "../transfer/plan.ts";
import { refusal } from "./errors.ts";

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const MAX_REDIRECTS = 3;
const ERROR_BYTES = 16_384;

export interface ArtifactoryClient {
  /** Ends in /artifactory or wherever the operator says it is, without a final "/". */
  readonly base: string;
  readonly repository: string;
  /** Repositories that are known to exist. */
  readonly seen: Set<string>;
  readonly access: ArtifactoryAccess;
  /** Matrix parameters of what is deployed, as in `build.name`. */
  readonly properties: Readonly<Record<string, string>>;
  readonly idleMs: number;
  /** From this size on the server is asked whether it takes parts. */
  readonly partsFromBytes: number;
  /** Of each part; undefined: the usual. */
  readonly partPace: Pace | undefined;
}

export interface ArtifactoryRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Below `base`, percent-encoded, with query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: () => AsyncIterable<Uint8Array>;
  readonly action: string;
  /** Of an upload of its own, in place of this identity. */
  readonly bearer?: string;
  /** Without credentials, to see what everybody may. */
  readonly asNobody?: boolean;
  readonly followRedirects?: boolean;
}

/** `REPO/a/b`, percent-encoded. A ";" would begin properties, so it is encoded as well. */
export function itemPath(client: ArtifactoryClient, key: string): string {
  return [client.repository, ...key.split("/")].map((segment) => encodeURIComponent(segment)).join("/");
}

/** The reply of a success; any other is thrown as AdapterError, read to its first 16 KiB. */
export async function ask(client: ArtifactoryClient, request: ArtifactoryRequest, ctx: Context): Promise<Exchange> {
  let reply = await send(client, request, { ctx, renew: false });
  // A token may have been revoked or have ended early. A body is not sent twice: transfer/ tries again.
  if (reply.status === 401 && request.asNobody !== true && request.bearer === undefined) {
    reply.discard();
    if (request.body !== undefined) throw await refusedBody(client, request.action, ctx);
    reply = await send(client, request, { ctx, renew: true });
  }
  const { status } = reply;
  if (status >= 200 && status < 300) return reply;
  const text = await reply.text(ERROR_BYTES);
  const location = reply.headers["location"];
  if (REDIRECTS.includes(status) && location !== undefined) throw unexpectedRedirect(client, location, request.action);
  throw refusal({
    action: request.action,
    status,
    text,
    afterMs: retryAfterMs(reply.headers["retry-after"], ctx.now()),
  });
}

async function refusedBody(client: ArtifactoryClient, action: string, ctx: Context): Promise<AdapterError> {
  const before = await client.access.authorization(ctx);
  const after = await client.access.authorization(ctx, true);
  if (after === before) return refusal({ action, status: 401, text: "", afterMs: undefined });
  return new AdapterError("Transient", `${action} failed: 401, and the access token was renewed`);
}

async function send(
  client: ArtifactoryClient,
  request: ArtifactoryRequest,
  how: { ctx: Context; renew: boolean },
): Promise<Exchange> {
  const { ctx } = how;
  const authorization = await authorizationOf(client, request, how);
  const options = { method: request.method, idleMs: client.idleMs, action: request.action };
  let address = `${client.base}/${request.path}`;
  let reply = await exchange(
    address,
    {
      ...options,
      headers: { ...request.headers, ...(authorization === undefined ? {} : { authorization }) },
      ...(request.body === undefined ? {} : { body: request.body() }),
    },
    ctx,
  );
  const origin = new URL(client.base).origin;
  for (let hops = 0; request.followRedirects === true && REDIRECTS.includes(reply.status); hops += 1) {
    const target = redirectTarget(reply.headers["location"], address);
    reply.discard();
    const isWeaker = target?.protocol !== "https:" && new URL(address).protocol === "https:";
    if (target === undefined || isWeaker || hops === MAX_REDIRECTS) {
      throw new AdapterError(
        "Unavailable",
        `${request.action} failed: redirected to nowhere, too often, or to no https`,
      );
    }
    address = target.href;
    const credentials = target.origin === origin && authorization !== undefined ? { authorization } : {};
    reply = await exchange(address, { ...options, headers: { ...request.headers, ...credentials } }, ctx);
  }
  return reply;
}

async function authorizationOf(
  client: ArtifactoryClient,
  request: ArtifactoryRequest,
  how: { ctx: Context; renew: boolean },
): Promise<string | undefined> {
  if (request.asNobody === true) return undefined;
  if (request.bearer !== undefined) return `Bearer ${request.bearer}`;
  return await client.access.authorization(how.ctx, how.renew);
}

function redirectTarget(location: string | undefined, address: string): URL | undefined {
  return location === undefined ? undefined : (URL.parse(location, address) ?? undefined);
}

function unexpectedRedirect(client: ArtifactoryClient, location: string, action: string): AdapterError {
  const origin = redirectTarget(location, client.base)?.origin ?? "an address that is not a URL";
  return new AdapterError("Unavailable", `${action} failed: redirected to ${quote(origin)}`, {
    hint: "give the address that answers itself in BUILDKITE_ARTIFACTORY_URL; a sign-in page also redirects",
  });
}
