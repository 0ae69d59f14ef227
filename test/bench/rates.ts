// SPDX-License-Identifier: Apache-2.0
// In one process: how many separate bundles are authenticated in a second, beside the bare ECDSA verifications that the
// machine can do; and how long it takes to sign one artifact and a hundred, with the services in this process too.
import { createHash, generateKeyPairSync, sign, verify } from "node:crypto";
import { attest, type Attestation } from "@kiteseal/core/sign";
import { at, compared, type Contestant, race, type Row } from "./measure.ts";
import { ctx, signingRun, type World } from "./world.ts";

const BUNDLES = 200;
const SIGNATURES = 1000;

export async function rates(world: World, rounds: number): Promise<readonly Row[]> {
  const bundles = await signed(world, BUNDLES, "per-artifact");
  const times = await race([authenticating(world, bundles), bareSignatures()], rounds);
  const each = at(times, "authenticate") / BUNDLES;
  const bare = at(times, "ECDSA") / SIGNATURES;
  const signing = await race(
    [signingOf(world, 1, "batched"), signingOf(world, 100, "batched"), signingOf(world, 100, "per-artifact")],
    rounds,
  );
  const one = { name: "sign 1, batched", value: at(signing, "sign 1, batched") };
  const row = (work: string): Row =>
    compared({ section: "sign", work, value: at(signing, work), unit: "ms", beside: one });
  return [
    { section: "authenticate", work: `${BUNDLES} separate bundles`, value: 1000 / each, unit: "bundles/s" },
    compared({
      section: "authenticate",
      work: "one bundle",
      value: each,
      unit: "ms",
      beside: { name: "one ECDSA P-256 verification", value: bare },
    }),
    row("sign 1, batched"),
    row("sign 100, batched"),
    row("sign 100, per-artifact"),
  ];
}

export async function signed(
  world: World,
  count: number,
  split: "batched" | "per-artifact",
): Promise<readonly Attestation[]> {
  const run = await signingRun(world);
  const subjects = Array.from({ length: count }, (_, i) => ({
    name: `part-${i}`,
    digests: { sha256: createHash("sha256").update(`part ${i}`).digest("hex") },
  }));
  return (await attest({ ...run, subjects, split }, ctx)).attestations;
}

function authenticating({ compute }: World, bundles: readonly Attestation[]): Contestant {
  return {
    name: "authenticate",
    run: async () => {
      for (const { bundle, bundleDigest } of bundles) {
        const { kind } = await compute.authenticate(bundle, bundleDigest);
        if (kind !== "authentic") throw new Error(`a bundle that was just signed is ${kind}`);
      }
    },
  };
}

function bareSignatures(): Contestant {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const data = Buffer.alloc(256, "data");
  const signature = sign("sha256", data, privateKey);
  return {
    name: "ECDSA",
    run: () => {
      for (let i = 0; i < SIGNATURES; i += 1) verify("sha256", data, publicKey, signature);
      return Promise.resolve();
    },
  };
}

function signingOf(world: World, count: number, split: "batched" | "per-artifact"): Contestant {
  return { name: `sign ${count}, ${split}`, run: async () => void (await signed(world, count, split)) };
}
