// SPDX-License-Identifier: Apache-2.0
// Targets → rows, in order, one at a time. What goes wrong with one target is that target's row and the others are still
// judged; what goes wrong with the run is a last row, so that no report can look complete without saying so.
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Artifact,
  type ArtifactPlace,
  type Context,
  isKitesealError,
  isVerified,
  type Verdict,
  verifyAll,
  type VerifyRequest,
} from "@kiteseal/core";
import type { Row } from "./report/run.ts";
import type { Target, TargetSet } from "./targets.ts";

export interface VerdictRequest {
  readonly set: TargetSet;
  readonly verify: VerifyRequest;
  /** Filled here, read by the lookup. */
  readonly places: WeakMap<Artifact, ArtifactPlace>;
  /** How long to go on looking for attestations that are not there yet. */
  readonly waitMs: number;
}

const FIRST_POLL_MS = 1000;
const MAX_POLL_MS = 15_000;

/** Throws only what is no KitesealError, and an interruption. */
export async function* verdictRows(request: VerdictRequest, ctx: Context): AsyncGenerator<Row> {
  const failures: Row[] = [];
  const deadline = ctx.now().getTime() + request.waitMs;
  try {
    for await (const verdict of verifyAll(locateAll(request, failures, ctx), request.verify, ctx)) {
      yield* failures.splice(0);
      yield { kind: "verdict", verdict: await awaited(verdict, { request, deadline }, ctx) };
    }
    yield* failures.splice(0);
  } catch (error) {
    if (!isKitesealError(error) || error.kind === "interrupted") throw error;
    yield* failures.splice(0);
    yield { kind: "failure", label: "the run", error };
  }
}

/** The artifacts of those targets that can be read; the others become rows in `failures`, before the next artifact. */
async function* locateAll(request: VerdictRequest, failures: Row[], ctx: Context): AsyncGenerator<Artifact> {
  for await (const target of request.set.targets) {
    const artifact = await locate(target, request, ctx).catch((error: unknown) => {
      if (!isKitesealError(error) || error.kind === "interrupted") throw error;
      failures.push({ kind: "failure", label: target.label, error });
      return undefined;
    });
    if (artifact !== undefined) yield artifact;
  }
}

async function locate(target: Target, { places }: VerdictRequest, ctx: Context): Promise<Artifact> {
  const { artifact, place } = await target.locate(ctx);
  if (place !== undefined) places.set(artifact, place);
  return artifact;
}

/** Polls on `unattested` only: every other answer would be the same a minute later, or is an outage to report. */
async function awaited(
  first: Verdict,
  { request, deadline }: { request: VerdictRequest; deadline: number },
  ctx: Context,
): Promise<Verdict> {
  let verdict = first;
  for (
    let pause = FIRST_POLL_MS;
    !isVerified(verdict) && verdict.outcome === "unattested";
    pause = Math.min(pause * 2, MAX_POLL_MS)
  ) {
    const left = deadline - ctx.now().getTime();
    if (left <= 0) return verdict;
    ctx.progress?.({
      stage: "verify",
      subject: `waiting for an attestation of ${verdict.artifact.name ?? "the digest"}`,
      done: 0,
      unit: "items",
    });
    await sleep(Math.min(pause, left), undefined, ctx.signal === undefined ? {} : { signal: ctx.signal });
    for await (const next of verifyAll([first.artifact], request.verify, ctx)) verdict = next;
  }
  return verdict;
}
