// SPDX-License-Identifier: Apache-2.0
// Attacks on promote: two artifacts of one build lie in a store, are verified there and under the names that they would
// get, as a user of the library does it; then somebody interferes. What is seen afterwards is the code and what is visible
// at the destination. The library is handed in, so that check-removal can hand in a copy with a check cut out.
import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type * as core from "@kiteseal/core";
import type * as operations from "@kiteseal/core/operations";
import { parseKey, type Repository, type Store } from "@kiteseal/core/store";
import { openStore } from "@kiteseal/storage-adapters";

export type PromotionLibrary = Pick<
  typeof core,
  | "askedKinds"
  | "createLookup"
  | "digestStream"
  | "flagPolicy"
  | "inlineCompute"
  | "isKitesealError"
  | "isVerified"
  | "loadTrust"
  | "SHA256_PLAN"
  | "verifyAll"
> &
  Pick<typeof operations, "KeptEvidence" | "promote">;

/** A store as `publish` leaves it (`dist/app.tgz`, `dist/notes.txt`), and the root that trusts its signer. */
export interface Published {
  readonly folder: string;
  readonly trustedRoot: string;
  /** For copies of it. */
  readonly work: string;
}

export const NAMES: readonly string[] = ["dist/app.tgz", "dist/notes.txt"];
const OPTIONS = { env: {}, now: (): Date => new Date() };
const ctx = { now: (): Date => new Date() };

interface Scene {
  readonly library: PromotionLibrary;
  /** Absolute. */
  readonly source: string;
  readonly destination: string;
}

export interface PromotionAttack {
  readonly id: string;
  readonly names?: readonly string[];
  /** Between the verdicts and the copying. */
  readonly interfere?: (
    items: readonly operations.Promotable[],
    scene: Scene,
  ) => Promise<readonly operations.Promotable[]>;
  readonly sourceStore?: (store: Store) => Store;
  readonly destinationStore?: (store: Store) => Store;
  readonly sidecar?: boolean;
  /** The name that the second verdict is about, if not the one at the destination. */
  readonly rename?: (name: string, prefix: string) => string;
  /** Code (or `promoted`, `TypeError`), then the artifacts at the destination, then how many references there are. */
  readonly seen: string;
}

/** Flips every byte. */
async function* flipped(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) yield chunk.map((byte) => byte ^ 0xff);
}

const elsewhere = (store: Store): Store => ({ ...store, url: (key) => `double://elsewhere/${key}` });

/** Honest until each artifact was read once. */
function secondReadingDiffers(store: Store): Store {
  const read = new Set<string>();
  return {
    ...store,
    get: (object, options, now) => {
      const again = NAMES.some((name) => object.key.endsWith(name)) && read.has(object.key);
      read.add(object.key);
      return again ? flipped(store.get(object, options, now)) : store.get(object, options, now);
    },
  };
}

/** Stores the opposite of an artifact and says what a store would say. */
function storesOtherBytes(store: Store): Store {
  return {
    ...store,
    put: async (key, request, now) => {
      if (!NAMES.some((name) => key.endsWith(name))) return store.put(key, request, now);
      const pieces: Uint8Array[] = [];
      for await (const chunk of flipped(request.source.open())) pieces.push(new Uint8Array(chunk));
      const bytes = Buffer.concat(pieces);
      const digests = { sha256: createHash("sha256").update(bytes).digest("hex") };
      const source = {
        size: bytes.length,
        digests,
        async *open() {
          yield await Promise.resolve(bytes);
        },
      };
      return { ...(await store.put(key, { source }, now)), verifiedBy: "server-other" };
    },
  };
}

/** Copies the other artifact, and calls it checked. */
function copiesTheOther(store: Store): Store {
  return {
    ...store,
    copy: async (from, to, now) => {
      const other = parseKey(from.key.endsWith("app.tgz") ? from.key.replace("app.tgz", "notes.txt") : from.key);
      const object = await store.head(other, now);
      const stored = object === undefined ? undefined : await store.copy(object, to, now);
      return stored === undefined ? undefined : { ...stored, verifiedBy: "server-sha256" };
    },
  };
}

