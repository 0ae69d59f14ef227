// SPDX-License-Identifier: Apache-2.0
// A store whose every call is counted, and before or after one of which this process kills itself. Moments are numbered:
// 2n-1 before the n-th call, 2n after it.
import { kill, pid } from "node:process";
import type { Store } from "@kiteseal/core/store";

export interface Moments {
  /** How many there were. */
  readonly count: () => number;
  readonly watched: (store: Store) => Store;
}

/** `dieAt` 0: never. */
export function createMoments(dieAt: number): Moments {
  let moments = 0;
  const moment = (): void => {
    moments += 1;
    if (moments === dieAt) kill(pid, "SIGKILL");
  };
  const counted = async <T>(call: () => Promise<T>): Promise<T> => {
    moment();
    const result = await call();
    moment();
    return result;
  };
  return {
    count: () => moments,
    watched: (store) => ({
      ...store,
      put: (...args) => counted(() => store.put(...args)),
      head: (...args) => counted(() => store.head(...args)),
      copy: (...args) => counted(() => store.copy(...args)),
    }),
  };
}
