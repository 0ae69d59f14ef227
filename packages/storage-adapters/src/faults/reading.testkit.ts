// SPDX-License-Identifier: Apache-2.0
// Faults while one object is looked at and read.
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import type { StoredObject } from "@kiteseal/core/store";
import type { Happening, Match, Reply } from "../../../../test/doubles/proxy.ts";
import type { Outcome } from "./outcomes.testkit.ts";
import { count, key, outcomeOf, read } from "./wire.testkit.ts";
import type { Bench } from "./wire.testkit.ts";

/** What was asked for a second time only after as long as the server wanted. */
const RETRY_AFTER_MS = 7000;

export function withRetryAfter(reply: Reply): Happening {
  return { reply: { ...reply, headers: { ...reply.headers, "retry-after": String(RETRY_AFTER_MS / 1000) } } };
}

/** Once as long as the server asked for; other waits are polls and jitter. */
export function expectWaited({ waits }: Bench): void {
  expect(waits.filter((ms) => ms >= RETRY_AFTER_MS)).toEqual([RETRY_AFTER_MS]);
}

/** `operation` meets `reply` once: asked again exactly once, after the time that the server named. */
export async function waitsAsAsked(
  bench: Bench,
  { on, reply }: { on: Match; reply: Reply },
  operation: () => Promise<unknown>,
): Promise<Outcome> {
  const before = count(bench, on);
  bench.wire.proxy.add(on, withRetryAfter(reply));
  const outcome = await outcomeOf(operation());
  expect(count(bench, on) - before).toBe(2);
  expectWaited(bench);
  return outcome;
}

/** `operation` meets a redirect to a server of another origin, which must learn nothing that identifies. */
export async function redirects(bench: Bench, on: Match, operation: () => Promise<unknown>): Promise<Outcome> {
  const seen: IncomingMessage[] = [];
  const other = createServer((request, response) => {
    seen.push(request);
    request.resume();
    const bytes = Buffer.from("twelve bytes");
    response.writeHead(200, { "content-length": bytes.length, etag: '"1"' });
    response.end(request.method === "HEAD" ? undefined : bytes);
  });
  await new Promise<void>((resolve) => void other.listen(0, "127.0.0.1", resolve));
  const location = `http://127.0.0.1:${(other.address() as AddressInfo).port}/elsewhere`;
  try {
    bench.wire.proxy.add(on, { reply: { status: 307, headers: { location } } }, Infinity);
    return await outcomeOf(operation());
  } finally {
    other.closeAllConnections();
    await new Promise<void>((resolve) => void other.close(() => resolve()));
    for (const { headers, url } of seen) {
      expect(Object.keys(headers).filter((name) => /auth|token|cookie|secret/.test(name))).toEqual([]);
      expect(url).toBe("/elsewhere");
    }
  }
}

const TWELVE = "twelve bytes";

async function planted(bench: Bench): Promise<StoredObject> {
  await bench.wire.plant(key("a"), TWELVE);
  const object = await bench.wire.store.head(key("a"), bench.ctx);
  if (object === undefined) throw new Error("what was planted is not there");
  return object;
}

const head = (bench: Bench) => async (): Promise<void> => {
  const object = await bench.wire.store.head(key("a"), bench.ctx);
  expect(object?.size).toBe(TWELVE.length);
};

async function headAlways(bench: Bench, does: Happening): Promise<Outcome> {
  await bench.wire.plant(key("a"), TWELVE);
  bench.wire.proxy.add(bench.profile.is.head, does, Infinity);
  const outcome = await outcomeOf(head(bench)());
  // Nor is it absence of what is not there.
  expect(await outcomeOf(bench.wire.store.head(key("not-there"), bench.ctx))).toBe(outcome);
  return outcome;
}

/** The planted object is read while `does` happens to its first `times` requests. */
async function readWhile(bench: Bench, does: Happening, times = 1): Promise<Outcome> {
  const object = await planted(bench);
  bench.wire.proxy.add(bench.profile.is.get, does, times);
  return outcomeOf(read(bench, object).then((bytes) => expect(bytes.toString()).toBe(TWELVE)));
}

