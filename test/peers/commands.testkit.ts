// SPDX-License-Identifier: Apache-2.0
// The commands, as killed.testkit.ts kills them. Of those that write to stores: what is visible is whole and verifies from the
// store alone (an artifact never stands there without its attestation), and each bundle is the one that its name says.
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { createLookup, verify } from "@kiteseal/core";
import type { Location, StoredObject } from "@kiteseal/core/store";
import { openStore } from "@kiteseal/storage-adapters";
import { ctx, POLICY, RULE_FLAGS } from "../bench/world.ts";
import type { World } from "../bench/world.ts";
import { expectFetched } from "../support/fetched.ts";
import { newPlace, runThrough } from "./killed.testkit.ts";
import type { CommandUnderTest, Place, Scene } from "./killed.testkit.ts";

export interface Publishing extends CommandUnderTest {
  readonly contents: ReadonlyMap<string, Buffer>;
}

/** publish of two files to the place, one of them of `bytes`. */
export async function publishCommand(world: World, bytes: number): Promise<Publishing> {
  const cwd = join(world.directory, "published");
  const contents: ReadonlyMap<string, Buffer> = new Map([
    ["app", Buffer.alloc(bytes, "of the app")],
    ["dir/notes", Buffer.from("notes")],
  ]);
  for (const [name, content] of contents) {
    await mkdir(join(cwd, name, ".."), { recursive: true });
    await writeFile(join(cwd, name), content);
  }
  return {
    cwd,
    contents,
    args: ({ url }) => ["publish", ...contents.keys(), "--to", url],
    prepare: () => Promise.resolve(),
    sound: (place) => expectSound(world, { place, contents }),
    whole: contents.size,
    beforeLastReply: contents.size,
  };
}

/** promote of what `publish` published to another place of the same server. */
export async function promoteCommand(scene: Scene, publish: Publishing): Promise<CommandUnderTest> {
  const source = await publishedOnce(scene, { publish, name: "to-promote" });
  return {
    ...publish,
    args: ({ url }) => ["promote", `${source.url}/`, "--recursive", "--to", url, ...ruleOf(scene.world)],
  };
}

/** fetch of the same to a directory, which it shows in one step once there is nothing more to ask. */
export async function fetchCommand(scene: Scene, publish: Publishing): Promise<CommandUnderTest> {
  const source = await publishedOnce(scene, { publish, name: "to-fetch" });
  const { contents, cwd, prepare, whole } = publish;
  const rule = ruleOf(scene.world);
  const what = [`${source.url}/`, "--recursive", "--with-bundle"];
  return {
    cwd,
    args: ({ directory }) => ["fetch", ...what, "--output", join(directory, "out"), ...rule],
    prepare,
    sound: ({ directory }) => expectFetched(directory, { contents, rule, env: scene.world.outside }),
    whole,
    beforeLastReply: 0,
  };
}

async function publishedOnce(scene: Scene, { publish, name }: { publish: Publishing; name: string }): Promise<Place> {
  const source = await newPlace(scene, name);
  const published = await runThrough(scene, publish, source);
  expect(published.code, published.stderr).toBe(0);
  return source;
}

function ruleOf({ sandbox }: World): readonly string[] {
  return ["--trusted-root", sandbox.trustedRootPath, ...RULE_FLAGS];
}

/** How many artifacts are there. */
async function expectSound(
  world: World,
  { place, contents }: { place: Place; contents: ReadonlyMap<string, Buffer> },
): Promise<number> {
  const { store, prefix } = await openStore(place.url, { env: place.env, now: () => ctx.now() });
  let artifacts = 0;
  for await (const object of store.list(prefix, ctx)) {
    const name = object.key.slice(prefix.length);
    const bytes = await readBytes({ store, prefix }, object);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (name.startsWith(".kiteseal/bundles/")) expect(name.endsWith(`/${sha256}.sigstore.json`), name).toBe(true);
    if (name.startsWith(".kiteseal/")) continue;
    artifacts += 1;
    expect(bytes.equals(contents.get(name) ?? Buffer.from("not published")), name).toBe(true);
    const lookup = createLookup({ locate: () => ({ store, key: object.key }) });
    const origin = { kind: "stored", url: store.url(object.key), pin: object.pin } as const;
    const verified = await verify(
      { name, digest: { sha256 }, origin },
      { policy: POLICY, compute: world.compute, lookup },
      ctx,
    );
    expect(verified.outcome).toBe("verified");
  }
  return artifacts;
}

async function readBytes({ store }: Location, object: StoredObject): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.get(object, { maxBytes: object.size }, ctx)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
