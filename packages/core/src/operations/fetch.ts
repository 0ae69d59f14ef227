// SPDX-License-Identifier: Apache-2.0
// fetch: objects of stores → received and hashed once, at the pin of first sight → judged → all of them in a new directory,
// or nothing anywhere. The bytes that are kept are those that the verdicts are about: nothing is looked up again by its name.
import { throwIfInterrupted } from "../artifact/file.ts";
import { createStaging, type Staging } from "../artifact/staging.ts";
import { inOrder } from "../concurrency.ts";
import type { Context } from "../context.ts";
import { KitesealError } from "../errors.ts";
import { Completeness } from "../policy/completeness.ts";
import { CandidateReader } from "../store/candidates.ts";
import { FilePaths } from "../store/file-paths.ts";
import { PassedBundles } from "../store/passed-bundles.ts";
import {
  mayStay,
  receive,
  type Fetched,
  type FetchTarget,
  type ReceiveRequest,
  type Receiving,
} from "../store/receive.ts";

export interface FetchRequest extends ReceiveRequest {
  readonly targets: readonly FetchTarget[];
  /** Absolute. Must not exist; its parent must. */
  readonly output: string;
}

/**
 * One answer a target, in their order. The directory is there when the iteration ended by itself and every answer was
 * "verified" or "excepted"; otherwise (a break and a throw included) there is none, and nothing is left of it.
 * Throws ERR_NO_MATCH (no targets), ERR_KEY_INVALID and ERR_DUPLICATE_NAME (paths) and ERR_OUTPUT (there already) before
 * anything is read; then ERR_OUTPUT, ERR_INTERRUPTED.
 */
export async function* fetchArtifacts(request: FetchRequest, ctx: Context): AsyncGenerator<Fetched> {
  const { targets, requireAllSubjects } = request;
  if (targets.length === 0) throw new KitesealError("ERR_NO_MATCH", "there is nothing to fetch");
  const paths = new FilePaths();
  for (const { path } of targets) paths.add(path);
  const staging = await createStaging(request.output, ctx);
  const stop = new AbortController();
  const own = stoppable(ctx, stop.signal);
  const run = openRun(request, staging);
  const running = new Set<Promise<void>>();
  const fetchOne = (target: FetchTarget): Promise<Fetched> => {
    const result = receive(target, run, own);
    const ended: Promise<void> = Promise.allSettled([result]).then(() => void running.delete(ended));
    running.add(ended);
    return result;
  };
  const complete = requireAllSubjects === true ? new Completeness() : undefined;
  let passed = true;
  try {
    for await (const fetched of inOrder(targets, request.parallel ?? 1, fetchOne)) {
      passed &&= "verdict" in fetched && mayStay(fetched.verdict);
      if ("verdict" in fetched) complete?.note(fetched.verdict);
      yield fetched;
      throwIfInterrupted(ctx);
    }
    for (const verdict of complete?.missing() ?? []) {
      passed = false;
      yield { verdict, files: [] };
    }
    if (passed) await staging.publish();
  } finally {
    stop.abort();
    await Promise.all(running);
    await staging.remove();
  }
}

/** Ends also when the run does: what is under way when it stops must not write into what is being removed. */
function stoppable(ctx: Context, stop: AbortSignal): Context {
  const signal = ctx.signal === undefined ? stop : AbortSignal.any([stop, ctx.signal]);
  return { now: () => ctx.now(), progress: (progress) => ctx.progress?.(progress), signal };
}

function openRun(request: FetchRequest, staging: Staging): Receiving {
  const bundles = new PassedBundles();
  const lookup = request.keep === "artifacts" ? request.lookup : bundles.watch(request.lookup);
  return { request: { ...request, lookup }, staging, reader: new CandidateReader(request.compute), bundles };
}
