// SPDX-License-Identifier: Apache-2.0
// versitygw, a real server of S3's protocol, on a directory of its own: buckets are its folders.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";
import { BUCKET } from "./peer.testkit.ts";
import type { RealServer } from "./peer.testkit.ts";
import { serve } from "./process.testkit.ts";
import { peerProgram } from "./programs.ts";

const KEYS = { AWS_ACCESS_KEY_ID: "peer-key", AWS_SECRET_ACCESS_KEY: "peer-secret-of-the-test" } as const;
const REGION = "us-east-1";

export interface Versitygw extends RealServer {
  /** From here on it keeps every version. */
  keepVersions(bucket: string): Promise<void>;
}

/** `directory`: where the data lies; absent: a temporary one, removed at the end. */
export async function versitygw(directory?: string): Promise<Versitygw> {
  const root = directory ?? (await mkdtemp(join(tmpdir(), "kiteseal-versitygw-")));
  const data = join(root, "data");
  const versions = join(root, "versions");
  for (const folder of [join(data, BUCKET), versions]) await mkdir(folder, { recursive: true });
  const served = await serve({
    command: peerProgram("versitygw"),
    // Without --keep-alive it closes the connection after each answer, as S3 does not.
    args: (port) => ["--keep-alive", "--port", `127.0.0.1:${port}`, "posix", "--versioning-dir", versions, data],
    env: { ROOT_ACCESS_KEY: KEYS.AWS_ACCESS_KEY_ID, ROOT_SECRET_KEY: KEYS.AWS_SECRET_ACCESS_KEY },
  });
  const client = new S3Client({
    endpoint: served.origin,
    forcePathStyle: true,
    region: REGION,
    credentials: { accessKeyId: KEYS.AWS_ACCESS_KEY_ID, secretAccessKey: KEYS.AWS_SECRET_ACCESS_KEY },
  });
  const envBy = (origin: string) => ({ AWS_ENDPOINT_URL_S3: origin, AWS_REGION: REGION, ...KEYS });
  return {
    origin: served.origin,
    url: `s3://${BUCKET}`,
    env: envBy(served.origin),
    envBy,
    endpoint: served.origin,
    account: KEYS.AWS_ACCESS_KEY_ID,
    secret: KEYS.AWS_SECRET_ACCESS_KEY,
    makeBucket: async (name) => {
      await mkdir(join(data, name));
      return `s3://${name}`;
    },
    keepVersions: async (Bucket) => {
      const VersioningConfiguration = { Status: "Enabled" } as const;
      await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    },
    stop: async () => {
      client.destroy();
      await served.stop();
      if (directory === undefined) await rm(root, { recursive: true, force: true });
    },
  };
}
