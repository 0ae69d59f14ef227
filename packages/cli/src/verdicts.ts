// SPDX-License-Identifier: Apache-2.0
// Targets → rows, in the order of the targets whatever is looked at at once. What goes wrong with one target is that
// target's row and the others are still judged; what goes wrong with the run is a last row, so that no report can look
// complete without saying so.
import {
  type Artifact,
  type ArtifactPlace,
  type Context,
  isKitesealError,
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
}

/** What became of the targets so far, in their order: an artifact whose verdict is awaited, or why there is none. */
type Slot = Row | "artifact";

/** Throws only what is no KitesealError, and an interruption. */
export async function* verdictRows(request: VerdictRequest, ctx: Context): AsyncGenerator<Row> {
  const slots: Slot[] = [];
  try {
    for await (const verdict of verifyAll(locateAll(request, slots, ctx), request.verify, ctx)) {
      yield* failuresBefore(slots);
      slots.shift();
      yield { kind: "verdict", verdict };
    }
    yield* failuresBefore(slots);
  } catch (error) {
    if (!isKitesealError(error) || error.kind === "interrupted") throw error;
    yield* failuresBefore(slots);
    yield { kind: "failure", label: "the run", error };
  }
}

/** Takes the rows in front of the next artifact. */
function* failuresBefore(slots: Slot[]): Generator<Row> {
  for (let slot = slots[0]; slot !== undefined && slot !== "artifact"; slot = slots[0]) {
    slots.shift();
    yield slot;
  }
}

/** The artifacts of those targets that can be read; the others become rows in `slots`, each in its place. */
async function* locateAll(request: VerdictRequest, slots: Slot[], ctx: Context): AsyncGenerator<Artifact> {
  for await (const target of request.set.targets) {
    const artifact = await locate(target, request.places, ctx).catch((error: unknown) => {
      if (!isKitesealError(error) || error.kind === "interrupted") throw error;
      slots.push({ kind: "failure", label: target.label, error });
      return undefined;
    });
    if (artifact === undefined) continue;
    slots.push("artifact");
    yield artifact;
  }
}

/** Reads and hashes a target, and notes where it lies. */
export async function locate(
  target: Target,
  places: WeakMap<Artifact, ArtifactPlace>,
  ctx: Context,
): Promise<Artifact> {
  const { artifact, place } = await target.locate(ctx);
  if (place !== undefined) places.set(artifact, place);
  return artifact;
}
