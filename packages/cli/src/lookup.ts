// SPDX-License-Identifier: Apache-2.0
// Where this run looks for attestations, and how bytes are read again when a statement states further digests.
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Artifact,
  type ArtifactPlace,
  type Context,
  createLookup,
  digestFile,
  digestStream,
  KitesealError,
  quote,
} from "@kiteseal/core";
import {
  type DigestPlan,
  type Lookup,
  type LookupOptions,
  type PinsFile,
  rehashPlan,
  withDigests,
} from "@kiteseal/core";
import type { Location } from "@kiteseal/core/store";
import { openObject, openStore } from "@kiteseal/storage-adapters";
import { attestationRoot, type Config } from "./config.ts";
import type { Options, OptionSpec } from "./flags.ts";
import { readBundles } from "./input.ts";
import type { RedactedIo } from "./io.ts";
import { storeOptions } from "./stores.ts";

export const LOOKUP_OPTIONS: readonly OptionSpec[] = [
  {
    flags: "-b, --bundle <file>",
    description: "look only at the attestations in this file (.json, or .jsonl with one a line)",
  },
  { flags: "--provenance-path <file>", description: "as --bundle", alias: true },
  { flags: "--attestations <url>", description: "look below this root instead of next to the artifact" },
];

export interface LookupRequest {
  readonly options: Options;
  readonly config: Config;
  readonly io: RedactedIo;
  readonly pins: PinsFile | undefined;
  /** Filled while targets are located. */
  readonly places: WeakMap<Artifact, ArtifactPlace>;
  /** How long to go on looking where there is nothing yet. */
  readonly waitMs: number;
}

const FIRST_POLL_MS = 1000;
const MAX_POLL_MS = 15_000;

/** Errors: those of the bundle file, ERR_STORE_URL. */
export async function openLookup(request: LookupRequest, ctx: Context): Promise<Lookup> {
  const lookup = await openPlaces(request);
  return request.waitMs === 0 ? lookup : waiting(lookup, ctx.now().getTime() + request.waitMs);
}

type Found = ReturnType<Lookup> extends AsyncIterable<infer F> ? F : never;

/**
 * Looks again while every place says that it holds nothing: any other answer would be the same a minute later, or is an
 * outage to report.
 */
function waiting(lookup: Lookup, deadline: number): Lookup {
  return async function* look(artifact, rule, ctx) {
    for (let pause = FIRST_POLL_MS; ; pause = Math.min(pause * 2, MAX_POLL_MS)) {
      const nothing: Found[] = [];
      let settled = false;
      for await (const found of lookup(artifact, rule, ctx)) {
        settled ||= found.outcome !== "nothing";
        if (settled) yield* [...nothing.splice(0), found];
        else nothing.push(found);
      }
      const left = deadline - ctx.now().getTime();
      if (settled || left <= 0) {
        yield* nothing;
        return;
      }
      const subject = `waiting for an attestation of ${artifact.name ?? "the digest"}`;
      ctx.progress?.({ stage: "verify", subject, done: 0, unit: "items" });
      await sleep(Math.min(pause, left), undefined, ctx.signal === undefined ? {} : { signal: ctx.signal });
    }
  };
}

async function openPlaces(request: LookupRequest): Promise<Lookup> {
  const { options, config, io, pins, places } = request;
  const path = options.text("bundle", "provenancePath");
  const bundles = path === undefined ? undefined : await readBundles(path, io.cwd);
  const pinned = pins === undefined ? undefined : bundlesByDigest(pins);
  const shared: LookupOptions = {
    locate: (artifact) => places.get(artifact),
    ...(bundles === undefined ? {} : { bundles }),
    // What the pins file does not list has no attestation as far as this run goes.
    ...(pinned === undefined ? {} : { pinned: (artifact) => pinned.get(artifact.digest["sha256"] ?? "") ?? [] }),
  };
  const above = createLookup(shared);
  if (config.attestations === undefined) return above;
  const roots = config.attestations.value;
  const below = new Map<string, Lookup>();
  for (const root of typeof roots === "string" ? [roots] : new Set(roots.values())) {
    const location: Location = await openStore(root, storeOptions(io));
    const isListed = location.store.lists !== false || pinned !== undefined || bundles !== undefined;
    // One of several may be meant for other artifacts than those of this run.
    if (!isListed && typeof roots === "string") throw cannotBeListed(root);
    below.set(root, isListed ? createLookup({ ...shared, roots: [location] }) : () => refused(cannotBeListed(root)));
  }
  return (artifact, rule, ctx) => {
    const place = places.get(artifact);
    const root = attestationRoot(roots, place === undefined ? "" : place.store.url(place.key));
    return (below.get(root ?? "") ?? above)(artifact, rule, ctx);
  };
}

function cannotBeListed(root: string): KitesealError {
  return new KitesealError(
    "ERR_STORE_URL",
    `${quote(root)} is a web server, which has no listing to look for attestations in`,
    { hint: "name the store behind it" },
  );
}

/** A lookup that finds nothing but this. */
function refused(error: KitesealError): AsyncIterable<never> {
  const next = async (): Promise<never> => {
    throw error;
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

/** Files of equal bytes have one digest and may have several attestations. */
function bundlesByDigest(pins: PinsFile): ReadonlyMap<string, readonly string[]> {
  const bundles = new Map<string, readonly string[]>();
  for (const pin of pins.artifacts)
    bundles.set(pin.sha256, [...new Set([...(bundles.get(pin.sha256) ?? []), ...pin.bundles])]);
  return bundles;
}

/** The artifact with further digests of the same bytes. Throws ERR_FILE_CHANGED, ERR_PIN_CHANGED and those of reading. */
export function rehashing(io: RedactedIo): Rehash {
  return (artifact, algorithms, ctx) => rehash(io, { artifact, algorithms }, ctx);
}

type Rehash = (artifact: Artifact, algorithms: readonly string[], ctx: Context) => Promise<Artifact>;

async function rehash(
  io: RedactedIo,
  { artifact, algorithms }: { artifact: Artifact; algorithms: readonly string[] },
  ctx: Context,
): Promise<Artifact> {
  const plan = rehashPlan(algorithms);
  const { origin } = artifact;
  if (origin.kind === "digest") return artifact;
  const { digests } =
    origin.kind === "file"
      ? await digestFile(origin.path, plan, ctx)
      : await readAgain(origin, { artifact, plan, io }, ctx);
  return withDigests(artifact, digests);
}

async function readAgain(
  origin: { url: string; pin: string },
  o: { artifact: Artifact; plan: DigestPlan; io: RedactedIo },
  ctx: Context,
): ReturnType<typeof digestStream> {
  const { store, key } = await openObject(origin.url, storeOptions(o.io));
  const size = o.artifact.size ?? 0;
  return digestStream(store.get({ key, size, pin: origin.pin }, { maxBytes: size }, ctx), o.plan, ctx);
}
