// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import type { Finding } from "@kiteseal/core/store";
import type { GcsDoubleOptions } from "../../../../test/doubles/gcs/server.ts";
import { testContext } from "../store-contract.testkit.ts";
import { openGcsAdapter } from "./adapter.ts";
import { gcsAddress, gcsOptions, openDouble } from "./double.testkit.ts";

const READER = ["storage.objects.get", "storage.objects.list", "storage.buckets.get"];

/** id → severity */
async function diagnosed(options: GcsDoubleOptions): Promise<Record<string, Finding["severity"]>> {
  const { double, adapter } = await openDouble(options);
  const findings = await adapter.diagnose(testContext());
  expect(
    double.bucket
      .names()
      .filter((name) =>
        !(options.permissions ?? ["storage.objects.delete"]).includes("storage.objects.delete") ? false : name !== "",
      ),
  ).toEqual([]);
  await double.close();
  return Object.fromEntries(findings.map(({ id, severity }) => [id, severity]));
}

test("a well-kept bucket has only good findings", async () => {
  const found = await diagnosed({
    permissions: [...READER, "storage.objects.create"],
    resource: {
      versioning: { enabled: true },
      retentionPolicy: { retentionPeriod: "2592000", isLocked: true },
      encryption: { defaultKmsKeyName: "projects/p/locations/l/keyRings/r/cryptoKeys/k" },
      iamConfiguration: { publicAccessPrevention: "enforced", uniformBucketLevelAccess: { enabled: true } },
    },
  });
  expect(found).toEqual({
    "gcs.identity": "ok",
    "gcs.endpoint": "advice",
    "gcs.list": "ok",
    "gcs.read": "ok",
    "gcs.put": "ok",
    "gcs.overwrite": "ok",
    "gcs.delete": "ok",
    "gcs.abilities": "ok",
    "gcs.public-access": "ok",
    "gcs.versioning": "ok",
    "gcs.immutability": "ok",
    "gcs.encryption": "ok",
    "gcs.uniform-access": "ok",
    "gcs.lifecycle": "ok",
    "gcs.expiry": "ok",
    "gcs.create-only": "ok",
  });
});

test("a careless bucket has advice for each of its settings", async () => {
  const found = await diagnosed({});
  for (const id of ["overwrite", "versioning", "immutability", "public-access", "uniform-access"]) {
    expect(found).toMatchObject({ [`gcs.${id}`]: "advice" });
  }
  expect(found).toMatchObject({ "gcs.create-only": "ok" });
});

test("a server on which a second object replaces the first is dangerous", async () => {
  expect(await diagnosed({ ignorePreconditions: true })).toMatchObject({ "gcs.create-only": "dangerous" });
});

test("an identity that may read nothing is broken, one that may only read is not", async () => {
  expect(await diagnosed({ permissions: [] })).toMatchObject({ "gcs.abilities": "broken", "gcs.bucket": "advice" });
  expect(await diagnosed({ permissions: READER })).toMatchObject({
    "gcs.abilities": "ok",
    "gcs.put": "advice",
    "gcs.create-only": "advice",
  });
  expect(await diagnosed({ permissions: ["storage.objects.get"] })).toMatchObject({
    "gcs.list": "advice",
    "gcs.abilities": "ok",
  });
});

test("a missing bucket is broken, and an outage is no finding", async () => {
  const { double } = await openDouble();
  const missing = await openGcsAdapter({ ...gcsAddress(), bucket: "missing" }, gcsOptions(double.url));
  const findings = await missing.diagnose(testContext());
  expect(findings).toContainEqual(expect.objectContaining({ id: "gcs.bucket", severity: "broken" }));
  double.faults.add({ path: /./, effect: "status", status: 503 });
  await expect(missing.diagnose(testContext())).rejects.toMatchObject({ kind: "Transient" });
  await double.close();
});
