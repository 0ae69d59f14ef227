// SPDX-License-Identifier: Apache-2.0
// AssumeRoleWithWebIdentity at a server of another making, moto: the job's token becomes credentials with which its S3
// answers. moto asks nobody whether the token is good and enforces neither conditions nor checksums; that is asserted.
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { TokenSource } from "@kiteseal/core/store";
import { createAwsIdentity } from "../../packages/storage-adapters/src/credentials/aws.ts";
import type { AdapterOptions } from "../../packages/storage-adapters/src/adapter.ts";
import { openStore } from "../../packages/storage-adapters/src/index.ts";
import { expectCode, sourceOf, testContext } from "../../packages/storage-adapters/src/store-contract.testkit.ts";
import { moto } from "./moto.testkit.ts";
import type { Served } from "./process.testkit.ts";
import { PEERS } from "./programs.ts";

const ctx = testContext();
const REGION = "eu-central-1";
const ROLE = "arn:aws:iam::123456789012:role/publish";
const part = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString("base64url");
const TOKEN = `${part({ alg: "RS256" })}.${part({ iss: "https://agent.buildkite.com", aud: "sts.amazonaws.com" })}.c2ln`;

let server: Served;
let audiences: string[];
const tokens: TokenSource = (audience) => {
  audiences.push(audience);
  return Promise.resolve(TOKEN);
};

beforeAll(async () => {
  server = await moto();
  const credentials = { accessKeyId: "owner", secretAccessKey: "of-the-test" };
  const owner = new S3Client({ endpoint: server.origin, forcePathStyle: true, region: REGION, credentials });
  const CreateBucketConfiguration = { LocationConstraint: REGION } as const;
  await owner.send(new CreateBucketCommand({ Bucket: "artifacts", CreateBucketConfiguration }));
});
afterAll(() => server.stop());

function options(): AdapterOptions {
  audiences = [];
  const { origin } = server;
  return {
    env: {
      AWS_ENDPOINT_URL_STS: origin,
      AWS_ENDPOINT_URL_S3: origin,
      AWS_REGION: REGION,
      KITESEAL_AWS_ROLE_ARN: ROLE,
      BUILDKITE_JOB_ID: "0190-job",
    },
    tokens,
    now: () => new Date(),
  };
}

test("the job's token becomes credentials of the role, which end", async () => {
  const { credentials } = createAwsIdentity(options(), () => Promise.resolve(REGION));
  const given = await credentials();
  expect(audiences).toEqual(["sts.amazonaws.com"]);
  expect(given.accessKeyId).toMatch(/^ASIA/);
  expect(given.sessionToken).toEqual(expect.any(String));
  expect(given.expiration?.getTime()).toBeGreaterThan(Date.now());
});

test("a store asks with them, and what is not there is absent", async () => {
  const { store } = await openStore("s3://artifacts/base", options());
  expect(await store.head(parseKey("base/a"), ctx)).toBeUndefined();
  expect(audiences).toEqual(["sts.amazonaws.com"]);
});

describe(`gaps of moto ${PEERS.moto.version}`, () => {
  test("a token that nobody signed is accepted", async () => {
    const { credentials } = createAwsIdentity(options(), () => Promise.resolve(REGION));
    expect(await credentials()).toHaveProperty("secretAccessKey");
  });

  test("wrong checksums are accepted, so nothing is published there", async () => {
    const { store } = await openStore("s3://artifacts/base", options());
    await expectCode(store.put(parseKey("base/a"), { source: sourceOf("abc") }, ctx), "ERR_STORE_URL");
    expect(await store.head(parseKey("base/a"), ctx)).toBeUndefined();
  });
});
