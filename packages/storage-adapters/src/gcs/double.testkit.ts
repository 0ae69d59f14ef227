// SPDX-License-Identifier: Apache-2.0
// The double of Google Cloud Storage, opened as a store.
import { createHash } from "node:crypto";
import type { DigestPlan, Source } from "@kiteseal/core/store";
import { startGcsDouble } from "../../../../test/doubles/gcs/server.ts";
import type { GcsDouble, GcsDoubleOptions } from "../../../../test/doubles/gcs/server.ts";
import type { Adapter, AdapterOptions } from "../adapter.ts";
import type { StoreAddress } from "../url.ts";
import { openGcsAdapter } from "./adapter.ts";

export interface OpenedDouble {
  readonly double: GcsDouble;
  readonly adapter: Adapter;
}

export function gcsAddress(path = "base"): StoreAddress {
  return { scheme: "gs", origin: "", bucket: "bucket", path, isDirectory: true };
}

export function gcsOptions(url: string, changes: Partial<AdapterOptions> = {}): AdapterOptions {
  return {
    now: () => new Date("2026-11-21T12:00:00Z"),
    ...changes,
    env: { KITESEAL_GCS_ENDPOINT: url, ...changes.env },
  };
}

export async function openDouble(
  options: GcsDoubleOptions = {},
  changes: Partial<AdapterOptions> = {},
): Promise<OpenedDouble> {
  const double = await startGcsDouble(options);
  return { double, adapter: await openGcsAdapter(gcsAddress(), gcsOptions(double.url, changes)) };
}

/** A source with everything that `plan` asks for, as publish makes it. */
export function plannedSource(bytes: Uint8Array, plan: DigestPlan): Source {
  const hex = (algorithm: string, part: Uint8Array): string => createHash(algorithm).update(part).digest("hex");
  const { partSize } = plan;
  const parts = (size: number): string[] =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      hex("sha256", bytes.subarray(i * size, (i + 1) * size)),
    );
  return {
    size: bytes.length,
    digests: {
      sha256: hex("sha256", bytes),
      ...(plan.algorithms.includes("md5") ? { md5: hex("md5", bytes) } : {}),
      ...(partSize === undefined ? {} : { parts: { size: partSize, sha256: parts(partSize) } }),
    },
    async *open(range = { start: 0, end: bytes.length }) {
      for (let at = range.start; at < range.end; at += 1_048_576)
        yield bytes.subarray(at, Math.min(range.end, at + 1_048_576));
    },
  };
}

/** Bytes that differ from each other everywhere, so that a range in the wrong place shows. */
export function patternBytes(length: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i += 1) words[i] = Math.imul(i + seed, 2_654_435_761);
  return new Uint8Array(words.buffer, 0, length);
}
