// SPDX-License-Identifier: Apache-2.0
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { requestToken } from "./client.testkit.ts";
import { type Sandbox, startSandbox } from "./index.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterEach(() => sandbox.faults.clear());
afterAll(() => sandbox.close());

describe("a fault", () => {
  it("answers with a status without acting, as often as it was told", async () => {
    sandbox.faults.add({ path: "/agent/", effect: "status", status: 503, retryAfter: "7", body: "{}", times: 2 });
    const before = sandbox.stats.tokens;
    const answers = [await requestToken(sandbox), await requestToken(sandbox), await requestToken(sandbox)];
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 200]);
    expect(answers[0]?.headers.get("retry-after")).toBe("7");
    expect(sandbox.stats.tokens).toBe(before + 1);
    expect(sandbox.stats.requests["agent.oidc-token"]).toBe(3);
  });

  it("resets the connection without acting", async () => {
    sandbox.faults.add({ path: "/agent/", effect: "reset" });
    const before = sandbox.stats.tokens;
    await expect(requestToken(sandbox)).rejects.toThrow(TypeError);
    expect(sandbox.stats.tokens).toBe(before);
  });

  it("loses the reply after acting", async () => {
    sandbox.faults.add({ path: "/agent/", effect: "lost-reply", times: 1 });
    const before = sandbox.stats.tokens;
    await expect(requestToken(sandbox)).rejects.toThrow(TypeError);
    expect(sandbox.stats.tokens).toBe(before + 1);
  });

  it("delays, then goes on", async () => {
    sandbox.faults.add({ path: "/agent/", effect: "delay", delayMs: 60 });
    const start = performance.now();
    expect((await requestToken(sandbox)).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThanOrEqual(50);
  });

  it("leaves other paths and methods alone, and can be taken away", async () => {
    const remove = sandbox.faults.add({ path: "/agent/", effect: "reset" });
    sandbox.faults.add({ path: "/.well-known/", method: "POST", effect: "reset" });
    expect((await fetch(`${sandbox.url}/.well-known/jwks`)).status).toBe(200);
    remove();
    expect((await requestToken(sandbox)).status).toBe(200);
  });
});

describe("close", () => {
  it("ends requests that a fault holds up", async () => {
    const other = await startSandbox();
    other.faults.add({ path: "/", effect: "delay", delayMs: 600_000 });
    const pending = fetch(`${other.url}/.well-known/jwks`);
    const outcome = expect(pending).rejects.toThrow(TypeError);
    await expect.poll(() => other.stats.requests["oidc.jwks"]).toBe(1);
    await other.close();
    await outcome;
    await expect(fetch(other.url)).rejects.toThrow(TypeError);
  });
});

describe("a path that no service has", () => {
  it("is 404, with another method 405", async () => {
    expect((await fetch(`${sandbox.url}/nothing`)).status).toBe(404);
    expect((await fetch(`${sandbox.url}/api/v2/signingCert`)).status).toBe(405);
  });
});