async function longer(bench: Bench): Promise<Outcome> {
  const object = await planted(bench);
  bench.wire.proxy.add(bench.profile.is.get, "long", Infinity);
  let bytes = 0;
  const reading = async (): Promise<void> => {
    for await (const chunk of bench.wire.store.get(object, { maxBytes: 1000 }, bench.ctx)) bytes += chunk.length;
  };
  const outcome = await outcomeOf(reading());
  expect(bytes).toBeLessThanOrEqual(object.size);
  return outcome;
}

async function replaced(bench: Bench): Promise<Outcome> {
  const object = await planted(bench);
  await bench.wire.plant(key("a"), "other  bytes");
  return outcomeOf(read(bench, object));
}

async function silent(bench: Bench, on: Match, operation: () => Promise<unknown>): Promise<Outcome> {
  const before = count(bench, on);
  bench.wire.proxy.add(on, "silent", Infinity);
  const outcome = await outcomeOf(operation());
  expect(count(bench, on) - before).toBeGreaterThan(0);
  return outcome;
}

export const READING = {
  "head.throttled": async (bench: Bench) => {
    await bench.wire.plant(key("a"), TWELVE);
    return waitsAsAsked(bench, { on: bench.profile.is.head, reply: bench.profile.says.throttled }, head(bench));
  },
  "head.busy": async (bench: Bench) => {
    await bench.wire.plant(key("a"), TWELVE);
    return waitsAsAsked(bench, { on: bench.profile.is.head, reply: bench.profile.says.busy }, head(bench));
  },
  "head.down": (bench: Bench) => headAlways(bench, { reply: bench.profile.says.busy }),
  "head.reset": async (bench: Bench) => {
    await bench.wire.plant(key("a"), TWELVE);
    bench.wire.proxy.add(bench.profile.is.head, "reset");
    return outcomeOf(head(bench)());
  },
  "head.silent": (bench: Bench) => silent(bench, bench.profile.is.head, head(bench)),
  "head.denied": (bench: Bench) => headAlways(bench, { reply: bench.profile.says.denied }),
  "head.no-bucket": async (bench: Bench) => {
    bench.wire.proxy.add(() => true, { reply: bench.profile.says.noBucket }, Infinity);
    return outcomeOf(bench.wire.store.head(key("a"), bench.ctx));
  },
  "head.foreign-404": (bench: Bench) =>
    headAlways(bench, { reply: { status: 404, headers: { "content-type": "text/html" }, body: "<html>404</html>" } }),
  "head.redirect": async (bench: Bench) => {
    await bench.wire.plant(key("a"), TWELVE);
    return redirects(bench, bench.profile.is.head, head(bench));
  },
  "get.cut": (bench: Bench) => readWhile(bench, "cut"),
  "get.short": (bench: Bench) => readWhile(bench, "short"),
  "get.unsaid": (bench: Bench) => readWhile(bench, "unsaid"),
  "get.long": longer,
  "get.changed": replaced,
  "get.gone": async (bench: Bench) => {
    const object = await planted(bench);
    return outcomeOf(read(bench, { ...object, key: key("gone") }));
  },
  "get.denied": (bench: Bench) => readWhile(bench, { reply: bench.profile.says.denied }, Infinity),
  "get.busy": async (bench: Bench) => {
    const object = await planted(bench);
    const on = { on: bench.profile.is.get, reply: bench.profile.says.busy };
    return waitsAsAsked(bench, on, () => read(bench, object));
  },
  "get.silent": async (bench: Bench) => {
    const object = await planted(bench);
    return silent(bench, bench.profile.is.get, () => read(bench, object));
  },
  "get.redirect": async (bench: Bench) => {
    const object = await planted(bench);
    return redirects(bench, bench.profile.is.get, () => read(bench, object));
  },
  "clock.skewed": async (bench: Bench) => {
    const object = await planted(bench);
    bench.wire.proxy.add(() => true, { reply: bench.profile.says.skewed }, Infinity);
    const error: unknown = await read(bench, object).catch((e: unknown) => e);
    const some: unknown = expect.any(String);
    expect(error).toMatchObject({ hint: some });
    return outcomeOf(read(bench, object));
  },
} as const;
