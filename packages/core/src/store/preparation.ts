// SPDX-License-Identifier: Apache-2.0
// Files on their way into a store: each is hashed once, with what the store wants of it, before anything of it can be seen.
import type { CollectedFile } from "../artifact/collect.ts";
import { digestFile, type FilePlan } from "../artifact/digest.ts";
import type { HashAlgorithm, Source, Unhashed } from "../artifact/source.ts";
import type { Context } from "../context.ts";
import { LIMITS } from "../limits.ts";
import type { Ahead, Location } from "./contract.ts";
import { portableKey, type Key } from "./keys.ts";

export interface Prepared {
  readonly name: string;
  readonly key: Key;
  readonly source: Source;
  /** The parts of a large file are under way. */
  readonly ahead: Ahead | undefined;
}

export interface PreparationOptions {
  readonly to: Location;
  /** Beyond what the store asks for. */
  readonly algorithms: readonly HashAlgorithm[];
  /** Is given what was begun, also of files that then fail: the caller ends each. */
  readonly begun: Ahead[];
}

/**
 * Hashes one file at each call. Parts of large ones leave meanwhile, small ones stay in memory until they leave. Errors:
 * those of digestFile, ERR_KEY_INVALID, ERR_LIMIT_EXCEEDED.
 */
export function createPreparation({
  to: { store, prefix },
  algorithms,
  begun,
}: PreparationOptions): (file: CollectedFile, ctx: Context) => Promise<Prepared> {
  let keptBytes = 0;
  let isThreadBusy = false;
  return async ({ name, path }, ctx) => {
    const key = portableKey(prefix, name);
    let ahead: Ahead | undefined;
    let inThread = false;
    const plan = (file: Unhashed): FilePlan => {
      const wanted = store.digestPlan(file.size);
      ahead = store.ahead?.(key, file, ctx);
      if (ahead !== undefined) begun.push(ahead);
      const keep = file.size <= LIMITS.keptFileBytes && keptBytes + file.size <= LIMITS.keptFilesBytes;
      if (keep) keptBytes += file.size;
      // More than one would only take memory on the small machines that jobs run on.
      inThread = !isThreadBusy && file.size >= LIMITS.threadFileBytes;
      isThreadBusy ||= inThread;
      return {
        ...wanted,
        algorithms: [...new Set([...wanted.algorithms, ...algorithms])],
        keep,
        inThread,
        onPart: (part) => ahead?.add(part),
      };
    };
    try {
      return { name, key, source: await digestFile(path, plan, ctx), ahead };
    } finally {
      if (inThread) isThreadBusy = false;
    }
  };
}
