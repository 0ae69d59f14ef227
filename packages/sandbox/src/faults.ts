// SPDX-License-Identifier: Apache-2.0
// Faults on purpose: by path prefix, a service answers with a status, late, not at all, or acts and then loses its
// reply. Set from the same process only; there is no HTTP route for it.

interface FaultBase {
  /** Prefix of the request path, such as `/api/v2/`. */
  readonly path: string;
  /** Only this method; default any. */
  readonly method?: string;
  /** How many requests it hits before it is used up; default all. */
  readonly times?: number;
  /** Waits before anything else, in milliseconds. */
  readonly delayMs?: number;
}

/**
 * One fault. `status` answers without acting; `reset` cuts the connection without acting; `lost-reply` acts, then cuts
 * the connection; `delay` only waits, then goes on as usual.
 */
export type Fault = FaultBase &
  (
    | { readonly effect: "status"; readonly status: number; readonly retryAfter?: string; readonly body?: string }
    | { readonly effect: "reset" | "lost-reply" | "delay" }
  );

export interface FaultControl {
  /** Adds a fault; the function returned takes it away again. Of several that match, the first added counts. */
  add(fault: Fault): () => void;
  clear(): void;
}

/** The control and the server's side of it. */
export interface FaultList extends FaultControl {
  /** The fault that hits this request, its count reduced by one. */
  take(method: string, path: string): Fault | undefined;
}

export function createFaults(): FaultList {
  let active: { readonly fault: Fault; left: number }[] = [];
  return {
    add(fault) {
      const entry = { fault, left: fault.times ?? Number.POSITIVE_INFINITY };
      active.push(entry);
      return () => {
        active = active.filter((other) => other !== entry);
      };
    },
    clear() {
      active = [];
    },
    take(method, path) {
      const hit = active.find(
        ({ fault, left }) =>
          left > 0 && path.startsWith(fault.path) && (fault.method === undefined || fault.method === method),
      );
      if (hit === undefined) return undefined;
      hit.left -= 1;
      return hit.fault;
    },
  };
}
