// SPDX-License-Identifier: Apache-2.0
// The one fetch: bounded in time and bytes, https except to loopback, no redirect followed. Replies are untrusted.
// An error names the service and its origin, never a path's query, userinfo, header or body; what it quotes of a
// reply or of an underlying error went through `scrub` first. Proxies and CAs are process-wide (packages/cli/bin.ts).
import type { Context } from "./context.ts";
import { KitesealError, isKitesealError, quote, type ErrorCode } from "./errors.ts";

export interface HttpRequest {
  /** Whom errors name, as in "the timestamp authority". */
  readonly service: string;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** From the first byte sent to the last byte received. */
  readonly timeoutMs: number;
  /** Of the reply's body, after decompression. */
  readonly maxBytes: number;
  /** Values sent with this request that no error may show, in whole or in part. */
  readonly secrets?: readonly string[];
  /** `refuse` (default): a 3xx with a location is an error. `return`: it is handed back like any other reply. */
  readonly redirects?: "refuse" | "return";
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  /** Scheme, host and port that answered. */
  readonly origin: string;
}

/** Why ERR_SERVICE_UNAVAILABLE was thrown without a usable reply: `details.reason`. */
export type TransportFailure = "network" | "timeout" | "redirect" | "oversize";

const REDACTED = "[redacted]";
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const MESSAGE_BYTES = 4096;
/** Shorter values are no secrets, and taking them out would garble every message. */
const MIN_SECRET = 6;

/** True for hosts whose traffic never leaves this machine; only these may be spoken to without TLS. */
export function isLoopback(url: URL): boolean {
  return url.hostname === "localhost" || url.hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(url.hostname);
}

/** Why a service must not be spoken to at this address, or undefined. Never quotes the address. */
export function unsafeUrlReason(address: string): string | undefined {
  const url = URL.parse(address);
  if (url === null) return "it is not a URL";
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url))) {
    return `its scheme is ${quote(url.protocol.slice(0, -1))}, expected https (http only to this machine)`;
  }
  return url.username === "" && url.password === "" ? undefined : "it holds a user name or a password";
}

/**
 * One request, one reply of any status. Errors: ERR_SERVICE_UNAVAILABLE with `details.reason` (TransportFailure),
 * ERR_INTERRUPTED when `ctx.signal` fires, ERR_CONFIG_INVALID for an address that must not be used.
 */
export async function request(address: string, options: HttpRequest, ctx: Context): Promise<HttpResponse> {
  const unsafe = unsafeUrlReason(address);
  if (unsafe !== undefined) {
    throw new KitesealError("ERR_CONFIG_INVALID", `the address of ${options.service} cannot be used: ${unsafe}`);
  }
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = ctx.signal === undefined ? timeout : AbortSignal.any([ctx.signal, timeout]);
  const origin = new URL(address).origin;
  try {
    const response = await fetch(address, {
      method: options.method,
      headers: { ...options.headers },
      body: options.body === undefined ? null : Buffer.from(options.body),
      redirect: "manual",
      signal,
    });
    if (options.redirects !== "return") await refuseRedirect(response, options.service, origin);
    const bytes = await readBody(response, options, origin);
    return { status: response.status, headers: response.headers, bytes, origin };
  } catch (error) {
    if (isKitesealError(error)) throw error;
    if (ctx.signal?.aborted === true) throw interrupted(`the request to ${options.service}`);
    if (timeout.aborted) {
      throw unavailable(options.service, origin, {
        reason: "timeout",
        problem: `did not answer within ${options.timeoutMs} ms`,
      });
    }
    throw networkFailure(error, options, origin);
  }
}

/** ERR_INTERRUPTED for `what`, which `ctx.signal` stopped. */
export function interrupted(what: string): KitesealError {
  return new KitesealError("ERR_INTERRUPTED", `${what} was interrupted`);
}

/**
 * `text` without anything of `secrets`, without their dot-separated parts (a token's segments), without fragments of
 * 16 characters or more, and without anything that looks like a JSON Web Token.
 */
