// SPDX-License-Identifier: Apache-2.0
// From what the user asked about to artifacts. A target is cheap; its bytes are read when its turn comes. Names are the
// asker's (design §5, Names): they choose the rule before any attestation is looked at.
import type { Artifact, ArtifactPlace, Context, PinsFile } from "@kiteseal/core";
import { checkedName, decodePins, KitesealError, LIMITS, quote } from "@kiteseal/core";
import { resolve } from "node:path";
import { type Options, type OptionSpec, parseDigest } from "./flags.ts";
import { readInput } from "./input.ts";
import type { RedactedIo } from "./io.ts";
import { checksumTargets, collectLocal, isFile, type LocalPlaces } from "./local-targets.ts";
import { listedTargets, pinnedTargets, storedTarget } from "./stored-targets.ts";

export const TARGET_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "--checksums <file>",
    description: "every file that this SHA256SUMS lists, beside it: compared with its line, then verified",
  },
  { flags: "--digest <sha256:hex>", description: "bytes that are elsewhere; needs --name or --any-name" },
  { flags: "--recursive", description: "every object below a store address" },
  { flags: "--pins <file>", description: "what `publish --pins` wrote: exactly those objects and bundles" },
  { flags: "--base <dir>", description: "names are relative to this directory (default: the working directory)" },
  { flags: "--name <name>", description: "the name of a single target, instead of its path" },
  { flags: "--any-name", description: "the attestation may be about these bytes under any name" },
];

/** Bytes in hand: what is asked about, and where they lie in a store or file system. */
export interface Located {
  readonly artifact: Artifact;
  readonly place?: ArtifactPlace;
}

export interface Target {
  /** As reports name it while it has no artifact yet. */
  readonly label: string;
  /** Reads and hashes. Errors: those of files and stores; ERR_CHECKSUM_MISMATCH, ERR_PIN_CHANGED, ERR_NO_MATCH. */
  locate(ctx: Context): Promise<Located>;
}

export interface TargetSet {
  readonly targets: AsyncIterable<Target>;
  readonly pins?: PinsFile;
  /** Attestations that were met among the files or objects and are no artifacts; final when `targets` has ended. */
  readonly leftOut: { count: number };
}

const STORE_URL = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;

export function isStoreUrl(text: string): boolean {
  return STORE_URL.test(text);
}

const DIGEST = /^sha(?:1|256|384|512):[0-9A-Fa-f]+$/;

export interface TargetRequest {
  readonly args: readonly string[];
  readonly options: Options;
  readonly io: RedactedIo;
  readonly places: LocalPlaces;
}

/** Throws ERR_USAGE, ERR_NO_MATCH (an empty set is an error), ERR_PINS_INVALID and those of reading lists of files. */
export async function selectTargets(request: TargetRequest, ctx: Context): Promise<TargetSet> {
  const { args, options, io } = request;
  if (args.includes("")) {
    throw new KitesealError("ERR_USAGE", "a target is empty", { hint: "is a variable of the script unset?" });
  }
  const digest = options.text("digest");
  const checksums = options.text("checksums");
  const pinsPath = options.text("pins");
  const pins = pinsPath === undefined ? undefined : await readPins(resolve(io.cwd, pinsPath));
  const leftOut = { count: 0 };
  checkCombination(request, pins);
  const set = pins === undefined ? { leftOut } : { leftOut, pins };
  if (digest !== undefined) return { ...set, targets: only(digestTarget(digest, options)) };
  if (pins !== undefined && args.length === 0 && checksums === undefined)
    return { ...set, targets: each(pinnedTargets(pins, io)) };
  const urls = args.filter(isStoreUrl);
  const paths = args.filter((arg) => !isStoreUrl(arg));
  for (const path of paths) await refuseDigest(path, io.cwd);
  const local = [
    ...(paths.length === 0 ? [] : await collectLocal(paths, { ...request, leftOut }, ctx)),
    ...(checksums === undefined ? [] : await checksumTargets(resolve(io.cwd, checksums), request.places)),
  ];
  const name = options.text("name");
  if (name !== undefined) {
    const single = local.length + urls.length === 1 && !options.flag("recursive");
    if (!single) throw new KitesealError("ERR_USAGE", "--name is for a single target");
    return {
      ...set,
      targets: only(renamed(local[0] ?? storedTarget(urls[0] ?? "", io), checkedName(name.normalize("NFC")))),
    };
  }
  return { ...set, targets: inOrder(local, urls, { recursive: options.flag("recursive"), leftOut, io, ctx }) };
}

function checkCombination({ args, options }: TargetRequest, pins: PinsFile | undefined): void {
  const lists = args.length > 0 || options.has("checksums");
  if (options.has("digest")) {
    if (lists) throw new KitesealError("ERR_USAGE", "--digest stands for the target: expected no other");
    if (options.has("name") === options.flag("anyName")) {
      throw new KitesealError("ERR_USAGE", "--digest: expected either --name NAME or --any-name", {
        hint: "the rule is chosen by the artifact's name, and bytes have none",
      });
    }
    if (!options.has("bundle") && !options.has("attestations") && pins === undefined) {
      throw new KitesealError("ERR_USAGE", "--digest says no place to look for attestations in", {
        hint: "add --bundle FILE or --attestations URL",
      });
    }
  } else if (!lists && pins === undefined) {
    throw new KitesealError("ERR_USAGE", "nothing to verify is named", {
      hint: "name files, directories, globs or store addresses, or use --checksums, --digest or --pins",
    });
  }
  if (options.has("name") && options.flag("anyName"))
    throw new KitesealError("ERR_USAGE", "--name and --any-name: expected one");
}

/** Throws ERR_PINS_INVALID. */
export async function readPins(path: string): Promise<PinsFile> {
  return decodePins(
    await readInput({ path, what: "the pins file", maxBytes: LIMITS.pinsBytes, code: "ERR_PINS_INVALID" }),
  );
}

/** A name that could be a digest is never guessed about. */
async function refuseDigest(arg: string, cwd: string): Promise<void> {
  if (!DIGEST.test(arg)) return;
  const also = await isFile(resolve(cwd, arg));
  throw new KitesealError(
    "ERR_USAGE",
    `${quote(arg)} ${also ? "is a digest's form and also a file" : "is a digest, not a file"}`,
    {
      hint: also ? `write ./${arg} for the file, or --digest ${arg}` : `use --digest ${arg} with --name or --any-name`,
    },
  );
}

function digestTarget(text: string, options: Options): Target {
  const sha256 = parseDigest("--digest", text);
  const given = options.text("name");
  const named = given === undefined ? {} : { name: checkedName(given.normalize("NFC")) };
  const artifact: Artifact = { ...named, digest: { sha256 }, origin: { kind: "digest" } };
  return { label: text, locate: () => Promise.resolve({ artifact }) };
}

function renamed(target: Target, name: string): Target {
  return {
    label: name,
    locate: async (ctx) => {
      const located = await target.locate(ctx);
      return { ...located, artifact: { ...located.artifact, name } };
    },
  };
}

async function* only(target: Target): AsyncGenerator<Target> {
  yield await Promise.resolve(target);
}

async function* each(targets: Iterable<Target>): AsyncGenerator<Target> {
  for (const target of targets) yield await Promise.resolve(target);
}

async function* inOrder(
  local: readonly Target[],
  urls: readonly string[],
  o: { recursive: boolean; leftOut: { count: number }; io: RedactedIo; ctx: Context },
): AsyncGenerator<Target> {
  yield* local;
  for (const url of urls) {
    if (o.recursive) yield* listedTargets(url, o, o.ctx);
    else yield storedTarget(url, o.io);
  }
}
