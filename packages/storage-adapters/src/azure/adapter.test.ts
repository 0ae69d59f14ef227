// SPDX-License-Identifier: Apache-2.0
// What a real azurite does beyond the contract.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BlobServiceClient } from "@azure/storage-blob";
import { parseKey } from "@kiteseal/core/store";
import type { Key, PartDigests } from "@kiteseal/core/store";
import { expectKind, putRequest } from "../adapter-contract.testkit.ts";
import type { Adapter, MultipartRequest, PutRequest, SentPart } from "../adapter.ts";
import { readAll, sha256, testContext } from "../store-contract.testkit.ts";
import { planPart } from "../transfer/plan.ts";
import { openAzureAdapter } from "./adapter.ts";
import type { AzureOptions } from "./adapter.ts";
import { startAzurite } from "./azurite.testkit.ts";
import type { Azurite } from "./azurite.testkit.ts";
import { blockId } from "./blocks.ts";

const ctx = testContext();
let azurite: Azurite;
let service: BlobServiceClient;
let containers = 0;

beforeAll(async () => {
  azurite = await startAzurite();
  service = BlobServiceClient.fromConnectionString(azurite.connectionString);
});
afterAll(() => azurite.close());

async function newContainer(): Promise<{ adapter: Adapter; name: string; close: () => Promise<void> }> {
  containers += 1;
  const name = `store-${containers}`;
  await service.createContainer(name);
  return { adapter: await open(name), name, close: async () => void (await service.deleteContainer(name)) };
}

function open(container: string, options: Partial<AzureOptions> = {}): Promise<Adapter> {
  return openAzureAdapter(
    { origin: `https://${azurite.account}.blob.core.windows.net`, bucket: container, path: "some/prefix" },
    {
      env: { BUILDKITE_AZURE_BLOB_CONNECTION_STRING: azurite.connectionString },
      now: () => new Date(),
      ...options,
    },
  );
}

