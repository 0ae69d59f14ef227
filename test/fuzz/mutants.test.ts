// SPDX-License-Identifier: Apache-2.0
// Mutants of bundles, trusted roots and policies: nothing but a KitesealError escapes, and nothing is accepted unless a
// normal form proves that it is what it was. FUZZ_SEED repeats a run, FUZZ_COUNT makes it longer.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as core from "@kiteseal/core";
import { parseKey } from "@kiteseal/core/store";
import { openStore } from "@kiteseal/storage-adapters";
import { afterAll, beforeAll, expect, test } from "vitest";
import { JOB, publicPem, startForge, type Forge } from "../attacks/forge.ts";
import { createJudge, type Judge } from "../attacks/judge.ts";
import type { Case, Spec } from "../attacks/spec.ts";
import { changeOneByte, mutateBytes, mutateJson, mutateText, type Mutant } from "./mutate.ts";
import { addsNothing, bundleForm, type RootForm, rootForm, sameParties } from "./normal-form.ts";
import { permits } from "./policy-oracle.ts";
import { seededRandom, type Random } from "./random.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const COUNT = Number(process.env["FUZZ_COUNT"] ?? 2000);
const TIMEOUT = 30_000 + COUNT * 100;

let forge: Forge;
let judge: Judge;
let honest: readonly Case[];
const directory = mkdtempSync(join(tmpdir(), "kiteseal-fuzz-"));
const tally = new Map<string, number>();

const KINDS: readonly Spec[] = [
  {},
  { logs: [{ kind: "v1-dsse" }] },
  { logs: [{ kind: "v1-intoto" }, { kind: "v2" }] },
  { version: "0.2", logs: [{ kind: "v1-hashedrekord" }], stamps: [] },
  { version: "0.1", logs: [{ kind: "v1-dsse" }], stamps: [] },
  { rule: { content: "blob" }, message: {} },
];

const POLICY = `version: 1
requires: ">=0.1"
rules:
  app:
    artifacts: ["dist/*.tgz", "out/**"]
    builder: { organization: acme, pipeline: [app, app-release], step: package }
    source: { branch: ["main", "release/*"] }
    build: 1514
    trigger: [webhook, schedule]
    runner: self-hosted
    commit: ${JOB.commit}
    repository: https://github.com/acme/app
    organization-id: ${JOB.organizationId}
    pipeline-id: ${JOB.pipelineId}
    max-age: 90d
    logs: 1
    timestamps: 1
    dependencies: { plugins: pinned, images: digest }
  rest:
    artifacts: tools/**
    builder: { organization: acme, pipeline: tools }
    source: { ref: any }
otherwise: rest
exceptions:
  - { sha256: "${"1".repeat(64)}", rule: app, reason: incident, owner: on-call, expires: 2199-01-01 }
`;

beforeAll(async () => {
  console.info(`FUZZ_SEED=${SEED} FUZZ_COUNT=${COUNT}`);
  forge = await startForge();
  judge = createJudge({ ...core, parseKey, openStore }, directory);
  const key = { organization: undefined, pipeline: undefined, branch: undefined, key: [publicPem(forge.key)] };
  const keyed: readonly Spec[] = [
    { keyed: "key", rule: key },
    { keyed: "key", rule: { ...key, content: "blob" }, message: {}, logs: [{ kind: "v1-hashedrekord" }], stamps: [] },
  ];
  honest = [...KINDS, ...keyed].map((spec) => forge.case(spec));
});

afterAll(async () => {
  await forge.close();
  rmSync(directory, { recursive: true });
  console.info(
    [...tally]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([what, count]) => `${what.padEnd(44)}${count}`)
      .join("\n"),
  );
});

function count(what: string): void {
  tally.set(what, (tally.get(what) ?? 0) + 1);
}

function bundleOf({ evidence }: Case): Uint8Array {
  const [file] = evidence.files;
  if (file === undefined) throw new RangeError("a case without a bundle");
  return file.bytes;
}

