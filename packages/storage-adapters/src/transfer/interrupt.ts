// SPDX-License-Identifier: Apache-2.0
// Iteration that stops when the signal fires, also while the next item is awaited (a source or a server that hangs).
import type { Context } from "@kiteseal/core/store";
import { interrupted, throwIfInterrupted } from "./errors.ts";

/** `items`, one at a time as they are asked for. Throws ERR_INTERRUPTED; the underlying iterator is always told to finish. */
export async function* interruptible<T>(items: AsyncIterable<T>, ctx: Context): AsyncGenerator<T, void, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  let waiting: ((error: Error) => void) | undefined;
  const stop = (): void => waiting?.(interrupted(ctx));
  // A fresh promise for each step: racing against one long-lived promise would keep a reaction for every item.
  const next = (): Promise<IteratorResult<T, unknown>> =>
    new Promise((resolve, reject) => {
      waiting = reject;
      iterator.next().then(resolve, reject);
    });
  ctx.signal?.addEventListener("abort", stop);
  let ended = false;
  try {
    for (;;) {
      throwIfInterrupted(ctx);
      const step = await next();
      waiting = undefined;
      if (step.done === true) {
        ended = true;
        return;
      }
      yield step.value;
    }
  } finally {
    ctx.signal?.removeEventListener("abort", stop);
    if (!ended) await finish(iterator, waiting !== undefined);
  }
}

async function finish(iterator: AsyncIterator<unknown>, stuck: boolean): Promise<void> {
  const returned = iterator.return?.();
  if (returned === undefined) return;
  // A generator that is still waiting for something cannot return before that comes: it is told, not waited for.
  if (stuck) returned.catch(() => undefined);
  else await returned;
}
