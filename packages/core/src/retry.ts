// SPDX-License-Identifier: Apache-2.0
// The one retry: bounded attempts, exponential backoff with full jitter, a server's Retry-After honoured up to a bound,
// every wait ends when `ctx.signal` fires. What is worth another attempt is the caller's decision, never guessed here.
import { setTimeout as wait } from "node:timers/promises";
import type { Context } from "./context.ts";
import { isKitesealError } from "./errors.ts";
import { interrupted, request, type HttpRequest, type HttpResponse } from "./http.ts";

/** How one attempt ended. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/** Another attempt or not; `afterMs` is how long the other side asked to be left alone. */
export type Decision = boolean | { readonly afterMs: number };

/** How patient a series of calls is. */
export interface Pace {
  /** Including the first; at least 1. */
  readonly attempts: number;
  /** Upper bound of the first wait; doubles with each attempt. */
  readonly baseMs: number;
  /** No wait is longer, whatever a server asks. */
  readonly maxWaitMs: number;
}

export interface RetryOptions<T> extends Pace {
  again(outcome: Outcome<T>): Decision;
  /** In [0, 1); Math.random unless given. */
  readonly random?: () => number;
  /** Rejects when the signal fires; a timer unless given. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<unknown>;
}

/** For calls that a signature waits for: at most five attempts within about half a minute of waiting. */
export const SERVICE_PACE: Pace = { attempts: 5, baseMs: 500, maxWaitMs: 15_000 };

/**
 * Runs `operation` until `again` says no or the attempts are used up, then returns its last value or throws its last
 * error. Throws ERR_INTERRUPTED when `ctx.signal` fires during a wait.
 */
export async function retry<T>(
  operation: (attempt: number) => Promise<T>,
  options: RetryOptions<T>,
  ctx: Context,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await settle(operation, attempt);
    const decision = attempt >= options.attempts ? false : options.again(outcome);
    if (decision === false) {
      if (outcome.ok) return outcome.value;
      throw outcome.error;
    }
    await pause(waitMs(decision, attempt, options), options, ctx);
  }
}

async function settle<T>(operation: (attempt: number) => Promise<T>, attempt: number): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await operation(attempt) };
  } catch (error) {
    return { ok: false, error };
  }
}

function waitMs<T>(decision: Decision, attempt: number, options: RetryOptions<T>): number {
  const jitter = (options.random ?? Math.random)() * Math.min(options.maxWaitMs, options.baseMs * 2 ** (attempt - 1));
  const asked = typeof decision === "object" ? Math.min(options.maxWaitMs, decision.afterMs) : 0;
  return Math.round(Math.max(jitter, asked));
}

async function pause<T>(ms: number, options: RetryOptions<T>, ctx: Context): Promise<void> {
  const sleep = options.sleep ?? ((time, signal) => wait(time, undefined, signal === undefined ? {} : { signal }));
  try {
    await sleep(ms, ctx.signal);
  } catch (error) {
    if (ctx.signal?.aborted === true) throw interrupted("the wait before another attempt");
    throw error;
  }
}

/** A status that says "later", not "no": 408, 425, 429 and every 5xx. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** Retries what a network or an overloaded server does; a refused redirect or an oversized reply would only repeat. */
export function againIfTransient(outcome: Outcome<HttpResponse>, ctx: Context): Decision {
  if (outcome.ok) {
    if (!isTransientStatus(outcome.value.status)) return false;
    const afterMs = retryAfterMs(outcome.value.headers.get("retry-after"), ctx.now());
    return afterMs === undefined ? true : { afterMs };
  }
  const { error } = outcome;
  if (!isKitesealError(error) || error.code !== "ERR_SERVICE_UNAVAILABLE") return false;
  return error.details["reason"] === "network" || error.details["reason"] === "timeout";
}

export interface RepeatedRequest extends HttpRequest {
  readonly pace: Pace;
  /** Statuses that mean "later" in this call only. */
  readonly alsoTransient?: readonly number[];
}

/** `request`, tried again at `pace` while the outcome is transient. The last reply is returned whatever its status. */
export function requestRepeatedly(address: string, options: RepeatedRequest, ctx: Context): Promise<HttpResponse> {
  const again = (outcome: Outcome<HttpResponse>): Decision =>
    againIfTransient(outcome, ctx) || (outcome.ok && options.alsoTransient?.includes(outcome.value.status) === true);
  return retry(() => request(address, options, ctx), { ...options.pace, again }, ctx);
}

/** Retry-After in milliseconds from `now` (RFC 9110 §10.2.3: seconds or a date); undefined if absent or malformed. */
export function retryAfterMs(header: string | null | undefined, now: Date): number | undefined {
  if (header === null || header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now.getTime());
}