const withBundle = (asked: Case, bytes: Uint8Array): Case => ({
  ...asked,
  evidence: { kind: "given", files: [{ name: "bundle.json", bytes }] },
});

/** Judges mutants; `proves` decides whether an accepted one is what it was. Returns what went wrong. */
async function judged(
  kind: string,
  mutants: Iterable<{ mutant: Mutant; asked: Case; proves: () => boolean }>,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const { mutant, asked, proves } of mutants) {
    const { outcome, text } = await judge(asked);
    const proven = outcome === "verified" && proves();
    count(`${kind}: ${outcome === "verified" ? "accepted, the same" : outcome}`);
    if (outcome === "bug") wrong.push(`${mutant.what}: ${text}`);
    if (outcome === "verified" && !proven) wrong.push(`${mutant.what}: accepted and not the same`);
  }
  return wrong;
}

function* bundleMutants(n: number, random: Random, mutate: (bytes: Uint8Array, random: Random) => Mutant) {
  for (let i = 0; i < n; i++) {
    const base = random.of(honest);
    const original = bundleOf(base);
    const mutant = mutate(original, random);
    const proves = (): boolean => addsNothing(bundleForm(original, base.root), bundleForm(mutant.bytes, base.root));
    yield { mutant, asked: withBundle(base, mutant.bytes), proves };
  }
}

function* rootMutants(n: number, random: Random, mutate: (bytes: Uint8Array, random: Random) => Mutant) {
  // Of a key's bundle the root's certificate authorities and certificate logs prove nothing.
  const certified = honest.slice(0, KINDS.length);
  for (let i = 0; i < n; i++) {
    const base = random.of(certified);
    const mutant = mutate(base.root, random);
    yield {
      mutant,
      asked: { ...base, root: mutant.bytes },
      proves: () =>
        sameParties(rootForm(base.root, forge.signed), rootForm(mutant.bytes, forge.signed), bundleOf(base)),
    };
  }
}

test("honest bundles verify, and each is its own normal form", async () => {
  for (const asked of honest) {
    expect(await judge(asked)).toMatchObject({ outcome: "verified" });
    const form = bundleForm(bundleOf(asked), asked.root);
    expect(form.evidence.size).toBeGreaterThan(0);
    expect(addsNothing(form, form)).toBe(true);
  }
});

test("the normal form of a root tells a changed authority, log and key", () => {
  const [base] = honest;
  if (base === undefined) throw new RangeError("no case");
  const form = (edit: Spec["root"]): RootForm =>
    rootForm(forge.case(edit === undefined ? {} : { root: edit }).root, forge.signed);
  const original = form(undefined);
  expect(sameParties(original, original, bundleOf(base))).toBe(true);
  for (const key of ["certificateAuthorities", "timestampAuthorities", "tlogs", "ctlogs"] as const) {
    const changed = form((r, f) => void Object.assign(r, { [key]: f.otherRoot[key] }));
    expect(sameParties(original, changed, bundleOf(base)), key).toBe(false);
  }
});

test("the normal form tells a changed payload, signature, certificate, proof, promise and stamp", () => {
  const [base] = honest;
  const others = [
    { payload: () => "{}" },
    { signature: () => Buffer.from("x") },
    { job: { build: 2 } },
    { stamps: [{}, {}] },
    { logs: [{ kind: "v1-dsse" as const }] },
  ];
  if (base === undefined) throw new RangeError("no case");
  const form = bundleForm(bundleOf(base), base.root);
  for (const spec of others) expect(addsNothing(form, bundleForm(forge.bundle(spec), base.root))).toBe(false);
});

test("mutants of bundles, structural", { timeout: TIMEOUT }, async () => {
  expect(await judged("bundle, structure", bundleMutants(COUNT * 0.45, seededRandom(SEED), mutateJson))).toEqual([]);
});

