// SPDX-License-Identifier: Apache-2.0
// How many bundles are authenticated at once, and where. A run of few stays on one thread: a worker costs more to start
// than it saves.
import { availableParallelism } from "node:os";
import { type AskedKinds, type Compute, inlineCompute, pooledCompute, type Trust } from "@kiteseal/core";

const MAX_WORKERS = 4;
/** Measured on two cores, 11 ms a bundle: what two threads cost to start is what they save on about this many. */
const INLINE_FIRST = 32;
/** Artifacts in flight for each worker: one is authenticated, others are read from disk or store. */
const AHEAD = 4;

export interface Batch {
  readonly compute: Compute;
  /** Artifacts that are looked at at once. */
  readonly parallel: number;
}

/** The caller closes the compute. Throws ERR_TRUST_ROOT_INVALID. */
export async function openBatch(trust: Trust, asked: AskedKinds): Promise<Batch> {
  const workers = Math.min(availableParallelism(), MAX_WORKERS);
  if (workers === 1) return { compute: await inlineCompute(trust, asked), parallel: AHEAD };
  const compute = await pooledCompute(trust, asked, { workers, inlineFirst: INLINE_FIRST });
  return { compute, parallel: workers * AHEAD };
}
