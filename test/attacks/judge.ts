// SPDX-License-Identifier: Apache-2.0
// A case → what the library answers, through its public entries only: trust from a file, policy from flags or a policy
// file, bundles given by hand or found in a real store on disk. The library is handed in, so that check-removal can
// hand in a copy with a check cut out.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type * as core from "@kiteseal/core";
import type * as store from "@kiteseal/core/store";
import type * as adapters from "@kiteseal/storage-adapters";
import type { AttackOutcome, Case, CaseArtifact } from "./spec.ts";

export type Library = Pick<
  typeof core,
  | "loadTrust"
  | "askedKinds"
  | "inlineCompute"
  | "flagPolicy"
  | "parsePolicy"
  | "verifyAll"
  | "createLookup"
  | "bundleHandles"
  | "isVerified"
  | "isKitesealError"
> &
  Pick<typeof store, "parseKey"> &
  Pick<typeof adapters, "openStore">;

/** `bug`: something else than a KitesealError escaped. */
export interface Judgement {
  readonly outcome: "verified" | "excepted" | AttackOutcome | "bug";
  readonly code: string | undefined;
  /** The first row that failed or is undetermined. */
  readonly check: string | undefined;
  readonly text: string;
}

export type Judge = (asked: Case) => Promise<Judgement>;

/** `directory`: for trusted roots and stores. Authentications are remembered by root and bundle, as a run does. */
export function createJudge(library: Library, directory: string): Judge {
  const computes = new Map<string, core.Compute>();
  let stores = 0;
  const run = async (asked: Case): Promise<Judgement> => {
    const ctx = { now: (): Date => asked.now };
    const policy = await policyFor(asked);
    const compute = await computeFor(asked.root, library.askedKinds(policy), ctx);
    const lookup = await lookupFor(asked);
    const artifacts = [asked.artifact, ...asked.others].map(artifactOf);
    const request = { policy, compute, lookup, requireAllSubjects: asked.complete };
    let verified = 0;
    for await (const verdict of library.verifyAll(artifacts, request, ctx)) {
      const failing = verdict.checks.find((c) => c.status === "failed" || c.status === "undetermined");
      if (library.isVerified(verdict)) {
        verified++;
        continue;
      }
      const { outcome, code } = verdict;
      return { outcome, code, check: failing?.id, text: failing?.found ?? JSON.stringify(verdict) };
    }
    const all = verified === artifacts.length;
    return { outcome: all ? "verified" : "bug", code: undefined, check: undefined, text: `${verified} verdicts` };
  };

  async function computeFor(root: Uint8Array, kinds: core.AskedKinds, ctx: core.Context): Promise<core.Compute> {
    const askedFor = `${String(kinds.blobs)} ${kinds.keys.map((k) => k.digest).join(" ")}`;
    const key = createHash("sha256").update(root).update(askedFor).digest("hex");
    const known = computes.get(key);
    if (known !== undefined) return known;
    const path = join(directory, `${key}.json`);
    writeFileSync(path, root);
    const compute = remembering(
      await library.inlineCompute(await library.loadTrust({ kind: "file", path }, ctx), kinds),
    );
    computes.set(key, compute);
    return compute;
  }

  async function policyFor({ policy, env }: Case): Promise<core.Policy> {
    if (policy.kind === "file") {
      return library.parsePolicy(Buffer.from(policy.text), { path: "policy.yaml", version: "0.1.0", env });
    }
    return library.flagPolicy(policy.words, { env });
  }

  async function lookupFor({ evidence, artifact }: Case): Promise<core.Lookup> {
    if (evidence.kind === "given") {
      const bundles = evidence.files.flatMap(({ name, bytes }) => library.bundleHandles(name, bytes));
      return library.createLookup({ bundles, locate: () => undefined });
    }
    const folder = join(directory, `store-${stores++}`);
    mkdirSync(folder);
    for (const { name, bytes } of evidence.files) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    }
    const opened = await library.openStore("file:///", { env: {}, now: () => new Date() });
    const key = library.parseKey(join(folder, artifact.name ?? "").slice(1));
    return library.createLookup({ locate: () => ({ store: opened.store, key }) });
  }

  return async (asked) => {
    try {
      return await run(asked);
    } catch (error) {
      if (library.isKitesealError(error))
        return { outcome: "input", code: error.code, check: undefined, text: error.message };
      return {
        outcome: "bug",
        code: undefined,
        check: undefined,
        text: error instanceof Error ? `${error.stack}` : String(error),
      };
    }
  };
}

function artifactOf({ name, digest, bytes }: CaseArtifact): core.Artifact {
  return {
    ...(name === undefined ? {} : { name }),
    digest: { ...digest },
    size: bytes.length,
    origin: { kind: "file", path: name ?? "" },
  };
}

function remembering(compute: core.Compute): core.Compute {
  const known = new Map<string, ReturnType<core.Compute["authenticate"]>>();
  return {
    authenticate(bytes, digest) {
      const found = known.get(digest) ?? compute.authenticate(bytes, digest);
      known.set(digest, found);
      return found;
    },
    close: () => compute.close(),
  };
}
