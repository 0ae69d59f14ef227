// SPDX-License-Identifier: Apache-2.0
// The fault suite: every store runs it, as it is, behind test/doubles/proxy.ts. Each row of outcomes.testkit.ts that can
// happen in a store is one test there, named after it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FAULTS, expectedOf, testName } from "./outcomes.testkit.ts";
import type { FaultId, Outcome } from "./outcomes.testkit.ts";
import { LISTING } from "./listing.testkit.ts";
import { READING } from "./reading.testkit.ts";
import { testContext } from "../store-contract.testkit.ts";
import { FOREIGN, recordedPace } from "./wire.testkit.ts";
import type { Bench, WireProfile } from "./wire.testkit.ts";
import { WRITING } from "./writing.testkit.ts";

const SHOWN: Readonly<Record<FaultId, (bench: Bench) => Promise<Outcome>>> = { ...READING, ...LISTING, ...WRITING };

/** Time enough for 8 MiB on a slow machine; where silence is the fault, little. */
const IDLE_MS = 20_000;
const SILENT_MS = 250;

export function describeStoreFaults(profile: WireProfile): void {
  describe(`${profile.title} under faults`, () => {
    for (const id of Object.keys(FAULTS) as FaultId[]) {
      const expected = expectedOf(id, profile.name);
      if (expected === undefined) continue;
      test(testName(id), async () => {
        const stateDirectory = await mkdtemp(join(tmpdir(), "kiteseal-faults-"));
        const { pace, waits } = recordedPace();
        const idleMs = id.endsWith(".silent") ? SILENT_MS : IDLE_MS;
        const wire = await profile.open({ pace, idleMs, stateDirectory });
        try {
          await wire.plant(FOREIGN, "not ours");
          waits.length = 0;
          expect(await SHOWN[id]({ wire, profile, waits, ctx: testContext() })).toBe(expected);
        } finally {
          await wire.close();
          await rm(stateDirectory, { recursive: true });
        }
      });
    }
  });
}
