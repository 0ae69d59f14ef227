// SPDX-License-Identifier: Apache-2.0
// One store behind a proxy that breaks what it is told to: what the fault suite needs to know of it, as data.
import { expect } from "vitest";
import { isKitesealError, parseKey } from "@kiteseal/core/store";
import type { Context, Key, Source, Store, StoredObject } from "@kiteseal/core/store";
import type { FaultProxy, Match, Reply } from "../../../../test/doubles/proxy.ts";
import { sha256 } from "../store-contract.testkit.ts";
import type { Pace } from "../transfer/plan.ts";
import type { Outcome, WireStore } from "./outcomes.testkit.ts";

export interface WireOptions {
  readonly pace: Pace;
  /** Longest silence of the server. */
  readonly idleMs: number;
  readonly stateDirectory: string;
}

export interface Wire {
  /** Through the proxy. */
  readonly store: Store;
  readonly proxy: FaultProxy;
  /** Puts and replaces as somebody else would, not through the proxy. */
  plant(key: Key, content: string): Promise<void>;
  /** What the server holds, by key; without what a probe left. */
  held(): ReadonlyMap<string, Uint8Array>;
  /** Uploads begun and neither completed nor given up. */
  unfinished(): number;
  close(): Promise<void>;
}

export interface PageEntry {
  readonly key: string;
  /** undefined: the entry says none. */
  readonly size: number | undefined;
}

/** How this store asks and answers. */
export interface WireProfile {
  readonly name: WireStore;
  readonly title: string;
  open(options: WireOptions): Promise<Wire>;
  readonly is: Readonly<Record<"head" | "get" | "list" | "put" | "part" | "complete" | "copy", Match>>;
  readonly says: Readonly<Record<"denied" | "throttled" | "busy" | "noBucket" | "expired" | "skewed", Reply>>;
  /** From this many bytes on an object goes in parts. */
  readonly largeBytes: number;
  /** A page of a listing. `next`: where the next one begins, "" to say only that there is one. */
  page(entries: readonly PageEntry[], next: string | undefined): Reply;
  /** The reply to a put, changed so that it tells of other bytes than were sent. */
  lie(reply: Reply & { readonly text: string }): Reply;
  /** Keys that every store refuses are not named; these are refused by this one. */
  readonly forbiddenKeys: readonly string[];
}

export const PREFIX = "base/";
export const FOREIGN: Key = parseKey(`${PREFIX}foreign`);

export interface Waits {
  readonly pace: Pace;
  /** What was waited for, in milliseconds; nothing really is. */
  readonly waits: number[];
}

export function recordedPace(): Waits {
  const waits: number[] = [];
  const sleep = async (ms: number): Promise<void> => void waits.push(ms);
  return { waits, pace: { attempts: 4, baseMs: 1, maxWaitMs: 60_000, sleep } };
}

/** What one test of the suite works with. */
export interface Bench {
  readonly wire: Wire;
  readonly profile: WireProfile;
  readonly waits: readonly number[];
  readonly ctx: Context;
}

export function key(name: string): Key {
  return parseKey(PREFIX + name);
}

/** "done", or the code; anything but a KitesealError is a bug. */
export async function outcomeOf(operation: Promise<unknown>): Promise<Outcome> {
  try {
    await operation;
    return "done";
  } catch (error) {
    if (isKitesealError(error)) return error.code;
    throw error;
  }
}

async function drained(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

export function read({ wire, ctx }: Bench, object: StoredObject): Promise<Buffer> {
  return drained(wire.store.get(object, { maxBytes: object.size }, ctx));
}

export async function listed({ wire, ctx }: Bench, prefix = PREFIX): Promise<string[]> {
  const keys: string[] = [];
  for await (const object of wire.store.list(prefix, ctx)) keys.push(object.key);
  return keys.sort();
}

/** As publish makes it: with every digest that the store asks for. */
export function source(store: Store, bytes: Uint8Array): Source {
  const plan = store.digestPlan(bytes.length);
  const { partSize } = plan;
  const parts =
    partSize === undefined
      ? undefined
      : Array.from({ length: Math.ceil(bytes.length / partSize) }, (_, i) =>
          sha256(bytes.subarray(i * partSize, (i + 1) * partSize)),
        );
  return {
    size: bytes.length,
    digests: {
      sha256: sha256(bytes),
      ...(partSize === undefined || parts === undefined ? {} : { parts: { size: partSize, sha256: parts } }),
    },
    async *open(range = { start: 0, end: bytes.length }) {
      for (let at = range.start; at < range.end; at += 65_536)
        yield bytes.subarray(at, Math.min(range.end, at + 65_536));
    },
  };
}

export function put({ wire, ctx }: Bench, name: string, bytes: Uint8Array) {
  return wire.store.put(key(name), { source: source(wire.store, bytes) }, ctx);
}

/** Different everywhere, so that a range in the wrong place shows. */
export function pattern(length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i += 1) words[i] = Math.imul(i + 1, 2_654_435_761);
  return new Uint8Array(words.buffer, 0, length);
}

export function count({ wire }: Bench, match: Match): number {
  return wire.proxy.requests.filter(match).length;
}

/** What a fault may never do: another's object is as it was, and ours is whole or not there. */
export function expectNothingBroken({ wire }: Bench, name: string, bytes: Uint8Array): void {
  const held = wire.held();
  expect(Buffer.from(held.get(FOREIGN) ?? []).toString()).toBe("not ours");
  const ours = held.get(key(name));
  if (ours !== undefined) expect(sha256(ours)).toBe(sha256(bytes));
}

/** And the same run again completes it and leaves nothing unfinished. */
export async function expectRerun(bench: Bench, name: string, bytes: Uint8Array): Promise<void> {
  expectNothingBroken(bench, name, bytes);
  bench.wire.proxy.heal();
  await put(bench, name, bytes);
  expect(sha256(bench.wire.held().get(key(name)) ?? new Uint8Array())).toBe(sha256(bytes));
  expectNothingBroken(bench, name, bytes);
  expect(bench.wire.unfinished()).toBe(0);
}
