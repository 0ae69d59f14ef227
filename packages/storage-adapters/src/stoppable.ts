// SPDX-License-Identifier: Apache-2.0
// Of what cannot be told to stop, the SDKs' search for credentials above all: it is no longer waited for.
import type { Context } from "@kiteseal/core/store";

/** `work`, or the signal's reason. */
export function stoppable<T>(work: Promise<T>, { signal }: Context): Promise<T> {
  if (signal === undefined) return work;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const stop = (): void => reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  return promise;
}
