// SPDX-License-Identifier: Apache-2.0
import { createServer } from "node:net";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { isLoopback, replyMessage, request, scrub, unsafeUrlReason, type HttpRequest } from "./http.ts";
import { context, everythingIn, failure, leaksOf, serve, tokenOf } from "./loopback.testkit.ts";

const get: HttpRequest = { service: "the service", method: "GET", timeoutMs: 5000, maxBytes: 1000 };

describe("request", () => {
  it("sends method, headers and body, and returns status, headers and bytes", async () => {
    const server = await serve(() => ({ status: 418, headers: { "x-kind": "teapot" }, body: "short and stout" }));
    const response = await request(
      `${server.url}/pot?x=1`,
      { ...get, method: "POST", headers: { "x-ask": "tea" }, body: Buffer.from("water") },
      context(),
    );
    expect(response.status).toBe(418);
    expect(response.headers.get("x-kind")).toBe("teapot");
    expect(Buffer.from(response.bytes).toString()).toBe("short and stout");
    expect(server.seen[0]).toMatchObject({ method: "POST", path: "/pot?x=1", body: Buffer.from("water") });
    expect(server.seen[0]?.headers["x-ask"]).toBe("tea");
  });

  it.each(["http://example.com/", "ftp://127.0.0.1/", "not a url", "https://user:hunter22@example.com/"])(
    "refuses the address %s without quoting it",
    async (address) => {
      const error = await failure(request(address, get, context()));
      expect(error.code).toBe("ERR_CONFIG_INVALID");
      expect(everythingIn(error)).not.toContain("hunter22");
      expect(error.message).not.toContain("example.com");
    },
  );

  it.each([301, 302, 303, 307, 308])("does not follow a redirect with status %i", async (status) => {
    const target = await serve(() => ({ body: "stolen" }));
    const server = await serve(() => ({ status, headers: { location: `${target.url}/steal?token=1` } }));
    const error = await failure(request(server.url, { ...get, headers: { authorization: "x" } }, context()));
    expect(error).toMatchObject({ code: "ERR_SERVICE_UNAVAILABLE", details: { reason: "redirect" } });
    expect(error.message).not.toContain("steal");
    expect(target.seen).toEqual([]);
  });

  it("returns a redirect to a caller that asks for it", async () => {
    const server = await serve(() => ({ status: 302, headers: { location: "/elsewhere" } }));
    const response = await request(server.url, { ...get, redirects: "return" }, context());
    expect([response.status, response.headers.get("location")]).toEqual([302, "/elsewhere"]);
    expect(server.seen).toHaveLength(1);
  });

  it("accepts a reply of exactly maxBytes and refuses one byte more", async () => {
    const server = await serve(({ path }) => ({ body: "x".repeat(path === "/more" ? 1001 : 1000) }));
    expect((await request(server.url, get, context())).bytes).toHaveLength(1000);
    const error = await failure(request(`${server.url}/more`, get, context()));
    expect(error).toMatchObject({ code: "ERR_SERVICE_UNAVAILABLE", details: { reason: "oversize" } });
  });

  it.each(["hang", "stall"] as const)("gives up on a server that %ss", async (instead) => {
    const server = await serve(() => ({ instead }));
    const error = await failure(request(server.url, { ...get, timeoutMs: 50 }, context()));
    expect(error).toMatchObject({ code: "ERR_SERVICE_UNAVAILABLE", details: { reason: "timeout" } });
  });

  it("reports an abort as an interruption, before and during the request", async () => {
    const controller = new AbortController();
    const server = await serve(() => {
      controller.abort();
      return { instead: "hang" };
    });
    const ctx = context({ signal: controller.signal });
    expect((await failure(request(server.url, get, ctx))).code).toBe("ERR_INTERRUPTED");
    expect((await failure(request(server.url, get, ctx))).code).toBe("ERR_INTERRUPTED");
    expect(server.seen).toHaveLength(1);
  });

  it("names service, origin and cause of a refused connection, and nothing of path and query", async () => {
    const socket = createServer().listen(0, "127.0.0.1");
    await once(socket, "listening");
    const address = socket.address();
    const port = typeof address === "object" ? address?.port : 0;
    socket.close();
    await once(socket, "close");
    const error = await failure(request(`http://127.0.0.1:${port}/secret-path?key=secret-query`, get, context()));
    expect(error).toMatchObject({ code: "ERR_SERVICE_UNAVAILABLE", details: { reason: "network" } });
    expect(error.message).toContain("ECONNREFUSED");
    expect(error.message).toContain(`http://127.0.0.1:${port}`);
    expect(everythingIn(error)).not.toMatch(/secret-path|secret-query/);
  });

  it("keeps a header value out of the error that the platform makes of it", async () => {
    const token = tokenOf();
    const headers = { authorization: `Token ${token}\nx` };
    const error = await failure(request("http://127.0.0.1:1/", { ...get, headers, secrets: [token] }, context()));
    expect(error.code).toBe("ERR_SERVICE_UNAVAILABLE");
    expect(leaksOf(token, everythingIn(error))).toEqual([]);
  });

  it("reports a dropped connection as a network failure", async () => {
    const server = await serve(() => ({ instead: "reset" }));
    const error = await failure(request(server.url, get, context()));
    expect(error).toMatchObject({ code: "ERR_SERVICE_UNAVAILABLE", details: { reason: "network" } });
  });
});

