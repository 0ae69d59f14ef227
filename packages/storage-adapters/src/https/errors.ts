// SPDX-License-Identifier: Apache-2.0
// A web server's refusals → AdapterErrorKind. 404 and 410 are taken as absence, as this is all a web server can say.
import { quote, retryAfterMs } from "@kiteseal/core/store";
import type { Context } from "@kiteseal/core/store";
import { AdapterError } from "../adapter.ts";
import type { AdapterErrorKind } from "../adapter.ts";
import type { Exchange } from "../exchange.ts";

/** For what a web server is not used for. */
export function refusedUse(use: "listed" | "written to", subject: string): AdapterError {
  const [why, hint] = REFUSED_USES[use];
  return new AdapterError("Unsupported", `${quote(subject)} cannot be ${use}: ${why}`, { hint });
}

const REFUSED_USES = {
  listed: ["a web server has no listing", "name each file by its own address, without --recursive"],
  "written to": ["https: addresses are read only", "publish to s3:, gs:, rt:, file: or an Azure Blob address"],
} as const;

export function refusedStatus(reply: Exchange, action: string, ctx: Context): AdapterError {
  const kind = kindOf(reply.status);
  return new AdapterError(kind, `${action} failed: ${reply.status}`, {
    hint: kind === "Denied" ? NO_CREDENTIALS : undefined,
    afterMs: retryAfterMs(reply.headers["retry-after"], ctx.now()),
  });
}

const NO_CREDENTIALS =
  "kiteseal logs in to no web server: let the file be read without, or use the address of its store";

function kindOf(status: number): AdapterErrorKind {
  if (status === 404 || status === 410) return "NotFound";
  if (status === 401 || status === 403 || status === 407) return "Denied";
  if (status === 429) return "Throttled";
  return status === 408 || status >= 500 ? "Transient" : "Unavailable";
}

/** The address to ask next. Throws Unavailable where it leads nowhere, or away from encryption. */
export function redirected(location: string | undefined, from: string, action: string): string {
  const target = location === undefined ? null : URL.parse(location, from);
  if (target === null) throw new AdapterError("Unavailable", `${action} failed: redirected to nowhere`);
  if (new URL(from).protocol === "https:" && target.protocol !== "https:") {
    throw new AdapterError("Unavailable", `${action} failed: redirected to ${quote(target.origin)} without encryption`);
  }
  return target.href;
}
