// SPDX-License-Identifier: Apache-2.0
// One line of progress at the bottom of a terminal: lossy, and gone before anything that is meant to stay is written.
// Where nobody is looking there is none.
import type { Progress } from "@kiteseal/core";
import type { Io } from "../io.ts";
import { escapeText } from "../report/escape.ts";

const INTERVAL_MS = 100;
const CLEAR_LINE = "\r\u001b[K";
const VERBS = { hash: "reading", sign: "signing", upload: "storing", verify: "verifying", fetch: "fetching" } as const;

export interface StatusLine {
  show(progress: Progress): void;
  /** Resolves when the line is empty again. */
  clear(): Promise<void>;
}

export function createStatusLine(io: Pick<Io, "stderr" | "now">, quiet: boolean): StatusLine {
  if (!io.stderr.isTty || quiet) return { show: () => undefined, clear: () => Promise.resolve() };
  let shown = false;
  let last = 0;
  return {
    show: (progress) => {
      const now = io.now().getTime();
      if (now - last < INTERVAL_MS) return;
      last = now;
      shown = true;
      void io.stderr.write(`${CLEAR_LINE}${statusText(progress, io.stderr.columns ?? 80)}`);
    },
    clear: async () => {
      if (shown) await io.stderr.write(CLEAR_LINE);
      shown = false;
    },
  };
}

/** At most one line of a terminal `columns` wide. */
function statusText({ stage, subject, done, total, unit }: Progress, columns: number): string {
  const amount = unit === "bytes" ? megabytes(done, total) : `${done}${total === undefined ? "" : `/${total}`}`;
  const text = `${VERBS[stage]} ${amount} ${escapeText(subject)}`;
  return Array.from(text)
    .slice(0, Math.max(0, columns - 1))
    .join("");
}

function megabytes(done: number, total: number | undefined): string {
  const size = `${Math.round(done / 1_000_000)} MB`;
  return total === undefined || total === 0
    ? size
    : `${Math.floor((done / total) * 100)} % of ${Math.round(total / 1_000_000)} MB`;
}
