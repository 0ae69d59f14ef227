// SPDX-License-Identifier: Apache-2.0
// A server that answers before it has read the body, and hangs up: its answer counts, the rest is not sent.
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { expect, test } from "vitest";
import { exchange } from "./exchange.ts";

const MIB = 1_048_576;
const CHUNKS = 64;

test.each([403, 413])("%i in mid-body is the answer", async (status) => {
  let closed = false;
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.once("data", () => {
      socket.pause();
      socket.write(`HTTP/1.1 ${status} No\r\ncontent-length: 2\r\n\r\nno`);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => (closed = true));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  let asked = 0;
  async function* body(): AsyncGenerator<Uint8Array> {
    for (; asked < CHUNKS; asked += 1) yield await Promise.resolve(new Uint8Array(MIB));
  }
  const headers = { "content-length": String(CHUNKS * MIB) };
  const reply = await exchange(
    `http://127.0.0.1:${port}/x`,
    { method: "PUT", headers, body: body(), idleMs: 10_000, action: "writing" },
    { now: () => new Date() },
  );
  expect(reply.status).toBe(status);
  expect(await reply.text(100)).toBe("no");
  expect(asked).toBeLessThan(CHUNKS);
  // What is on its way already is read, so that the end behind it is seen.
  for (const socket of sockets) socket.resume();
  await expect.poll(() => closed).toBe(true);
  server.close();
});
