// SPDX-License-Identifier: Apache-2.0
// The contract suites on the DOUBLE of S3: with and without versions, and with every object in parts.
import { expect } from "vitest";
import { startS3Double } from "../../../../test/doubles/s3/server.ts";
import { describeAdapterContract } from "../adapter-contract.testkit.ts";
import { describeStoreContract } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { adapterOf, pace } from "./double.testkit.ts";

for (const versioned of [false, true]) {
  const name = versioned ? "S3 (double), with versions" : "S3 (double), without versions";
  describeStoreContract(name, async () => {
    const double = await startS3Double({ versioned });
    return {
      location: { store: createStore(adapterOf(double), { pace }), prefix: "base/x/" },
      deny: async (key) => {
        const allow = double.deny(key.slice(0, key.lastIndexOf("/") + 1));
        return async () => allow();
      },
      close: () => double.close(),
    };
  });

  describeAdapterContract(name, async () => {
    const double = await startS3Double({ versioned });
    return { adapter: adapterOf(double), prefix: "base/x/", close: () => double.close() };
  });
}

/** The same contract with every object in parts. */
describeStoreContract("S3 (double), in parts", async () => {
  const double = await startS3Double({ minPart: 1 });
  const sizes = { threshold: -1, partSize: 4 };
  const inParts = adapterOf(double, { sizes: { threshold: 0, partSize: 5 } });
  const large = adapterOf(double, { sizes: { ...sizes, partSize: 5_242_880 } });
  const { multipart } = inParts;
  if (multipart === undefined) throw new Error("no multipart");
  const partSize = (size: number): number => (size > 1_000_000 ? 5_242_880 : 5);
  return {
    location: { store: createStore({ ...large, multipart: { ...multipart, partSize } }, { pace }), prefix: "base/x/" },
    deny: async (key) => {
      const allow = double.deny(key.slice(0, key.lastIndexOf("/") + 1));
      return async () => allow();
    },
    bytesInParts: 60,
    whileHashing: true,
    close: async () => {
      expect([...double.bucket.uploads.values()].map((upload) => upload.key)).toEqual([]);
      await double.close();
    },
  };
});
