// SPDX-License-Identifier: Apache-2.0
// Looks at the arguments of every process until its input ends; then says what it saw, as JSON.
import { readdirSync, readFileSync } from "node:fs";
import { shownIn } from "./given-out.ts";

const PAUSE_MS = 100;
const seen = new Set<string>();
let looks = 0;

/** A process may be gone before it is looked at. */
function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

function look(): void {
  looks += 1;
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const given = argumentsOf(pid);
    for (const secret of shownIn(given)) seen.add(`${secret}: ${given.slice(0, 200).replaceAll("\0", " ")}`);
  }
}

const timer = setInterval(look, PAUSE_MS);
process.stdin.resume().on("end", () => {
  clearInterval(timer);
  process.stdout.write(JSON.stringify({ looks, seen: [...seen] }));
});
