// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from "vitest";
import { parseKey } from "@kiteseal/core/store";
import type { Source } from "@kiteseal/core/store";
import type { Adapter, Multipart } from "../adapter.ts";
import { openAzureAdapter } from "../azure/adapter.ts";
import { createFileAdapter } from "../file/adapter.ts";
import { openGcsAdapter } from "../gcs/adapter.ts";
import { openPlace } from "../s3/client.ts";
import { createS3Adapter } from "../s3/adapter.ts";
import { S3_SIZES } from "../s3/multipart.ts";
import { countParts, multipartFor, planDigests, planPart } from "./plan.ts";
import { createStore } from "./store.ts";

const MIB = 1_048_576;
const GIB = 1024 * MIB;
const ADDRESS = { scheme: "s3", origin: "", bucket: "b", path: "", isDirectory: true } as const;
const options = { env: { AWS_ENDPOINT_URL_S3: "http://127.0.0.1:1" }, now: () => new Date(0) };
const s3: Adapter = createS3Adapter(openPlace(ADDRESS, options), S3_SIZES);

function multipart(size: number): Multipart {
  return multipartFor(s3, size) ?? expect.fail("in one request");
}

describe("the plan", () => {
  test("is one request up to the threshold, and always where a store has no parts", () => {
    expect(planDigests(s3, 256 * MIB)).toEqual({ algorithms: ["sha256"] });
    expect(planDigests(s3, 256 * MIB + 1)).toEqual({ algorithms: ["sha256"], partSize: 16 * MIB });
    expect(planDigests(createFileAdapter("/x"), 20 * GIB)).toEqual({ algorithms: ["sha256"] });
  });

  test.each([20 * GIB, 156 * GIB, 157 * GIB, 5 * 1024 * GIB])("of %d bytes has parts within S3's limits", (size) => {
    const partSize = multipart(size).partSize(size);
    expect(Math.ceil(size / partSize)).toBeLessThanOrEqual(10_000);
    expect(partSize).toBeGreaterThanOrEqual(5 * MIB);
    expect(partSize).toBeLessThanOrEqual(5 * GIB);
    expect(partSize % MIB).toBe(0);
  });

  test("of 20 GiB and a byte covers each byte once, in order, the last part being the rest", () => {
    const size = 20 * GIB + 1;
    const partSize = multipart(size).partSize(size);
    const count = Math.ceil(size / partSize);
    expect(countParts({ size, partSize })).toBe(count);
    let position = 0;
    let index = 0;
    for (; index < count; index += 1) {
      const part = planPart({ size, partSize }, { index, sha256: String(index) });
      expect(part).toMatchObject({ index, sha256: String(index), isLast: index === count - 1 });
      expect(part.range.start).toBe(position);
      position = part.range.end;
    }
    expect(position).toBe(size);
    expect(index).toBe(1281);
  });

  test("has parts within each store's limits, up to the largest object, and refuses a larger one before it is hashed", async () => {
    const gcs = await openGcsAdapter(
      { scheme: "gs", origin: "", bucket: "b", path: "", isDirectory: true },
      { env: { KITESEAL_GCS_ENDPOINT: "http://127.0.0.1:1" }, now: () => new Date(0) },
    );
    const azure = await openAzureAdapter(
      { origin: "https://a.blob.core.windows.net", bucket: "b", path: "" },
      { env: {}, now: () => new Date(0) },
    );
    const stores = [
      { adapter: s3, parts: 10_000, largest: 5 * GIB },
      { adapter: gcs, parts: 10_000, largest: 5 * 1024 * GIB },
      { adapter: azure, parts: 50_000, largest: 4000 * MIB },
    ];
    for (const { adapter, parts, largest } of stores) {
      const max = adapter.maxBytes ?? 0;
      expect(max).toBeGreaterThanOrEqual(5 * 1024 * GIB);
      for (const size of [5 * GIB, 5 * GIB + 1, 5 * 1024 * GIB, max - 1, max]) {
        const { partSize = 0 } = planDigests(adapter, size);
        expect(Math.ceil(size / partSize)).toBeLessThanOrEqual(parts);
        expect(partSize).toBeLessThanOrEqual(largest);
      }
      expect(() => planDigests(adapter, max + 1)).toThrow(expect.objectContaining({ code: "ERR_LIMIT_EXCEEDED" }));
      const source: Source = { size: max + 1, digests: { sha256: "00" }, open: () => expect.fail("it was read") };
      const put = createStore(adapter, {}).put(parseKey("a"), { source }, { now: () => new Date(0) });
      await expect(put).rejects.toMatchObject({ code: "ERR_LIMIT_EXCEEDED" });
    }
  });

  test.each([-1, 3])("has no part %d of ten bytes in fours", (index) => {
    expect(() => planPart({ size: 10, partSize: 4 }, { index, sha256: "a" })).toThrow(RangeError);
  });
});
