// SPDX-License-Identifier: Apache-2.0
// Both contract suites against the DOUBLE of Google Cloud Storage; with real paging, so 2,500 objects are many pages.
import { describeAdapterContract } from "../adapter-contract.testkit.ts";
import { describeStoreContract } from "../store-contract.testkit.ts";
import { createStore } from "../transfer/store.ts";
import { WHOLE_BYTES } from "./multipart.ts";
import { openDouble } from "./double.testkit.ts";

describeStoreContract("GCS (double)", async () => {
  const { double, adapter } = await openDouble({ pageSize: 300 });
  return {
    location: { store: createStore(adapter, {}), prefix: "base/" },
    deny: (key) => {
      const allow = double.deny(key.slice(0, key.lastIndexOf("/") + 1));
      return Promise.resolve(() => Promise.resolve(allow()));
    },
    bytesInParts: WHOLE_BYTES + 1,
    close: () => double.close(),
  };
});

describeAdapterContract("GCS (double)", async () => {
  const { double, adapter } = await openDouble();
  return { adapter, prefix: "base/", close: () => double.close() };
});