describe("unsafeUrlReason", () => {
  it.each(["https://example.com/x", "http://localhost:1/", "http://127.0.0.1/", "http://127.1/", "http://[::1]:8/"])(
    "allows %s",
    (address) => expect(unsafeUrlReason(address)).toBeUndefined(),
  );

  it.each(["http://localhost.example.com/", "http://127.0.0.1.nip.io/", "http://[::2]/", "http://128.0.0.1/"])(
    "refuses %s",
    (address) => {
      expect(unsafeUrlReason(address)).toBeTypeOf("string");
      expect(isLoopback(new URL(address))).toBe(false);
    },
  );
});

describe("scrub", () => {
  it("takes out a secret, a segment of a token, any fragment of 16 characters, and foreign tokens", () => {
    const token = tokenOf();
    const [, payload = "", signature = ""] = token.split(".");
    const texts = [
      token,
      `x${payload}y`,
      signature.slice(5, 40),
      `"${token.slice(0, 30)}"`,
      `=${payload.slice(3, 30)}=`,
    ];
    for (const text of texts) expect(leaksOf(token, scrub(`before ${text} after`, [token]))).toEqual([]);
    expect(scrub(`before ${token} after`, [])).toMatch(/^before \[redacted\] after$/);
  });

  it("leaves other text alone", () => {
    const text = "invalid identity for https://agent.buildkite.com/some/long/path, code 3";
    expect(scrub(text, [tokenOf(), "", "1"])).toBe(text);
  });
});

describe("replyMessage", () => {
  const reply = (body: string) => ({ status: 400, headers: new Headers(), bytes: Buffer.from(body), origin: "" });

  it("prefers a JSON message, caps it and escapes it", () => {
    expect(replyMessage(reply('{"code":3,"message":"no \\u001b[31m key"}'), [])).toBe('"no \\u001b[31m key"');
    expect(replyMessage(reply("x".repeat(500)), [])?.length).toBeLessThan(130);
  });

  it("has nothing to show of an empty reply or a page", () => {
    expect(replyMessage(reply("  "), [])).toBeUndefined();
    expect(replyMessage(reply("<html>"), [])).toBeUndefined();
  });

  it("scrubs a token that the message cap would cut in two", () => {
    const token = tokenOf();
    const said = replyMessage(reply(JSON.stringify({ message: `${"y".repeat(100)} ${token}` })), [token]);
    expect(leaksOf(token, said ?? "")).toEqual([]);
  });
});
