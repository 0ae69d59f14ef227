// SPDX-License-Identifier: Apache-2.0
// Bounds on how much of the machine and the line one store may use: requests that carry bytes, and bytes a second.
import { setTimeout as wait } from "node:timers/promises";
import type { Context } from "@kiteseal/core/store";

export interface Limits {
  /** Runs `work`, which carries `bytes`, when one of the places for such is free; in the order of asking. */
  readonly inPlace: <T>(bytes: number, work: () => Promise<T>) => Promise<T>;
  /** `bytes`, no faster than allowed. */
  readonly paced: (bytes: AsyncIterable<Uint8Array>, ctx: Context) => AsyncIterable<Uint8Array>;
}

/** A few large requests fill a line; small ones mostly wait for their answers. */
const LARGE_PLACES = 8;
const SMALL_PLACES = 32;
const SMALL_BYTES = 1_048_576;

/** `places`: for all requests together; undefined: as many as serve well. */
export function createLimits(places: number | undefined, bytesPerSecond: number | undefined): Limits {
  const large = createPlaces(places ?? LARGE_PLACES);
  const small = places === undefined ? createPlaces(SMALL_PLACES) : large;
  return {
    inPlace: (bytes, work) => (bytes <= SMALL_BYTES ? small : large)(work),
    paced: bytesPerSecond === undefined ? (bytes) => bytes : createBrake(bytesPerSecond),
  };
}

type Places = <T>(work: () => Promise<T>) => Promise<T>;

function createPlaces(count: number): Places {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/** Each chunk reserves its time on one line shared by all streams; an idle line saves nothing up. */
function createBrake(bytesPerSecond: number): Limits["paced"] {
  let freeAt = 0;
  return async function* (bytes, ctx) {
    for await (const chunk of bytes) {
      const now = performance.now();
      const start = Math.max(now, freeAt);
      freeAt = start + (chunk.length / bytesPerSecond) * 1000;
      if (start > now) await wait(start - now, undefined, ctx.signal === undefined ? {} : { signal: ctx.signal });
      yield chunk;
    }
  };
}
