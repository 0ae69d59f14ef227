// SPDX-License-Identifier: Apache-2.0
// A thread for each file that is hashed in one: started, listened to, and ended with it.
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import { type PlainError, revivedError } from "../thread-errors.ts";
import type { DigestedFile, FilePlan } from "./digest.ts";
import type { FileIdentity, OpenFile } from "./file.ts";
import type { DigestPlan, PartDigests, SourceDigests } from "./source.ts";

/** What the thread is started with. It opens the file itself, which must still be this one. */
export interface HashStart {
  readonly path: string;
  readonly identity: FileIdentity;
  readonly plan: DigestPlan;
}

/** What it tells. `done`: bytes; the last is `digests` or `error`. */
export type HashReport =
  | { readonly part: PartDigests }
  | { readonly done: number }
  | { readonly digests: SourceDigests }
  | { readonly error: PlainError };

/** As digestOpened; undefined: this machine lets no thread start, and nothing was read. */
export async function digestInThread(
  { path, identity }: OpenFile,
  { algorithms, partSize, partMd5, onPart }: FilePlan,
  ctx: Pick<Context, "signal" | "progress">,
): Promise<DigestedFile | undefined> {
  const plan: DigestPlan = {
    algorithms,
    ...(partSize === undefined ? {} : { partSize }),
    ...(partMd5 === undefined ? {} : { partMd5 }),
  };
  const worker = start({ path, identity, plan });
  if (worker === undefined) return undefined;
  const { promise, resolve, reject } = Promise.withResolvers<SourceDigests>();
  const stop = (): void => reject(new KitesealError("ERR_INTERRUPTED", "stopped while reading a file"));
  const total = Number(identity.size);
  worker.on("message", (report: HashReport) => {
    try {
      if ("part" in report) onPart?.(report.part);
      else if ("done" in report)
        ctx.progress?.({ stage: "hash", subject: path, done: report.done, total, unit: "bytes" });
      else if ("digests" in report) resolve(report.digests);
      else reject(revivedError(report.error));
    } catch (error) {
      // What the caller's functions throw is the caller's to hear.
      reject(error);
    }
  });
  worker.on("error", reject);
  worker.on("exit", () => reject(new Error("a worker ended")));
  ctx.signal?.addEventListener("abort", stop);
  if (ctx.signal?.aborted === true) stop();
  try {
    return { digests: await promise };
  } finally {
    ctx.signal?.removeEventListener("abort", stop);
    await worker.terminate();
  }
}

function start(workerData: HashStart): Worker | undefined {
  // Beside this file under whatever name it has by now: source, compiled or bundled.
  const name = `./hash-worker${extname(new URL(import.meta.url).pathname)}`;
  try {
    return new Worker(new URL(name, import.meta.url), { workerData });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_WORKER_INIT_FAILED") return undefined;
    throw error;
  }
}
