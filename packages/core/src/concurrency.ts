// SPDX-License-Identifier: Apache-2.0
// Bounded parallel work over a list.

/**
 * Runs `work` on each item, at most `limit` at once; results in the order of the items. After a failure nothing new is
 * started, what runs is waited for, and the first failure is thrown: when a caller hears of it, nothing is still at work.
 */
export async function forEachLimited<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      const item = items[index];
      if (item === undefined) continue;
      try {
        results[index] = await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (failures.length > 0) throw failures[0];
  return results;
}

/** Runs `work` on each item, at most `limit` at once, and yields results in the order of the items as they come. */
export async function* inOrder<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<PromiseSettledResult<R>>[] = [];
  // A failure behind the first is kept until its turn: nothing is unhandled, nothing overtakes.
  const settled = async (result: Promise<R>): Promise<PromiseSettledResult<R>> =>
    (await Promise.allSettled([result]))[0];
  const take = async (): Promise<R> => {
    const next = await running.shift();
    if (next?.status === "fulfilled") return next.value;
    throw next?.reason;
  };
  for await (const item of items) {
    running.push(settled(work(item)));
    if (running.length >= limit) yield await take();
  }
  while (running.length > 0) yield await take();
}