async function bundlesOf(folder: string): Promise<readonly string[]> {
  const root = join(folder, ".kiteseal/bundles");
  return (await readdir(root, { recursive: true })).filter((n) => n.endsWith(".json")).map((n) => join(root, n));
}

export const PROMOTION_ATTACKS: readonly PromotionAttack[] = [
  { id: "honest", seen: "promoted dist/app.tgz dist/notes.txt 2" },
  { id: "through this machine", sourceStore: elsewhere, seen: "promoted dist/app.tgz dist/notes.txt 2" },
  { id: "reference of another subject is not carried over", names: ["dist/app.tgz"], seen: "promoted dist/app.tgz 1" },
  {
    id: "artifact replaced after its verdict",
    interfere: async (items, { source }) => {
      await writeFile(join(source, "dist/app.tgz"), "replaced");
      return items.slice(0, 1);
    },
    seen: "ERR_PIN_CHANGED  1",
  },
  {
    id: "source returns other bytes under the same version",
    names: ["dist/app.tgz"],
    sourceStore: (store) => elsewhere(secondReadingDiffers(store)),
    seen: "ERR_STORE_TAMPERED  1",
  },
  {
    id: "bundle replaced after its verdict",
    interfere: async (items, { source }) => {
      for (const path of await bundlesOf(source)) await writeFile(path, (await readFile(path, "utf8")).concat(" "));
      return items;
    },
    seen: "ERR_STORE_TAMPERED  0",
  },
  {
    id: "bundle deleted after its verdict",
    interfere: async (items, { source }) => {
      for (const path of await bundlesOf(source)) await rm(path);
      return items;
    },
    seen: "ERR_CANDIDATE_UNREADABLE  0",
  },
  {
    id: "another bundle handed in for the one that passed",
    interfere: (items) => {
      const other = { place: "elsewhere", read: () => Promise.resolve(new TextEncoder().encode("{}")) };
      return Promise.resolve(items.map((item) => ({ ...item, bundles: [other] })));
    },
    seen: "ERR_STORE_TAMPERED  0",
  },
  {
    id: "destination stores other bytes",
    names: ["dist/app.tgz"],
    sourceStore: elsewhere,
    destinationStore: storesOtherBytes,
    seen: "ERR_STORE_TAMPERED dist/app.tgz 1",
  },
  {
    id: "destination copies another object and vouches for it",
    names: ["dist/app.tgz"],
    destinationStore: copiesTheOther,
    seen: "ERR_STORE_TAMPERED dist/app.tgz 1",
  },
  {
    id: "other bytes at the second destination",
    interfere: async (items, { destination }) => {
      await cp(join(destination, "..", "other"), join(destination, "dist/notes.txt"), { recursive: true });
      return items;
    },
    seen: "ERR_STORE_CONFLICT dist/notes.txt 0",
  },
  {
    id: "a copy of a verdict",
    interfere: (items) => Promise.resolve(items.map((item) => ({ ...item, verified: copyOf(item.verified) }))),
    seen: "TypeError  0",
  },
  {
    id: "the verdict on another object",
    interfere: (items) => Promise.resolve(items.map((item, i) => ({ ...item, from: items[1 - i]?.from ?? item.from }))),
    seen: "TypeError  0",
  },
  {
    id: "a verdict under the name at the source",
    rename: (name) => `staging/${name}`,
    seen: "TypeError  0",
  },
  {
    id: "one destination for two artifacts",
    interfere: (items) => Promise.resolve(items.flatMap((item) => [item, item])),
    seen: "ERR_DUPLICATE_NAME  0",
  },
  { id: "nothing at all", interfere: () => Promise.resolve([]), seen: "ERR_NO_MATCH  0" },
];

/** Every field, but not what makes it one. */
function copyOf(verified: core.VerifiedArtifact): core.VerifiedArtifact {
  return structuredClone(verified);
}

