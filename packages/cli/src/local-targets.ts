// SPDX-License-Identifier: Apache-2.0
// Files of this machine as targets. The file system's root is their store, so that a sidecar and the `.kiteseal/` folders
// above a file are found as they are in any other store.
import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import {
  collectArtifacts,
  digestFile,
  isKitesealError,
  KitesealError,
  LIMITS,
  parseChecksums,
  quote,
  SHA256_PLAN,
  sortByName,
} from "@kiteseal/core";
import type { ArtifactPlace, CollectedFile, Context } from "@kiteseal/core";
import { parseKey, type Store } from "@kiteseal/core/store";
import { openStore } from "@kiteseal/storage-adapters";
import type { Options } from "./flags.ts";
import { readInput } from "./input.ts";
import type { RedactedIo } from "./io.ts";
import { storeOptions } from "./stores.ts";
import type { Target } from "./targets.ts";

/** Where a file of this machine lies, as an object of the file system's store. */
export interface LocalPlaces {
  /** `path` is absolute. */
  of(path: string): ArtifactPlace;
}

export async function openLocalPlaces(io: RedactedIo): Promise<LocalPlaces> {
  const { store }: { store: Store } = await openStore("file:///", storeOptions(io));
  return { of: (path) => ({ store, key: parseKey(path.replace(/^\/+/, "")) }) };
}

interface LocalRequest {
  readonly options: Options;
  readonly io: RedactedIo;
  readonly places: LocalPlaces;
  readonly leftOut: { count: number };
}

/** Files, globs and directories (every file below one), sorted by the bytes of their names. Errors: collectArtifacts'. */
export async function collectLocal(
  paths: readonly string[],
  request: LocalRequest,
  ctx: Context,
): Promise<readonly Target[]> {
  const { io, options } = request;
  const base = resolve(io.cwd, options.text("base") ?? ".");
  const found = new Map<string, CollectedFile>();
  const sidecars = new Set<string>();
  const patterns: string[] = [];
  const take = ({ files, sidecars: beside }: Awaited<ReturnType<typeof collectArtifacts>>): void => {
    for (const file of files) addFile(found, file);
    for (const path of beside) sidecars.add(path);
  };
  for (const path of paths) {
    const directory = resolve(io.cwd, path);
    if (await isDirectory(directory)) take(await collectBelow(directory, { base, named: path }, ctx));
    else patterns.push(path);
  }
  if (patterns.length > 0) take(await collectArtifacts(patterns, { cwd: io.cwd, base, everything: true }, ctx));
  request.leftOut.count += sidecars.size;
  return sortByName([...found.values()]).map((file) => fileTarget(file, request.places));
}

async function collectBelow(
  directory: string,
  o: { base: string; named: string },
  ctx: Context,
): ReturnType<typeof collectArtifacts> {
  try {
    return await collectArtifacts(["**"], { cwd: directory, base: o.base, everything: true }, ctx);
  } catch (cause) {
    if (!isKitesealError(cause) || cause.code !== "ERR_NO_MATCH") throw cause;
    throw new KitesealError("ERR_NO_MATCH", `there is no file below ${quote(o.named)}`, {
      cause,
      hint: "an empty set is never verified",
    });
  }
}

function addFile(found: Map<string, CollectedFile>, file: CollectedFile): void {
  const known = found.get(file.name);
  if (known !== undefined && known.path !== file.path) {
    throw new KitesealError(
      "ERR_DUPLICATE_NAME",
      `${quote(known.path)} and ${quote(file.path)} would both be named ${quote(file.name)}`,
    );
  }
  found.set(file.name, file);
}

export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function fileTarget({ path, name }: CollectedFile, places: LocalPlaces, expected?: string): Target {
  return {
    label: name,
    locate: async (ctx) => {
      const { size, digests } = await digestFile(path, SHA256_PLAN, ctx);
      const { sha256 } = digests;
      if (expected !== undefined && sha256 !== expected) {
        throw new KitesealError(
          "ERR_CHECKSUM_MISMATCH",
          `${quote(name)} has the sha256 ${sha256}, its line says ${expected}`,
          {
            details: { expected, found: sha256 },
          },
        );
      }
      return { artifact: { name, digest: { sha256 }, size, origin: { kind: "file", path } }, place: places.of(path) };
    },
  };
}

/** The files that a SHA256SUMS lists, in its order; each has to equal its line. Errors: parseChecksums', ERR_UNREADABLE. */
export async function checksumTargets(path: string, places: LocalPlaces): Promise<readonly Target[]> {
  const bytes = await readInput({
    path,
    what: "the checksum file",
    maxBytes: LIMITS.checksumFileBytes,
    code: "ERR_UNREADABLE",
  });
  return parseChecksums(bytes).map((entry) =>
    fileTarget({ path: resolve(dirname(path), entry.path), name: entry.name }, places, entry.sha256),
  );
}
