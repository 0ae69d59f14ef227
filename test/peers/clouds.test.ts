// SPDX-License-Identifier: Apache-2.0
// The contract suites on the services themselves, for those who have an account: each store whose address is in the
// environment (CONTRIBUTING, "Real servers"), below a prefix of this run's own. Nothing is deleted afterwards.
import { randomBytes } from "node:crypto";
import { env } from "node:process";
import { createTokenSource } from "@kiteseal/core/sign";
import { describeAdapterContract } from "../../packages/storage-adapters/src/adapter-contract.testkit.ts";
import type { Adapter, AdapterOptions } from "../../packages/storage-adapters/src/adapter.ts";
import { openArtifactoryAdapter } from "../../packages/storage-adapters/src/artifactory/adapter.ts";
import { GAPS as ARTIFACTORY_GAPS } from "../../packages/storage-adapters/src/artifactory/gaps.testkit.ts";
import { openAzureAdapter } from "../../packages/storage-adapters/src/azure/adapter.ts";
import { ONE_REQUEST_BYTES } from "../../packages/storage-adapters/src/azure/blocks.ts";
import { switchable } from "../../packages/storage-adapters/src/contract-gaps.testkit.ts";
import type { Gaps } from "../../packages/storage-adapters/src/contract-gaps.testkit.ts";
import { openGcsAdapter } from "../../packages/storage-adapters/src/gcs/adapter.ts";
import { WHOLE_BYTES } from "../../packages/storage-adapters/src/gcs/multipart.ts";
import { createS3Adapter } from "../../packages/storage-adapters/src/s3/adapter.ts";
import { openPlace } from "../../packages/storage-adapters/src/s3/client.ts";
import { describeStoreContract } from "../../packages/storage-adapters/src/store-contract.testkit.ts";
import { createStore } from "../../packages/storage-adapters/src/transfer/store.ts";
import { parseStoreUrl } from "../../packages/storage-adapters/src/url.ts";
import type { StoreAddress } from "../../packages/storage-adapters/src/url.ts";

type Environment = Readonly<Record<string, string | undefined>>;

interface Cloud {
  readonly name: string;
  /** Holds the store's address; the suite is there only with it. */
  readonly variable: string;
  readonly open: (address: StoreAddress, options: AdapterOptions) => Adapter | Promise<Adapter>;
  /** Makes whoever asks somebody whom the store does not know. */
  readonly stranger: Environment;
  /** As StoreFixture's. */
  readonly parts?: { readonly bytesInParts: number; readonly whileHashing: boolean };
  readonly gaps?: { readonly store: Gaps; readonly adapter: Gaps };
}

const MIB = 1_048_576;
/** Less than Kiteseal uses, so that 20 writers are no burden. */
const S3_PARTS = { threshold: 6 * MIB, partSize: 5 * MIB };
/** Create-only is a permission there, so what publishes must not have it. */
const NO_OVERWRITE = "the identity has Deploy without Delete/Overwrite, as one that publishes should";
const NOBODY = randomBytes(32).toString("base64");

const CLOUDS: readonly Cloud[] = [
  {
    name: "S3 (AWS)",
    variable: "KITESEAL_TEST_S3_URL",
    open: (address, options) => createS3Adapter(openPlace(address, options), S3_PARTS),
    stranger: {
      KITESEAL_AWS_ROLE_ARN: undefined,
      AWS_ROLE_ARN: undefined,
      AWS_PROFILE: undefined,
      AWS_SESSION_TOKEN: undefined,
      AWS_ACCESS_KEY_ID: env["AWS_ACCESS_KEY_ID"] ?? "AKIAIOSFODNN7EXAMPLE",
      AWS_SECRET_ACCESS_KEY: NOBODY,
    },
    parts: { bytesInParts: S3_PARTS.threshold + 1, whileHashing: true },
  },
  {
    name: "GCS (Google Cloud)",
    variable: "KITESEAL_TEST_GS_URL",
    open: openGcsAdapter,
    stranger: {
      KITESEAL_GCP_WORKLOAD_IDENTITY_PROVIDER: undefined,
      GOOGLE_APPLICATION_CREDENTIALS: undefined,
      BUILDKITE_GS_APPLICATION_CREDENTIALS_JSON: JSON.stringify({
        type: "authorized_user",
        client_id: "nobody.apps.googleusercontent.com",
        client_secret: NOBODY,
        refresh_token: NOBODY,
      }),
    },
    parts: { bytesInParts: WHOLE_BYTES + 1, whileHashing: false },
  },
  {
    name: "Azure (Azure)",
    variable: "KITESEAL_TEST_AZURE_URL",
    open: openAzureAdapter,
    stranger: {
      AZURE_CLIENT_ID: undefined,
      AZURE_CLIENT_SECRET: undefined,
      AZURE_CLIENT_CERTIFICATE_PATH: undefined,
      AZURE_FEDERATED_TOKEN_FILE: undefined,
      IDENTITY_ENDPOINT: undefined,
      MSI_ENDPOINT: undefined,
      BUILDKITE_AZURE_BLOB_CONNECTION_STRING: undefined,
      BUILDKITE_AZURE_BLOB_ACCESS_KEY: NOBODY,
    },
    parts: { bytesInParts: ONE_REQUEST_BYTES + 1, whileHashing: true },
  },
  {
    name: "Artifactory (Artifactory)",
    variable: "KITESEAL_TEST_RT_URL",
    open: openArtifactoryAdapter,
    stranger: {
      KITESEAL_ARTIFACTORY_OIDC_PROVIDER: undefined,
      KITESEAL_ARTIFACTORY_ACCESS_TOKEN: undefined,
      BUILDKITE_ARTIFACTORY_USER: "nobody",
      BUILDKITE_ARTIFACTORY_PASSWORD: NOBODY,
    },
    gaps: {
      store: new Map([
        ...ARTIFACTORY_GAPS,
        ["with overwrite replaces, and a get by the old pin does not return the new bytes", NO_OVERWRITE],
        ["makes an object of its own from that pin, or says that it cannot", NO_OVERWRITE],
      ]),
      adapter: new Map([["without ifAbsent it replaces", NO_OVERWRITE]]),
    },
  },
];

const run = randomBytes(8).toString("hex");
const tokens = (env["BUILDKITE_JOB_ID"] ?? "") === "" ? undefined : createTokenSource(env, {});
let places = 0;

for (const { name, variable, open, stranger, parts, gaps } of CLOUDS) {
  const url = env[variable] ?? "";
  if (url === "") continue;
  const options: AdapterOptions = { env, tokens, now: () => new Date() };
  const newPlace = (): StoreAddress => {
    places += 1;
    const address = parseStoreUrl(url);
    return { ...address, path: [address.path, `kiteseal-test-${run}`, String(places)].filter(Boolean).join("/") };
  };

  describeStoreContract(
    name,
    async () => {
      const address = newPlace();
      const refused = await open(address, { ...options, tokens: undefined, env: { ...env, ...stranger } });
      const { adapter, deny } = switchable(await open(address, options), refused);
      const location = { store: createStore(adapter, {}), prefix: `${address.path}/` };
      return { location, deny, close: async () => {}, ...parts };
    },
    gaps?.store,
  );

  describeAdapterContract(
    name,
    async () => {
      const address = newPlace();
      return { adapter: await open(address, options), prefix: `${address.path}/`, close: async () => {} };
    },
    gaps?.adapter,
  );
}
