// SPDX-License-Identifier: Apache-2.0
// docs/reference/faults.md promises tests: they are there, and every store with a wire runs the suite.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ELSEWHERE } from "../packages/storage-adapters/src/faults/elsewhere.testkit.ts";
import { expectedOf, FAULTS } from "../packages/storage-adapters/src/faults/outcomes.testkit.ts";
import type { FaultId, WireStore } from "../packages/storage-adapters/src/faults/outcomes.testkit.ts";
import { ROOT } from "./support/sources.ts";

const FOLDERS: Readonly<Record<WireStore, string>> = {
  s3: "s3",
  gs: "gcs",
  azure: "azure",
  rt: "artifactory",
  https: "https",
};
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

describe("the matrix of faults", () => {
  test.each(Object.entries(FOLDERS))("%s runs the suite", (store, folder) => {
    const text = read(`packages/storage-adapters/src/${folder}/faults.test.ts`);
    expect(text).toContain("describeStoreFaults({");
    expect(text).toContain(`name: "${store}"`);
  });

  test("every row can happen somewhere and says what comes of it in each store", () => {
    for (const id of Object.keys(FAULTS) as FaultId[]) {
      const somewhere = (Object.keys(FOLDERS) as WireStore[]).filter((store) => expectedOf(id, store) !== undefined);
      expect({ id, somewhere: somewhere.length > 0 }).toEqual({ id, somewhere: true });
    }
  });

  test.each(ELSEWHERE.map(({ file, test: name }) => [file, name]))("%s has: %s", (file, name) => {
    expect(read(file)).toContain(name);
  });
});
