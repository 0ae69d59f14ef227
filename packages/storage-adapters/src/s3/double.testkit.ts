// SPDX-License-Identifier: Apache-2.0
// An S3 adapter on the double, as the tests of this folder open it.
import { ACCESS_KEY } from "../../../../test/doubles/s3/server.ts";
import type { S3Double } from "../../../../test/doubles/s3/server.ts";
import type { Adapter, AdapterOptions, WriteSettings } from "../adapter.ts";
import { testContext } from "../store-contract.testkit.ts";
import { createS3Adapter } from "./adapter.ts";
import { openPlace } from "./client.ts";
import { S3_SIZES } from "./multipart.ts";
import type { MultipartSizes } from "./multipart.ts";

const ctx = testContext();
export const pace = { attempts: 4, baseMs: 1, maxWaitMs: 5 };
/** Small enough for parts of small objects. */
export const SMALL: MultipartSizes = { threshold: 1000, partSize: 400 };
export const ADDRESS = { scheme: "s3", origin: "", path: "base", isDirectory: true } as const;

export function adapterOf(
  double: S3Double,
  options: { sizes?: MultipartSizes; write?: WriteSettings; env?: AdapterOptions["env"]; idleMs?: number } = {},
): Adapter {
  const env = {
    AWS_ENDPOINT_URL_S3: double.endpoint,
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: "double-secret",
    ...options.env,
  };
  const place = openPlace(
    { ...ADDRESS, bucket: double.bucketName },
    {
      env,
      now: () => ctx.now(),
      write: options.write,
      ...(options.idleMs === undefined ? {} : { idleMs: options.idleMs }),
    },
  );
  return createS3Adapter(place, options.sizes ?? S3_SIZES);
}
