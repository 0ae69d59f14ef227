// SPDX-License-Identifier: Apache-2.0
// What is signed here beside what the SDK signs of the same requests; a real server judges it in test/peers.
import { HeadObjectCommand, PutObjectCommand, S3Client, UploadPartCommand } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { createSigner, escaped } from "./signature.ts";

const keys = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret-of-the-test" };
const Bucket = "artifacts";

interface Caught {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the SDK would have sent. */
async function caught(send: (client: S3Client) => Promise<unknown>, sessionToken: string | undefined): Promise<Caught> {
  const sent = Promise.withResolvers<Caught>();
  const client = new S3Client({
    region: "eu-central-1",
    credentials: { ...keys, ...(sessionToken === undefined ? {} : { sessionToken }) },
    requestChecksumCalculation: "WHEN_REQUIRED",
    requestHandler: {
      handle: (request: Caught) => {
        sent.resolve(request);
        return Promise.reject(new Error("not sent"));
      },
    },
    maxAttempts: 1,
  });
  await send(client).catch(() => undefined);
  return sent.promise;
}

const UNUSUAL = "base/a b+c%d~é/(x)!'*;=&@:,$ü.tgz";
const ChecksumSHA256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

test.each([
  ["a look", (client: S3Client) => client.send(new HeadObjectCommand({ Bucket, Key: "base/a" })), undefined],
  [
    "a look at a version",
    (client: S3Client) => client.send(new HeadObjectCommand({ Bucket, Key: "base/a", VersionId: "a/b+c=" })),
    undefined,
  ],
  ["unusual names", (client: S3Client) => client.send(new HeadObjectCommand({ Bucket, Key: UNUSUAL })), undefined],
  [
    "a session",
    (client: S3Client) => client.send(new HeadObjectCommand({ Bucket, Key: "base/a" })),
    "session/token+of=the+test==",
  ],
  [
    "a create-only write with metadata",
    (client: S3Client) =>
      client.send(
        new PutObjectCommand({
          Bucket,
          Key: UNUSUAL,
          Body: Buffer.from(""),
          ChecksumSHA256,
          IfNoneMatch: "*",
          ContentType: "text/plain;  charset=utf-8",
          Metadata: { job: "01%C3%A9  x" },
        }),
      ),
    undefined,
  ],
  [
    "a part",
    (client: S3Client) =>
      client.send(
        new UploadPartCommand({ Bucket, Key: "a", UploadId: "x.y_z~-+/=", PartNumber: 7, Body: "x", ChecksumSHA256 }),
      ),
    undefined,
  ],
] as const)("%s is signed as the SDK signs it", async (_, send, session) => {
  const { method, path, query, headers } = await caught(send, session);
  const { authorization = "", "x-amz-date": date = "", "x-amz-security-token": _token, ...rest } = headers;
  const names = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(";") ?? [];
  const given = Object.fromEntries(Object.entries(rest).filter(([name]) => names.includes(name)));
  const at = new Date(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  const sign = createSigner("eu-central-1", () => Promise.resolve({ ...keys, sessionToken: session }));
  const ours = await sign({ method, hostname: given["host"] ?? "", path, query, headers: given }, at);
  expect(names).toContain("x-amz-content-sha256");
  expect(ours["authorization"]).toBe(authorization);
});

test("a key's path is escaped as the SDK escapes it", async () => {
  const { path } = await caught((client) => client.send(new HeadObjectCommand({ Bucket, Key: UNUSUAL })), undefined);
  expect(`/${UNUSUAL.split("/").map(escaped).join("/")}`).toBe(path);
});
