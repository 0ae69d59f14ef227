// SPDX-License-Identifier: Apache-2.0
// The variables with which each store is given static credentials: those, and no others, may come from a secret.
import type { Scheme } from "./url.ts";

export const CREDENTIAL_VARIABLES: Readonly<Record<Scheme, readonly string[]>> = {
  file: [],
  s3: [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "BUILDKITE_S3_ACCESS_KEY_ID",
    "BUILDKITE_S3_ACCESS_KEY",
    "BUILDKITE_S3_SECRET_ACCESS_KEY",
    "BUILDKITE_S3_SECRET_KEY",
    "BUILDKITE_S3_SESSION_TOKEN",
  ],
  gs: ["BUILDKITE_GS_APPLICATION_CREDENTIALS_JSON"],
  azure: ["AZURE_CLIENT_SECRET", "BUILDKITE_AZURE_BLOB_CONNECTION_STRING", "BUILDKITE_AZURE_BLOB_ACCESS_KEY"],
  rt: ["KITESEAL_ARTIFACTORY_ACCESS_TOKEN", "BUILDKITE_ARTIFACTORY_USER", "BUILDKITE_ARTIFACTORY_PASSWORD"],
  https: [],
};
