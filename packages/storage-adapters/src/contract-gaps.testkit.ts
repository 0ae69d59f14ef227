// SPDX-License-Identifier: Apache-2.0
// What a store or a server does not keep of the contract suites is declared, with its reason, and asserted.
import { beforeEach, expect } from "vitest";
import type { Key } from "@kiteseal/core/store";
import type { Adapter } from "./adapter.ts";

/** Sentences that a store cannot keep, by their titles, and why. Each of them must fail: one that is kept is no gap. */
export type Gaps = ReadonlyMap<string, string>;

/** In a suite of sentences. The reasons go into the results, from where docs/reference/contract.md has them. */
export function declareGaps(gaps: Gaps): void {
  beforeEach(({ task }) => {
    const gap = gaps.get(task.name);
    if (gap !== undefined) Object.assign(task, { fails: true, meta: { ...task.meta, gap } });
    const titles = titlesIn(outermost(task).tasks ?? []);
    expect([...gaps.keys()].filter((title) => !titles.includes(title))).toEqual([]);
  });
}

interface Task {
  readonly name: string;
  readonly suite?: Task | undefined;
  readonly tasks?: readonly Task[];
}

function outermost(task: Task): Task {
  return task.suite === undefined ? task : outermost(task.suite);
}

function titlesIn(tasks: readonly Task[]): readonly string[] {
  return tasks.flatMap((task) => (task.tasks === undefined ? [task.name] : titlesIn(task.tasks)));
}

export interface Switchable {
  readonly adapter: Adapter;
  /** As StoreFixture's. */
  readonly deny: (key: Key) => Promise<() => Promise<void>>;
}

/** `allowed`, until `deny` makes it look as somebody whom the store refuses. */
export function switchable(allowed: Adapter, denied: Adapter): Switchable {
  let current = allowed;
  return {
    adapter: {
      ...allowed,
      head: (...call) => current.head(...call),
      list: (...call) => current.list(...call),
    },
    deny: () => {
      current = denied;
      return Promise.resolve(() => {
        current = allowed;
        return Promise.resolve();
      });
    },
  };
}
