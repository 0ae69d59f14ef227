// SPDX-License-Identifier: Apache-2.0
// A worker thread that hashes one file: plain data in and out.
import { parentPort, workerData } from "node:worker_threads";
import { plainError } from "../thread-errors.ts";
import { digestOpened } from "./digest.ts";
import { reopenFile } from "./file.ts";
import type { HashReport, HashStart } from "./hash-thread.ts";

function isStart(value: unknown): value is HashStart {
  return typeof value === "object" && value !== null && "path" in value && "identity" in value && "plan" in value;
}

/** The digests are the last thing said. */
async function hash({ path, identity, plan }: HashStart, tell: (report: HashReport) => void): Promise<void> {
  const file = await reopenFile({ path, identity });
  try {
    const onPart = (part: Extract<HashReport, { part: unknown }>["part"]): void => tell({ part });
    const { digests } = await digestOpened(file, { ...plan, onPart }, { progress: ({ done }) => tell({ done }) });
    tell({ digests });
  } finally {
    file.close();
  }
}

if (parentPort !== null && isStart(workerData)) {
  const port = parentPort;
  const tell = (report: HashReport): void => port.postMessage(report);
  hash(workerData, tell).catch((error: unknown) => tell({ error: plainError(error) }));
}
