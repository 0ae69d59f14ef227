// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import { startArtifactoryDouble } from "../../../test/doubles/artifactory/server.ts";
import { expandDestination, openObject, openRepository, openStore } from "./index.ts";
import { expectCode, readAll, sourceOf, testContext } from "./store-contract.testkit.ts";

const ctx = testContext();
const options = { env: {}, now: () => ctx.now() };

describe("opening", () => {
  let root: string;
  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), "kiteseal-open-")));
  });
  afterEach(() => rm(root, { recursive: true }));

  test.each(["", "/"])("a store gives the prefix of its URL, ending in one slash (%j)", async (end) => {
    const { store, prefix } = await openStore(`file://${root}/a b${end}`, options);
    expect(prefix).toBe(`${root.slice(1)}/a b/`);
    const stored = await store.put(parseKey(`${prefix}x`), { source: sourceOf("abc") }, ctx);
    expect(store.url(stored.object.key)).toBe(`file://${root}/a%20b/x`);
    expect(await readFile(`${root}/a b/x`, "utf8")).toBe("abc");
  });

  test("the root of the file system is the empty prefix", async () => {
    expect((await openStore("file:///", options)).prefix).toBe("");
  });

  test("an object gives its key, and the store to read it and look around in", async () => {
    const { store, prefix } = await openStore(`file://${root}/S`, options);
    await store.put(parseKey(`${prefix}1/dist/app`), { source: sourceOf("abc") }, ctx);
    const target = await openObject(`file://${root}/S/1/dist/app`, options);
    const object = await target.store.head(target.key, ctx);
    if (object === undefined) expect.fail("absent");
    expect(await readAll(target.store.get(object, { maxBytes: 3 }, ctx))).toBe("abc");
    expect(await target.store.head(parseKey(`${prefix}.kiteseal/x`), ctx)).toBeUndefined();
  });

  test("an object at the root of the file system has a key of one segment", async () => {
    expect((await openObject("file:///x", options)).key).toBe("x");
  });

  test.each(["file:///S/", "file:///", "file:///S/../x", "s3://bucket", "s3://bucket/x/", "ftp://host/x"])(
    "%s is not an object",
    async (url) => {
      await expectCode(openObject(url, options), "ERR_STORE_URL");
    },
  );

  test("a repository keeps attestations below the fixed part of the destination", async () => {
    const to = expandDestination(`file://${root}/S/{build}/dist`, { build: "7" });
    const { artifacts, attestations } = await openRepository(to, undefined, options);
    expect(artifacts.prefix).toBe(`${root.slice(1)}/S/7/dist/`);
    expect(attestations.prefix).toBe(`${root.slice(1)}/S/.kiteseal/`);
    for (const { store, prefix } of [artifacts, attestations]) {
      expect(await store.put(parseKey(`${prefix}x/y`), { source: sourceOf("z") }, ctx)).toMatchObject({
        outcome: "created",
      });
    }
  });

  test("a repository keeps attestations where it is told to", async () => {
    const to = expandDestination(`file://${root}/S/{build}`, { build: "7" });
    const { artifacts, attestations } = await openRepository(to, `file://${root}/other`, options);
    expect(attestations.prefix).toBe(`${root.slice(1)}/other/`);
    await attestations.store.put(parseKey(`${attestations.prefix}x`), { source: sourceOf("z") }, ctx);
    const misplaced = parseKey(`${attestations.prefix}y`);
    await expectCode(artifacts.store.put(misplaced, { source: sourceOf("z") }, ctx), "ERR_KEY_INVALID");
  });

  test("what one run opens in a store shares the identity it got there", async () => {
    const double = await startArtifactoryDouble();
    try {
      double.subjectTokens.add("token-of-the-job");
      let asked = 0;
      const run = {
        env: { BUILDKITE_ARTIFACTORY_URL: double.url, KITESEAL_ARTIFACTORY_OIDC_PROVIDER: "buildkite" },
        now: () => ctx.now(),
        clients: new Map(),
        tokens: () => Promise.resolve(((asked += 1), "token-of-the-job")),
      };
      for (const name of ["a/x", "b/y", "b/z"]) {
        const { store, key } = await openObject(`rt://${double.repository}/${name}`, run);
        expect(await store.head(key, ctx)).toBeUndefined();
      }
      expect(asked).toBe(1);
      const another = await openObject(`rt://${double.repository}/a/x`, { ...run, clients: new Map() });
      await another.store.head(another.key, ctx);
      expect(asked).toBe(2);
    } finally {
      await double.close();
    }
  });

  test("a directory cannot be told how to keep what is written, and says so", async () => {
    const write = { retention: { mode: "compliance", days: 30 } } as const;
    await expectCode(openStore(`file://${root}/S`, { ...options, write }), "ERR_CONFIG_INVALID");
  });

  test.each(["https://host.example/x/", "file:///S/.kiteseal/x/", "s3://bucket/.kiteseal/"])(
    "%s is no destination",
    async (url) => {
      await expectCode(openRepository({ url, fixed: url }, undefined, options), "ERR_STORE_URL");
    },
  );

  test("a destination outside its fixed part is refused", async () => {
    const to = { url: `file://${root}/S2/x`, fixed: `file://${root}/S/` };
    await expectCode(openRepository(to, undefined, options), "ERR_STORE_URL");
  });
});
