// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../artifact/digest.ts";
import type { Artifact } from "../artifact/source.ts";
import { isKitesealError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { AttestationReport } from "../policy/verdict.ts";
import { passed } from "../verification/check.ts";
import type { BundleHandle } from "./attestations.ts";
import { bundleFile, PassedBundles } from "./passed-bundles.ts";

const ctx = { now: (): Date => new Date(0) };
const artifact: Artifact = { name: "a", digest: { sha256: sha256Hex("a") }, origin: { kind: "digest" } };
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A store that has `contents` under the digest of what it should have, and counts how often it is asked. */
function handleOf(
  name: string,
  contents: () => Uint8Array = () => Buffer.from(name),
): BundleHandle & { readonly reads: number } {
  let reads = 0;
  return {
    place: name,
    digest: sha256Hex(name),
    get reads() {
      return reads;
    },
    read: () => {
      reads += 1;
      return Promise.resolve(contents());
    },
  };
}

/** Looks the handles up for the artifact and reads those of these numbers. */
async function look(bundles: PassedBundles, handles: readonly BundleHandle[], read: readonly number[]): Promise<void> {
  const lookup = bundles.watch(async function* () {
    yield await Promise.resolve({ place: "here", outcome: "found" as const, handles });
  });
  for await (const found of lookup(artifact, { signers: [] }, ctx))
    for (const index of read) await found.handles[index]?.read(ctx);
}

const verdict = (name: string): Parameters<PassedBundles["of"]>[0] => ({
  bundleDigest: sha256Hex(name),
  checks: [],
  attestations: [],
});

describe("the bundles of a pass", () => {
  it("are those that were read, without another request", async () => {
    const bundles = new PassedBundles();
    const handles = [handleOf("one"), handleOf("two")];
    await look(bundles, handles, [0, 1]);
    expect((await bundles.of(verdict("two"), artifact, ctx)).map(text)).toEqual(["two"]);
    expect(handles.map(({ reads }) => reads)).toEqual([1, 1]);
  });

  it("are read where an earlier artifact's reading was enough", async () => {
    const bundles = new PassedBundles();
    const handle = handleOf("one");
    await look(bundles, [handle], []);
    expect((await bundles.of(verdict("one"), artifact, ctx)).map(text)).toEqual(["one"]);
    expect(handle.reads).toBe(1);
  });

  it("are read again once they were forgotten, and must be the same", async () => {
    const bundles = new PassedBundles();
    const large = Buffer.alloc(LIMITS.authenticationCacheBytes, "x");
    let contents = "one";
    const first = handleOf("one", () => Buffer.from(contents));
    await look(bundles, [first, handleOf(text(large))], [0, 1]);
    expect((await bundles.of(verdict("one"), artifact, ctx)).map(text)).toEqual(["one"]);
    expect(first.reads).toBe(2);
    contents = "another";
    const code = await bundles.of(verdict("one"), artifact, ctx).catch((e: unknown) => isKitesealError(e) && e.code);
    expect(code).toBe("ERR_STORE_TAMPERED");
  });

  it("include every genuine one where the rule required several, the one that passed first", async () => {
    const bundles = new PassedBundles();
    await look(bundles, [handleOf("sbom"), handleOf("provenance"), handleOf("junk")], [0, 1, 2]);
    const report = (name: string, isGenuine: boolean): AttestationReport => ({
      place: name,
      bundleDigest: sha256Hex(name),
      outcome: "rejected",
      checks: [],
      ...(isGenuine ? { signer: { keyDigest: "" } } : {}),
    });
    const attestations = [report("sbom", true), report("provenance", true), report("junk", false)];
    const several = { ...verdict("provenance"), attestations };
    const required = { ...several, checks: [passed("rule.also-required")] };
    expect((await bundles.of(required, artifact, ctx)).map(text)).toEqual(["provenance", "sbom"]);
    expect((await bundles.of(several, artifact, ctx)).map(text)).toEqual(["provenance"]);
  });
});

describe("the file beside an artifact", () => {
  it("is the bundle as it is, or several one a line", () => {
    const pretty = Buffer.from('{\n  "a": 1\r\n}\n');
    expect(bundleFile("d/a", [pretty])).toEqual({ path: "d/a.sigstore.json", bytes: pretty });
    const { path, bytes } = bundleFile("d/a", [pretty, Buffer.from("{}")]);
    expect(path).toBe("d/a.sigstore.jsonl");
    expect(
      text(bytes)
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([{ a: 1 }, {}]);
  });
});
