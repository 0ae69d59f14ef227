// SPDX-License-Identifier: Apache-2.0
// What `promote` is asked about: objects of stores, each with the path that it would get below `--to`.
import { resolve } from "node:path";
import { type ArtifactPlace, KitesealError, type Origin, quote } from "@kiteseal/core";
import { type Key, type Location, parseKey } from "@kiteseal/core/store";
import { openStore } from "@kiteseal/storage-adapters";
import type { Options } from "./flags.ts";
import type { RedactedIo } from "./io.ts";
import { listedTargets, pinnedTargets, storedTarget } from "./stored-targets.ts";
import { storeOptions } from "./stores.ts";
import { isStoreUrl, readPins, type Target, type TargetSet } from "./targets.ts";

export interface PromotionSource {
  readonly place: ArtifactPlace;
  /** Below `--to`, unless its attestation says more of its name. */
  readonly path: string;
}

export interface PromotionSources extends TargetSet {
  /** Of the targets that were located, by their artifacts' origins: those stay the same when digests are added. */
  readonly located: WeakMap<Origin, PromotionSource>;
}

interface SourceRequest {
  readonly args: readonly string[];
  readonly options: Options;
  readonly io: RedactedIo;
  readonly destination: Location;
}

type Located = PromotionSources["located"];

/** Throws ERR_USAGE, ERR_STORE_URL, ERR_PINS_INVALID. */
export async function promotionSources(request: SourceRequest): Promise<PromotionSources> {
  const { args, options, io } = request;
  const located: Located = new WeakMap();
  const leftOut = { count: 0 };
  const file = options.text("pins");
  if ((file === undefined) === (args.length === 0)) {
    throw new KitesealError("ERR_USAGE", "expected either store addresses or --pins", {
      hint: "for example: kiteseal promote file:///srv/staging/7/app.tgz --to file:///srv/release",
    });
  }
  if (file !== undefined) {
    const pins = await readPins(resolve(io.cwd, file));
    const targets = pinnedTargets(pins, io).map((target, i) =>
      noted(target, located, () => pins.artifacts[i]?.name ?? ""),
    );
    return { targets: each(targets), pins, leftOut, located };
  }
  for (const arg of args) requireUrl(arg);
  if (!options.flag("recursive")) {
    const targets = args.map((url) => noted(storedTarget(url, io), located, baseName));
    return { targets: each(targets), leftOut, located };
  }
  const folders: { url: string; prefix: string }[] = [];
  for (const url of args) {
    const source = await openStore(url, storeOptions(io));
    refuseOwnDestination(url, source, request.destination);
    folders.push({ url, prefix: source.prefix });
  }
  return { targets: listed(folders, { located, leftOut, io }), leftOut, located };
}

function requireUrl(arg: string): void {
  if (isStoreUrl(arg)) return;
  throw new KitesealError("ERR_USAGE", `${quote(arg)} is no store address`, {
    hint: "write a path as file:///absolute/path; files of a job are stored with `kiteseal publish`",
  });
}

/** What is promoted into the folder that it is taken from would be promoted again by the next run, one folder deeper. */
function refuseOwnDestination(url: string, source: Location, destination: Location): void {
  const [from, to] = [source, destination].map(({ store, prefix }) => store.url(parseKey(`${prefix}x`)).slice(0, -1));
  if (from === undefined || to?.startsWith(from) !== true) return;
  throw new KitesealError("ERR_USAGE", `--to lies below ${quote(url)}, all of which would be promoted`, {
    hint: "promote to a place beside it",
  });
}

function baseName(key: Key): string {
  return key.slice(key.lastIndexOf("/") + 1);
}

async function* listed(
  folders: readonly { url: string; prefix: string }[],
  o: { located: Located; leftOut: { count: number }; io: RedactedIo },
): AsyncGenerator<Target> {
  const ctx = { now: () => o.io.now(), signal: o.io.signal };
  for (const { url, prefix } of folders) {
    for await (const target of listedTargets(url, o, ctx))
      yield noted(target, o.located, (key) => key.slice(prefix.length));
  }
}

function noted(target: Target, located: Located, path: (key: Key) => string): Target {
  return {
    label: target.label,
    locate: async (ctx) => {
      const found = await target.locate(ctx);
      const { place } = found;
      if (place !== undefined) located.set(found.artifact.origin, { place, path: path(place.key).normalize("NFC") });
      return found;
    },
  };
}

async function* each(targets: Iterable<Target>): AsyncGenerator<Target> {
  for (const target of targets) yield await Promise.resolve(target);
}
