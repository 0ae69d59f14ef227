// SPDX-License-Identifier: Apache-2.0
// Failures of Artifactory → AdapterErrorKind. A 404 proves absence only in the service's own words (`errors` in JSON):
// a proxy's page does not. A 409 is a refused checksum or a repository's rule; which, only the message says.
// Messages are untrusted and quoted.
import { quote } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { AdapterErrorKind } from "../adapter.ts";

const HINTS: Readonly<Partial<Record<AdapterErrorKind, string>>> = {
  Denied:
    "give this identity Read, and Deploy to publish, on the repository; without Delete, so that nothing is replaced",
  ChecksumRejected: "the bytes were damaged on the way: publish again",
};

export interface Refusal {
  readonly action: string;
  readonly status: number;
  readonly text: string;
  readonly afterMs: number | undefined;
}

/** A reply that is no success, as AdapterError. */
export function refusal(reply: Refusal): AdapterError {
  const message = errorMessage(reply.text);
  const kind = kindOf(reply.status, message);
  const told = message === undefined ? "" : `: ${quote(message)}`;
  return new AdapterError(kind, `${reply.action} failed: ${reply.status}${told}`, {
    hint: HINTS[kind],
    afterMs: reply.afterMs,
  });
}

function kindOf(status: number, message: string | undefined): AdapterErrorKind {
  if (status === 401 || status === 403) return "Denied";
  if (status === 404) return message === undefined ? "Unavailable" : "NotFound";
  if (status === 409) return message !== undefined && /checksum/i.test(message) ? "ChecksumRejected" : "Unavailable";
  if (status === 412 || status === 416) return "PinChanged";
  if (status === 429) return "Throttled";
  if (status === 507 || status === 501) return "Unavailable";
  if (status === 408 || status >= 500) return "Transient";
  return "Unavailable";
}

/** What Artifactory itself says: the first of `{"errors":[{"status":…,"message":…}]}`. */
function errorMessage(text: string): string | undefined {
  let reply: unknown;
  try {
    reply = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof reply !== "object" || reply === null || !("errors" in reply) || !Array.isArray(reply.errors))
    return undefined;
  const errors: readonly unknown[] = reply.errors;
  const first = errors[0];
  if (typeof first !== "object" || first === null || !("message" in first)) return undefined;
  return typeof first.message === "string" ? first.message : undefined;
}