test("mutants of bundles, bytes", { timeout: TIMEOUT }, async () => {
  expect(await judged("bundle, bytes", bundleMutants(COUNT * 0.15, seededRandom(SEED + 1), mutateBytes))).toEqual([]);
});

test("mutants of trusted roots", { timeout: TIMEOUT }, async () => {
  expect(await judged("root, structure", rootMutants(COUNT * 0.15, seededRandom(SEED + 2), mutateJson))).toEqual([]);
  expect(await judged("root, bytes", rootMutants(COUNT * 0.05, seededRandom(SEED + 3), mutateBytes))).toEqual([]);
});

test("inspecting a mutant gives an inspection or a KitesealError", { timeout: TIMEOUT }, () => {
  for (const { mutant } of bundleMutants(COUNT * 0.1, seededRandom(SEED + 4), mutateJson)) {
    try {
      core.inspectBundle(mutant.bytes);
      count("inspect: shown");
    } catch (error) {
      if (!core.isKitesealError(error)) throw new Error(mutant.what, { cause: error });
      count("inspect: refused");
    }
  }
});

test("mutants of policies permit only what their own rules say", { timeout: TIMEOUT }, async () => {
  const base = honest[0];
  if (base === undefined) throw new RangeError("no case");
  expect(await judge({ ...base, policy: { kind: "file", text: POLICY } })).toMatchObject({ outcome: "verified" });
  const random = seededRandom(SEED + 5);
  const wrong: string[] = [];
  for (let i = 0; i < COUNT * 0.2; i++) {
    const mutant = mutateText(Buffer.from(POLICY), random);
    try {
      const policy = await core.parsePolicy(mutant.bytes, { path: "policy.yaml", version: "0.1.0", env: {} });
      const { outcome, text } = await judge({
        ...base,
        policy: { kind: "file", text: Buffer.from(mutant.bytes).toString() },
      });
      count(`policy: ${outcome}`);
      if (outcome === "bug") wrong.push(`${mutant.what}: ${text}`);
      if (outcome === "verified" && !permits(policy, FACTS))
        wrong.push(`${mutant.what}: accepted against its own rules`);
    } catch (error) {
      if (!core.isKitesealError(error)) throw new Error(mutant.what, { cause: error });
      count("policy: refused");
    }
  }
  expect(wrong).toEqual([]);
});

const FACTS = {
  ...JOB,
  step: "package",
  name: "dist/app.tgz",
  predicateType: "https://slsa.dev/provenance/v1",
  ageSeconds: 3600,
};

test("100 single changed bytes of the artifact are 100 other artifacts", async () => {
  const base = honest[0];
  if (base === undefined) throw new RangeError("no case");
  const random = seededRandom(SEED + 6);
  for (let i = 0; i < 100; i++) {
    const path = join(directory, "artifact");
    const { bytes, what } = changeOneByte(Buffer.from(base.artifact.bytes), random);
    writeFileSync(path, bytes);
    const { digests } = await core.digestFile(path, core.SHA256_PLAN, { now: () => base.now });
    expect(digests.sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
    const artifact = { ...base.artifact, bytes, digest: { sha256: digests.sha256 } };
    expect(await judge({ ...base, artifact }), what).toMatchObject({
      outcome: "rejected",
      code: "ERR_SUBJECT_DIGEST",
      check: "subject",
    });
  }
});

test(
  "100 single changed bytes of the bundle and of the trusted root each: never verified unless the same",
  { timeout: TIMEOUT },
  async () => {
    const random = seededRandom(SEED + 7);
    const one = (bytes: Uint8Array): Mutant => changeOneByte(Buffer.from(bytes), random);
    expect(await judged("bundle, one byte", bundleMutants(100, random, one))).toEqual([]);
    expect(await judged("root, one byte", rootMutants(100, random, one))).toEqual([]);
  },
);
