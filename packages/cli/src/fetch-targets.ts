// SPDX-License-Identifier: Apache-2.0
// What `fetch` was asked for → objects, each with the path that it gets below the new directory. All of them are known
// before the first byte is read, so that names that cannot stand beside each other stop nothing half-way.
import { resolve } from "node:path";
import { checkedName, type Context, KitesealError, LIMITS, type PinsFile, quote, sortByName } from "@kiteseal/core";
import type { FetchTarget } from "@kiteseal/core/operations";
import type { Options, OptionSpec } from "./flags.ts";
import type { RedactedIo } from "./io.ts";
import {
  addressLabel,
  asFound,
  findObject,
  findPinned,
  type Listed,
  listObjects,
  openAddress,
} from "./stored-objects.ts";
import { isStoreUrl, readPins, TARGET_OPTIONS } from "./targets.ts";

const SHARED: readonly string[] = ["--recursive", "--pins <file>", "--name <name>", "--any-name"];

export const FETCH_TARGET_OPTIONS: readonly OptionSpec[] = TARGET_OPTIONS.filter(({ flags }) => SHARED.includes(flags));

interface FetchSet {
  readonly targets: readonly FetchTarget[];
  readonly pins: PinsFile | undefined;
  readonly leftOut: { readonly count: number };
}

interface Asked {
  readonly args: readonly string[];
  readonly options: Options;
  readonly io: RedactedIo;
}

/** Throws ERR_USAGE, ERR_NO_MATCH (an empty set is an error), ERR_PINS_INVALID, ERR_STORE_URL, ERR_LIMIT_EXCEEDED and those of listing. */
export async function selectObjects({ args, options, io }: Asked, ctx: Context): Promise<FetchSet> {
  checkAddresses(args);
  if (options.has("name") && options.flag("anyName"))
    throw new KitesealError("ERR_USAGE", "--name and --any-name: expected one");
  const file = options.text("pins");
  const pins = file === undefined ? undefined : await readPins(resolve(io.cwd, file));
  const leftOut = { count: 0 };
  if (args.length === 0 && pins === undefined) {
    throw new KitesealError("ERR_USAGE", "nothing to fetch is named", { hint: "name store addresses, or use --pins" });
  }
  const targets =
    args.length === 0 && pins !== undefined
      ? pins.artifacts.map((pinned): FetchTarget => ({
          label: addressLabel(pinned.url),
          path: pinned.name,
          find: () => findPinned(pinned, io),
        }))
      : await addressed(args, { recursive: options.flag("recursive"), leftOut, io }, ctx);
  return { targets: named(targets, options), pins, leftOut };
}

function checkAddresses(args: readonly string[]): void {
  if (args.includes("")) {
    throw new KitesealError("ERR_USAGE", "an address is empty", { hint: "is a variable of the script unset?" });
  }
  const path = args.find((arg) => !isStoreUrl(arg));
  if (path === undefined) return;
  throw new KitesealError("ERR_USAGE", `${quote(path)} is not a store's address: there is nothing to fetch`, {
    hint: "for files of this machine: kiteseal verify; for a directory that is a store: file:///absolute/path",
  });
}

async function addressed(
  urls: readonly string[],
  o: { recursive: boolean; leftOut: { count: number }; io: RedactedIo },
  ctx: Context,
): Promise<readonly FetchTarget[]> {
  const targets: FetchTarget[] = [];
  for (const url of urls) {
    if (o.recursive) {
      const listed: (Listed & { readonly name: string })[] = [];
      for await (const one of listObjects(url, o, ctx)) {
        if (targets.length + listed.length >= LIMITS.fetchedObjects) throw tooMany(url);
        listed.push({ ...one, name: one.inside });
      }
      // A store lists in any order; reports should not.
      for (const { store, object, inside } of sortByName(listed)) {
        targets.push({ label: store.url(object.key), path: inside, find: async () => asFound(store, object) });
      }
    } else {
      const address = await openAddress(url, o.io);
      const path = address.key.slice(address.key.lastIndexOf("/") + 1);
      targets.push({ label: addressLabel(url), path, find: (now) => findObject(address, now) });
    }
  }
  return targets;
}

function tooMany(url: string): KitesealError {
  const most = LIMITS.fetchedObjects;
  return new KitesealError(
    "ERR_LIMIT_EXCEEDED",
    `there is more below ${quote(url)} than one run fetches: ${most} objects`,
    {
      details: { most },
      hint: "fetch its folders one by one, each into a directory of its own",
    },
  );
}

/** `--name` says what is asked about, never what a file is called. */
function named(targets: readonly FetchTarget[], options: Options): readonly FetchTarget[] {
  const given = options.text("name");
  if (given === undefined) return targets;
  const [only, ...more] = targets;
  if (only === undefined || more.length > 0 || options.flag("recursive")) {
    throw new KitesealError("ERR_USAGE", "--name is for a single target");
  }
  const name = checkedName(given.normalize("NFC"));
  return [{ ...only, find: async (ctx) => ({ ...(await only.find(ctx)), name }) }];
}
