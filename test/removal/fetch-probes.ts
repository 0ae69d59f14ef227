// SPDX-License-Identifier: Apache-2.0
// What fetch must do in situations that its guards are for: each probe sets one up around a real directory and says in one
// line what came of it: answers, what stands in the directory that holds the output, how many objects were looked at.
import { mkdirSync, mkdtempSync, readdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { KitesealError } from "@kiteseal/core";
import type * as core from "@kiteseal/core";
import type * as operations from "@kiteseal/core/operations";
import type { Library } from "../attacks/judge.ts";
import { type Forge, sha256Hex } from "../attacks/forge.ts";
import type { Spec } from "../attacks/spec.ts";

export type FetchLibrary = Library & Pick<typeof operations, "fetchArtifacts">;

interface Scene {
  /** Objects of the store: key and content; default the attested artifact. */
  readonly objects?: readonly (readonly [path: string, content: string])[];
  readonly spec?: Spec;
  readonly complete?: true;
  readonly before?: (folder: string) => void;
  /** After an object was found, before it is read. */
  readonly found?: (folder: string) => void;
  /** Of a pins file: other bytes than these are refused. */
  readonly pinned?: string;
}

interface Probe {
  readonly id: string;
  readonly expected: string;
  readonly scene: Scene;
}

const NAME = "dist/app.tgz";
const ATTESTED = "the bytes that were built\n";
const staged = (folder: string): string =>
  readdirSync(folder).find((name) => name.startsWith(".kiteseal-fetch-")) ?? "";

const PROBES: readonly Probe[] = [
  { id: "honest", expected: "verified; out; 1", scene: {} },
  { id: "tampered", expected: "rejected; ; 1", scene: { objects: [[NAME, "other"]] } },
  {
    id: "tampered before one that is not",
    expected: "rejected verified; ; 2",
    scene: {
      objects: [
        ["a/app.tgz", "other"],
        [NAME, ATTESTED],
      ],
    },
  },
  {
    id: "one that cannot be read beside one that verifies",
    expected: "verified ERR_NO_MATCH; ; 2",
    scene: {
      objects: [
        [NAME, ATTESTED],
        ["gone", ""],
      ],
    },
  },
  {
    id: "a subject that is missing",
    expected: "verified rejected; ; 1",
    scene: {
      complete: true,
      spec: {
        subject: [
          { name: NAME, digest: { sha256: sha256Hex(ATTESTED) } },
          { name: "dist/other", digest: { sha256: "0".repeat(64) } },
        ],
      },
    },
  },
  { id: "pinned to other bytes", expected: "ERR_PIN_CHANGED; ; 1", scene: { pinned: "0".repeat(64) } },
  {
    id: "an output that is there",
    expected: "ERR_OUTPUT; out; 0",
    scene: { before: (folder) => mkdirSync(join(folder, "out")) },
  },
  {
    id: "a link under the output's name",
    expected: "ERR_OUTPUT; elsewhere out; 0",
    scene: {
      before: (folder) => {
        mkdirSync(join(folder, "elsewhere"));
        symlinkSync("elsewhere", join(folder, "out"));
      },
    },
  },
  {
    id: "an output that appears meanwhile",
    expected: "verified ERR_OUTPUT; out; 1",
    scene: { found: (folder) => mkdirSync(join(folder, "out")) },
  },
  {
    id: "another directory in the place of the temporary one",
    expected: "verified ERR_OUTPUT; moved; 1",
    scene: {
      found: (folder) => {
        const name = staged(folder);
        renameSync(join(folder, name), join(folder, "moved"));
        mkdirSync(join(folder, name));
      },
    },
  },
  {
    id: "names that differ in case",
    expected: "ERR_DUPLICATE_NAME; ; 0",
    scene: {
      objects: [
        [NAME, ATTESTED],
        ["dist/APP.tgz", ATTESTED],
      ],
    },
  },
  {
    id: "a file where another has a folder",
    expected: "ERR_DUPLICATE_NAME; ; 0",
    scene: {
      objects: [
        ["x/y", ATTESTED],
        ["x", ATTESTED],
      ],
    },
  },
  { id: "a name of Windows", expected: "ERR_KEY_INVALID; ; 0", scene: { objects: [["..\\app.tgz", ATTESTED]] } },
  { id: "a device", expected: "ERR_KEY_INVALID; ; 0", scene: { objects: [["nul.tgz", ATTESTED]] } },
  { id: "no targets", expected: "ERR_NO_MATCH; ; 0", scene: { objects: [] } },
];

/** The first probe that is answered otherwise than it should be. */
export async function firstRedProbe(library: FetchLibrary, forge: Forge, work: string): Promise<string | undefined> {
  for (const { id, expected, scene } of PROBES) {
    const found = await play(library, scene, { forge, work });
    if (found !== expected) return `${id}: ${found}`;
  }
  return undefined;
}

async function play(library: FetchLibrary, scene: Scene, o: { forge: Forge; work: string }): Promise<string> {
  const folder = mkdtempSync(join(o.work, "fetch-"));
  const source = mkdtempSync(join(o.work, "store-"));
  const objects = scene.objects ?? [[NAME, ATTESTED]];
  scene.before?.(folder);
  const asked = o.forge.case(scene.spec ?? {});
  const ctx = { now: (): Date => asked.now };
  if (asked.policy.kind !== "flags") throw new TypeError("probes are judged by flags");
  const policy = library.flagPolicy(asked.policy.words, { env: {} });
  const root = join(source, "root.json");
  writeFileSync(root, asked.root);
  const trust = await library.loadTrust({ kind: "file", path: root }, ctx);
  const compute = await library.inlineCompute(trust, library.askedKinds(policy));
  const bundles = asked.evidence.files.flatMap(({ name, bytes }) => library.bundleHandles(name, bytes));
  const lookup = library.createLookup({ bundles, locate: () => undefined });
  const { store } = await library.openStore("file:///", { env: {}, now: () => new Date() });
  let found = 0;
  const targets = objects.map(([path, content], index): operations.FetchTarget => {
    const file = join(source, String(index), path);
    if (path !== "gone") {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
    return {
      label: path,
      path,
      find: async () => {
        found += 1;
        const object = await store.head(library.parseKey(file.slice(1)), ctx);
        if (object === undefined) throw new KitesealError("ERR_NO_MATCH", "it is gone");
        scene.found?.(folder);
        const accept = (sha256: string): void => {
          if (scene.pinned !== undefined && sha256 !== scene.pinned)
            throw new KitesealError("ERR_PIN_CHANGED", "other bytes");
        };
        return { store, object, name: path, accept };
      },
    };
  });
  const answers: string[] = [];
  const places = new WeakMap<core.Artifact, core.ArtifactPlace>();
  const output = join(folder, "out");
  const request = { targets, output, keep: "artifacts" as const, places, policy, compute, lookup };
  try {
    const all = { ...request, requireAllSubjects: scene.complete === true };
    for await (const answer of library.fetchArtifacts(all, ctx))
      answers.push("verdict" in answer ? answer.verdict.outcome : answer.error.code);
  } catch (error) {
    answers.push(library.isKitesealError(error) ? error.code : String(error));
  }
  return `${answers.join(" ")}; ${readdirSync(folder).toSorted().join(" ")}; ${found}`;
}
