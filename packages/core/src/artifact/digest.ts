// SPDX-License-Identifier: Apache-2.0
// Everything that will be asked of an artifact's bytes, in one reading of them: whole digests in several algorithms
// and the digests of the parts in which it will be uploaded. Large files are read ahead into a second buffer while the
// first is hashed. In a thread of its own if asked to, as the main one has other things to do meanwhile.
import { createHash, type Hash } from "node:crypto";
import type { Context } from "../context.ts";
import { KitesealError, quote } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { checkedRange, fileSource, openRegularFile, readable, throwIfInterrupted } from "./file.ts";
import type { FileSource, OpenFile } from "./file.ts";
import type { DigestPlan, HashAlgorithm, PartDigests, Source, SourceDigests, Unhashed } from "./source.ts";

/** The plan that verification and signing need: sha256 and nothing else. */
export const SHA256_PLAN: DigestPlan = { algorithms: ["sha256"] };

/** Digests of a stream that was read to its end. */
export interface StreamDigest {
  readonly size: number;
  readonly digests: SourceDigests;
}

/** The sha256 of bytes in memory, or of the UTF-8 of a text; 64 lower-case hex digits. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function isSha256Hex(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

interface Digester {
  update(bytes: Uint8Array): void;
  finish(): SourceDigests;
}

/** What may be done with a file while it is hashed. */
export interface FilePlan extends DigestPlan {
  /** Called with the digests of each part, in order, as soon as they are known; with `partSize` only. */
  readonly onPart?: (part: PartDigests) => void;
  /** The source gives these very bytes, and looks only whether the file is still the same. They stay in memory with it. */
  readonly keep?: boolean;
  /** Hash in a thread of its own: starting one takes as long as hashing some 30 MB. Nothing is kept then. */
  readonly inThread?: boolean;
}

/** Asked once the file is open. */
export type PlanOfFile = (file: Unhashed) => FilePlan;

/**
 * Hashes a file in one pass and returns it as a source that can be read again. Memory: two buffers of
 * LIMITS.hashBufferBytes at most, of which a file that is kept has to be smaller than one. Errors: ERR_NO_MATCH,
 * ERR_IS_DIRECTORY, ERR_UNREADABLE, ERR_FILE_CHANGED if the file changed meanwhile, ERR_INTERRUPTED.
 */
export async function digestFile(path: string, plan: FilePlan | PlanOfFile, ctx: Context): Promise<FileSource> {
  throwIfInterrupted(ctx);
  const file = await openRegularFile(path);
  try {
    const { identity } = file;
    const planned: FilePlan = typeof plan === "function" ? plan(readable(file)) : plan;
    const threaded = planned.inThread === true ? await import("./hash-thread.ts") : undefined;
    const { digests, whole } =
      (await threaded?.digestInThread(file, planned, ctx)) ?? (await digestOpened(file, planned, ctx));
    file.assertUnchanged(identity);
    return fileSource({ path, identity, digests }, whole);
  } finally {
    file.close();
  }
}

export interface DigestedFile {
  readonly digests: SourceDigests;
  /** With `keep` only. */
  readonly whole?: Uint8Array | undefined;
}

/** What digestFile does with a file that is open; in the thread too. Errors: ERR_FILE_CHANGED, ERR_UNREADABLE, ERR_INTERRUPTED. */
export async function digestOpened(
  file: OpenFile,
  { keep = false, ...plan }: FilePlan,
  ctx: Pick<Context, "signal" | "progress">,
): Promise<DigestedFile> {
  const { path, identity } = file;
  const total = Number(identity.size);
  const digester = createDigester(plan);
  let whole: Uint8Array | undefined;
  const size = await readAhead(file, (bytes, done) => {
    throwIfInterrupted(ctx);
    if (done > total) throw otherSize(path, { total, read: done });
    digester.update(bytes);
    if (keep && bytes.byteLength === total) whole = bytes;
    ctx.progress?.({ stage: "hash", subject: path, done, total, unit: "bytes" });
  });
  file.assertUnchanged(identity);
  if (size !== total) throw otherSize(path, { total, read: size });
  return { digests: digester.finish(), whole };
}

function otherSize(path: string, { total, read }: { total: number; read: number }): KitesealError {
  const found = read > total ? `at least ${read} could be read` : `${read} could be read`;
  return new KitesealError("ERR_FILE_CHANGED", `${quote(path)} had ${total} bytes, and ${found}`, {
    hint: "let the build finish writing its outputs before they are attested",
  });
}

