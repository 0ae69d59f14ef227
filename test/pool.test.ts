// SPDX-License-Identifier: Apache-2.0
// Workers answer what the same code answers inline: for bundles that verify, for those that do not, and for junk.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  askedKinds,
  flagPolicy,
  inlineCompute,
  loadTrust,
  pooledCompute,
  type AskedKinds,
  type Trust,
} from "@kiteseal/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicPem, startForge, type Forge } from "./attacks/forge.ts";
import type { Spec } from "./attacks/spec.ts";

const directory = mkdtempSync(join(tmpdir(), "kiteseal-pool-"));
let forge: Forge;
let trust: Trust;
let asked: AskedKinds;
const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const SPECS: readonly [string, Spec][] = [
  ["an honest bundle", {}],
  ["a v1 entry", { logs: [{ kind: "v1-dsse" }], stamps: [] }],
  ["a v0.2 bundle", { version: "0.2" }],
  ["a message signature", { message: {} }],
  ["a key", { keyed: "key" }],
  ["a key that nobody asked for", { keyed: "other" }],
  ["a changed signature", { signature: () => Buffer.from([0]) }],
  ["no log entry", { logs: [] }],
  ["no time", { stamps: [] }],
  ["a forged builder", { provenance: (p) => void (p.runDetails.builder.id = "https://buildkite.com/evil/app") }],
  ["a bundle that is none", { text: () => "{}" }],
  ["bytes that are no text", { text: () => Buffer.from([0xff, 0xfe]) }],
];

beforeAll(async () => {
  forge = await startForge();
  const path = join(directory, "root.json");
  writeFileSync(path, JSON.stringify(forge.root));
  trust = await loadTrust({ kind: "file", path }, { now: () => forge.now });
  asked = {
    keys: askedKinds(flagPolicy({ key: [publicPem(forge.key)] }, { env: {} })).keys,
    blobs: true,
  };
});

afterAll(async () => {
  await forge.close();
  rmSync(directory, { recursive: true });
});

describe.each([
  ["threads from the first bundle on", 0],
  ["threads from the third bundle on", 2],
])("%s", (_, inlineFirst) => {
  test("answer what inline code answers", async () => {
    const inline = await inlineCompute(trust, asked);
    const pool = await pooledCompute(trust, asked, { workers: 2, inlineFirst });
    try {
      const bundles = SPECS.map(([, spec]) => forge.bundle(spec));
      const found = await Promise.all(bundles.map((bytes) => pool.authenticate(bytes, digestOf(bytes))));
      const expected = await Promise.all(bundles.map((bytes) => inline.authenticate(bytes, digestOf(bytes))));
      for (const [i, [what]] of SPECS.entries()) expect(found[i], what).toEqual(expected[i]);
      expect(expected.map((answer) => answer.kind)).toEqual(SPECS.map((_spec, i) => (i < 5 ? "authentic" : "refused")));
    } finally {
      await pool.close();
    }
  });
});

test("more bundles than threads are all answered, each with its own", async () => {
  const pool = await pooledCompute(trust, asked, { workers: 2, inlineFirst: 0 });
  try {
    const bytes = forge.bundle({});
    const names = Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(64, "0"));
    const found = await Promise.all(names.map((name) => pool.authenticate(bytes, name)));
    expect(found.map((a) => (a.kind === "authentic" ? a.attestation.bundleDigest : a.failure.code))).toEqual(names);
  } finally {
    await pool.close();
  }
});

test("what was asked before the end and not answered is refused, not forgotten", async () => {
  const pool = await pooledCompute(trust, asked, { workers: 1, inlineFirst: 0 });
  const bytes = forge.bundle({});
  const answers = Promise.allSettled(Array.from({ length: 8 }, () => pool.authenticate(bytes, digestOf(bytes))));
  await pool.close();
  expect((await answers).map(({ status }) => status)).toContain("rejected");
});

test("a trusted root that cannot be read is refused before a thread is started", async () => {
  const broken = { ...trust, rootBytes: Buffer.from("{}") };
  await expect(pooledCompute(broken, asked, { workers: 1, inlineFirst: 0 })).rejects.toMatchObject({
    code: "ERR_TRUST_ROOT_INVALID",
  });
});
