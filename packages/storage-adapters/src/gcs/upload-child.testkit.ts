// SPDX-License-Identifier: Apache-2.0
// A process that hashes and uploads so many bytes through the whole transfer layer, and says how much memory it took.
// Arguments: endpoint, bucket, number of bytes.
import { createHash } from "node:crypto";
import { parseKey } from "@kiteseal/core/store";
import type { ByteRange, Source, SourceDigests } from "@kiteseal/core/store";
import { ownPeakBytes } from "../../../../test/support/own-peak.ts";
import { createStore } from "../transfer/store.ts";
import { openGcsAdapter } from "./adapter.ts";

const [endpoint = "", bucket = "", length = "0"] = process.argv.slice(2);
const size = Number(length);
const MIB = Uint8Array.from({ length: 1_048_576 }, (_, i) => i % 251);
const ctx = { now: () => new Date() };

async function* read(range: ByteRange): AsyncGenerator<Uint8Array> {
  for (let at = range.start; at < range.end; at += MIB.length)
    yield MIB.subarray(0, Math.min(MIB.length, range.end - at));
}

async function digest(partSize: number): Promise<SourceDigests> {
  const [whole, md5] = [createHash("sha256"), createHash("md5")];
  const sha256: string[] = [];
  for (let start = 0; start < size; start += partSize) {
    const part = createHash("sha256");
    for await (const chunk of read({ start, end: Math.min(size, start + partSize) })) {
      for (const hash of [whole, md5, part]) hash.update(chunk);
    }
    sha256.push(part.digest("hex"));
  }
  return { sha256: whole.digest("hex"), md5: md5.digest("hex"), parts: { size: partSize, sha256 } };
}

const adapter = await openGcsAdapter(
  { scheme: "gs", origin: "", bucket, path: "base", isDirectory: true },
  { env: { KITESEAL_GCS_ENDPOINT: endpoint }, now: ctx.now },
);
const store = createStore(adapter, {});
const began = performance.now();
const digests = await digest(store.digestPlan(size).partSize ?? size);
const hashed = performance.now();
const source: Source = { size, digests, open: (range) => read(range ?? { start: 0, end: size }) };
const stored = await store.put(parseKey("base/large"), { source }, ctx);
const ended = performance.now();
process.stdout.write(
  JSON.stringify({
    outcome: stored.outcome,
    size: stored.object.size,
    maxRssBytes: ownPeakBytes(),
    hashMs: hashed - began,
    uploadMs: ended - hashed,
  }),
);
