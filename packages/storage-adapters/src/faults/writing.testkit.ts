// SPDX-License-Identifier: Apache-2.0
// Faults while an object is written or copied: nothing half-written is visible, nothing of others is touched, and the
// same run again completes.
import { expect } from "vitest";
import type { Key } from "@kiteseal/core/store";
import type { Happening, Match } from "../../../../test/doubles/proxy.ts";
import type { Outcome } from "./outcomes.testkit.ts";
import { expectWaited, redirects, waitsAsAsked, withRetryAfter } from "./reading.testkit.ts";
import { count, expectNothingBroken, expectRerun, key, outcomeOf, pattern, put, source } from "./wire.testkit.ts";
import type { Bench } from "./wire.testkit.ts";

const SMALL = pattern(3000);
/** Over what goes in one chunk. */
const CHUNKS = pattern(300_000);
/** Refused by every store. */
const FORBIDDEN = ["a//b", "a/../b", "/a", "a/", ".", "a\u0000b", "a\nb", "a\u007fb", "\ud800", "a/./b", ""];

/** One put of `bytes` while `does` happens; then the promises of this file's head. */
async function putWhile(
  bench: Bench,
  fault: { on: Match; does: Happening; times?: number; bytes?: Uint8Array },
): Promise<Outcome> {
  const { on, does, times = 1, bytes = SMALL } = fault;
  const before = count(bench, on);
  bench.wire.proxy.add(on, does, times);
  const outcome = await outcomeOf(put(bench, "ours", bytes));
  expect(count(bench, on)).toBeGreaterThan(before);
  if (outcome === "done") expect(bench.wire.held().has(key("ours"))).toBe(true);
  await expectRerun(bench, "ours", bytes);
  return outcome;
}

function large(bench: Bench): Uint8Array {
  return pattern(bench.profile.largeBytes);
}

/** The second part of an upload, so that there is something to lose. */
function second(match: Match): Match {
  let seen = 0;
  return (request) => match(request) && (seen += 1) > 1;
}

async function waiting(bench: Bench, asked: "put" | "part" | "complete", says: "busy" | "throttled"): Promise<Outcome> {
  const bytes = asked === "put" ? SMALL : large(bench);
  const { is, says: replies } = bench.profile;
  const outcome = await putWhile(bench, { on: is[asked], does: withRetryAfter(replies[says]), bytes });
  expectWaited(bench);
  return outcome;
}

/** The server holds other bytes than it was sent; the run must not end well. */
async function corrupt(bench: Bench): Promise<Outcome> {
  const change: Happening = {
    change: async (reply) => {
      await bench.wire.plant(key("ours"), "rotten");
      return bench.profile.lie(reply);
    },
  };
  bench.wire.proxy.add(bench.profile.is.put, change);
  return outcomeOf(put(bench, "ours", SMALL));
}

async function copyWhile(bench: Bench, does: Happening, times: number): Promise<Outcome> {
  const { object } = await put(bench, "from", SMALL);
  bench.wire.proxy.add(bench.profile.is.copy, does, times);
  const outcome = await outcomeOf(bench.wire.store.copy(object, key("to"), bench.ctx));
  bench.wire.proxy.heal();
  expect(count(bench, bench.profile.is.copy)).toBeGreaterThan(0);
  expectNothingBroken(bench, "to", SMALL);
  await bench.wire.store.copy(object, key("to"), bench.ctx);
  expect(bench.wire.held().get(key("to"))?.length).toBe(SMALL.length);
  return outcome;
}

async function forbidden(bench: Bench): Promise<Outcome> {
  const outcomes = new Set<Outcome>();
  const before = bench.wire.proxy.requests.length;
  const { store } = bench.wire;
  for (const name of [...FORBIDDEN, ...bench.profile.forbiddenKeys]) {
    // Whoever made it: the store looks again.
    outcomes.add(await outcomeOf(store.put(name as Key, { source: source(store, SMALL) }, bench.ctx)));
  }
  expect(bench.wire.proxy.requests.slice(before)).toEqual([]);
  expect([...outcomes]).toHaveLength(1);
  return [...outcomes][0] ?? "done";
}

