// SPDX-License-Identifier: Apache-2.0
// What can go wrong on the way, injected at the wire: one fault hits the next `times` requests that match.
import type { IncomingMessage } from "node:http";

export interface Fault {
  /** "PUT", "GET", …; absent: any. */
  readonly method?: string;
  /** In path and query. */
  readonly contains?: string;
  readonly times: number;
  /**
   * reset: the connection breaks before anything happened. reset-in-body: after half of the request's body.
   * lose-reply: everything happens, the reply does not arrive. truncate: half of the reply's body. hang: no reply, ever.
   * bad-continuation: a truncated listing that names no next page, or the same one. Otherwise an error reply.
   */
  readonly does:
    | "reset"
    | "reset-in-body"
    | "lose-reply"
    | "truncate"
    | "hang"
    | "no-continuation"
    | "same-continuation"
    | { readonly status: number; readonly code: string; readonly headers?: Readonly<Record<string, string>> };
}

export interface FaultPlan {
  add(fault: Fault): void;
  /** The fault of this request, used up by one. */
  take(request: IncomingMessage): Fault["does"] | undefined;
}

export function createFaultPlan(): FaultPlan {
  const pending: { fault: Fault; left: number }[] = [];
  return {
    add: (fault) => pending.push({ fault, left: fault.times }),
    take: (request) => {
      const found = pending.find(
        ({ fault, left }) =>
          left > 0 &&
          (fault.method === undefined || fault.method === request.method) &&
          (fault.contains === undefined || request.url?.includes(fault.contains) === true),
      );
      if (found === undefined) return undefined;
      found.left -= 1;
      return found.fault.does;
    },
  };
}