/** Runs one attack in folders of its own; answers as `seen` is written. */
export async function attackPromotion(
  library: PromotionLibrary,
  attack: PromotionAttack,
  published: Published,
): Promise<string> {
  const work = await mkdtemp(join(published.work, "promote-"));
  const [source, destination] = [join(work, "S"), join(work, "D")];
  await cp(published.folder, source, { recursive: true });
  await writeFile(join(work, "other"), "other bytes");
  const code = await runPromotion(attack, { library, source, destination }, published).catch((error: unknown) => {
    if (library.isKitesealError(error)) return error.code;
    return error instanceof TypeError ? "TypeError" : String(error);
  });
  const there = await readdir(destination, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = there.filter((e) => e.isFile()).map((e) => relative(destination, join(e.parentPath, e.name)));
  const visible = files.filter((name) => !name.startsWith(".kiteseal/")).toSorted();
  const references = files.filter((name) => name.startsWith(".kiteseal/subjects/"));
  return `${code} ${visible.join(" ")} ${references.length}`;
}

/** Verifies, interferes, promotes. */
export async function runPromotion(
  attack: Omit<PromotionAttack, "id" | "seen">,
  scene: Scene,
  { trustedRoot }: Pick<Published, "trustedRoot">,
): Promise<string> {
  const { library, source, destination } = scene;
  const from = await openStore(`file://${source}`, OPTIONS);
  const to = await openStore(`file://${destination}`, OPTIONS);
  const sourceStore = attack.sourceStore?.(from.store) ?? from.store;
  const store = attack.destinationStore?.(to.store) ?? to.store;
  const target: Repository = {
    artifacts: { store, prefix: to.prefix },
    attestations: { store, prefix: `${to.prefix}.kiteseal/` },
  };
  const items: operations.Promotable[] = [];
  const trust = await library.loadTrust({ kind: "file", path: trustedRoot }, ctx);
  const policy = library.flagPolicy({ organization: ["acme"], pipeline: ["app"], branch: ["main"] }, { env: {} });
  const compute = await library.inlineCompute(trust, library.askedKinds(policy));
  const evidence = new library.KeptEvidence();
  for (const name of attack.names ?? NAMES) {
    const place = { store: sourceStore, key: parseKey(from.prefix + name) };
    const artifact = await hashed(library, place);
    const lookup = evidence.watch(library.createLookup({ locate: () => place }));
    const here = await single(library, artifact, { policy, compute, lookup });
    evidence.keep(here);
    const there = attack.rename?.(name, to.prefix) ?? to.prefix + name;
    const again = { policy, compute, lookup: evidence.lookup };
    const verified = await single(library, { ...here.artifact, name: there }, again);
    items.push({ verified, from: place, bundles: evidence.of(verified) });
  }
  const artifacts = (await attack.interfere?.(items, scene)) ?? items;
  await library.promote(
    { artifacts, destination: target, compute, sidecar: attack.sidecar ?? false, concurrency: 1 },
    ctx,
  );
  return "promoted";
}

async function hashed(library: PromotionLibrary, { store, key }: core.ArtifactPlace): Promise<core.Artifact> {
  const object = await store.head(key, ctx);
  if (object === undefined) throw new Error(`no ${key}`);
  const { size, pin } = object;
  const { digests } = await library.digestStream(store.get(object, { maxBytes: size }, ctx), library.SHA256_PLAN, ctx);
  return { name: key, digest: { sha256: digests.sha256 }, size, origin: { kind: "stored", url: store.url(key), pin } };
}

async function single(
  library: PromotionLibrary,
  artifact: core.Artifact,
  request: core.VerifyRequest,
): Promise<core.VerifiedArtifact> {
  for await (const verdict of library.verifyAll([artifact], request, ctx)) {
    if (library.isVerified(verdict)) return verdict;
    throw new Error(`not verified: ${verdict.code}`);
  }
  throw new Error("no verdict");
}
