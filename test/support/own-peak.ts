// SPDX-License-Identifier: Apache-2.0
// The largest resident set of this process, bytes. What the kernel says of a child to its parent (ru_maxrss) includes
// what the parent was when it forked, so a child asks for itself.
import { readFileSync } from "node:fs";

export function ownPeakBytes(): number {
  const [, kib] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  if (kib === undefined) throw new Error("this system does not tell the peak of a process");
  return Number(kib) * 1024;
}