describe("azurite", () => {
  const key = (name: string): Key => parseKey(`some/prefix/${name}`);
  const large = (seed: number): Uint8Array => Uint8Array.from({ length: 9 * 1024 * 1024 }, (_, i) => (i * seed) % 251);
  const whole = (bytes: Uint8Array, name: string): PutRequest =>
    putRequest(key(name), "", {
      size: bytes.length,
      digests: { sha256: sha256(bytes) },
      async *body() {
        yield bytes;
      },
    });

  const inParts = (request: PutRequest, partSize: number): MultipartRequest & Pick<PutRequest, "digests"> => {
    const { key, size, digests, ifAbsent, contentType, metadata } = request;
    return { key, size, digests, ifAbsent, contentType, metadata, partSize };
  };

  test("takes a large object without part digests in blocks, create-only", async () => {
    const { adapter, close } = await newContainer();
    const { object } = await adapter.putWhole(whole(large(7), "large"), ctx);
    const hash = createHash("sha256");
    for await (const chunk of adapter.get({ object, range: { start: 0, end: object.size } }, ctx)) hash.update(chunk);
    expect(hash.digest("hex")).toBe(sha256(large(7)));
    await expectKind(adapter.putWhole(whole(large(3), "large"), ctx), "AlreadyExists");
    await close();
  });

  test("20 writers in blocks at once: one wins, and its bytes are not mixed with others", async () => {
    const { adapter, close } = await newContainer();
    const { multipart } = adapter;
    if (multipart === undefined) throw new Error("no multipart");
    const race = async (writer: number): Promise<string> => {
      const texts = [`${writer}:first `, `${writer}:last`];
      const content = texts.join("");
      const request = inParts(putRequest(key("race"), content), 8);
      const handle = await multipart.begin(request, ctx);
      const parts: SentPart[] = [];
      for (const [index, text] of texts.entries()) {
        const start = index === 0 ? 0 : content.length - text.length;
        const part = { index, range: { start, end: start + text.length }, sha256: sha256(text), isLast: index === 1 };
        const bytes = putRequest(key("race"), text);
        parts.push(await multipart.putPart(handle, { ...part, body: () => bytes.body() }, ctx));
      }
      await multipart.complete({ request, digests: request.digests, handle, parts }, ctx);
      return content;
    };
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => race(i)));
    const winners = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    expect(winners).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ kind: "AlreadyExists" });
    }
    const object = await adapter.head(key("race"), ctx);
    expect(await readAll(adapter.get({ object, range: { start: 0, end: object.size } }, ctx))).toBe(winners[0]);
    await close();
  });

  test("resumes with the blocks that are there under their content's names, and with no others", async () => {
    const { adapter, name, close } = await newContainer();
    const bytes = large(5);
    const parts = [bytes.subarray(0, 8_388_608), bytes.subarray(8_388_608)];
    const digests = { sha256: sha256(bytes), parts: { size: 8_388_608, sha256: parts.map((part) => sha256(part)) } };
    const request = { ...inParts(whole(bytes, "resumed"), 8_388_608), digests };
    const multipart = adapter.multipart;
    if (multipart === undefined) throw new Error("no multipart");
    const first = parts[0] ?? new Uint8Array();
    const blob = service.getContainerClient(name).getBlockBlobClient(request.key);
    await blob.stageBlock(
      blockId({ index: 0, sha256: digests.parts.sha256[0] ?? "" }),
      Buffer.from(first),
      first.length,
    );
    await blob.stageBlock(blockId({ index: 1, sha256: sha256("of somebody else") }), Buffer.from("x"), 1);
    const resumed = await multipart.resume(request, undefined, ctx);
    const planned = digests.parts.sha256.map((hex, index) => planPart(request, { index, sha256: hex }));
    const receipts = planned.map((part) => resumed?.receiptOf(part));
    expect(receipts).toEqual([expect.any(String), undefined]);
    const handle = resumed?.handle ?? (await multipart.begin(request, ctx));
    const range = { start: 8_388_608, end: bytes.length };
    const second = await multipart.putPart(
      handle,
      {
        index: 1,
        range,
        sha256: digests.parts.sha256[1] ?? "",
        isLast: true,
        async *body() {
          yield parts[1] ?? new Uint8Array();
        },
      },
      ctx,
    );
    const sent = [{ index: 0, receipt: receipts[0] ?? "" }, second];
    const { object } = await multipart.complete({ request, digests, handle, parts: sent }, ctx);
    expect(await adapter.head(request.key, ctx)).toEqual(object);
    const hash = createHash("sha256");
    for await (const chunk of adapter.get({ object, range: { start: 0, end: object.size } }, ctx)) hash.update(chunk);
    expect(hash.digest("hex")).toBe(digests.sha256);
    await close();
  });

  const putOnly = async (digests: PartDigests): Promise<unknown> => {
    const { adapter, close } = await newContainer();
    const bytes = large(9);
    const part = { index: 0, range: { start: 0, end: bytes.length }, ...digests, isLast: true };
    async function* body(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(bytes);
    }
    const handle = { key: key("one-part"), id: "", isPublic: true };
    try {
      return await adapter.multipart?.putPart(handle, { ...part, body }, ctx);
    } finally {
      await close();
    }
  };
  const md5 = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex");

  test("sends the md5 that a part was hashed to, not that of what is read now", async () => {
    const hashed = sha256(large(9));
    await expectKind(putOnly({ sha256: hashed, md5: md5(large(5)) }), "ChecksumRejected");
    expect(await putOnly({ sha256: hashed, md5: md5(large(9)) })).toMatchObject({ index: 0 });
  });

  test("compares parts itself where the endpoint is not Azure's", async () => {
    await expectKind(putOnly({ sha256: sha256(large(5)), md5: md5(large(9)) }), "ChecksumRejected");
  });

  test("completing with a block that is not there is UploadGone", async () => {
    const { adapter, close } = await newContainer();
    const request = inParts(whole(large(5), "gone"), 8_388_608);
    const parts = [{ index: 0, receipt: blockId({ index: 0, sha256: sha256("never sent") }) }];
    const complete = adapter.multipart?.complete(
      { request, digests: request.digests, handle: { key: request.key, id: "", isPublic: true }, parts },
      ctx,
    );
    await expectKind(Promise.resolve(complete), "UploadGone");
    await close();
  });

  test("diagnose calls a public container dangerous, a private one not, a missing one broken", async () => {
    const { adapter, name, close } = await newContainer();
    const severity = async (id: string, asked = adapter): Promise<string | undefined> =>
      (await asked.diagnose(ctx)).find((finding) => finding.id === id)?.severity;
    expect(await severity("azure.public-access")).toBe("ok");
    expect(await severity("azure.create-only")).toBe("ok");
    expect(await severity("azure.checksums")).toBe("ok");
    await service.getContainerClient(name).setAccessPolicy("container");
    expect(await severity("azure.public-access")).toBe("dangerous");
    expect(await severity("azure.container", await open("not-there"))).toBe("broken");
    await close();
  });

  test("absence of the container is no proof of absence of the blob", async () => {
    const adapter = await open("not-there");
    await expectKind(adapter.head(key("a"), ctx), "Unsupported");
  });
});
