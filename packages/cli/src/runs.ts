// SPDX-License-Identifier: Apache-2.0
// Which runs are still at work, by what the kernel says of their processes: a number alone is soon another's, in
// containers above all, so it goes with the time since boot at which the process began, and with the boot.
import { readFileSync } from "node:fs";
import type { TransferOptions } from "@kiteseal/storage-adapters";

type Runs = NonNullable<TransferOptions["runs"]>;

/** undefined where there is no /proc: then nobody can say. */
export function runsOfMachine(): Runs | undefined {
  const own = identityOf("self");
  if (own === undefined) return undefined;
  return { own, isRunning: (run) => run === identityOf(/^(\d{1,10})\./.exec(run)?.[1] ?? "none") };
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name, in brackets, may hold any character. */
function identityOf(process: string): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const text = readFileSync(`/proc/${process}/stat`, "utf8");
    const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const isDead = state === "Z" || state === "X";
    return isDead ? undefined : `${Number.parseInt(text, 10)}.${fields[18]}.${boot}`;
  } catch {
    return undefined;
  }
}