/** All requests are refused from the second part on. */
async function expired(bench: Bench): Promise<Outcome> {
  const bytes = large(bench);
  const { is, says } = bench.profile;
  let parts = 0;
  const on: Match = (request) => {
    if (is.part(request)) parts += 1;
    return parts > 1;
  };
  bench.wire.proxy.add(on, { reply: says.expired }, Infinity);
  const outcome = await outcomeOf(put(bench, "ours", bytes));
  expect(bench.wire.held().has(key("ours"))).toBe(false);
  bench.wire.proxy.heal();
  bench.wire.proxy.requests.length = 0;
  await expectRerun(bench, "ours", bytes);
  // Gone on with: what had arrived is not sent again.
  const again = bench.wire.proxy.requests.filter(is.part).reduce((sum, { bytes: sent }) => sum + sent, 0);
  expect(again).toBeLessThan(bytes.length);
  return outcome;
}

export const WRITING = {
  "put.reset": (bench: Bench) => putWhile(bench, { on: bench.profile.is.put, does: "reset", bytes: CHUNKS }),
  "put.lost-reply": (bench: Bench) => putWhile(bench, { on: bench.profile.is.put, does: "lost-reply" }),
  "put.lost-reply-empty": (bench: Bench) =>
    putWhile(bench, { on: bench.profile.is.put, does: "lost-reply", bytes: new Uint8Array() }),
  "put.throttled": (bench: Bench) => waiting(bench, "put", "throttled"),
  "put.busy": (bench: Bench) => waiting(bench, "put", "busy"),
  "put.down": (bench: Bench) =>
    putWhile(bench, { on: bench.profile.is.put, does: { reply: bench.profile.says.busy }, times: Infinity }),
  "put.silent": (bench: Bench) => putWhile(bench, { on: bench.profile.is.put, does: "silent", times: Infinity }),
  "put.denied": (bench: Bench) =>
    putWhile(bench, { on: bench.profile.is.put, does: { reply: bench.profile.says.denied }, times: Infinity }),
  "put.redirect": async (bench: Bench) => {
    const outcome = await redirects(bench, bench.profile.is.put, () => put(bench, "ours", SMALL));
    expect(bench.wire.held().has(key("ours"))).toBe(false);
    await expectRerun(bench, "ours", SMALL);
    return outcome;
  },
  "put.lie": (bench: Bench) =>
    putWhile(bench, { on: bench.profile.is.put, does: { change: (reply) => bench.profile.lie(reply) } }),
  "put.corrupt": corrupt,
  "part.reset": (bench: Bench) =>
    putWhile(bench, { on: second(bench.profile.is.part), does: "reset", bytes: large(bench) }),
  "part.lost-reply": (bench: Bench) =>
    putWhile(bench, { on: bench.profile.is.part, does: "lost-reply", bytes: large(bench) }),
  "part.busy": (bench: Bench) => waiting(bench, "part", "busy"),
  "part.down": (bench: Bench) =>
    putWhile(bench, {
      on: bench.profile.is.part,
      does: { reply: bench.profile.says.busy },
      times: Infinity,
      bytes: large(bench),
    }),
  "part.expired": expired,
  "complete.lost-reply": (bench: Bench) =>
    putWhile(bench, { on: bench.profile.is.complete, does: "lost-reply", bytes: large(bench) }),
  "complete.busy": (bench: Bench) => waiting(bench, "complete", "busy"),
  "copy.lost-reply": (bench: Bench) => copyWhile(bench, "lost-reply", 1),
  "copy.busy": async (bench: Bench) => {
    const { object } = await put(bench, "from", SMALL);
    const outcome = await waitsAsAsked(bench, { on: bench.profile.is.copy, reply: bench.profile.says.busy }, () =>
      bench.wire.store.copy(object, key("to"), bench.ctx),
    );
    expect(count(bench, bench.profile.is.get)).toBe(0);
    expect(bench.wire.held().get(key("to"))?.length).toBe(SMALL.length);
    return outcome;
  },
  "copy.denied": (bench: Bench) => copyWhile(bench, { reply: bench.profile.says.denied }, Infinity),
  "key.forbidden": forbidden,
} as const;