export function scrub(text: string, secrets: readonly string[]): string {
  const whole = secrets.flatMap((secret) => [secret, ...secret.split(".").filter((part) => part.length >= 16)]);
  const needles = whole.filter((needle) => needle.length >= MIN_SECRET).sort((a, b) => b.length - a.length);
  return needles
    .reduce((rest, needle) => rest.replaceAll(needle, REDACTED), text)
    .replace(/eyJ[\w-]{6,}(?:\.[\w-]*)*/g, REDACTED)
    .replace(/[\w.+/=-]{16,}/g, (run) => (secrets.some((secret) => sharesFragment(run, secret)) ? REDACTED : run));
}

function sharesFragment(run: string, secret: string): boolean {
  for (let start = 0; start + 16 <= run.length; start++) {
    if (secret.includes(run.slice(start, start + 16))) return true;
  }
  return false;
}

/** What an error reply says, scrubbed, capped and quoted; undefined if it says nothing that can be shown. */
export function replyMessage(response: HttpResponse, secrets: readonly string[]): string | undefined {
  const text = new TextDecoder().decode(response.bytes.subarray(0, MESSAGE_BYTES)).trim();
  if (text === "" || text.startsWith("<")) return undefined;
  const inner = /"(?:message|error_description|error)"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  return quote(scrub(inner === undefined ? text : unquote(inner), secrets));
}

function unquote(literal: string): string {
  try {
    return String(JSON.parse(literal));
  } catch {
    return literal;
  }
}

/** ERR_SERVICE_UNAVAILABLE for a reply that arrived and is not what the service should say. */
export function badReply(service: string, response: HttpResponse, problem: string): KitesealError {
  return serviceError("ERR_SERVICE_UNAVAILABLE", `${service} at ${response.origin} ${problem}`, {
    service,
    origin: response.origin,
    status: response.status,
  });
}

function serviceError(code: ErrorCode, message: string, details: Readonly<Record<string, unknown>>): KitesealError {
  return new KitesealError(code, message, { details });
}

interface Failure {
  readonly reason: TransportFailure;
  readonly problem: string;
  readonly hint?: string | undefined;
  readonly cause?: Error;
}

function unavailable(service: string, origin: string, failure: Failure): KitesealError {
  return new KitesealError("ERR_SERVICE_UNAVAILABLE", `${service} at ${origin} ${failure.problem}`, {
    details: { service, origin, reason: failure.reason },
    hint: failure.hint,
    cause: failure.cause,
  });
}

async function refuseRedirect(response: Response, service: string, origin: string): Promise<void> {
  const location = response.headers.get("location");
  if (!REDIRECTS.includes(response.status) || location === null) return;
  await response.body?.cancel();
  const target = URL.parse(location, origin)?.origin ?? "an address that is not a URL";
  throw unavailable(service, origin, {
    reason: "redirect",
    problem: `redirects (${response.status}) to ${quote(target)}, and redirects are not followed`,
    hint: "give the address that answers itself; a sign-in page of a proxy also redirects",
  });
}

async function readBody(response: Response, options: HttpRequest, origin: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("a chunk of the reply is not bytes");
    size += chunk.byteLength;
    if (size > options.maxBytes) {
      throw unavailable(options.service, origin, {
        reason: "oversize",
        problem: `sent more than the ${options.maxBytes} bytes that are read of its reply`,
      });
    }
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** undici hides the reason in `cause`, and quotes header values in some messages: only scrubbed copies are kept. */
function networkFailure(error: unknown, options: HttpRequest, origin: string): KitesealError {
  const secrets = options.secrets ?? [];
  const chain = causes(error);
  const innermost = chain.at(-1);
  const code = chain.map(errorCode).findLast((found) => found !== undefined);
  const said = scrub(innermost === undefined ? String(error) : innermost.message, secrets);
  const cause = new Error(said);
  return unavailable(options.service, origin, {
    reason: "network",
    problem: `could not be reached: ${code ?? quote(said)}`,
    hint: code === undefined ? undefined : tlsHint(code),
    cause,
  });
}

function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  let current = error;
  while (current instanceof Error && chain.length < 8) {
    chain.push(current);
    current = current.cause;
  }
  return chain;
}

function errorCode(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" && /^[A-Z][A-Z0-9_]+$/.test(error.code)
    ? error.code
    : undefined;
}

function tlsHint(code: string): string | undefined {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)
    ? "if the service has a private certificate authority, name it in NODE_EXTRA_CA_CERTS"
    : undefined;
}
