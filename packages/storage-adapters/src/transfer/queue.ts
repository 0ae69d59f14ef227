// SPDX-License-Identifier: Apache-2.0
// Work that becomes known bit by bit, for several workers.

export interface Queue<T extends object> {
  /** Ignored after `end`. */
  push(item: T): void;
  /** Nothing more comes. `now`: and what is still waiting is dropped. */
  end(now?: boolean): void;
  /** The next item, to one worker only; undefined: there is none, and none comes. */
  take(): Promise<T | undefined>;
}

export function createQueue<T extends object>(): Queue<T> {
  let items: T[] = [];
  let isEnded = false;
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const resume of woken) resume();
  };
  const take = async (): Promise<T | undefined> => {
    const next = items.shift();
    if (next !== undefined || isEnded) return next;
    await new Promise<void>((resolve) => waiting.push(resolve));
    return await take();
  };
  return {
    push: (item) => {
      if (!isEnded) items.push(item);
      wake();
    },
    end: (now = false) => {
      isEnded = true;
      if (now) items = [];
      wake();
    },
    take,
  };
}