/** Reads to the end, the next buffer while `use` works on this one; returns the number of bytes. */
async function readAhead(file: OpenFile, use: (bytes: Uint8Array, done: number) => void): Promise<number> {
  const size = Number(file.identity.size);
  // One byte more than the file has: reading less than was asked for shows the end without another call.
  const length = Math.min(LIMITS.hashBufferBytes, size + 1);
  const read = (buffer: Buffer): Promise<number> => file.read(buffer, length, null);
  let current = Buffer.allocUnsafe(length);
  let next = size < length ? current : Buffer.allocUnsafe(length);
  let done = 0;
  let bytesRead = await read(current);
  while (bytesRead > 0) {
    done += bytesRead;
    const ended = bytesRead < length && done >= size;
    if (ended) {
      use(current.subarray(0, bytesRead), done);
      break;
    }
    if (next === current) next = Buffer.allocUnsafe(length);
    const ahead = read(next);
    try {
      use(current.subarray(0, bytesRead), done);
    } catch (error) {
      // The buffer and the file belong to the read until it ends; how it ends no longer matters.
      await Promise.allSettled([ahead]);
      throw error;
    }
    [current, next] = [next, current];
    bytesRead = await ahead;
  }
  return done;
}

/** Digests and size of bytes that come from elsewhere, such as a store. Errors: the stream's own, ERR_INTERRUPTED. */
export async function digestStream(
  bytes: AsyncIterable<Uint8Array>,
  plan: DigestPlan,
  ctx: Context,
): Promise<StreamDigest> {
  const digester = createDigester(plan);
  let size = 0;
  for await (const chunk of bytes) {
    throwIfInterrupted(ctx);
    digester.update(chunk);
    size += chunk.byteLength;
  }
  return { size, digests: digester.finish() };
}

/** A source over bytes in memory, which the caller no longer changes. */
export function bytesSource(bytes: Uint8Array, plan: DigestPlan): Source {
  const digester = createDigester(plan);
  digester.update(bytes);
  return {
    size: bytes.byteLength,
    digests: digester.finish(),
    async *open(range) {
      const { start, end } = checkedRange(range, bytes.byteLength);
      if (end > start) yield bytes.subarray(start, end);
    },
  };
}

function createDigester(plan: Omit<FilePlan, "keep" | "inThread">): Digester {
  const whole = createHash("sha256");
  const others = plan.algorithms
    .filter((algorithm): algorithm is Exclude<HashAlgorithm, "sha256"> => algorithm !== "sha256")
    .map((algorithm) => [algorithm, createHash(algorithm)] as const);
  const parts = plan.partSize === undefined ? undefined : createPartDigester(plan.partSize, plan);
  return {
    update: (bytes) => {
      whole.update(bytes);
      for (const [, hash] of others) hash.update(bytes);
      parts?.update(bytes);
    },
    finish: () => ({
      sha256: whole.digest("hex"),
      ...Object.fromEntries(others.map(([algorithm, hash]) => [algorithm, hash.digest("hex")])),
      ...(parts && { parts: parts.finish() }),
    }),
  };
}

interface PartDigester {
  update(bytes: Uint8Array): void;
  finish(): NonNullable<SourceDigests["parts"]>;
}

/** No bytes are one empty part, as an upload in parts has at least one. */
function createPartDigester(
  partSize: number,
  { partMd5 = false, onPart }: Pick<FilePlan, "partMd5" | "onPart">,
): PartDigester {
  if (!Number.isSafeInteger(partSize) || partSize <= 0) throw new RangeError(`a part of ${partSize} bytes`);
  const sha256: string[] = [];
  const md5: string[] = [];
  let hash: Hash = createHash("sha256");
  let second = partMd5 ? createHash("md5") : undefined;
  let filled = 0;
  const end = (): void => {
    const part: PartDigests = { sha256: hash.digest("hex"), ...(second && { md5: second.digest("hex") }) };
    sha256.push(part.sha256);
    if (part.md5 !== undefined) md5.push(part.md5);
    hash = createHash("sha256");
    second &&= createHash("md5");
    filled = 0;
    onPart?.(part);
  };
  return {
    update: (bytes) => {
      for (let at = 0; at < bytes.byteLength;) {
        const piece = bytes.subarray(at, at + partSize - filled);
        hash.update(piece);
        second?.update(piece);
        filled += piece.byteLength;
        at += piece.byteLength;
        if (filled === partSize) end();
      }
    },
    finish: () => {
      if (filled > 0 || sha256.length === 0) end();
      return { size: partSize, sha256, ...(partMd5 && { md5 }) };
    },
  };
}
