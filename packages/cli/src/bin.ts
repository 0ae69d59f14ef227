// SPDX-License-Identifier: Apache-2.0
// The process: arguments, streams, signals, proxies, exit. The only place that touches `process` or the clock;
// everything else is handed an Io.
import type { Io, Sink, SpawnRequest } from "./io.ts";
import { main } from "./main.ts";

const EXIT_ON_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const;

function sink(stream: NodeJS.WriteStream): Sink {
  // Every write reports its own failure; without a listener the stream would end the process first.
  stream.on("error", () => undefined);
  return {
    isTty: stream.isTTY,
    columns: stream.columns,
    write: (data) =>
      new Promise((resolve, reject) => {
        stream.write(data, (error) => (error ? reject(error) : resolve()));
      }),
  };
}

/** Proxies are process-wide and cost a module, so only where one is configured. False for one that is no address. */
async function useProxy(): Promise<boolean> {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];
  if (names.every((name) => (process.env[name] ?? "") === "")) return true;
  const http: object = await import("node:http");
  // Not in the types of the Node version that this compiles against.
  const set: unknown = Reflect.get(http, "setGlobalProxyFromEnv");
  try {
    if (typeof set === "function") Reflect.apply(set, http, []);
    return true;
  } catch {
    // Node's own words repeat the value, and a proxy's address may hold a password.
    return false;
  }
}

async function spawn({ command, env, signal }: SpawnRequest): Promise<number> {
  const { spawn: start } = await import("node:child_process");
  const { constants } = await import("node:os");
  const [file = "", ...args] = command;
  const child = start(file, args, { env: { ...env }, stdio: "inherit" });
  const stop = (): void => void child.kill(signal.reason === "SIGTERM" ? "SIGTERM" : "SIGINT");
  signal.addEventListener("abort", stop, { once: true });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, by) => {
      signal.removeEventListener("abort", stop);
      resolve(code ?? 128 + (by === null ? 0 : constants.signals[by]));
    });
  });
}

const controller = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    if (controller.signal.aborted) process.exit(EXIT_ON_SIGNAL[name]);
    controller.abort(name);
  });
}

const io: Io = {
  stdout: sink(process.stdout),
  stderr: sink(process.stderr),
  env: process.env,
  cwd: process.cwd(),
  now: () => new Date(),
  signal: controller.signal,
  machineConfig:
    process.platform === "win32" ? "C:\\ProgramData\\kiteseal\\kiteseal.yaml" : "/etc/kiteseal/kiteseal.yaml",
  spawn,
};

// Notices of libraries are no business of a job's log, and may repeat what they are about.
process.removeAllListeners("warning");
if (await useProxy()) process.exit(await main(process.argv.slice(2), io));
await io.stderr.write("kiteseal: HTTPS_PROXY or HTTP_PROXY is not the address of a proxy: expected http://HOST:PORT\n");
process.exit(2);
