// SPDX-License-Identifier: Apache-2.0
// A server as a process of a test's own: started on a free port of loopback, awaited, stopped by its pid.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

export interface Served {
  readonly origin: string;
  readonly stop: () => Promise<void>;
}

export interface Program {
  readonly command: string;
  readonly args: (port: number) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Below the origin; any answer says that the server is there. */
  readonly probe?: string;
}

const ATTEMPTS = 600;
const PAUSE_MS = 50;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export async function serve({ command, args, env = {}, probe = "/" }: Program): Promise<Served> {
  const port = await freePort();
  const child = spawn(command, args(port), {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  failed.catch(() => undefined);
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  const origin = `http://127.0.0.1:${port}`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}: ${said}`);
    const answered = await Promise.race([fetch(origin + probe).catch(() => undefined), failed]);
    if (answered !== undefined) return { origin, stop };
    await wait(PAUSE_MS);
  }
  await stop();
  throw new Error(`${command} did not start: ${said}`);
}
