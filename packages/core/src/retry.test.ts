// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { KitesealError } from "./errors.ts";
import { context, failure, IMPATIENT, NOW, serve } from "./loopback.testkit.ts";
import {
  againIfTransient,
  isTransientStatus,
  requestRepeatedly,
  retry,
  retryAfterMs,
  type RetryOptions,
} from "./retry.ts";

const get = { service: "the service", method: "GET", timeoutMs: 5000, maxBytes: 1000 } as const;

function recorded(changes: Partial<RetryOptions<string>> = {}): { waits: number[]; options: RetryOptions<string> } {
  const waits: number[] = [];
  const options: RetryOptions<string> = {
    attempts: 5,
    baseMs: 100,
    maxWaitMs: 350,
    again: () => true,
    random: () => 1,
    sleep: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
    ...changes,
  };
  return { waits, options };
}

describe("retry", () => {
  it("stops at the first outcome that needs no other attempt", async () => {
    const { waits, options } = recorded({ again: (outcome) => !outcome.ok });
    const value = await retry(
      (attempt) => (attempt < 3 ? Promise.reject(new Error("x")) : Promise.resolve("done")),
      options,
      context(),
    );
    expect(value).toBe("done");
    expect(waits).toEqual([100, 200]);
  });

  it("doubles the upper bound of the wait and never exceeds maxWaitMs", async () => {
    const { waits, options } = recorded();
    await retry(() => Promise.resolve("again"), options, context());
    expect(waits).toEqual([100, 200, 350, 350]);
  });

  it("waits a random part of the bound", async () => {
    const { waits, options } = recorded({ random: () => 0.25 });
    await retry(() => Promise.resolve("again"), options, context());
    expect(waits).toEqual([25, 50, 88, 88]);
  });

  it("waits as long as it is asked to, up to maxWaitMs", async () => {
    const asked = [300, 90_000];
    const { waits, options } = recorded({
      attempts: 3,
      random: () => 0,
      again: () => ({ afterMs: asked.shift() ?? 0 }),
    });
    await retry(() => Promise.resolve("again"), options, context());
    expect(waits).toEqual([300, 350]);
  });

  it("throws the last error when the attempts are used up", async () => {
    const { waits, options } = recorded({ attempts: 2 });
    const attempts: number[] = [];
    const operation = (attempt: number): Promise<string> => {
      attempts.push(attempt);
      return Promise.reject(new KitesealError("ERR_SERVICE_UNAVAILABLE", `attempt ${attempt}`));
    };
    expect((await failure(retry(operation, options, context()))).message).toBe("attempt 2");
    expect([attempts, waits]).toEqual([[1, 2], [100]]);
  });

  it("ends a wait when the signal fires", async () => {
    const controller = new AbortController();
    const { options } = recorded({ baseMs: 600_000, maxWaitMs: 600_000 });
    const { sleep: _ours, ...timed } = options;
    const running = retry(() => Promise.resolve("again"), timed, context({ signal: controller.signal }));
    controller.abort();
    expect((await failure(running)).code).toBe("ERR_INTERRUPTED");
  });
});

describe("requestRepeatedly", () => {
  it.each([408, 425, 429, 500, 502, 503, 504])("repeats after status %i", async (status) => {
    const server = await serve((_seen, count) => (count < 3 ? { status } : { status: 200 }));
    const response = await requestRepeatedly(server.url, { ...get, pace: IMPATIENT }, context());
    expect([response.status, server.seen.length, isTransientStatus(status)]).toEqual([200, 3, true]);
  });

  it.each([400, 401, 403, 404, 409, 422])("does not repeat after status %i", async (status) => {
    const server = await serve(() => ({ status }));
    const response = await requestRepeatedly(server.url, { ...get, pace: IMPATIENT }, context());
    expect([response.status, server.seen.length]).toEqual([status, 1]);
  });

  it("repeats after a dropped connection and a lost reply", async () => {
    const server = await serve((_seen, count) => (count < 3 ? { instead: count === 1 ? "reset" : "hang" } : {}));
    const options = { ...get, timeoutMs: 200, pace: IMPATIENT };
    expect((await requestRepeatedly(server.url, options, context())).status).toBe(200);
    expect(server.seen).toHaveLength(3);
  });

  it("returns the last reply when the attempts are used up", async () => {
    const server = await serve(() => ({ status: 503 }));
    const response = await requestRepeatedly(server.url, { ...get, pace: IMPATIENT }, context());
    expect([response.status, server.seen.length]).toEqual([503, IMPATIENT.attempts]);
  });

  it("does not repeat a redirect or an oversized reply", async () => {
    const server = await serve(({ path }) =>
      path === "/big" ? { body: "x".repeat(2000) } : { status: 302, headers: { location: "/" } },
    );
    await failure(requestRepeatedly(`${server.url}/big`, { ...get, pace: IMPATIENT }, context()));
    await failure(requestRepeatedly(`${server.url}/away`, { ...get, pace: IMPATIENT }, context()));
    expect(server.seen).toHaveLength(2);
  });
});

describe("againIfTransient", () => {
  it("passes a server's Retry-After on", () => {
    const value = { status: 429, headers: new Headers({ "retry-after": "7" }), bytes: new Uint8Array(), origin: "" };
    expect(againIfTransient({ ok: true, value }, context())).toEqual({ afterMs: 7000 });
  });

  it.each(["ERR_INTERRUPTED", "ERR_CONFIG_INVALID"] as const)("does not repeat after %s", (code) => {
    expect(againIfTransient({ ok: false, error: new KitesealError(code, "no") }, context())).toBe(false);
  });
});

describe("retryAfterMs", () => {
  it.each([
    ["7", 7000],
    [" 0 ", 0],
    [new Date(NOW.getTime() + 90_000).toUTCString(), 90_000],
    [new Date(NOW.getTime() - 90_000).toUTCString(), 0],
    ["soon", undefined],
    ["-1x", undefined],
    [null, undefined],
  ])("reads %s as %s", (header, expected) => expect(retryAfterMs(header, NOW)).toBe(expected));
});
