// SPDX-License-Identifier: Apache-2.0
// Setup of the whole test run: beside it, a process looks at every process's arguments all the time. What a list of
// processes shows, everybody on the machine can see.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";

/** Ends the run as failed if a credential was seen. Where there is no /proc nothing is watched. */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (!existsSync("/proc/self/cmdline")) return undefined;
  const watcher = spawn(execPath, [join(import.meta.dirname, "process-watch-child.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  watcher.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(watcher, "close");
  return async () => {
    watcher.stdin.end();
    await ended;
    const { looks, seen } = JSON.parse(said) as { looks: number; seen: readonly string[] };
    if (seen.length > 0) throw new Error(`credentials in the arguments of processes: ${seen.join("\n")}`);
    if (looks === 0) throw new Error("nobody looked at the processes");
    console.log(`process list: no credential in ${looks} looks`);
  };
}
